//! The statistic that LocalAdj alone reads.

use nnn_core::{NeighborStat, Neighbors, Param};
use std::fmt;

/// `(1/p) sum s_i d_i` over the `p = max(1, floor(share M))` bank rows nearest to an item (of equally near ones, those of
/// lower index): a vector per item.
#[derive(Debug, Clone, Copy)]
pub struct Pooled {
    /// Share of the bank, above 0, at most 1.
    pub share: Param,
}

impl fmt::Display for Pooled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pooled(share={})", self.share)
    }
}

impl NeighborStat for Pooled {
    fn neighbors(&self, bank: usize) -> usize {
        ((self.share.get() * bank as f64) as usize).max(1)
    }

    fn of_item(&self, nearest: Neighbors<'_>) -> Vec<f64> {
        nearest.mean(f64::from)
    }

    fn numbers(&self, dim: usize) -> usize {
        dim
    }

    fn is_valid(&self) -> bool {
        self.share.get() > 0.0 && self.share.get() <= 1.0
    }
}
