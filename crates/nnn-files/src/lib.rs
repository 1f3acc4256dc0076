//! The ground that every crate with files stands on, so that none needs the data crate for it.
//!
//! [`write_atomically`] makes a file whole or leaves it absent, [`Sha256`] and [`sha256_file`] say what it holds,
//! [`RemoteFile`] says where one is to be had, [`nearby`] what a missing one may have been meant to be, [`hint()`] what a wrong name was,
//! [`contained()`] keeps the panics of libraries in, [`read_text`] takes byte order marks off, and [`counted`] puts counts into messages.

mod atomic;
mod checksum;
mod contained;
mod hint;
mod near;
#[cfg(feature = "parquet")]
mod parquet;
mod remote;
mod short;
mod text;
mod words;

pub use atomic::{
    WholeFile, abandon_temporary_files, is_temporary, remove_abandoned, sync_folder,
    write_atomically, write_unsynced,
};
pub use checksum::{Sha256, sha256_bytes, sha256_file, sha256_raw};
pub use contained::contained;
pub use hint::{hint, unknown};
pub use near::{LFS_POINTER, folded, names_in, nearby};
#[cfg(feature = "parquet")]
pub use parquet::CheckedParquet;
pub use remote::{
    HubFile, HubSource, RemoteError, RemoteFile, RemotePlace, RemoteSource, RepoKind, UrlSource,
    remote_files,
};
pub use short::short_name;
pub use text::{open_text, read_text, without_mark};
pub use words::{counted, plural};
