//! The neighbours that a query shares with every item.

use nnn_core::{Fitted, RowRule, Rows, best_items, nearest_others, rewrite_by_key};

/// Bytes of a neighbour in lists of similarities and places while they are made, of which up to three are there at a time.
const LISTED: usize = 3 * (size_of::<f32>() + size_of::<u32>());

/// Scores by weighted overlap of neighbourhoods, then by similarity.
pub(crate) struct Shared {
    /// Length of a query's list.
    k: usize,
    /// Where the list of each item begins in `members`, and the end of the last.
    starts: Vec<usize>,
    /// For each item, those in whose lists it is.
    members: Vec<u32>,
    /// What an item counts where it is shared. Whole numbers, so that sums are exact in any order and equal ones tie.
    weights: Vec<u64>,
}

impl Shared {
    /// The items' lists, turned over; `weight` is told the size of the gallery and in how many lists an item is.
    pub(crate) fn new(gallery: Rows<'_>, k: usize, weight: impl Fn(usize, usize) -> u64) -> Self {
        let items = gallery.len();
        let lists = nearest_others(gallery, k);
        let mut counts = vec![0usize; items];
        for &item in &lists.items {
            counts[item as usize] += 1;
        }
        let mut starts = vec![0];
        for count in &counts {
            starts.push(starts[starts.len() - 1] + count);
        }
        let mut members = vec![0; lists.items.len()];
        let mut next = starts.clone();
        for (place, &item) in lists.items.iter().enumerate() {
            let slot = &mut next[item as usize];
            members[*slot] = (place / lists.width) as u32;
            *slot += 1;
        }
        Self {
            k,
            starts,
            members,
            weights: counts.iter().map(|&count| weight(items, count)).collect(),
        }
    }

    /// Bytes that it takes for so many items while it is fitted, which is more than it holds.
    pub(crate) fn bytes(k: usize, items: usize) -> usize {
        let each = k.min(items).saturating_add(1).saturating_mul(LISTED);
        items.saturating_mul(each.saturating_add(4 * size_of::<u64>()))
    }

    pub(crate) fn fitted(self) -> Fitted {
        Fitted::Rescaling(Box::new(self))
    }

    /// What every item shares with a query of this row: only items in whose lists one of the query's neighbours is are looked at.
    fn overlaps(&self, row: &[f32]) -> Vec<u64> {
        let mut overlaps = vec![0; row.len()];
        for neighbor in best_items(row, self.k) {
            let at = neighbor as usize;
            let weight = self.weights[at];
            for &item in &self.members[self.starts[at]..self.starts[at + 1]] {
                overlaps[item as usize] += weight;
            }
        }
        overlaps
    }
}

impl RowRule for Shared {
    fn apply(&self, row: &mut [f32]) {
        let overlaps = self.overlaps(row);
        rewrite_by_key(row, |item, s| (overlaps[item], s));
    }
}
