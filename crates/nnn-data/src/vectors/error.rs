//! Why files of vectors or similarities do not form a data source.

use super::array_file::ArrayFiles;
use crate::{FileError, PairsError};
use nnn_core::{EmbeddingError, GroupError, RelevanceError};
use nnn_files::counted;
use thiserror::Error;

/// Why embedding files do not form a data source. Files are named as the source names them.
#[derive(Debug, Error)]
pub enum SourceError {
    /// A file cannot be used.
    #[error(transparent)]
    File(#[from] FileError),
    /// Matrices of similarities do not fit together.
    #[error(transparent)]
    Similarities(#[from] SimilarityError),
    /// Two files' vectors cannot be compared.
    #[error("{first} has dimension {first_dim}, but {second} has dimension {second_dim}")]
    Dimensions {
        /// One file.
        first: ArrayFiles,
        /// Length of its rows.
        first_dim: usize,
        /// The other file.
        second: ArrayFiles,
        /// Length of its rows.
        second_dim: usize,
    },
    /// A file does not have one entry for each row of another.
    #[error("{entries} has {}, expected {expected}: one for each row of {rows}", counted(*found, "entry"))]
    Entries {
        /// The file with entries.
        entries: ArrayFiles,
        /// How many it has.
        found: usize,
        /// The file with rows.
        rows: ArrayFiles,
        /// How many it has.
        expected: usize,
    },
    /// A file without any row.
    #[error("{file} has no rows, expected at least one of the {role}")]
    Empty {
        /// What the rows would be.
        role: &'static str,
        /// The file.
        file: ArrayFiles,
    },
    /// An entry of `text_to_image` points nowhere.
    #[error("{file}: {error}")]
    Pairs {
        /// The file with the entries.
        file: ArrayFiles,
        /// What is wrong with them.
        error: Box<PairsError>,
    },
    /// An entry of `query_to_gallery` points nowhere.
    #[error("{file}: {error}")]
    Relevance {
        /// The file with the entries.
        file: ArrayFiles,
        /// What is wrong with them.
        error: RelevanceError,
    },
    /// An entry of `groups` names neither group.
    #[error("{file}: {error}")]
    Groups {
        /// The file with the entries.
        file: ArrayFiles,
        /// What is wrong with them.
        error: Box<GroupError>,
    },
    /// One of two keys that go together is missing.
    #[error("`{given}` is given without `{missing}`")]
    Together {
        /// The key that is there.
        given: &'static str,
        /// The key that is not.
        missing: &'static str,
    },
    /// No gallery item is of a query's class.
    #[error("{file}: query {query} has the class {class:?}, which no gallery row has")]
    ClassWithoutItem {
        /// The file with the queries' classes.
        file: ArrayFiles,
        /// The query, from zero.
        query: usize,
        /// Its class.
        class: String,
    },
    /// Two rows have one id.
    #[error("{file}: rows {} and {} have the same id {id:?}", rows[0], rows[1])]
    RepeatedId {
        /// The file with the ids.
        file: ArrayFiles,
        /// The id.
        id: String,
        /// Both rows, from zero.
        rows: [u32; 2],
    },
    /// Nothing says what answers what, or more than one key does.
    #[error("{found} of query_to_gallery, relevance and classes given, expected exactly one")]
    Answers {
        /// `none` or `several`.
        found: &'static str,
    },
}

/// Why matrices do not form a data source.
#[derive(Debug, Error)]
pub enum SimilarityError {
    /// A list of files is empty.
    #[error("`{0}` names no file")]
    NoFile(&'static str),
    /// A value is no similarity.
    #[error("`{what}` ({file}): {error}")]
    Values {
        /// The key.
        what: &'static str,
        /// The first of its files.
        file: ArrayFiles,
        /// What is wrong.
        error: EmbeddingError,
    },
    /// A matrix or list has another size.
    #[error("`{what}` ({file}) has {found} {unit}, expected {expected}")]
    Size {
        /// The key.
        what: &'static str,
        /// The first of its files.
        file: ArrayFiles,
        /// What is counted.
        unit: &'static str,
        /// The number found.
        found: usize,
        /// What it should be.
        expected: String,
    },
    /// A mask of two dimensions has another shape.
    #[error(
        "`{what}` ({file}) has the shape {found}, expected {expected} (items, captions_per_item)"
    )]
    Shape {
        /// The key.
        what: &'static str,
        /// The file.
        file: ArrayFiles,
        /// The shape found.
        found: String,
        /// What it should be.
        expected: String,
    },
    /// Nothing, or too much, says which item a text belongs to.
    #[error("{0} of captions_per_item and text_to_item given, expected exactly one")]
    Answers(&'static str),
    /// An item that asks has no text.
    #[error("item {item} has no text, so it cannot be an i2t query")]
    ItemWithoutText {
        /// The item, from zero.
        item: usize,
    },
}
