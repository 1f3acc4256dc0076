//! Which queries belong together.

use std::collections::HashMap;
use std::hash::Hash;

/// The cluster of every query: resampling draws whole clusters and tests flip them, because queries of one cluster (the
/// five captions of one image) are not independent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clusters {
    of: Vec<u32>,
    count: usize,
}

impl Clusters {
    /// Clusters from one identifier per query, for example that of its image: queries with equal ones are one cluster. Clusters
    /// are numbered by first appearance.
    ///
    /// # Panics
    /// There are more than `u32::MAX` clusters, more than any ranking pass gives.
    #[must_use]
    pub fn from_ids<T: Eq + Hash>(ids: &[T]) -> Self {
        let mut numbers = HashMap::new();
        let mut of = Vec::with_capacity(ids.len());
        for id in ids {
            let next = u32::try_from(numbers.len()).expect("at most u32::MAX clusters");
            of.push(*numbers.entry(id).or_insert(next));
        }
        let count = numbers.len();
        Self { of, count }
    }

    /// One cluster per query: independent queries.
    ///
    /// # Panics
    /// As [`Clusters::from_ids`].
    #[must_use]
    pub fn single(queries: usize) -> Self {
        Self::from_ids(&(0..queries).collect::<Vec<_>>())
    }

    /// Number of queries.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.of.len()
    }

    /// Number of clusters.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// The cluster of every query, from zero and below [`Clusters::count`].
    #[must_use]
    pub fn of(&self) -> &[u32] {
        &self.of
    }
}
