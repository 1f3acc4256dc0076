//! What can go wrong between records and files.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

/// A results file that cannot be written, read or understood.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file system refused to write: disk full, no permission, a folder where the file should go.
    #[error("{}: cannot be written", path.display())]
    Write {
        /// The file, or the folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file system refused to read.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The file, or the folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder holds no scores: not a results folder, or the run has not finished.
    #[error("{}: neither scores.parquet nor scores.csv is there", folder.display())]
    NoScores {
        /// The folder looked into.
        folder: PathBuf,
    },
    /// The columns could not be turned into a file.
    #[error("{}: cannot be encoded", path.display())]
    Encode {
        /// The file that was to be written.
        path: PathBuf,
        /// What the library said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The file is no table of the expected format, or a column is missing or of another type.
    #[error("{}: is not a table that this version writes; if it is not damaged, run its config again", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What the library said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A value that every row has is absent.
    #[error("{}: row {row} has no `{column}`", path.display())]
    NoValue {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The row, from 1, the header not counted.
        row: usize,
    },
    /// Columns of one table differ in length.
    #[error("{what}: expected {expected} values, received {received}")]
    Length {
        /// The column or list.
        what: String,
        /// The length it should have.
        expected: usize,
        /// The length it has.
        received: usize,
    },
}

impl ReportError {
    /// Wraps what writing `path` reported.
    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Write {
            path: path.to_owned(),
            source,
        }
    }

    /// Wraps what reading `path` reported.
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read {
            path: path.to_owned(),
            source,
        }
    }

    /// Wraps what encoding for `path` reported.
    pub(crate) fn encode<E: Into<Box<dyn Error + Send + Sync>>>(
        path: &Path,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Encode {
            path: path.to_owned(),
            source: source.into(),
        }
    }

    /// Wraps what decoding `path` reported.
    pub(crate) fn parse<E: Into<Box<dyn Error + Send + Sync>>>(
        path: &Path,
    ) -> impl FnOnce(E) -> Self {
        move |source| Self::Parse {
            path: path.to_owned(),
            source: source.into(),
        }
    }
}
