//! What can be wrong with a file of biases.

use super::VERSION;
use nnn_files::counted;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A file of biases that cannot be used: which one, and why.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct BiasFileError {
    /// The file.
    pub path: PathBuf,
    /// What was found in it and what was expected.
    pub problem: BiasProblem,
}

impl BiasFileError {
    /// What is wrong with a file.
    #[must_use]
    pub fn new(path: &Path, problem: impl Into<BiasProblem>) -> Self {
        Self {
            path: path.to_path_buf(),
            problem: problem.into(),
        }
    }
}

/// What is wrong with it. Rows count from zero.
#[derive(Debug, Error)]
pub enum BiasProblem {
    /// It cannot be opened, read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is no parquet file, or a damaged one.
    #[error("not a readable .parquet file: {0}")]
    Malformed(String),
    /// It is a parquet file of something else.
    #[error("not a file of biases as `runner bias` writes them: {0}")]
    Foreign(String),
    /// It has the form of another version.
    #[error("a file of biases in form {found}, expected {VERSION}; compute it anew")]
    Version {
        /// The form found.
        found: String,
    },
    /// A bias is no number that can be subtracted.
    #[error("row {row} (id {id}) has bias {value}, expected a finite number")]
    NotFinite {
        /// The row.
        row: usize,
        /// The item's id.
        id: String,
        /// The value found.
        value: f32,
    },
    /// Its rows are not those that were written.
    #[error(
        "its rows have checksum {found}, expected {expected}: the file is damaged; compute it anew"
    )]
    Damaged {
        /// What the file says.
        expected: String,
        /// What its rows have.
        found: String,
    },
    /// Rows with ids after rows without, or the other way round.
    #[error("{} with ids and others without cannot stand in one file", counted(*rows, "item"))]
    MixedIds {
        /// How many came.
        rows: usize,
    },
}

impl From<parquet::errors::ParquetError> for BiasProblem {
    fn from(error: parquet::errors::ParquetError) -> Self {
        match error {
            parquet::errors::ParquetError::External(inner) => {
                match inner.downcast::<std::io::Error>() {
                    Ok(error) => Self::Io(*error),
                    Err(other) => Self::Malformed(other.to_string()),
                }
            }
            other => Self::Malformed(other.to_string()),
        }
    }
}
