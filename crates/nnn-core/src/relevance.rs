//! Which gallery items answer which query.

use thiserror::Error;

/// Why a relevance list is not usable. Queries and items count from zero.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RelevanceError {
    /// A list names a gallery item that does not exist.
    #[error("query {query} names gallery item {item}, but the gallery has {gallery} items (0 to {})", .gallery.saturating_sub(1))]
    OutOfRange {
        /// The query, from zero.
        query: usize,
        /// The item named.
        item: u64,
        /// Size of the gallery.
        gallery: usize,
    },
    /// A query has no relevant item, so that no rank exists for it.
    #[error("query {query} has no relevant gallery item")]
    NoneRelevant {
        /// The query, from zero.
        query: usize,
    },
}

/// For every query its relevant gallery items: ascending, without repeats, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relevance {
    offsets: Vec<usize>,
    items: Vec<u32>,
    gallery: usize,
}

impl Relevance {
    /// Builds the lists; `lists[q]` holds the gallery items that answer query `q`, in any order.
    ///
    /// # Errors
    /// [`RelevanceError`] names the first query whose list is empty or reaches outside the gallery.
    pub fn new<L: AsRef<[u32]>>(lists: &[L], gallery: usize) -> Result<Self, RelevanceError> {
        let mut offsets = vec![0];
        let mut items = Vec::new();
        for (query, list) in lists.iter().enumerate() {
            let mut list = list.as_ref().to_vec();
            list.sort_unstable();
            list.dedup();
            check_list(query, &list, gallery)?;
            items.append(&mut list);
            offsets.push(items.len());
        }
        Ok(Self {
            offsets,
            items,
            gallery,
        })
    }

    /// One relevant item per query: `query_to_gallery[q]`.
    ///
    /// # Errors
    /// As [`Relevance::new`].
    pub fn one_each(query_to_gallery: &[u32], gallery: usize) -> Result<Self, RelevanceError> {
        let lists: Vec<[u32; 1]> = query_to_gallery.iter().map(|&item| [item]).collect();
        Self::new(&lists, gallery)
    }

    /// Number of queries.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of gallery items.
    #[must_use]
    pub fn gallery(&self) -> usize {
        self.gallery
    }

    /// The relevant items of one query, ascending.
    ///
    /// # Panics
    /// `query` is not below [`Relevance::queries`].
    #[must_use]
    pub fn of(&self, query: usize) -> &[u32] {
        &self.items[self.offsets[query]..self.offsets[query + 1]]
    }
}

fn check_list(query: usize, ascending: &[u32], gallery: usize) -> Result<(), RelevanceError> {
    match ascending.last() {
        None => Err(RelevanceError::NoneRelevant { query }),
        Some(&item) if item as usize >= gallery => Err(RelevanceError::OutOfRange {
            query,
            item: u64::from(item),
            gallery,
        }),
        Some(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_sorted_and_unique() {
        let relevance = Relevance::new(&[vec![2, 0, 2], vec![1]], 3).expect("valid lists");
        assert_eq!(relevance.of(0), [0, 2]);
        assert_eq!(relevance.of(1), [1]);
    }

    #[test]
    fn bad_lists_are_named() {
        let empty = Relevance::new(&[vec![0], vec![]], 3);
        assert_eq!(empty, Err(RelevanceError::NoneRelevant { query: 1 }));
        let outside = Relevance::one_each(&[0, 3], 3);
        let expected = RelevanceError::OutOfRange {
            query: 1,
            item: 3,
            gallery: 3,
        };
        assert_eq!(outside, Err(expected.clone()));
        assert_eq!(
            expected.to_string(),
            "query 1 names gallery item 3, but the gallery has 3 items (0 to 2)"
        );
    }
}
