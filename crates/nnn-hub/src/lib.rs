//! Files from model hubs and plain URLs: resumed, checksummed, cached.
//!
//! [`Hub::open`] gives the path of a [`RemoteFile`](nnn_files::RemoteFile), after fetching it if it is not there yet.
//! Files of a hub repository lie in the cache that the Python tools use (`blobs`, `snapshots`, `refs`), so that each finds
//! what the other fetched. Other files lie below a folder of their own, by their address. Where neither a card nor the
//! hub knows a checksum, the one at the first download is recorded and expected from then on.
//!
//! [`Hub::list`] gives the files of a repository and its commit, for checkpoints of which no card lists them.
//!
//! A file appears under its name only when it is whole and its checksum is right. Broken transfers go on where they
//! stopped, in this process or in the next; two processes that want one file take turns. The token goes to the hub's own
//! address and nowhere else, and is in no message.
//!
//! Proxies and certificates are those of the environment ([`Network`]).
//!
//! Addresses, and the names of files in the cache, come from `hf-hub`. The transfer is our own, on `ureq`, which `hf-hub`
//! uses too: that of `hf-hub` 0.5 sends the token on to wherever the hub redirects, checks no checksum, and drops
//! `Retry-After`.

mod cache;
mod error;
mod event;
mod http;
mod hub;
mod listing;
mod network;
mod retry;
mod settings;
mod transfer;

pub use error::{HubError, Refusal, elsewhere};
pub use event::Event;
pub use hub::{Hub, Local, State};
pub use listing::Listing;
pub use network::Network;
pub use retry::Patience;
pub use settings::{Settings, Token};
