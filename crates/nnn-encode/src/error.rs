//! The errors that more than one step can meet: a file that cannot be read, a tokenizer that fails, an encoder that does.
//! What only one step can meet lies with that step.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A file that could not be opened or read.
#[derive(Debug, Error)]
#[error("cannot read {}: {source}", file.display())]
pub struct ReadError {
    /// The file.
    pub file: PathBuf,
    /// What the system reported.
    pub source: io::Error,
}

impl ReadError {
    pub(crate) fn new(file: &Path, source: io::Error) -> Self {
        Self {
            file: file.to_path_buf(),
            source,
        }
    }
}

/// Why there is no tokenizer, or no ids.
#[derive(Debug, Error)]
pub enum TokenizerError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The checkpoint has no tokenizer.
    #[error("no tokenizer: expected {expected}, received {files}")]
    Absent {
        /// The files that a tokenizer of this kind can be read from.
        expected: &'static str,
        /// What there is.
        files: String,
    },
    /// The files are not a tokenizer.
    #[error("{} does not hold a tokenizer: {reason}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The context is too short for a start token, an end token and one between.
    #[error("a context length of at least 3 is needed, received {received}")]
    ContextLength {
        /// What was asked for.
        received: usize,
    },
    /// The text could not be tokenized.
    #[error("cannot tokenize: {0}")]
    Encode(String),
}

/// Why an encoder gave no features.
#[derive(Debug, Error)]
pub enum EncodeError {
    /// An image or its pixels do not have the model's size.
    #[error("the model takes {expected} pixel values an image, received {received}")]
    PixelCount {
        /// Channels x height x width of the model.
        expected: usize,
        /// What was given.
        received: usize,
    },
    /// Token sequences of one batch differ in length, or one is empty or too long.
    #[error("the batch wants token sequences of length {expected}, received one of {received}")]
    TokenCount {
        /// The longest that can be, or the batch's own length.
        expected: usize,
        /// What was given.
        received: usize,
    },
    /// The tokenizer gave an id for which the model has no embedding.
    #[error("token id {id} is beyond the model's vocabulary of {vocabulary}")]
    TokenId {
        /// The id.
        id: u32,
        /// Number of token embeddings.
        vocabulary: usize,
    },
    /// A sequence lacks the end token at which the text tower pools.
    #[error("no end token {eos} among {ids:?}: the tokenizer does not belong to the model")]
    NoEndToken {
        /// The end token's id by the configuration.
        eos: u32,
        /// The sequence.
        ids: Vec<u32>,
    },
    /// The tokenizer failed.
    #[error("cannot tokenize {text:?}: {reason}")]
    Tokenizer {
        /// The text.
        text: String,
        /// What the tokenizer reported.
        reason: String,
    },
    /// The model returned something other than one row per item.
    #[error("expected {expected} values from the model, received {received}")]
    RowCount {
        /// Batch x dim.
        expected: usize,
        /// What was returned.
        received: usize,
    },
    /// The forward pass failed.
    #[error("the forward pass failed: {0}")]
    Forward(#[source] Box<dyn StdError + Send + Sync>),
}

/// A reader's reason in the words of a JSON file instead of the program's types.
pub(crate) fn in_words(reason: &str) -> String {
    let words = [
        ("expected usize", "expected a whole number of at least 0"),
        ("expected u64", "expected a whole number of at least 0"),
        ("expected u32", "expected a whole number of at least 0"),
        ("expected f64", "expected a number"),
        ("invalid type: map", "invalid type: a group of keys"),
        ("invalid type: sequence", "invalid type: a list"),
        ("expected a sequence", "expected a list"),
        ("expected a map", "expected a group of keys"),
    ];
    let reason = words
        .iter()
        .fold(reason.to_owned(), |reason, (types, plain)| {
            reason.replace(types, plain)
        });
    match reason.split_once("expected struct ") {
        None => reason,
        Some((before, after)) => {
            let rest = after.split_once(' ').map_or("", |(_, rest)| rest);
            format!("{before}expected a group of keys {rest}")
        }
    }
}
