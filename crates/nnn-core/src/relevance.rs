//! Which gallery items answer which query.

use thiserror::Error;

/// Why a relevance list is not usable. Queries and items count from zero.
#[derive(Debug, Clone, PartialEq, Error)]
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
    /// One item is judged twice for one query, and not alike.
    #[error("query {query} has gallery item {item} twice, with the grades {} and {}", grades[0], grades[1])]
    Contradiction {
        /// The query, from zero.
        query: usize,
        /// The item.
        item: u32,
        /// Both grades.
        grades: [f64; 2],
    },
    /// A grade is no finite number.
    #[error(
        "query {query} has gallery item {item} with the grade {grade}, expected a finite number"
    )]
    Grade {
        /// The query, from zero.
        query: usize,
        /// The item.
        item: u32,
        /// The grade.
        grade: f64,
    },
}

/// A judged gallery item and its grade: relevant above 0, judged and not relevant at 0 and below.
pub type Judged = (u32, f64);

/// For every query its relevant gallery items: ascending, without repeats, at least one. Each may have a grade above 0, which says how
/// relevant it is; without grades all are equally relevant.
#[derive(Debug, Clone, PartialEq)]
pub struct Relevance {
    offsets: Vec<usize>,
    items: Vec<u32>,
    /// One for each of `items`; none where all are 1.
    grades: Option<Vec<f64>>,
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
            grades: None,
            gallery,
        })
    }

    /// Builds the lists from judgements; `lists[q]` holds the items judged for query `q`, in any order. Those with a grade above 0 are
    /// relevant. The others are as if they were not there.
    ///
    /// # Errors
    /// [`RelevanceError`] names the first query that has no relevant item, an item outside the gallery, contradicting grades, or one that is
    /// not finite.
    pub fn graded<L: AsRef<[Judged]>>(lists: &[L], gallery: usize) -> Result<Self, RelevanceError> {
        let mut offsets = vec![0];
        let (mut items, mut grades) = (Vec::new(), Vec::new());
        for (query, list) in lists.iter().enumerate() {
            let judged = once_each(query, list.as_ref())?;
            let within = judged.last().map(|last| last.0);
            check_list(query, within.as_slice(), gallery)?;
            let relevant = judged.iter().filter(|(_, grade)| *grade > 0.0);
            let before = items.len();
            for &(item, grade) in relevant {
                items.push(item);
                grades.push(grade);
            }
            check_list(query, &items[before..], gallery)?;
            offsets.push(items.len());
        }
        let graded = grades.iter().any(|&grade| grade != 1.0);
        Ok(Self {
            offsets,
            items,
            grades: graded.then_some(grades),
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

    /// The grades of the items of [`Relevance::of`], in their order, each above 0; none where all are 1.
    ///
    /// # Panics
    /// `query` is not below [`Relevance::queries`].
    #[must_use]
    pub fn grades_of(&self, query: usize) -> Option<&[f64]> {
        let grades = self.grades.as_ref()?;
        Some(&grades[self.offsets[query]..self.offsets[query + 1]])
    }
}

/// The judgements of one query by item, each item once.
fn once_each(query: usize, list: &[Judged]) -> Result<Vec<Judged>, RelevanceError> {
    let mut judged = list.to_vec();
    judged.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    judged.dedup();
    if let Some(&(item, grade)) = judged.iter().find(|(_, grade)| !grade.is_finite()) {
        return Err(RelevanceError::Grade { query, item, grade });
    }
    match judged.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some(pair) => Err(RelevanceError::Contradiction {
            query,
            item: pair[0].0,
            grades: [pair[0].1, pair[1].1],
        }),
        None => Ok(judged),
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
    fn grades_stay_with_their_items_and_what_is_judged_wrong_is_left_out() {
        let lists = [
            vec![(2, 3.0), (0, 1.0), (1, 0.0)],
            vec![(1, 1.0), (2, -1.0)],
        ];
        let graded = Relevance::graded(&lists, 3).expect("valid lists");
        assert_eq!(graded.of(0), [0, 2]);
        assert_eq!(graded.grades_of(0), Some([1.0, 3.0].as_slice()));
        assert_eq!(graded.of(1), [1]);
        assert_eq!(graded.grades_of(1), Some([1.0].as_slice()));
        let plain = Relevance::graded(&[vec![(1, 1.0), (1, 1.0), (0, 0.0)]], 2);
        assert_eq!(plain, Relevance::one_each(&[1], 2));
    }

    #[test]
    fn bad_judgements_are_named() {
        let told = |list: Vec<Judged>| {
            let error = Relevance::graded(&[list], 3).expect_err("bad judgements");
            error.to_string()
        };
        assert_eq!(
            told(vec![(1, 2.0), (1, 0.0)]),
            "query 0 has gallery item 1 twice, with the grades 0 and 2"
        );
        assert_eq!(
            told(vec![(1, f64::NAN)]),
            "query 0 has gallery item 1 with the grade NaN, expected a finite number"
        );
        assert_eq!(told(vec![(1, 0.0)]), "query 0 has no relevant gallery item");
        assert_eq!(
            told(vec![(1, 1.0), (3, 0.0)]),
            "query 0 names gallery item 3, but the gallery has 3 items (0 to 2)"
        );
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
