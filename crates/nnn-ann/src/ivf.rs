//! The settings of an index, and why there is none.

use nnn_core::DimensionMismatch;
use std::fmt;
use thiserror::Error;

/// An inverted file: the bank cut into lists by k-means, of which a search reads the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ivf {
    /// Number of lists, 1 to the number of bank rows.
    pub lists: usize,
    /// Number of lists that a search reads, 1 to [`Ivf::lists`]; more only where these hold fewer rows than are wanted.
    pub probes: usize,
    /// Seed of k-means: its sample of the bank and its first centroids.
    pub seed: u64,
}

impl fmt::Display for Ivf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            lists,
            probes,
            seed,
        } = self;
        write!(f, "ivf(lists={lists},probes={probes},seed={seed})")
    }
}

impl Ivf {
    /// Checks the numbers against each other and against a bank of `bank` rows.
    ///
    /// # Errors
    /// [`AnnError::OutOfRange`] for the first that does not fit.
    pub fn check(&self, bank: usize) -> Result<(), AnnError> {
        in_range("lists", self.lists, "the bank's rows", bank)?;
        in_range("probes", self.probes, "lists", self.lists)
    }
}

/// Why there is no index, or no search in it.
#[derive(Debug, Error)]
pub enum AnnError {
    /// A count is zero or larger than what it counts.
    #[error("{name} is {value}, expected 1 to {most} ({limit})")]
    OutOfRange {
        /// What was set.
        name: &'static str,
        /// The value received.
        value: usize,
        /// What it may not exceed.
        limit: &'static str,
        /// The number of those.
        most: usize,
    },
    /// The gallery's vectors are not as long as the bank's.
    #[error(transparent)]
    Dimension(#[from] DimensionMismatch),
    /// The thread that builds the index cannot be started.
    #[error("the thread that builds the index cannot be started: {0}")]
    Thread(#[from] rayon::ThreadPoolBuildError),
    /// The library refused.
    #[error("the index: {0}")]
    Index(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The crate was built without its feature `index`.
    #[error("this build has no approximate indexes; build it with the feature `index` of nnn-ann")]
    Absent,
}

pub(crate) fn in_range(
    name: &'static str,
    value: usize,
    limit: &'static str,
    most: usize,
) -> Result<(), AnnError> {
    if (1..=most).contains(&value) {
        return Ok(());
    }
    Err(AnnError::OutOfRange {
        name,
        value,
        limit,
        most,
    })
}
