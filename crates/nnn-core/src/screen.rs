//! The largest scores of every row without most of the scores: products in bfloat16 say which ones can matter, and only
//! those are computed. The result has the bits of the pass that computes all.
//!
//! For vectors `a`, `b` of length one (within 1e-4) and their rounded forms, `a'.b' - a.b = (a'-a).b' + a.(b'-b)`, so by
//! Cauchy and Schwarz it is at most `1.01 (|a'-a| + |b'-b|)` in size; the lengths of the differences are computed, not
//! estimated. To this come at most `3 d` roundings of partial sums below 1.01: two for each product in bfloat16 and one
//! for each in f32, below `4 d u` with `u = 2^-24`. A score that the bound keeps at or below the running k-th largest
//! cannot be among the k largest.

use crate::Rows;
use crate::kernel::bf16::{Pairs, each_above, exact_scores, kernel, prefetch};
use crate::kernel::{Kernel, LANES};
use crate::score::{Delivery, DotScorer, RowSink, Scorer};
use crate::topk::LargestScores;

/// A bank has to be this many times larger than `k` for screening to be worth its while: on smaller ones, too many scores
/// are among the largest so far.
const WORTHWHILE: usize = 128;

/// Whether this processor can screen and the sizes make it faster.
pub(crate) fn suits(k: usize, bank: usize) -> bool {
    bank / WORTHWHILE >= k && kernel().is_some()
}

/// Times `k` first columns whose scores are all computed: too many of them are among the largest so far.
const OPENING: usize = 8;

/// Times `k` columns until the running k-th largest is high enough to judge by.
const SETTLED: usize = 32;

/// Computing a candidate takes about as long as computing this many scores in blocks.
const CANDIDATE_COST: usize = 10;

/// The `k` largest scores of every row of `scorer`; as `largest[i]` pushed with all scores of row `i`.
///
/// `None` where the processor cannot screen.
pub(crate) fn largest(k: usize, scorer: &DotScorer<'_>) -> Option<Vec<LargestScores>> {
    let (items, bank) = (scorer.row_vectors(), scorer.column_vectors());
    let mut pass = Pass {
        scorer,
        kernel: kernel()?,
        left: Pairs::new(items),
        screens: (0..items.len())
            .map(|i| Screen::new(k, items.row(i)))
            .collect(),
    };
    let opening = bank.len().min(OPENING * k);
    pass.compute_all(bank.slice(0..opening));
    let step = scorer.columns_at_once(Delivery::Pieces);
    let mut worthwhile = true;
    for start in (opening..bank.len()).step_by(step) {
        let columns = bank.slice(start..bank.len().min(start + step));
        if worthwhile {
            worthwhile = pass.screen(columns) || start < SETTLED * k;
        } else {
            pass.compute_all(columns);
        }
    }
    Some(pass.screens.into_iter().map(Screen::finish).collect())
}

/// All rows on their way through the columns.
struct Pass<'s, 'a> {
    scorer: &'s DotScorer<'a>,
    kernel: Kernel,
    left: Pairs,
    screens: Vec<Screen<'a>>,
}

impl<'a> Pass<'_, 'a> {
    fn compute_all(&mut self, columns: Rows<'a>) {
        let mut sinks: Vec<_> = self
            .screens
            .iter_mut()
            .map(|s| s as &mut dyn RowSink)
            .collect();
        let scorer = self.scorer.over(self.scorer.row_vectors(), columns);
        scorer.stream(Delivery::Pieces, 0, &mut sinks);
    }

    /// Computes what may matter; returns whether that was little enough to go on so. Scores that lie closer together
    /// than bfloat16 can tell leave almost all of them.
    fn screen(&mut self, columns: Rows<'a>) -> bool {
        let right = Pairs::new(columns);
        let slack = slack(columns.dim(), self.left.residual + right.residual);
        let step = |screen| Step {
            screen,
            columns,
            slack,
            candidates: 0,
        };
        let mut steps: Vec<Step> = self.screens.iter_mut().map(step).collect();
        let mut sinks: Vec<_> = steps.iter_mut().map(|s| s as &mut dyn RowSink).collect();
        let approximate = self.scorer.over(self.left.rows(), right.rows());
        let approximate = approximate.with_kernel(self.kernel);
        approximate.stream(Delivery::Pieces, 0, &mut sinks);
        let candidates: usize = steps.iter().map(|step| step.candidates).sum();
        candidates * CANDIDATE_COST < steps.len() * columns.len()
    }
}

/// How far a score may be above the product in bfloat16.
fn slack(dim: usize, residuals: f64) -> f64 {
    1.01 * residuals + 4.0 * dim as f64 * f64::from(f32::EPSILON) / 2.0
}

/// One gallery item.
struct Screen<'a> {
    item: &'a [f32],
    largest: LargestScores,
    /// Columns whose score may matter, not yet computed.
    pending: Vec<&'a [f32]>,
}

impl<'a> Screen<'a> {
    fn new(k: usize, item: &'a [f32]) -> Self {
        Self {
            item,
            largest: LargestScores::new(k),
            pending: Vec::with_capacity(LANES),
        }
    }

    fn add(&mut self, column: &'a [f32]) {
        prefetch(column);
        self.pending.push(column);
        if self.pending.len() == LANES {
            self.compute();
        }
    }

    /// Pushes the pending scores. Where there are fewer than the product takes, the first fills up.
    fn compute(&mut self) {
        let Some(&first) = self.pending.first() else {
            return;
        };
        let columns = std::array::from_fn(|i| self.pending.get(i).copied().unwrap_or(first));
        let scores = exact_scores(self.item, columns);
        self.largest.push(&scores[..self.pending.len()]);
        self.pending.clear();
    }

    fn finish(mut self) -> LargestScores {
        self.compute();
        self.largest
    }
}

/// Takes scores as they are.
impl RowSink for Screen<'_> {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        self.largest.push(scores);
    }
}

/// One gallery item before one step of columns.
struct Step<'s, 'a> {
    screen: &'s mut Screen<'a>,
    columns: Rows<'a>,
    slack: f64,
    candidates: usize,
}

impl RowSink for Step<'_, '_> {
    fn piece(&mut self, first: usize, products: &mut [f32]) {
        let threshold = f64::from(self.screen.largest.threshold());
        // Rounded down, so that what is left out cannot be above the threshold; which only grows meanwhile.
        let cut = ((threshold - self.slack) as f32).next_down();
        each_above(products, cut, |column| {
            self.candidates += 1;
            self.screen.add(self.columns.row(first + column));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::noise;
    use crate::{Blocking, Embeddings};

    struct All(LargestScores);

    impl RowSink for All {
        fn piece(&mut self, _first: usize, scores: &mut [f32]) {
            self.0.push(scores);
        }
    }

    fn bits(largest: Vec<LargestScores>) -> Vec<Vec<u32>> {
        let row = |l: LargestScores| l.into_descending().iter().map(|v| v.to_bits()).collect();
        largest.into_iter().map(row).collect()
    }

    fn same_as_all(k: usize, columns: usize, gallery: &Embeddings, bank: &Embeddings) {
        let scorer = DotScorer::new(gallery.rows(), bank.rows()).expect("one dimension");
        let scorer = scorer.with_blocking(Blocking { columns, rows: 20 });
        let Some(found) = largest(k, &scorer) else {
            return;
        };
        let mut all: Vec<All> = (0..gallery.len())
            .map(|_| All(LargestScores::new(k)))
            .collect();
        let mut sinks: Vec<_> = all.iter_mut().map(|a| a as &mut dyn RowSink).collect();
        scorer.stream(Delivery::Pieces, 0, &mut sinks);
        assert_eq!(bits(found), bits(all.into_iter().map(|a| a.0).collect()));
    }

    #[test]
    fn screening_finds_the_scores_of_the_whole_pass() {
        for (gallery, bank, dim) in [(3, 40, 1), (17, 700, 5), (30, 5000, 64), (15, 9000, 131)] {
            for k in [1, 7, 39, 700] {
                for columns in [32, 100, 4096] {
                    same_as_all(k, columns, &noise(gallery, dim, 1), &noise(bank, dim, 2));
                }
            }
        }
    }

    /// Scores closer to each other than bfloat16 can tell apart, in ascending order, so that every one is a new largest.
    #[test]
    fn screening_tells_scores_apart_that_its_products_cannot() {
        let angles = (0..6000).map(|i| 1.2 - f64::from(i) * 1e-4 / 6.0);
        let bank = angles.flat_map(|angle| [angle.cos() as f32, angle.sin() as f32]);
        let bank = Embeddings::normalize(bank.collect(), 2).expect("valid");
        let gallery = Embeddings::normalize(vec![1.0, 0.0, 0.6, 0.8, -1.0, 0.1], 2).expect("valid");
        for k in [1, 5, 40] {
            for columns in [64, 3000] {
                same_as_all(k, columns, &gallery, &bank);
            }
        }
    }

    #[test]
    fn no_product_is_further_off_than_the_bound() {
        let Some(kernel) = kernel() else { return };
        for dim in [1, 2, 33, 512] {
            let (left, right) = (noise(14, dim, 3), noise(320, dim, 4));
            let (a, b) = (Pairs::new(left.rows()), Pairs::new(right.rows()));
            let scorer = DotScorer::new(left.rows(), right.rows()).expect("one dimension");
            let products = rows(&scorer.over(a.rows(), b.rows()).with_kernel(kernel));
            let bound = slack(dim, a.residual + b.residual);
            for (scores, products) in rows(&scorer).iter().zip(&products) {
                for (score, product) in scores.iter().zip(products) {
                    assert!(
                        f64::from((score - product).abs()) <= bound,
                        "{score} {product}"
                    );
                }
            }
        }
    }

    struct Keep(Vec<f32>);

    impl RowSink for Keep {
        fn piece(&mut self, _first: usize, scores: &mut [f32]) {
            self.0.extend_from_slice(scores);
        }
    }

    fn rows(scorer: &DotScorer<'_>) -> Vec<Vec<f32>> {
        let mut rows: Vec<Keep> = (0..scorer.rows()).map(|_| Keep(Vec::new())).collect();
        let mut sinks: Vec<_> = rows.iter_mut().map(|r| r as &mut dyn RowSink).collect();
        scorer.stream(Delivery::Pieces, 0, &mut sinks);
        rows.into_iter().map(|row| row.0).collect()
    }
}
