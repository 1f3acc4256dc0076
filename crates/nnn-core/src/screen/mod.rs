//! The largest scores of every row without most of the scores: products of bytes say which ones can matter, and only
//! those are computed. The result has the bits of the pass that computes all.
//!
//! # The bound
//! Let `a`, `b` be two vectors of length one (within 1e-4), `x = R(a - m)` and `y = R(b - n)` the same in their frames (`m`, `n`
//! any centres, `R` orthogonal), and `x'`, `y'` these rounded to bytes. Then `a.b = x.y + n.a + m.b - m.n`, and
//! `x.y - x'.y' = (x-x').y' + x.(y-y')`, which by Cauchy and Schwarz is at most `|x-x'| |y'| + |x| |y-y'|` in size; all these
//! lengths are computed, not estimated (`sweep::LENGTHS` covers their own rounding). The product `x'.y'` is exact in whole
//! numbers, and `m.b` is rounded to half of the product of the two units.
//!
//! # The closer bound
//! What this leaves is looked at again. The residuals `x - x'` and `y - y'` are rounded to bytes as well, `x"` and `y"` in units
//! 256 times finer. Then `x.y - x'.y' - x".y' - x'.y" = (x-x'-x").y' + x'.(y-y'-y") + (x-x').(y-y')`, which is at most
//! `|x-x'-x"| |y'| + |x'| |y-y'-y"| + |x-x'| |y-y'|` in size. The two products that are new have one unit and are one product
//! of vectors of `2 d` bytes. On unit vectors of 512 numbers the first bound is about 1e-2 wide and this one 3e-4, most of it
//! the allowance for f32 that follows, so that hardly more than `k` scores per row are computed in the end.
//!
//! To both come roundings in f32, with `u = 2^-24`: the score is a chain of `d` fused steps, below `d u`; `n.a` and `m.b` are
//! sums of products of vectors no longer than 1.01, below `d u` each; a rotation is four times at most 17 additions and a
//! scaling of vectors no longer than 2.1, so `x` and `y` are off by less than `160 u` each and their product by less than
//! `700 u`; residuals are off by less than `3 u`, and so are products with them by `20 u`; what turns whole numbers into bounds
//! rounds a few numbers below 5. All is below `(4 d + 2048) u`.
//!
//! # The sweep
//! So each score has an upper bound, and a lower one below it. A score whose upper bound is below `k` lower bounds cannot be
//! among the `k` largest and is dropped. What is left at the end is computed: first the `k` of the highest upper bounds, then
//! those others that can still be above the lowest of these. A sample of the columns, multiplied first without any bounds,
//! tells about where the `k`-th largest score will lie; with that guess most scores are dropped at once. A row whose guess was
//! too high, which shows at the end, is computed in full.

mod candidates;
mod device;
mod exact;
mod quantize;
mod sweep;

use crate::bounded::Bounded;
use crate::kernel::bytes::ByteKernel;
use crate::score::{DotScorer, Scorer};
use crate::topk::LargestScores;
pub(crate) use candidates::HELD_BYTES;
use candidates::{Candidate, Screen};
use exact::{BestPairs, Collect, compute};
use sweep::{Look, SAMPLE, Sweep, in_sample};

/// A bank has to be this many times larger than `k` for screening to be worth its while: on smaller ones, too many scores
/// are among the largest.
const WORTHWHILE: usize = 32;

/// Dimensions from which on products take longer than what screening adds, up to where sums of bytes stay in 32 bits.
const DIMENSIONS: std::ops::RangeInclusive<usize> = 32..=65536;

/// Whether the sizes make screening faster than computing all scores.
fn suits(k: usize, scorer: &DotScorer<'_>) -> bool {
    let fits = DIMENSIONS.contains(&scorer.row_vectors().dim());
    // What is given needs no product.
    let fits = fits && !scorer.is_given();
    fits && scorer.columns() / WORTHWHILE >= k.max(32)
}

/// Rows at a time, whose vectors are held in their frame until they are rounded.
const ROWS_AT_ONCE: usize = 1 << 14;

/// The `k` largest scores of every row of `scorer`; as `largest[i]` pushed with all scores of row `i`.
///
/// `None` where neither a device nor this processor can screen, the sizes do not make it faster, or the scores lie so close
/// together that what screens does not tell them apart.
pub(crate) fn largest(k: usize, scorer: &DotScorer<'_>) -> Option<Vec<LargestScores>> {
    screened(k, scorer)
}

/// The `k` best columns of every row of `scorer` with their scores, best first, ties to the lower column.
///
/// `None` as for [`largest`].
pub(crate) fn best(k: usize, scorer: &DotScorer<'_>) -> Option<Vec<Vec<(f32, u32)>>> {
    let found: Vec<BestPairs> = screened(k, scorer)?;
    Some(found.into_iter().map(BestPairs::into_best).collect())
}

/// Screens some rows at a time, in parts of about one size, and computes what is left of them.
fn screened<C: Collect>(k: usize, scorer: &DotScorer<'_>) -> Option<Vec<C>> {
    let screen = suits(k, scorer).then(|| By::best(*scorer)).flatten()?;
    let (items, bank) = (scorer.row_vectors(), scorer.column_vectors());
    let most = (HELD_BYTES / (5 * k * size_of::<Candidate>())).clamp(1024, ROWS_AT_ONCE);
    let parts = items.len().div_ceil(most).max(1);
    let at_once = items.len().div_ceil(parts).max(1);
    let mut found = Vec::with_capacity(items.len());
    for start in (0..items.len()).step_by(at_once) {
        let items = items.slice(start..items.len().min(start + at_once));
        let part = scorer.over(items, bank);
        found.extend(compute(k, &part, screen.sweep(k, part)?));
    }
    Some(found)
}

/// What tells which scores can matter.
enum By<'a> {
    Device(Bounded<'a>),
    Bytes(ByteKernel),
}

impl<'a> By<'a> {
    fn best(scorer: DotScorer<'a>) -> Option<Self> {
        let device = Bounded::new(scorer).map(Self::Device);
        device.or_else(|| scorer.kernel().bytes.map(Self::Bytes))
    }

    /// What is left of the columns for every row of a part.
    fn sweep(&self, k: usize, part: DotScorer<'a>) -> Option<Vec<Screen>> {
        match self {
            Self::Device(bounded) => {
                device::sweep(k, &bounded.over(part.row_vectors(), part.column_vectors()))
            }
            Self::Bytes(kernel) => {
                let sweep = Sweep::new(part, *kernel);
                let guesses = sweep.guesses(k)?.into_iter();
                let screens = guesses.map(|guess| Screen::new(k, guess, in_sample(k) * SAMPLE));
                sweep.run(screens, Look::All)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::Kernel;
    use crate::kernel::bytes::references;
    use crate::kernel::tests::noise;
    use crate::score::{Delivery, Keep, RowSink};
    use crate::{Blocking, Embeddings};
    use quantize::Strided;
    use sweep::unlikely;

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

    /// Every way in which any processor may screen, as far as this one can run it.
    fn kernels() -> Vec<Kernel> {
        let portable = *Kernel::available().last().expect("the portable one");
        let mut kernels = Kernel::available();
        kernels.extend(references().map(|bytes| portable.with_bytes(bytes)));
        kernels.retain(|kernel| kernel.bytes.is_some());
        kernels
    }

    fn same_as_all(k: usize, columns: usize, gallery: &Embeddings, bank: &Embeddings) {
        let scorer = DotScorer::new(gallery.rows(), bank.rows()).expect("one dimension");
        let scorer = scorer.with_blocking(Blocking { columns, rows: 20 });
        let mut all: Vec<All> = (0..gallery.len())
            .map(|_| All(LargestScores::new(k)))
            .collect();
        let mut sinks: Vec<_> = all.iter_mut().map(|a| a as &mut dyn RowSink).collect();
        scorer.stream(Delivery::Pieces, 0, &mut sinks);
        let all = bits(all.into_iter().map(|a| a.0).collect());
        let items: Vec<Vec<u32>> = (rows(&scorer).iter())
            .map(|scores| crate::best_items(scores, k))
            .collect();
        for kernel in kernels() {
            let scorer = scorer.with_kernel(kernel);
            if let Some(found) = largest(k, &scorer) {
                assert_eq!(bits(found), all, "{kernel:?}");
                let best = best(k, &scorer).expect("as above").into_iter();
                let best: Vec<Vec<u32>> = best.map(|b| b.iter().map(|p| p.1).collect()).collect();
                assert_eq!(best, items, "{kernel:?}");
            }
        }
    }

    /// A sample of a large bank may hold a thousand of the `k` largest; the guess is found for any number.
    /// Guards against a loop without end: the first term of a sum underflowed to zero where a sample holds many of the `k`
    /// largest.
    #[test]
    fn guesses_are_made_for_any_k() {
        for k in [1usize, 100, 12_000, 1_000_000] {
            let mean = k as f64 / SAMPLE as f64;
            let place = unlikely(mean) as f64;
            assert!(
                place > mean && place <= 2.0 * mean + 12.0,
                "k = {k}: {place}"
            );
        }
    }

    /// Rows that are each there several times, so that the columns of the best scores are decided by ties.
    #[test]
    fn screening_settles_ties_as_the_whole_pass_does() {
        let (gallery, some) = (noise(20, 40, 5), noise(300, 40, 6));
        let bank = some.select(&(0..6000).map(|i| i % 300).collect::<Vec<u32>>());
        for k in [1, 3, 50, 150] {
            same_as_all(k, 4096, &gallery, &bank);
        }
    }

    #[test]
    fn screening_finds_the_scores_of_the_whole_pass() {
        for (gallery, bank, dim) in [(3, 40, 1), (17, 700, 35), (30, 5000, 64), (15, 9000, 131)] {
            for k in [1, 7, 39, 500] {
                if k >= bank {
                    continue;
                }
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

    /// Rows whose coordinates differ in size as `shape` says, all leaning towards one direction by `lean`.
    fn shaped(
        rows: usize,
        dim: usize,
        seed: u64,
        lean: f32,
        shape: fn(usize) -> f32,
    ) -> Embeddings {
        let noise = noise(rows, dim, seed);
        let place = |(i, &v): (usize, &f32)| v * shape(i % dim) + lean / (1 + i % dim) as f32;
        let data = noise.rows().data().iter().enumerate().map(place);
        Embeddings::normalize(data.collect(), dim).expect("valid")
    }

    /// Banks made against the screen: rows that differ from one another by less than bytes or f32 can tell, some of them equal,
    /// and rows whose coordinates lie half-way between two bytes, so that rounding leaves as much as it can.
    #[test]
    fn screening_is_right_where_it_is_attacked() {
        let (some, dim) = (noise(3, 96, 8), 96);
        let nudged = |i: usize, c: usize, by: f32| {
            let value = some.rows().row(i % 3)[c];
            if c == i / 3 % dim {
                value + by * (i % 5) as f32
            } else {
                value
            }
        };
        for by in [0.0, 1e-7, 1e-5, 1e-3] {
            let data = (0..2000 * dim).map(|at| nudged(at / dim, at % dim, by));
            let bank = Embeddings::normalize(data.collect(), dim).expect("valid");
            for k in [1, 3, 60] {
                same_as_all(k, 700, &noise(33, dim, 9), &bank);
                same_as_all(k, 700, &some, &bank);
            }
        }
        let half_way = |at: usize| ((at * 7 + at / dim * 3) % 11) as f32 - 5.5;
        let data = (0..2000 * dim).map(half_way).collect();
        let bank = Embeddings::normalize(data, dim).expect("valid");
        for k in [1, 62] {
            same_as_all(k, 4096, &noise(20, dim, 9), &bank);
        }
    }

    /// Vectors may be off length one by a little, and their coordinates tiny or all in one place.
    #[test]
    fn screening_takes_vectors_of_every_shape() {
        let shapes: [fn(usize) -> f32; 4] = [
            |i| if i == 3 { 1e4 } else { 1.0 },
            |i| if i == 0 { 1.0 } else { 1e-38 },
            |i| 0.5f32.powi(i as i32 % 120),
            |i| if i % 2 == 0 { 1e-6 } else { 1.0 },
        ];
        for (seed, dim) in (0..).zip([32, 63, 65, 200]) {
            for shape in shapes {
                let (left, right) = (
                    shaped(35, dim, 3 + seed, 0.0, shape),
                    shaped(1100, dim, 40 + seed, 0.1, shape),
                );
                for k in [1, 34] {
                    same_as_all(k, 500, &left, &right);
                }
            }
        }
    }

    /// `k` up to the bank's size: where screening does not pay, it says so and nothing else.
    #[test]
    fn screening_leaves_to_the_whole_pass_what_does_not_pay() {
        let (gallery, bank) = (noise(5, 64, 1), noise(2000, 64, 2));
        let scorer = DotScorer::new(gallery.rows(), bank.rows()).expect("one dimension");
        for kernel in kernels() {
            let scorer = scorer.with_kernel(kernel);
            assert!(largest(62, &scorer).is_some(), "{kernel:?}");
            for k in [63, 1999, 2000] {
                assert!(largest(k, &scorer).is_none(), "{kernel:?}");
            }
        }
        assert!(
            largest(
                1,
                &scorer.with_kernel(*Kernel::available().last().expect("portable"))
            )
            .is_none()
        );
    }

    /// Every upper bound is one, and no further above its score than it claims: whatever the vectors look like.
    #[test]
    fn no_score_is_outside_its_bounds() {
        let shapes: [fn(usize) -> f32; 5] = [
            |_| 1.0,
            |i| if i == 3 { 300.0 } else { 1.0 },
            |i| if i == 0 { 1.0 } else { 1e-30 },
            |i| 0.7f32.powi(i as i32 % 200),
            |i| if i % 2 == 0 { 1e-4 } else { 1.0 },
        ];
        for (seed, dim) in (0..).zip([32, 33, 47, 64, 100, 131, 512, 768, 1000]) {
            for shape in shapes {
                for lean in [0.0, 0.5, 1e3] {
                    let left = shaped(29, dim, 3 + seed, lean, shape);
                    let right = shaped(320, dim, 40 + seed, -lean, shape);
                    check_bounds(&left, &right);
                    check_bounds(&left, &left);
                }
            }
        }
    }

    fn check_bounds(left: &Embeddings, right: &Embeddings) {
        let scorer = DotScorer::new(left.rows(), right.rows()).expect("one dimension");
        let scores = rows(&scorer);
        let columns = Strided {
            rows: right.rows(),
            first: 0,
            stride: 1,
            len: right.len(),
        };
        for kernel in kernels().into_iter().filter_map(|kernel| kernel.bytes) {
            let sweep = Sweep::new(scorer, kernel);
            let mut screens: Vec<Screen> = (0..left.len())
                .map(|_| Screen::new(usize::MAX / 16, f32::NEG_INFINITY, 0))
                .collect();
            sweep.step(&columns, Look::All, &mut screens);
            for (screen, scores) in screens.iter().zip(&scores) {
                check_screen(screen, scores, kernel.name);
            }
        }
    }

    fn check_screen(screen: &Screen, scores: &[f32], kernel: &str) {
        assert_eq!(screen.kept.len(), scores.len());
        for candidate in &screen.kept {
            let score = f64::from(scores[candidate.column as usize]);
            let (bound, width) = (f64::from(candidate.bound), screen.width);
            assert!(
                bound >= score && bound - width <= score,
                "{kernel}: {score} {bound} {width}"
            );
        }
    }

    fn rows(scorer: &DotScorer<'_>) -> Vec<Vec<f32>> {
        let mut rows: Vec<Keep> = (0..scorer.rows()).map(|_| Keep::default()).collect();
        let mut sinks: Vec<_> = rows.iter_mut().map(|r| r as &mut dyn RowSink).collect();
        scorer.stream(Delivery::Pieces, 0, &mut sinks);
        rows.into_iter().map(|row| row.0).collect()
    }
}
