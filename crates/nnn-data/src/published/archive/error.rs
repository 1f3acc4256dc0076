//! What can be wrong with archives.

use crate::FileError;
use std::path::PathBuf;
use thiserror::Error;

/// Why an archive, or one entry of it, is not read.
#[derive(Debug, Error)]
#[error("{}{}: {problem}", archive.display(), named(entry.as_deref()))]
pub struct ArchiveError {
    /// The archive.
    pub archive: PathBuf,
    /// The entry's name as written, if it is about one.
    pub entry: Option<String>,
    /// What is wrong.
    pub problem: ArchiveProblem,
}

fn named(entry: Option<&str>) -> String {
    entry.map_or_else(String::new, |name| format!(", entry {name:?}"))
}

/// Why entries were not all handed on: through the archive, or through whoever took them.
#[derive(Debug)]
pub(crate) enum TakeError {
    Archive(ArchiveError),
    Taker(FileError),
}

impl From<ArchiveError> for TakeError {
    fn from(error: ArchiveError) -> Self {
        Self::Archive(error)
    }
}

/// What is wrong with an archive or an entry.
#[derive(Debug, Error)]
pub enum ArchiveProblem {
    /// The name has another ending.
    #[error("no kind of archive that is known, expected {}", super::KINDS)]
    UnknownKind,
    /// The archive is cut off, damaged or something else.
    #[error("not readable as {kind}: {problem}")]
    Damaged {
        /// The kind that its name says.
        kind: &'static str,
        /// What its reader says.
        problem: String,
    },
    /// The archive ends before the entry does.
    #[error("the archive ends within it")]
    Truncated,
    /// The name is absolute, has a drive letter or climbs out with `..`.
    #[error("its name would leave the folder that it is extracted to")]
    Escapes,
    /// A symbolic or hard link, a device or the like.
    #[error("it is {found}, expected a plain file")]
    NotAFile {
        /// What it is.
        found: &'static str,
    },
    /// The content is encrypted.
    #[error("it is encrypted")]
    Encrypted,
    /// Compressed in a way that is not read.
    #[error("it is compressed as {found}, expected Stored or Deflated")]
    Compression {
        /// The method.
        found: String,
    },
    /// Larger than an image is.
    #[error("it has {found} bytes, more than the limit of {limit}")]
    TooLarge {
        /// Its size.
        found: u64,
        /// The limit.
        limit: u64,
    },
    /// So strongly compressed that it must be meant to fill a disk.
    #[error("{packed} bytes grow to {size}, more than {limit} times as many")]
    Bomb {
        /// Size in the archive.
        packed: u64,
        /// Size outside.
        size: u64,
        /// The largest ratio that is accepted.
        limit: u64,
    },
    /// More content than the archive says.
    #[error("it has more than the {announced} bytes that the archive announces")]
    Longer {
        /// The size announced.
        announced: u64,
    },
    /// Less content than the archive says.
    #[error("it ends after {found} of {announced} bytes")]
    Shorter {
        /// The size found.
        found: u64,
        /// The size announced.
        announced: u64,
    },
    /// Two entries could be meant.
    #[error("image {image:?} is this and also {other:?}")]
    Ambiguous {
        /// The image.
        image: String,
        /// The other entry.
        other: String,
    },
    /// Two entries have one name.
    #[error("two entries are called so")]
    Twice,
    /// No image in a row of a parquet file.
    #[error("{0}")]
    Row(String),
}
