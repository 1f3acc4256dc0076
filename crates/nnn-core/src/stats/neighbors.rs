//! Statistics of the bank rows nearest to each gallery item.

use super::Stat;
use crate::Rows;
use crate::score::{Delivery, DotScorer, RowSink, Scorer};
use crate::topk::BestItems;
use rayon::prelude::*;

/// Bytes of lists held at a time: a share of a large bank is long.
const LIST_BYTES: usize = 64 << 20;

/// Score and bank row of the nearest, nearest first.
type Nearest = [(f32, u32)];

/// [`Stat::CentroidNorm`] and [`Stat::Pooled`] for every wanted number of neighbours, in one pass at the largest.
pub(super) fn neighbor_stats(needs: &[Stat], item_major: &DotScorer<'_>) -> Vec<(Stat, Vec<f64>)> {
    let bank = item_major.column_vectors();
    let with_count = |&stat: &Stat| Some((stat, neighbors(stat, bank.len())?));
    let wanted: Vec<(Stat, usize)> = needs.iter().filter_map(with_count).collect();
    let Some(most) = wanted.iter().map(|w| w.1).max() else {
        return Vec::new();
    };
    let mut columns: Vec<(Stat, Vec<f64>)> = wanted.iter().map(|w| (w.0, Vec::new())).collect();
    let at_once = (LIST_BYTES / BestItems::bytes(most)).max(1);
    for first in (0..item_major.rows()).step_by(at_once) {
        let items = at_once.min(item_major.rows() - first);
        let lists = nearest(most, item_major, first, items);
        for ((stat, column), (_, count)) in columns.iter_mut().zip(&wanted) {
            let of = |list: &Vec<(f32, u32)>| value(*stat, &list[..*count], bank);
            let values: Vec<Vec<f64>> = lists.par_iter().map(of).collect();
            column.extend(values.into_iter().flatten());
        }
    }
    columns
}

/// How many of the nearest rows of a bank of `bank` rows a statistic looks at, if it is one of neighbours.
fn neighbors(stat: Stat, bank: usize) -> Option<usize> {
    match stat {
        Stat::CentroidNorm { k } => Some(k),
        Stat::Pooled { share } => Some(((share.get() * bank as f64) as usize).max(1)),
        _ => None,
    }
}

/// The `count` nearest bank rows of each of `items` gallery items from `first` on.
fn nearest(
    count: usize,
    item_major: &DotScorer<'_>,
    first: usize,
    items: usize,
) -> Vec<Vec<(f32, u32)>> {
    let mut lists: Vec<BestItems> = (0..items).map(|_| BestItems::new(count)).collect();
    let mut sinks: Vec<_> = lists.iter_mut().map(|l| l as &mut dyn RowSink).collect();
    item_major.stream(Delivery::Pieces, first, &mut sinks);
    lists.into_par_iter().map(BestItems::into_best).collect()
}

impl RowSink for BestItems {
    fn piece(&mut self, first: usize, scores: &mut [f32]) {
        self.push(first as u32, scores);
    }
}

/// The numbers of one item.
fn value(stat: Stat, nearest: &Nearest, bank: Rows<'_>) -> Vec<f64> {
    match stat {
        Stat::Pooled { .. } => mean(nearest, bank, f64::from),
        _ => vec![mean(nearest, bank, |_| 1.0).iter().map(|v| v * v).sum()],
    }
}

/// `(1/k) sum weight(s_i) d_i` over the `k` nearest.
fn mean(nearest: &Nearest, bank: Rows<'_>, weight: impl Fn(f32) -> f64) -> Vec<f64> {
    let mut sum = vec![0.0; bank.dim()];
    for &(score, row) in nearest {
        let (weight, row) = (weight(score), bank.row(row as usize));
        sum.iter_mut()
            .zip(row)
            .for_each(|(s, &v)| *s += weight * f64::from(v));
    }
    sum.iter().map(|s| s / nearest.len() as f64).collect()
}
