//! Statistics of the bank rows nearest to each gallery item.

use super::Stat;
use crate::score::DotScorer;

/// [`Stat::CentroidNorm`] and [`Stat::Pooled`] for every wanted number of neighbours.
pub(super) fn neighbor_stats(
    _needs: &[Stat],
    _item_major: &DotScorer<'_>,
) -> Vec<(Stat, Vec<f64>)> {
    Vec::new()
}
