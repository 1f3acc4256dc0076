//! What can go wrong with files that are handed over.

use crate::forms::{Form, FormError};
use crate::ids::Id;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why something cannot be exported or read back.
#[derive(Debug, Error)]
pub enum ExportError {
    /// A file cannot be opened, read or written.
    #[error("{}: {problem}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        problem: io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: {problem}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What was found and expected.
        problem: String,
    },
    /// An item's bias has no place in the form.
    #[error("row {row} (id {id}): {problem}")]
    Bias {
        /// The item's row, from zero.
        row: u64,
        /// Its id.
        id: Id,
        /// What is wrong.
        problem: FormError,
    },
    /// The constants cannot be made.
    #[error(transparent)]
    Form(#[from] FormError),
    /// Two items have one id.
    #[error(
        "rows {} and {} of the gallery have the same id {id:?}; an engine would keep one of them", rows[0], rows[1]
    )]
    SameId {
        /// Both rows, from zero.
        rows: [usize; 2],
        /// The id.
        id: String,
    },
    /// Vectors that pgvector cannot hold were to go there.
    #[error(
        "the items have {dim} coordinates, but `vector` of pgvector holds {limit}; reduce the vectors' dimension or choose \
         another format"
    )]
    BeyondPgvector {
        /// Coordinates of an item, with those appended.
        dim: usize,
        /// How many it holds.
        limit: usize,
    },
    /// Moved vectors have unit length, where all forms rank alike, or none at all, which is right for inner products only.
    #[error(
        "row {row} (id {id}) has length 0 once it is moved, which has no place in the form {}; use the form ip", form.name()
    )]
    NoDirection {
        /// The item's row, from zero.
        row: u64,
        /// Its id.
        id: Id,
        /// The form.
        form: Form,
    },
    /// The rows are not as many as was said before.
    #[error("{found} rows arrived, expected {expected}")]
    Count {
        /// How many arrived.
        found: u64,
        /// How many were announced.
        expected: u64,
    },
}

impl ExportError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |problem| Self::Io { path, problem }
    }

    pub(crate) fn unusable(path: &Path, problem: impl ToString) -> Self {
        Self::Unusable {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }
}
