//! What can go wrong.

use std::path::PathBuf;

use crate::limits::IMAGE_SIZES;

/// Errors of generating and of reading back a data set.
#[derive(Debug, thiserror::Error)]
pub enum BlocksError {
    /// Pictures of that size cannot be drawn.
    #[error("image size: expected {} to {} pixels, found {found}", IMAGE_SIZES.start(), IMAGE_SIZES.end())]
    ImageSize {
        /// The size asked for.
        found: u32,
    },
    /// A split's name would not be a plain folder name.
    #[error("split name: expected lower-case letters, digits and `-`, found {found:?}")]
    SplitName {
        /// The name asked for.
        found: String,
    },
    /// Two splits of one name would overwrite each other.
    #[error("split {name:?} is listed twice")]
    DuplicateSplit {
        /// The name.
        name: String,
    },
    /// A file or folder could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A picture could not be encoded or decoded.
    #[error("{path}: {source}")]
    Image {
        /// The picture's file.
        path: PathBuf,
        /// The codec's reason.
        source: image::ImageError,
    },
    /// The caption table could not be written or read.
    #[error("{path}: {source}")]
    Captions {
        /// The table.
        path: PathBuf,
        /// The CSV reader's or writer's reason.
        source: csv::Error,
    },
}
