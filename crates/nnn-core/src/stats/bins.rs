//! Log-mean-exps of one item's scores at any number of inverse temperatures, from one histogram of the scores.
//!
//! A score `s` is put into the bin of its nearest centre `c`, a multiple of [`WIDTH`], and every bin keeps the number and
//! the first three moments of `t = (s - c) / WIDTH`. With `x = beta WIDTH`, `exp(beta s) = exp(beta c) exp(x t)`, and for
//! `exp(x t)` stands the cubic that equals it at the Chebyshev nodes of `|t| <= 1/2`. It is off by at most
//! `x^4 exp(x/2) / (4! 128)`, relative to it `x^4 exp(x) / 3072`, and the logarithm over `beta` by less than
//! `WIDTH x^3 exp(x) / 3072`: 1.5e-9 at `beta = 400` and 3.2e-9 at [`LARGEST`], a tenth of half a unit in the last place
//! of a bias in f32 of 1/4 or more; 1.5e-13 at `beta = 20`.
//!
//! That is of one chunk of a bank. A larger bank's logarithms are joined from those of its chunks (`sums.rs`), which are no
//! further off together than alone, but for a few roundings at every level.
//!
//! What a score costs does not depend on how many temperatures are wanted, and no result on which others are.

use crate::dispatch::dispatched;
use crate::exp::{ROUND_F32, exp_m1_nonpositive};

/// Bins per unit of similarity, a power of two: centres, and what scores are off from them, are exact.
const BINS: f32 = 2048.0;
const WIDTH: f64 = 1.0 / BINS as f64;

/// Up to this inverse temperature the cubic is near enough.
pub(super) const LARGEST: f64 = 512.0;

/// Scores that are placed before they are counted, and bins that are added together.
const STEP: usize = 64;

/// Number of scores, and the sums of the first three powers of what they are off from the centre in widths.
type Bin = [f64; 4];

/// Bytes of the widest histogram, of similarities from -1 to 1.
pub(crate) const MOST_BYTES: usize = 2 * BINS as usize * size_of::<Bin>();

/// The histogram of one item's scores, as wide as they spread.
#[derive(Default)]
pub(super) struct Bins {
    /// Number of the first bin, a multiple of [`STEP`]: its centre is so many times [`WIDTH`].
    first: i32,
    bins: Vec<Bin>,
}

impl Bins {
    pub(super) fn push(&mut self, scores: &[f32]) {
        for step in scores.chunks(STEP) {
            let (mut numbers, mut offs) = ([0; STEP], [0.0; STEP]);
            let (least, largest) = place(step, &mut numbers, &mut offs);
            self.widen(least, largest);
            count(&numbers[..step.len()], &offs, self.first, &mut self.bins);
        }
    }

    /// Makes room for bins of these numbers.
    fn widen(&mut self, least: i32, largest: i32) {
        let below = |number: i32| number.div_euclid(STEP as i32) * STEP as i32;
        if self.bins.is_empty() {
            self.first = below(least);
        }
        if least < self.first {
            let missing = (self.first - below(least)) as usize;
            self.bins
                .splice(..0, std::iter::repeat_n(Bin::default(), missing));
            self.first = below(least);
        }
        let needed = (largest - self.first) as usize + 1;
        if needed > self.bins.len() {
            let length = needed.next_multiple_of(STEP);
            self.bins.resize(length, Bin::default());
        }
    }

    /// `ln((1/bank) sum exp(beta s))` for every temperature of `tables`, in their order.
    pub(super) fn finish(&self, tables: &Tables, bank: usize) -> Vec<f64> {
        let highest = self.bins.iter().rposition(|bin| bin[0] > 0.0).unwrap_or(0);
        let mut sums = vec![0.0; tables.betas.len()];
        let below = self.bins.iter().take(highest + 1).rev();
        for (bin, exponentials) in below.zip(tables.rows()).filter(|(bin, _)| bin[0] > 0.0) {
            add_bin(bin, exponentials, &tables.cubics, &mut sums);
        }
        let highest = f64::from(self.first + highest as i32) * WIDTH;
        let logs = tables.betas.iter().zip(sums);
        logs.map(|(beta, sum)| beta * highest + (sum / bank as f64).ln_1p())
            .collect()
    }
}

dispatched! {
    /// Finds the numbers of the bins of up to [`STEP`] scores, what these are off from the centres in widths, from -1/2 to
    /// 1/2, and the least and the largest number. All steps are exact but the rounding to a whole number.
    pub(crate) fn place(scores: &[f32], numbers: &mut [i32; STEP], offs: &mut [f32; STEP]) -> (i32, i32) {
        let (mut least, mut largest) = (i32::MAX, i32::MIN);
        for (&score, (number, off)) in scores.iter().zip(numbers.iter_mut().zip(offs)) {
            let scaled = score * BINS;
            let shifted = scaled + ROUND_F32;
            *off = scaled - (shifted - ROUND_F32);
            // The low bits of `shifted` hold the whole number.
            *number = shifted.to_bits().wrapping_sub(ROUND_F32.to_bits()) as i32;
            least = least.min(*number);
            largest = largest.max(*number);
        }
        (least, largest)
    }
}

dispatched! {
    /// Adds scores to their bins, one after the other.
    pub(crate) fn count(numbers: &[i32], offs: &[f32], first: i32, bins: &mut [Bin]) -> () {
        for (&number, &off) in numbers.iter().zip(offs) {
            let off = f64::from(off);
            let square = off * off;
            let powers = [1.0, off, square, square * off];
            let bin = &mut bins[(number - first) as usize];
            for (sum, power) in bin.iter_mut().zip(powers) {
                *sum += power;
            }
        }
    }
}

/// What depends on the temperatures alone.
pub(super) struct Tables {
    betas: Vec<f64>,
    /// `exp(-beta j WIDTH) - 1`, for every `j` a row of all temperatures.
    exponentials: Vec<f64>,
    /// Coefficients of the cubics, less 1 in the constant term.
    cubics: [Vec<f64>; 4],
}

impl Tables {
    pub(super) fn new(betas: Vec<f64>) -> Self {
        // Similarities of unit vectors lie in [-1, 1], up to rounding and how exactly the vectors are of length one.
        let spread = 2 * BINS as u32 + 2 * STEP as u32;
        let exponential = |j: u32, beta: f64| exp_m1_nonpositive(-beta * f64::from(j) * WIDTH);
        let rows = (0..spread).flat_map(|j| betas.iter().map(move |&beta| exponential(j, beta)));
        Self {
            exponentials: rows.collect(),
            cubics: [0, 1, 2, 3]
                .map(|power| betas.iter().map(|b| cubic(b * WIDTH)[power]).collect()),
            betas,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.betas.is_empty()
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.exponentials.chunks_exact(self.betas.len().max(1))
    }
}

/// The cubic in `t` that equals `exp(x t) - 1` at the Chebyshev nodes of `|t| <= 1/2`, for `x <= 1/4`.
///
/// It is the Taylor polynomial modulo the Chebyshev polynomial that is zero there, `t^4 - t^2 / 4 + 1 / 128`: no
/// difference of nearly equal numbers, however small `x` is. What the polynomial leaves out is below `8^-12 / 12!`.
fn cubic(x: f64) -> [f64; 4] {
    let mut terms = [0.0; 12];
    let mut term = 1.0;
    for (power, place) in terms.iter_mut().enumerate().skip(1) {
        term *= x / power as f64;
        *place = term;
    }
    for power in (4..terms.len()).rev() {
        terms[power - 2] += terms[power] / 4.0;
        terms[power - 4] -= terms[power] / 128.0;
    }
    [terms[0], terms[1], terms[2], terms[3]]
}

dispatched! {
    /// Adds `sum exp(beta s) - 1` of one bin's scores, relative to the highest centre, to the sum of every temperature.
    pub(crate) fn add_bin(bin: &Bin, exponentials: &[f64], cubics: &[Vec<f64>; 4], sums: &mut [f64]) -> () {
        let [constant, linear, square, cube] = cubics;
        for (i, (sum, less)) in sums.iter_mut().zip(exponentials).enumerate() {
            let rest = constant[i] * bin[0] + linear[i] * bin[1] + square[i] * bin[2] + cube[i] * bin[3];
            *sum += less * bin[0] + (less + 1.0) * rest;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BETAS: [f64; 8] = [1e-12, 1e-3, 0.5, 2.0, 20.0, 200.0, 400.0, 512.0];

    fn logs(scores: &[f32], betas: &[f64]) -> Vec<f64> {
        let mut bins = Bins::default();
        scores.chunks(100).for_each(|piece| bins.push(piece));
        bins.finish(&Tables::new(betas.to_vec()), scores.len())
    }

    /// From the formula, by the library, relative to the largest score.
    fn oracle(scores: &[f32], beta: f64) -> f64 {
        let largest = f64::from(scores.iter().copied().fold(-1.0, f32::max));
        let less = scores
            .iter()
            .map(|&s| (beta * (f64::from(s) - largest)).exp_m1());
        beta * largest + (less.sum::<f64>() / scores.len() as f64).ln_1p()
    }

    /// What the head of this file states, and roundings: of small terms each their own; of others those of a mean less
    /// 1, which may be as small as one score's share, and of the product with `beta`.
    fn bound(beta: f64, scores: usize) -> f64 {
        let rounding = match beta <= 2.0 {
            true => 64.0 * beta,
            false => 8.0 * (beta + scores as f64),
        };
        (beta * WIDTH).powi(4) * (beta * WIDTH).exp() / 3072.0 + rounding * f64::EPSILON
    }

    fn check(name: &str, scores: &[f32]) {
        for (got, beta) in logs(scores, &BETAS).into_iter().zip(BETAS) {
            let (want, bound) = (oracle(scores, beta), bound(beta, scores.len()));
            assert!(
                (got - want).abs() <= bound,
                "{name}, beta={beta}: {got}, expected {want} within {bound:e}"
            );
        }
    }

    #[test]
    fn logs_are_within_the_bound() {
        // Where the cubic is off most, all alike: at a centre, at the edge of a bin, and where it turns between the nodes.
        for off in [0.0, 0.5, 0.353_553_4, -0.353_553_4, -0.499_9] {
            let score = (517.0 + off) / BINS;
            check("alike", &[score; 300]);
            check("and one far above", &[&[score; 300][..], &[0.9]].concat());
        }
        let cone = |i: usize| 0.25 + 0.1 * ((i * i * 37 % 1009) as f32 / 1009.0 - 0.5);
        check("cone", &(0..5000).map(cone).collect::<Vec<_>>());
        let wide = |i: usize| (i * i * 37 % 1009) as f32 / 504.5 - 1.0;
        check("wide", &(0..5000).map(wide).collect::<Vec<_>>());
        check("one", &[-1.000_1]);
        check("ends", &[1.000_1, -1.000_1]);
    }

    #[test]
    fn a_temperature_does_not_depend_on_its_company() {
        let scores: Vec<f32> = (0..1000)
            .map(|i| (i * i * 37 % 1009) as f32 / 504.5 - 1.0)
            .collect();
        let together = logs(&scores, &BETAS);
        for (beta, log) in BETAS.into_iter().zip(together) {
            assert_eq!(logs(&scores, &[beta]), [log], "beta={beta}");
        }
    }
}
