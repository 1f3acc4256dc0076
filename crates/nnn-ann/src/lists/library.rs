//! The lists of an inverted file, which the library makes and searches.

use crate::ivf::{AnnError, Ivf};
use ann_search_rs::cpu::ivf::IvfIndex;
use ann_search_rs::prelude::{AnnSearchErrors, Dist, Verbosity};
use nnn_core::Rows;

pub(crate) struct Lists(IvfIndex<f32>);

impl Lists {
    pub(crate) fn build(bank: Rows<'_>, ivf: Ivf) -> Result<Self, AnnError> {
        let rows = (bank.data(), bank.len(), bank.dim());
        let (lists, seed) = (Some(ivf.lists), ivf.seed as usize);
        let index = IvfIndex::build(rows, Dist::Cosine, lists, None, seed, Verbosity::Quiet);
        index.map(Self).map_err(refused)
    }

    /// The `k` rows of the bank that `probes` lists have nearest to an item.
    pub(crate) fn nearest(
        &self,
        item: &[f32],
        k: usize,
        probes: usize,
    ) -> Result<Vec<u32>, AnnError> {
        let (rows, _) = self.0.query(item, k, Some(probes)).map_err(refused)?;
        Ok(rows.into_iter().map(|row| row as u32).collect())
    }
}

fn refused(error: AnnSearchErrors) -> AnnError {
    AnnError::Index(Box::new(error))
}
