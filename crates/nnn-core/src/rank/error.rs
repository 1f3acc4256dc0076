//! Why partial rankings are refused.

use thiserror::Error;

/// Why parts of a gallery cannot be ranked, or do not add up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ShardError {
    /// Scores of other queries than those of the relevance.
    #[error("scores of {scores} queries, but relevant items of {relevance}")]
    Queries {
        /// Rows of the scorer.
        scores: usize,
        /// Queries of the relevance.
        relevance: usize,
    },
    /// A part that reaches past the gallery.
    #[error("a part of {items} items from item {first} on, but the gallery has {gallery} items")]
    OutOfGallery {
        /// The part's first item, from zero.
        first: usize,
        /// Items of the part.
        items: usize,
        /// Size of the whole gallery.
        gallery: usize,
    },
    /// A bias for another number of items than the part has.
    #[error("correction {method} has a bias for {values} items, but the part has {items}")]
    Bias {
        /// Place of the correction among all, from zero.
        method: usize,
        /// Values of its bias.
        values: usize,
        /// Items of the part.
        items: usize,
    },
    /// A correction that no part of a gallery can be ranked by.
    #[error("correction {method} is {kind}, expected a bias or biases behind a gate: {advice}")]
    NoBias {
        /// Place of the correction among all, from zero.
        method: usize,
        /// What it is.
        kind: &'static str,
        /// What can be done.
        advice: &'static str,
    },
    /// Partial results that are not of one ranking.
    #[error(
        "partial results differ in their queries, corrections or options, so that they do not add up"
    )]
    Differ,
    /// Not all parts are there, or one is there twice.
    #[error(
        "partial results of {items} items, but the gallery has {gallery}: merge those of every part, each once"
    )]
    Incomplete {
        /// Items of the parts that were merged.
        items: usize,
        /// Size of the whole gallery.
        gallery: usize,
    },
    /// Bytes that are no partial result.
    #[error("{found} bytes are no {expected}: {reason}")]
    Bytes {
        /// How many bytes there are.
        found: usize,
        /// What they should be.
        expected: &'static str,
        /// What is wrong.
        reason: &'static str,
    },
}
