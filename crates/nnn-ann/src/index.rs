//! The index over a bank and the search in it.

use crate::Nearest;
use crate::ivf::{AnnError, Ivf, in_range};
use crate::lists::Lists;
use nnn_core::{Delivery, DotScorer, Embeddings, LargestScores, RowSink, Rows, Scorer};
use rayon::prelude::*;

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
