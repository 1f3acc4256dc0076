//! What a ranking pass leaves behind: ranks of the relevant items and the head of every list.

/// The outcome of ranking a gallery for every query: ranks count from 1, item indices from 0.
///
/// Which of several equally scored items comes first is the business of the [`TieRule`](crate::TieRule) that made it;
/// under [`TieRule::Average`](crate::TieRule::Average) a rank may end in one half.
#[derive(Debug, Clone, PartialEq)]
pub struct Rankings {
    gallery: usize,
    offsets: Vec<usize>,
    ranks: Vec<f64>,
    /// One for each of `ranks`; none where all are 1 or not known.
    grades: Option<Vec<f64>>,
    top_width: usize,
    top: Vec<u32>,
}

impl Rankings {
    /// Puts per-query results together: `ranks[q]` are the ranks of query `q`'s relevant items in any order (at least
    /// one), `top[q]` the best items, best first, of the same length `min(n, gallery)` for all queries (or empty).
    ///
    /// # Panics
    /// The lists disagree in length, or a query has no rank: broken invariants of the caller, not bad input.
    #[must_use]
    pub fn new(gallery: usize, ranks: Vec<Vec<f64>>, top: Vec<Vec<u32>>) -> Self {
        assert_eq!(
            ranks.len(),
            top.len(),
            "one list of ranks and one of items per query"
        );
        let top_width = top.first().map_or(0, Vec::len);
        let mut offsets = Vec::with_capacity(ranks.len() + 1);
        let mut flat = Vec::new();
        offsets.push(0);
        for mut list in ranks {
            assert!(!list.is_empty(), "every query has a relevant item");
            list.sort_unstable_by(f64::total_cmp);
            flat.append(&mut list);
            offsets.push(flat.len());
        }
        assert!(
            top.iter().all(|list| list.len() == top_width),
            "equal list lengths"
        );
        Self {
            gallery,
            offsets,
            ranks: flat,
            grades: None,
            top_width,
            top: top.into_iter().flatten().collect(),
        }
    }

    pub(crate) fn empty(gallery: usize) -> Self {
        Self::new(gallery, Vec::new(), Vec::new())
    }

    /// As [`Rankings::new`] from borrowed lists of twice the ranks, ascending.
    pub(crate) fn gather<'a>(
        gallery: usize,
        doubled: impl Iterator<Item = &'a [u32]>,
        top: impl Iterator<Item = &'a [u32]>,
    ) -> Self {
        let mut gathered = Self::empty(gallery);
        for (doubled, top) in doubled.zip(top) {
            gathered
                .ranks
                .extend(doubled.iter().map(|&doubled| f64::from(doubled) / 2.0));
            gathered.offsets.push(gathered.ranks.len());
            gathered.top.extend_from_slice(top);
            gathered.top_width = top.len();
        }
        gathered
    }

    /// The same with the grade of the relevant item at every rank of [`Rankings::relevant_ranks`], query after query.
    ///
    /// # Panics
    /// There are more or fewer grades than ranks: a broken invariant of the caller, not bad input.
    #[must_use]
    pub fn with_grades(mut self, grades: Vec<f64>) -> Self {
        assert_eq!(grades.len(), self.ranks.len(), "one grade per rank");
        self.grades = Some(grades);
        self
    }

    /// Number of queries.
    #[must_use]
    pub fn queries(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Number of gallery items that were ranked.
    #[must_use]
    pub fn gallery(&self) -> usize {
        self.gallery
    }

    /// Rank of the best placed relevant item of a query, at least 1.
    ///
    /// # Panics
    /// `query` is not below [`Rankings::queries`].
    #[must_use]
    pub fn first_rank(&self, query: usize) -> f64 {
        self.ranks[self.offsets[query]]
    }

    /// Ranks of the relevant items of a query, ascending: all of them, or only the first if no more was asked for.
    ///
    /// # Panics
    /// `query` is not below [`Rankings::queries`].
    #[must_use]
    pub fn relevant_ranks(&self, query: usize) -> &[f64] {
        &self.ranks[self.offsets[query]..self.offsets[query + 1]]
    }

    /// The grades of the items at the ranks of [`Rankings::relevant_ranks`], in their order; none where all are 1.
    ///
    /// # Panics
    /// `query` is not below [`Rankings::queries`].
    #[must_use]
    pub fn relevant_grades(&self, query: usize) -> Option<&[f64]> {
        let grades = self.grades.as_ref()?;
        Some(&grades[self.offsets[query]..self.offsets[query + 1]])
    }

    /// How many items [`Rankings::top`] holds for each query.
    #[must_use]
    pub fn top_width(&self) -> usize {
        self.top_width
    }

    /// The best items of a query, best first.
    ///
    /// # Panics
    /// `query` is not below [`Rankings::queries`].
    #[must_use]
    pub fn top(&self, query: usize) -> &[u32] {
        assert!(
            query < self.queries(),
            "query {query} of {}",
            self.queries()
        );
        &self.top[query * self.top_width..(query + 1) * self.top_width]
    }
}
