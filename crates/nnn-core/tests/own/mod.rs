//! Statistics that the crate does not know, as a method crate would bring them.

use nnn_core::{NeighborStat, Neighbors};
use std::fmt;

/// `|c|^2` of the centroid `c` of the `k` nearest bank rows: one number per item.
pub(crate) struct Centroid {
    pub(crate) k: usize,
}

impl fmt::Display for Centroid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "centroid(k={})", self.k)
    }
}

impl NeighborStat for Centroid {
    fn neighbors(&self, _bank: usize) -> usize {
        self.k
    }

    fn of_item(&self, nearest: Neighbors<'_>) -> Vec<f64> {
        vec![nearest.mean(|_| 1.0).iter().map(|v| v * v).sum()]
    }
}

/// The mean of `s_i d_i` over a share of the bank, the nearest rows: a vector per item.
pub(crate) struct Pool {
    pub(crate) share: f64,
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pool(share={})", self.share)
    }
}

impl NeighborStat for Pool {
    fn neighbors(&self, bank: usize) -> usize {
        ((self.share * bank as f64) as usize).max(1)
    }

    fn of_item(&self, nearest: Neighbors<'_>) -> Vec<f64> {
        nearest.mean(f64::from)
    }

    fn numbers(&self, dim: usize) -> usize {
        dim
    }

    fn is_valid(&self) -> bool {
        self.share > 0.0 && self.share <= 1.0
    }
}
