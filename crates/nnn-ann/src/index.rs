//! The index over a bank and the search in it.

use crate::Nearest;
use crate::lists::Lists;
use nnn_core::{
    Delivery, DimensionMismatch, DotScorer, Embeddings, LargestScores, RowSink, Rows, Scorer,
};
use rayon::prelude::*;
use std::error::Error;
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
    Index(#[source] Box<dyn Error + Send + Sync>),
    /// The crate was built without its feature `index`.
    #[error("this build has no approximate indexes; build it with the feature `index` of nnn-ann")]
    Absent,
}

fn in_range(
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

/// An index over a bank.
///
/// It holds a copy of the bank, and two while it is built.
pub struct BankIndex<'a> {
    bank: &'a Embeddings,
    ivf: Ivf,
    lists: Lists,
}

impl<'a> BankIndex<'a> {
    /// Builds the index on one thread: k-means adds up in an order that depends on the number of threads, so that more of
    /// them would give other lists from run to run. The lists still depend on the instruction set of the machine.
    ///
    /// # Errors
    /// [`Ivf::check`] fails, the thread cannot be started, or the library refuses the bank.
    pub fn build(bank: &'a Embeddings, ivf: Ivf) -> Result<Self, AnnError> {
        ivf.check(bank.len())?;
        let thread = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
        let lists = thread.install(|| Lists::build(bank.rows(), ivf))?;
        Ok(Self { bank, ivf, lists })
    }

    /// The same index, of which a search reads another number of lists.
    ///
    /// # Errors
    /// As [`Ivf::check`].
    pub fn with_probes(mut self, probes: usize) -> Result<Self, AnnError> {
        self.ivf.probes = probes;
        self.ivf.check(self.bank.len())?;
        Ok(self)
    }

    /// The `k` bank rows that the index takes for the nearest to each gallery item, with their exact similarities.
    /// Gallery items are searched in parallel; threads change no result.
    ///
    /// # Errors
    /// `k` is 0 or above the bank's number of rows, or the dimensions differ.
    pub fn nearest(&self, gallery: Rows<'_>, k: usize) -> Result<Nearest, AnnError> {
        in_range("k", k, "the bank's rows", self.bank.len())?;
        DotScorer::new(gallery, self.bank.rows())?;
        let items = (0..gallery.len()).into_par_iter();
        let found = items.map(|item| self.nearest_to(gallery.slice(item..item + 1), k));
        let found: Result<Vec<Vec<f32>>, AnnError> = found.collect();
        Ok(Nearest::new(k, found?.concat()))
    }

    /// Similarities of one item to its `k` neighbours, descending.
    fn nearest_to(&self, item: Rows<'_>, k: usize) -> Result<Vec<f32>, AnnError> {
        let rows = self.lists.nearest(item.row(0), k, self.ivf.probes)?;
        let neighbours = self.bank.select(&rows);
        let mut largest = Largest(LargestScores::new(k));
        DotScorer::new(item, neighbours.rows())?.stream(Delivery::Pieces, 0, &mut [&mut largest]);
        Ok(largest.0.into_descending())
    }
}

struct Largest(LargestScores);

impl RowSink for Largest {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        self.0.push(scores);
    }
}
