//! The statistic that DisSimLocal alone reads.

use nnn_core::{NeighborStat, Neighbors};
use std::fmt;

/// `|c|^2` of the centroid `c` of the `k` bank rows nearest to an item (of equally near ones, those of lower index).
#[derive(Debug, Clone, Copy)]
pub struct CentroidNorm {
    /// How many of the nearest rows count; at least 1 and at most the size of the bank.
    pub k: usize,
}

impl fmt::Display for CentroidNorm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "centroid_norm(k={})", self.k)
    }
}

impl NeighborStat for CentroidNorm {
    fn neighbors(&self, _bank: usize) -> usize {
        self.k
    }

    fn of_item(&self, nearest: Neighbors<'_>) -> Vec<f64> {
        let centroid = nearest.mean(|_| 1.0);
        vec![centroid.iter().map(|v| v * v).sum()]
    }
}
