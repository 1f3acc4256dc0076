//! Why a trial cannot be run.

use nnn_ann::AnnError;
use nnn_core::{DimensionMismatch, FitError, ParamError};
use nnn_metrics::MetricError;
use std::error::Error as StdError;
use thiserror::Error;

/// Why a trial, or the fitting of a method, cannot be run.
#[derive(Debug, Error)]
pub enum TrialError {
    /// No method has this name; the sentence names the nearest one and all.
    #[error("{0}")]
    UnknownMethod(String),
    /// A parameter is refused.
    #[error(transparent)]
    Param(#[from] ParamError),
    /// A signature stands for several points.
    #[error("`{signature}` is not one point of a method")]
    NotOnePoint {
        /// The text received.
        signature: String,
    },
    /// A correction cannot be fitted to these banks and vectors.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// Vectors of two sides are not of one dimension.
    #[error(transparent)]
    Dimension(#[from] DimensionMismatch),
    /// The two banks are not of one dimension.
    #[error("the query bank has dimension {query}, the gallery bank {gallery}; they must agree")]
    BankDimensions {
        /// Dimension of the query bank.
        query: usize,
        /// Dimension of the gallery bank.
        gallery: usize,
    },
    /// A metric reads groups, and there are none.
    #[error(
        "metric `{metric}` reads which of two groups the gallery items belong to, and there are none: groups of images are \
         asked for by texts (t2i), and come from a card's `groups` with a column, or from `groups` of embeddings by role"
    )]
    NoGroups {
        /// The metric.
        metric: String,
    },
    /// A metric reads longer lists than the gallery fills.
    #[error("metric `{metric}` needs a gallery of at least {needed} items, found {found}")]
    SmallGallery {
        /// The metric.
        metric: String,
        /// Items that it reads of a list.
        needed: usize,
        /// Items of the gallery.
        found: usize,
    },
    /// A metric cannot be computed from what was ranked.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// What parameters are chosen by cannot be computed.
    #[error("the objective cannot be computed")]
    Objective(#[source] MetricError),
    /// Parameters are to be chosen on held-out items, and there are none.
    #[error("there are no held-out items to choose parameters on")]
    NoHoldOut,
    /// The index over the query bank cannot be built or searched.
    #[error(transparent)]
    Search(#[from] AnnError),
    /// The matching head failed.
    #[error(transparent)]
    Matching(Box<dyn StdError + Send + Sync>),
}
