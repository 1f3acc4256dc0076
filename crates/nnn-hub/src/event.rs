//! What a download has to tell while it runs.

use std::path::Path;
use std::time::Duration;

/// Something that happened on the way.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// Bytes of a file begin to arrive.
    Start {
        /// The file's name on the card.
        name: &'a str,
        /// Its size, where known.
        total: Option<u64>,
        /// What an earlier, broken transfer left.
        have: u64,
    },
    /// More bytes have arrived.
    Bytes(u64),
    /// A transfer failed in a way that may pass, and is tried again.
    Retry {
        /// The file's name on the card.
        name: &'a str,
        /// What happened.
        reason: &'a str,
        /// The pause before the next try.
        wait: Duration,
    },
    /// Another process is fetching the same file.
    Waiting {
        /// The file's name on the card.
        name: &'a str,
        /// What the other process holds.
        lock: &'a Path,
    },
    /// The file is whole.
    Done {
        /// The file's name on the card.
        name: &'a str,
    },
}
