//! What can be wrong with a file of embeddings, indices, labels or relevance.

use crate::text::NoText;
use nnn_core::{EmbeddingError, RelevanceError};
use nnn_files::counted;
use std::fmt::{self, Write as _};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A file that cannot be used: which one, and why.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct FileError {
    /// The file as it was asked for.
    pub path: PathBuf,
    /// What was found in it and what was expected.
    pub problem: FileProblem,
}

impl FileError {
    pub(crate) fn new(path: &Path, problem: impl Into<FileProblem>) -> Self {
        let mut problem = problem.into();
        if let FileProblem::Malformed { detail, .. } = &mut problem {
            // Every parser words this differently, and none says it.
            if fs::metadata(path).is_ok_and(|it| it.is_file() && it.len() == 0) {
                "the file is empty".clone_into(detail);
            }
        }
        Self {
            path: path.to_path_buf(),
            problem,
        }
    }
}

/// What is wrong with a file. Rows and columns count from zero, lines of text from one.
#[derive(Debug, Error)]
pub enum FileProblem {
    /// The file cannot be opened or read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The extension belongs to no format that can hold what was asked for.
    #[error("unknown extension {found:?}, expected {expected}")]
    UnknownFormat {
        /// The extension found, empty where there is none.
        found: String,
        /// The extensions supported for this purpose.
        expected: &'static str,
    },
    /// The content is not what the extension promises.
    #[error("not a readable {format} file: {detail}")]
    Malformed {
        /// The format's usual extension.
        format: &'static str,
        /// What the parser says.
        detail: String,
    },
    /// The file ends before its data does.
    #[error("truncated: found {found} bytes of data, expected {expected}")]
    Truncated {
        /// Bytes of data present.
        found: u64,
        /// Bytes of data that the header promises.
        expected: u64,
    },
    /// The values are of a type that does not serve.
    #[error("values of type {found}, expected {expected}")]
    WrongType {
        /// The type found, as the format spells it.
        found: String,
        /// The types that serve.
        expected: &'static str,
    },
    /// The array has the wrong number of dimensions.
    #[error("shape {}, expected {expected}", shape_text(found))]
    WrongShape {
        /// The shape found.
        found: Vec<u64>,
        /// The shape that serves.
        expected: &'static str,
    },
    /// The shape needs more memory than there is.
    #[error("{values} values do not fit in memory")]
    TooLarge {
        /// Number of values that the header promises.
        values: u64,
    },
    /// No array, column or member bears the name asked for.
    #[error("no key {key:?}; the file holds {}", names_text(present))]
    MissingKey {
        /// The name asked for.
        key: String,
        /// What exists, sorted.
        present: Vec<Held>,
    },
    /// The file holds several arrays or columns that may be meant, and none was chosen.
    #[error("a key is needed to choose among {}", names_text(present))]
    KeyNeeded {
        /// Those that may be meant.
        present: Vec<Held>,
    },
    /// The file holds arrays or columns, and none of them serves.
    #[error("expected {expected}; the file holds only {}", names_text(present))]
    NoneFits {
        /// What would serve.
        expected: &'static str,
        /// What there is.
        present: Vec<Held>,
    },
    /// Vectors of another length than those of the part before.
    #[error("vectors of dimension {found}, but {} has dimension {expected}", first.display())]
    Dimension {
        /// Their length.
        found: usize,
        /// Length of the vectors before them.
        expected: usize,
        /// The part that these are in.
        first: PathBuf,
    },
    /// What is there cannot be used; the text says why and what to do.
    #[error("{0}")]
    Unusable(String),
    /// A key was given for a format that holds one array without a name.
    #[error(
        "key {key:?} given, but a {format} file holds one array without a name; remove the key"
    )]
    KeyNotUsed {
        /// The name asked for.
        key: String,
        /// The format's usual extension.
        format: &'static str,
    },
    /// A finite f64 lies beyond the range of f32.
    #[error("row {row}, column {column} is {value:e}, beyond the range of f32 (3.4028235e38)")]
    Overflow {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The value found.
        value: f64,
    },
    /// A list has another length than the first.
    #[error("row {row} holds {}, expected {expected} as in row 0", counted(*found, "value"))]
    Ragged {
        /// The row.
        row: usize,
        /// Its length.
        found: usize,
        /// Length of the first row.
        expected: usize,
    },
    /// A value is absent, or a list is absent or empty.
    #[error("row {row} holds a null or an empty list, expected {expected}")]
    Null {
        /// The row.
        row: usize,
        /// What should be there.
        expected: &'static str,
    },
    /// A value is no index.
    #[error("row {row} is {value}, expected an integer from 0 to 4294967295")]
    BadIndex {
        /// The row.
        row: usize,
        /// The value found.
        value: String,
    },
    /// A value of a mask is neither 0 nor 1.
    #[error("entry {entry} is {value}, expected 0 or 1")]
    BadFlag {
        /// The entry, row after row.
        entry: usize,
        /// The value found.
        value: String,
    },
    /// A line of a text file does not say what it should.
    #[error("line {line}: {detail}")]
    Line {
        /// The line, from one.
        line: u64,
        /// What was found and expected.
        detail: String,
    },
    /// A judgement cannot be used.
    #[error("{place}: {detail}")]
    Judgement {
        /// Its line, or its query.
        place: String,
        /// What was found and expected.
        detail: String,
    },
    /// No query has an answer.
    #[error("none of {} has a relevant gallery item (a grade above 0)", counted(*queries, "query"))]
    NothingRelevant {
        /// Number of queries.
        queries: usize,
    },
    /// The number of entries is not that of the items that they belong to.
    #[error("{found} {what}, expected {expected}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many the file holds.
        found: usize,
        /// How many were expected.
        expected: usize,
    },
    /// The matrix cannot serve as embeddings.
    #[error("{0}")]
    Embedding(EmbeddingError),
    /// The relevance lists do not fit queries and gallery.
    #[error("{0}")]
    Relevance(RelevanceError),
}

impl From<NoText> for FileProblem {
    fn from(error: NoText) -> Self {
        Self::Line {
            line: error.line,
            detail: format!("not {}: {}", error.encoding, error.problem),
        }
    }
}

impl FileProblem {
    pub(crate) fn malformed(format: &'static str, detail: impl ToString) -> Self {
        Self::Malformed {
            format,
            detail: detail.to_string(),
        }
    }
}

/// An array, column or member of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// Its name.
    pub name: String,
    /// Its type by the name that people use, or nothing.
    pub kind: String,
}

impl Held {
    /// One of which only the name is known.
    pub(crate) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind: String::new(),
        }
    }
}

impl fmt::Display for Held {
    /// `"name" (type)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind.as_str() {
            "" => write!(f, "{:?}", self.name),
            kind => write!(f, "{:?} ({kind})", self.name),
        }
    }
}

/// `(3, 4)` or, for one dimension, `(3,)`: as NumPy prints shapes.
pub(crate) fn shape_text(shape: &[u64]) -> String {
    match shape {
        [one] => format!("({one},)"),
        _ => {
            let sizes: Vec<String> = shape.iter().map(u64::to_string).collect();
            format!("({})", sizes.join(", "))
        }
    }
}

/// The first names in quotes; a list of thousands helps nobody.
fn names_text(names: &[Held]) -> String {
    const SHOWN: usize = 20;
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let quoted: Vec<String> = names.iter().take(SHOWN).map(Held::to_string).collect();
    let mut text = quoted.join(", ");
    if names.len() > SHOWN {
        // Writing to a String cannot fail.
        let _ = write!(text, " and {} more", names.len() - SHOWN);
    }
    text
}
