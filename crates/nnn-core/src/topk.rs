//! The largest scores of a stream, and the best items of a row under THE tie rule.

use crate::dispatch::dispatched;
use std::cmp::Ordering;

/// Keeps the `k` largest of the scores pushed to it; exact, with one comparison for most scores.
///
/// Scores above the running k-th largest are collected and the collection is cut back to `k` when it is full.
#[derive(Debug, Clone)]
pub struct LargestScores {
    k: usize,
    threshold: f32,
    kept: Vec<f32>,
}

impl LargestScores {
    /// An empty collection of the `k` largest.
    #[must_use]
    pub fn new(k: usize) -> Self {
        Self {
            k,
            threshold: f32::NEG_INFINITY,
            kept: Vec::new(),
        }
    }

    /// Adds finite scores.
    pub fn push(&mut self, scores: &[f32]) {
        if self.k == 0 {
            return;
        }
        for chunk in scores.chunks(LANES) {
            if any_above(chunk, self.threshold) {
                self.collect(chunk);
            }
        }
    }

    fn collect(&mut self, chunk: &[f32]) {
        let threshold = self.threshold;
        self.kept
            .extend(chunk.iter().filter(|&&score| score > threshold));
        if self.kept.len() >= 2 * self.k + LANES {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let (_, &mut kth, _) = self
            .kept
            .select_nth_unstable_by(self.k - 1, |a, b| b.total_cmp(a));
        self.kept.truncate(self.k);
        self.threshold = kth;
    }

    /// The largest scores in descending order: `k`, or all when fewer were pushed. Zeros are positive: which of equal ones
    /// were kept depends on the pieces that they came in.
    #[must_use]
    pub fn into_descending(mut self) -> Vec<f32> {
        self.kept.sort_unstable_by(|a, b| b.total_cmp(a));
        self.kept.truncate(self.k);
        self.kept.iter_mut().for_each(|score| *score += 0.0);
        self.kept
    }
}

const LANES: usize = 64;

dispatched! {
    /// Whether any score is greater than `threshold`.
    pub(crate) fn any_above(scores: &[f32], threshold: f32) -> bool {
        // Counting has no early exit, so it compiles to a few wide comparisons.
        scores.iter().map(|&score| u32::from(score > threshold)).sum::<u32>() > 0
    }
}

/// The `n` best items of a row, best first: higher score first and lower index first among equals.
///
/// Returns fewer items only where the row is shorter.
#[must_use]
pub fn best_items(scores: &[f32], n: usize) -> Vec<u32> {
    let mut best = BestItems::new(n.min(scores.len()));
    best.push(0, scores);
    best.into_best().into_iter().map(|(_, item)| item).collect()
}

/// Keeps the `n` best of the scores pushed to it, with their items.
pub(crate) struct BestItems {
    n: usize,
    /// A later item of this score loses its tie, so it need not be looked at.
    threshold: f32,
    kept: Vec<(f32, u32)>,
}

impl BestItems {
    pub(crate) fn new(n: usize) -> Self {
        Self {
            n,
            threshold: f32::NEG_INFINITY,
            kept: Vec::with_capacity(Self::room(n)),
        }
    }

    /// As [`BestItems::new`], but takes memory only for what comes.
    pub(crate) fn growing(n: usize) -> Self {
        Self {
            n,
            threshold: f32::NEG_INFINITY,
            kept: Vec::new(),
        }
    }

    /// Bytes that a collection of the `n` best holds.
    pub(crate) fn bytes(n: usize) -> usize {
        Self::room(n) * size_of::<(f32, u32)>()
    }

    fn room(n: usize) -> usize {
        2 * n + LANES
    }

    /// Adds the finite scores of the items from `first` on; pieces come in ascending order of items.
    pub(crate) fn push(&mut self, first: u32, scores: &[f32]) {
        if self.n == 0 {
            return;
        }
        for (first, chunk) in (first..).step_by(LANES).zip(scores.chunks(LANES)) {
            if any_above(chunk, self.threshold) {
                self.collect(first, chunk);
            }
        }
    }

    fn collect(&mut self, first: u32, chunk: &[f32]) {
        let (pairs, threshold) = (chunk.iter().copied().zip(first..), self.threshold);
        self.kept.extend(pairs.filter(|pair| pair.0 > threshold));
        self.cut();
    }

    /// Adds the score of one item, which is after all before it and above what [`BestItems::push_one`] returned last; returns what
    /// the next has to be above.
    pub(crate) fn push_one(&mut self, item: u32, score: f32) -> f32 {
        self.kept.push((score, item));
        self.cut();
        self.threshold
    }

    /// What is not above it comes into no list any more.
    pub(crate) fn threshold(&self) -> f32 {
        self.threshold
    }

    fn cut(&mut self) {
        if self.kept.len() >= 2 * self.n {
            self.kept.select_nth_unstable_by(self.n - 1, better_first);
            self.kept.truncate(self.n);
            self.threshold = self.kept[self.n - 1].0;
        }
    }

    /// The best, best first: `n`, or all when fewer were pushed.
    pub(crate) fn into_best(mut self) -> Vec<(f32, u32)> {
        self.kept.sort_unstable_by(better_first);
        self.kept.truncate(self.n);
        self.kept
    }
}

/// Higher score first, then lower index; zeros of either sign are equal. Scores are finite.
pub(crate) fn better_first(a: &(f32, u32), b: &(f32, u32)) -> Ordering {
    let by_score = b.0.partial_cmp(&a.0).unwrap_or(Ordering::Equal);
    by_score.then(a.1.cmp(&b.1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Few distinct values, so that ties are everywhere.
    fn tied_scores() -> impl Strategy<Value = Vec<f32>> {
        prop::collection::vec((-5i8..5).prop_map(|v| f32::from(v) / 4.0), 0..400)
    }

    /// Guards against a sign that depended on which of equal zeros came first.
    #[test]
    fn a_largest_score_of_zero_is_positive() {
        for (first, last) in [(-0.0, 0.0), (0.0, -0.0), (-0.0, -0.0f32)] {
            let mut largest = LargestScores::new(1);
            largest.push(&[first; 200]);
            largest.push(&[last]);
            assert_eq!(
                largest.into_descending()[0].to_bits(),
                0,
                "{first} then {last}"
            );
        }
    }

    proptest! {
        #[test]
        fn largest_scores_equal_a_sort(scores in tied_scores(), k in 0usize..50, piece in 1usize..90) {
            let mut largest = LargestScores::new(k);
            scores.chunks(piece).for_each(|piece| largest.push(piece));
            let mut sorted = scores.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            sorted.truncate(k);
            let found = largest.into_descending();
            prop_assert_eq!(found.len(), sorted.len());
            prop_assert!(found.iter().zip(&sorted).all(|(a, b)| a == b));
        }

        #[test]
        fn best_items_equal_a_stable_sort(scores in tied_scores(), n in 0usize..50, piece in 1usize..90) {
            let mut items: Vec<u32> = (0..scores.len() as u32).collect();
            items.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
            items.truncate(n);
            prop_assert_eq!(&best_items(&scores, n), &items);
            let mut best = BestItems::new(n);
            for (first, piece) in (0..).step_by(piece).zip(scores.chunks(piece)) {
                best.push(first, piece);
            }
            let expected: Vec<(f32, u32)> = items.iter().map(|&item| (scores[item as usize], item)).collect();
            prop_assert_eq!(best.into_best(), expected);
        }
    }
}
