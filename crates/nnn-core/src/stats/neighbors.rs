//! Statistics of the bank rows nearest to each gallery item, which method crates bring themselves.

use super::Stat;
use crate::Rows;
use crate::score::{Delivery, DotScorer, RowSink, Scorer};
use crate::screen;
use crate::topk::BestItems;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// A statistic of a method crate's own: numbers of each gallery item, computed from the bank rows nearest to it and their
/// similarities.
///
/// It may read all rows of a bank, so that every function of an item's similarities and of the bank's vectors can be
/// written so, in any crate. All that are wanted share one pass over the bank, at the largest number of neighbours among
/// them. The fused pass is not touched: it neither waits for them nor computes anything for them.
///
/// The [`Display`](fmt::Display) form is its name in messages, with all parameters, such as `centroid_norm(k=5)`: two
/// statistics of one type and one name are the same.
///
/// ```
/// use nnn_core::{Bank, NeighborStat, Neighbors, StatPlan};
///
/// /// Similarity to the nearest bank row less that to the `k`-th.
/// struct Gap { k: usize }
///
/// impl std::fmt::Display for Gap {
///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
///         write!(f, "gap(k={})", self.k)
///     }
/// }
///
/// impl NeighborStat for Gap {
///     fn neighbors(&self, _bank: usize) -> usize {
///         self.k
///     }
///
///     fn of_item(&self, nearest: Neighbors<'_>) -> Vec<f64> {
///         let similarities: Vec<f64> = nearest.iter().map(|(similarity, _)| similarity.into()).collect();
///         vec![similarities[0] - similarities[self.k - 1]]
///     }
/// }
///
/// let mut plan = StatPlan::default();
/// plan.need(Bank::Query, Gap { k: 10 });
/// ```
pub trait NeighborStat: fmt::Display + Send + Sync {
    /// How many of the nearest rows of a bank of `bank` rows it reads, at least 1; more than there are is refused, never
    /// clamped.
    fn neighbors(&self, bank: usize) -> usize;

    /// Its numbers for one item, [`NeighborStat::numbers`] of them, from as many neighbours as it reads.
    fn of_item(&self, nearest: Neighbors<'_>) -> Vec<f64>;

    /// How many numbers an item has, for vectors of dimension `dim`.
    fn numbers(&self, dim: usize) -> usize {
        let _ = dim;
        1
    }

    /// Whether its own parameters make sense.
    fn is_valid(&self) -> bool {
        true
    }

    /// Whether it reads the neighbours' vectors; one that reads only similarities can do without them.
    fn reads_vectors(&self) -> bool {
        true
    }
}

/// The bank rows nearest to one gallery item, nearest first; of equally near ones, those of lower index come first.
#[derive(Debug, Clone, Copy)]
pub struct Neighbors<'a> {
    /// Similarity and bank row.
    list: &'a [(f32, u32)],
    bank: Rows<'a>,
}

impl<'a> Neighbors<'a> {
    /// Similarity and vector of every neighbour.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (f32, &'a [f32])> + use<'a> {
        let bank = self.bank;
        let row = move |&(similarity, row): &(f32, u32)| (similarity, bank.row(row as usize));
        self.list.iter().map(row)
    }

    /// `(1/k) sum weight(s_i) d_i` over these `k` neighbours `d_i` of similarity `s_i`: a vector.
    pub fn mean(&self, weight: impl Fn(f32) -> f64) -> Vec<f64> {
        let mut sum = vec![0.0; self.bank.dim()];
        for (similarity, row) in self.iter() {
            let weight = weight(similarity);
            sum.iter_mut()
                .zip(row)
                .for_each(|(s, &v)| *s += weight * f64::from(v));
        }
        sum.iter().map(|s| s / self.list.len() as f64).collect()
    }
}

/// A [`NeighborStat`] in a plan: compared by its type and its name.
#[derive(Clone)]
pub struct OwnStat {
    name: String,
    type_name: &'static str,
    stat: Arc<dyn NeighborStat>,
}

impl OwnStat {
    fn key(&self) -> (&str, &str) {
        (&self.name, self.type_name)
    }
}

impl std::ops::Deref for OwnStat {
    type Target = dyn NeighborStat;

    fn deref(&self) -> &Self::Target {
        &*self.stat
    }
}

impl<T: NeighborStat + 'static> From<T> for Stat {
    fn from(stat: T) -> Self {
        Self::Own(OwnStat {
            name: stat.to_string(),
            type_name: std::any::type_name::<T>(),
            stat: Arc::new(stat),
        })
    }
}

impl From<&Stat> for Stat {
    fn from(stat: &Stat) -> Self {
        stat.clone()
    }
}

impl fmt::Display for OwnStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Debug for OwnStat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl PartialEq for OwnStat {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for OwnStat {}

impl PartialOrd for OwnStat {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OwnStat {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for OwnStat {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// Bytes of lists held at a time: a share of a large bank is long.
pub(crate) const LIST_BYTES: usize = 64 << 20;

/// Every wanted [`Stat::Own`], in one pass at the largest number of neighbours.
pub(super) fn neighbor_stats(needs: &[Stat], item_major: &DotScorer<'_>) -> Vec<(Stat, Vec<f64>)> {
    let bank = item_major.column_vectors();
    let wanted = needs.iter().filter_map(|need| match need {
        Stat::Own(own) => Some((own, own.neighbors(bank.len()))),
        _ => None,
    });
    let wanted: Vec<(&OwnStat, usize)> = wanted.collect();
    let Some(most) = wanted.iter().map(|w| w.1).max() else {
        return Vec::new();
    };
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); wanted.len()];
    let at_once = (LIST_BYTES / BestItems::bytes(most)).max(1);
    for first in (0..item_major.rows()).step_by(at_once) {
        let items = at_once.min(item_major.rows() - first);
        let lists = nearest(most, item_major, first, items);
        for (column, &(own, count)) in columns.iter_mut().zip(&wanted) {
            column.extend(of_items(own, count, &lists, bank));
        }
    }
    let stats = wanted.iter().map(|(own, _)| Stat::Own((*own).clone()));
    stats.zip(columns).collect()
}

/// One statistic of some items, from the `count` first of each list.
fn of_items(own: &OwnStat, count: usize, lists: &[Vec<(f32, u32)>], bank: Rows<'_>) -> Vec<f64> {
    let of = |list: &Vec<(f32, u32)>| {
        let list = &list[..count];
        let values = own.of_item(Neighbors { list, bank });
        assert_eq!(values.len(), own.numbers(bank.dim()), "numbers of {own}");
        values
    };
    let values: Vec<Vec<f64>> = lists.par_iter().map(of).collect();
    values.concat()
}

/// The `count` nearest bank rows of each of `items` gallery items from `first` on.
fn nearest(
    count: usize,
    item_major: &DotScorer<'_>,
    first: usize,
    items: usize,
) -> Vec<Vec<(f32, u32)>> {
    let rows = item_major.row_vectors().slice(first..first + items);
    let found = screen::best(count, &item_major.over(rows, item_major.column_vectors()));
    if let Some(found) = found {
        return found;
    }
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
