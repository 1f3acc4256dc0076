//! Lists of each gallery item's largest similarities, as rules over a row read them.

use super::{Bank, BankStats, FitError, Stat};

/// [`Stat::Largest`] in f32, in which similarities were computed: a descending list for every gallery item.
#[derive(Debug, Clone)]
pub struct LargestLists {
    /// `(gallery, depth)`.
    values: Vec<f32>,
    depth: usize,
    /// The last of each list, side by side: most queries are below it, and nothing else of the list is read.
    last: Vec<f32>,
}

impl LargestLists {
    /// The lists of one depth, at least 1.
    ///
    /// # Errors
    /// [`Stat::Largest`] of this bank and depth was not declared.
    pub fn new(stats: &BankStats, bank: Bank, depth: usize) -> Result<Self, FitError> {
        let largest = stats.get(bank, Stat::Largest { depth })?;
        let values: Vec<f32> = largest.iter().map(|&s| s as f32).collect();
        let lists = values.chunks_exact(depth);
        Ok(Self {
            last: lists.map(|list| list[depth - 1]).collect(),
            values,
            depth,
        })
    }

    /// The list of one item, descending.
    #[must_use]
    pub fn of(&self, item: usize) -> &[f32] {
        &self.values[item * self.depth..][..self.depth]
    }

    /// The lowest similarity of an item's list.
    #[must_use]
    pub fn lowest(&self, item: usize) -> f32 {
        self.last[item]
    }
}
