//! Mutual neighbours within a gallery.

use nnn_core::{Best, Rows, nearest_others};
use rayon::prelude::*;

/// Lists of varying length, one after the other.
pub(crate) struct Lists<T> {
    /// Where each list ends in `values`.
    ends: Vec<usize>,
    values: Vec<T>,
}

impl<T: Copy> Lists<T> {
    pub(crate) fn of(&self, at: usize) -> &[T] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.values[start..self.ends[at]]
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}

impl<T: Copy> FromIterator<Vec<T>> for Lists<T> {
    fn from_iter<I: IntoIterator<Item = Vec<T>>>(lists: I) -> Self {
        let (mut ends, mut values) = (Vec::new(), Vec::new());
        for list in lists {
            values.extend(list);
            ends.push(values.len());
        }
        Self { ends, values }
    }
}

/// `N(x, k)` of every item of a gallery: the item itself, which is nearest to itself, and its `k` nearest others.
pub(crate) struct Neighborhoods {
    others: Best,
}

impl Neighborhoods {
    /// For `k` up to `most`.
    pub(crate) fn new(gallery: Rows<'_>, most: usize) -> Self {
        Self {
            others: nearest_others(gallery, most),
        }
    }

    /// The `k` nearest others of an item, of a smaller gallery all.
    pub(crate) fn others(&self, item: usize, k: usize) -> &[u32] {
        let width = self.others.width;
        &self.others.items[item * width..][..k.min(width)]
    }

    /// `R(x, k)` of every item, ascending: itself and those of its neighbours that it is a neighbour of.
    pub(crate) fn mutual(&self, items: usize, k: usize) -> Lists<u32> {
        let of = |item: usize| {
            let own = item as u32;
            let others = self.others(item, k).iter().copied();
            let mutual = others.filter(|&other| self.others(other as usize, k).contains(&own));
            let mut list: Vec<u32> = mutual.chain([own]).collect();
            list.sort_unstable();
            list
        };
        let lists: Vec<Vec<u32>> = (0..items).into_par_iter().map(of).collect();
        lists.into_iter().collect()
    }
}

/// `R*`: a set of mutual neighbours and, of each of its items, the mutual neighbours among half as many, where at least two thirds of
/// these are in the set already. Both are ascending, as is the result.
pub(crate) fn expanded(set: &[u32], halves: &Lists<u32>) -> Vec<u32> {
    let mut all = set.to_vec();
    for &item in set {
        let half = halves.of(item as usize);
        let shared = half.iter().filter(|x| set.binary_search(x).is_ok());
        if 3 * shared.count() >= 2 * half.len() {
            all.extend(half);
        }
    }
    all.sort_unstable();
    all.dedup();
    all
}

/// Most items of [`expanded`] for a set of at most `k + 1`, as no half adds more than a third of its own.
pub(crate) fn most_expanded(k: usize, items: usize) -> usize {
    let set = k.min(items).saturating_add(1);
    let third = half(k).saturating_add(1) / 3;
    set.saturating_mul(third + 1).min(items)
}

/// Half of `k`, rounded up.
pub(crate) fn half(k: usize) -> usize {
    k.div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nnn_testkit::methods::{random_rows, tied_rows};

    #[test]
    fn mutual_neighbours_are_mutual_and_no_more_than_stated() {
        for gallery in [random_rows(60, 6, 1), tied_rows(60, 2)] {
            let items = gallery.len();
            let near = Neighborhoods::new(gallery.rows(), items);
            for k in [1, 2, 5, 20, 59, 80] {
                let (sets, halves) = (near.mutual(items, k), near.mutual(items, half(k)));
                for item in 0..items {
                    let set = sets.of(item);
                    assert!(set.contains(&(item as u32)) && set.is_sorted());
                    for &other in set {
                        assert!(sets.of(other as usize).contains(&(item as u32)));
                    }
                    let all = expanded(set, &halves);
                    assert!(set.iter().all(|x| all.contains(x)));
                    assert!(all.len() <= most_expanded(k, items), "k={k}");
                }
            }
        }
    }
}
