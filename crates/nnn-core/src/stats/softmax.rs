//! Softmaxes over the items of some bank rows in f32, at several temperatures: the inner loops of Sinkhorn's rounds.
//!
//! With `m_d` near the largest of a bank row's scores, `K_gd = exp((S_gd - m_d) / tau)` and weights `u_g <= 1` of the items, a
//! row's total is `sum_g K_gd u_g`, and its part of an item's sum is `K_gd` over the total. All of these are the same up to
//! a factor of the row, whatever `m_d` is.
//!
//! **Exponentials.** `K` is computed at a base, the temperature doubled until it is above [`BASE`], and squared as often. So
//! temperatures that are powers of two apart share exponentials, and a relative error `e` of the base's is one of
//! `2^j (e + u)` at most, `u = 2^-24`: in units of similarity, times the temperature, `base (e + u)` whatever `j` is. The
//! exponent is `c s - n` with `c = log2(e) / base` in two parts and whole numbers `n`, in fused products: both roundings are of
//! numbers up to 1/2, and together move the exponential by no more than `u ln 2`, 0.7 `u`. The polynomial is off by 1.6e-8,
//! 0.3 `u`; its evaluation by 1.5 `u`. With the squares' roundings that is 3.5 `u` of the base.
//!
//! **Sums.** An item's weight and a row's factor are rounded to f32: one `u` each. A row's products with the weights are added in
//! f32 in lanes of [`BLOCK`] / [`STEP`] and in fours, 10 roundings, and then in f64. An item's products with the factors are added
//! in f32 over [`GROUP`] rows, 8 roundings, and then in f64.
//!
//! **Together** `tau ln` of a row's total is off by at most `3.5 u base + 11 u tau`, and that of an item's sum by
//! `3.5 u base + 9 u tau`: a round adds no more than `u (7 base + 20 tau)` to what an item's potential is off by, as
//! neither half of a round enlarges the largest error of what it reads. At `tau = 0.01` and ten rounds that is 2.0e-7 were all
//! roundings of all scores to one side; what is found is a hundredth of it.
//!
//! **Range.** Exponentials below `2^-125` count as `2^-125` or as zero. [`MOST_RANGE`] bounds the logarithms of the weights, so
//! that no total is below `2^-66`, and what counts otherwise is less than `2^-39` of it for a million items. For the items' sums
//! the caller checks it.

use crate::dispatch::dispatched;
use crate::exp::{ROUND_F32, STEP, SUMS, exp_nonpositive};

/// Temperatures that are served. Below, exponents would be too large for f32; above, the rounding of exponentials to f32 would be
/// more than that of the similarities.
pub(super) const SERVED: std::ops::RangeInclusive<f64> = 0.001..=0.05;

/// Bases are above this and, but for temperatures that are more than twice as high, at most twice as much.
const BASE: f64 = 0.0125;

/// Largest difference of two logarithms of weights.
pub(super) const MOST_RANGE: f64 = 40.0;

/// Exponentials below this are not counted right.
pub(super) const LEAST: f64 = 2.350_988_701_644_575e-38;
const LEAST_EXPONENT: f64 = -125.0;

/// Below this a square is below [`LEAST`] and counts as zero.
const LEAST_ROOT: f32 = 1.084_202_2e-19;

/// Columns whose products are added in f32.
const BLOCK: usize = 256;

/// Bank rows that are added to the items' sums together.
pub(super) const GROUP: usize = 8;

/// `(2^f - 1) / f` for `|f| <= 1/2`: with it `2^f` is off by 1.6e-8 of itself at most.
const SERIES: [f32; 6] = [
    std::f32::consts::LN_2,
    0.240_226_48,
    0.055_503_324,
    0.009_618_438,
    0.001_339_887_7,
    0.000_153_533_56,
];

/// A temperature whose exponentials are computed; others are its halves, quarters and so on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Base {
    tau: f64,
    /// `log2(e) / tau` in two parts.
    high: f32,
    low: f32,
}

impl Base {
    /// That of a temperature, and how often its exponentials are squared for it.
    pub(super) fn of(tau: f64) -> (Self, u32) {
        let (mut base, mut squarings) = (tau, 0);
        while base <= BASE {
            base *= 2.0;
            squarings += 1;
        }
        let factor = std::f64::consts::LOG2_E / base;
        let high = factor as f32;
        let low = (factor - f64::from(high)) as f32;
        let tau = base;
        (Self { tau, high, low }, squarings)
    }

    /// What brings a row's largest score near an exponential of one: it is added to the exponents of 2.
    fn shift(&self, largest: f32) -> f32 {
        -(largest * self.high).round_ties_even()
    }
}

/// A temperature among those of a base.
pub(super) struct Member<'a> {
    /// Its place among all.
    pub(super) place: usize,
    pub(super) squarings: u32,
    /// Weights of the items, zero for the fill.
    pub(super) weights: &'a [f32],
}

/// Some bank rows at a base.
pub(super) struct Work<'a> {
    pub(super) base: Base,
    pub(super) members: Vec<Member<'a>>,
}

dispatched! {
    /// The largest score.
    pub(crate) fn largest_score(scores: &[f32]) -> f32 {
        let larger = |a: f32, b: f32| if b > a { b } else { a };
        let (steps, rest) = scores.as_chunks::<STEP>();
        let mut largest = [f32::NEG_INFINITY; STEP];
        for step in steps {
            for i in 0..STEP {
                largest[i] = larger(largest[i], step[i]);
            }
        }
        largest.iter().chain(rest).copied().fold(f32::NEG_INFINITY, larger)
    }
}

/// A row's scores, its largest one, and where its exponentials go: as many, filled up to a multiple of [`STEP`].
pub(super) struct Line<'a> {
    pub(super) scores: &'a [f32],
    pub(super) largest: f32,
    pub(super) exponentials: &'a mut [f32],
}

impl<'a> Line<'a> {
    pub(super) fn new(scores: &'a [f32], exponentials: &'a mut [f32]) -> Self {
        let largest = largest_score(scores);
        Self {
            scores,
            largest,
            exponentials,
        }
    }
}

dispatched! {
    /// `exp((potential - peak) / tau)` of every potential, none above the peak.
    pub(crate) fn weights(potentials: &[f64], peak: f64, tau: f64, out: &mut [f32]) -> () {
        for (potentials, out) in potentials.chunks(STEP).zip(out.chunks_mut(STEP)) {
            let mut exponents = [0.0; STEP];
            for (exponent, potential) in exponents.iter_mut().zip(potentials) {
                *exponent = (potential - peak) / tau;
            }
            for (out, weight) in out.iter_mut().zip(exp_nonpositive(exponents)) {
                *out = weight as f32;
            }
        }
    }
}

dispatched! {
    /// Computes the exponentials of up to [`GROUP`] rows at a base, and their totals at every member: [`GROUP`] of each.
    pub(crate) fn exponentials(lines: &mut [Line<'_>], work: &Work<'_>, totals: &mut [f64]) -> () {
        let mut lanes = [[[0.0; SUMS]; MOST_MEMBERS]; GROUP];
        let width = lines.first().map_or(0, |line| line.exponentials.len());
        for first in (0..width).step_by(BLOCK) {
            let last = width.min(first + BLOCK);
            for (line, lanes) in lines.iter_mut().zip(&mut lanes) {
                let exponentials = &mut line.exponentials[first..last];
                let scores = &line.scores[first..line.scores.len().min(last)];
                exponents(scores, &work.base, line.largest, exponentials);
                for (member, lanes) in work.members.iter().zip(lanes) {
                    let weights = &member.weights[first..last];
                    match member.squarings {
                        0 => add_block::<0>(exponentials, weights, lanes),
                        1 => add_block::<1>(exponentials, weights, lanes),
                        2 => add_block::<2>(exponentials, weights, lanes),
                        3 => add_block::<3>(exponentials, weights, lanes),
                        _ => add_block::<4>(exponentials, weights, lanes),
                    }
                }
            }
        }
        for (row, lanes) in lanes.iter().enumerate() {
            for (totals, lanes) in totals.chunks_exact_mut(GROUP).zip(lanes) {
                totals[row] = lanes.iter().sum();
            }
        }
    }
}

/// Members that a base can have: from the base down to a sixteenth.
const MOST_MEMBERS: usize = 5;

/// The exponentials of a block of scores.
#[inline(always)]
fn exponents(scores: &[f32], base: &Base, largest: f32, out: &mut [f32]) {
    let shift = base.shift(largest);
    let least = ((LEAST_EXPONENT - f64::from(shift)) / f64::from(base.high)) as f32;
    let (steps, rest) = scores.as_chunks::<STEP>();
    let (outs, _) = out.as_chunks_mut::<STEP>();
    for (out, step) in outs.iter_mut().zip(steps) {
        *out = powers_of_e(step, base, shift, least);
    }
    if !rest.is_empty() {
        let mut last = [f32::NEG_INFINITY; STEP];
        last[..rest.len()].copy_from_slice(rest);
        outs[steps.len()] = powers_of_e(&last, base, shift, least);
    }
}

/// `2^(c s + shift)` of every score, of those below `least` as of that.
#[inline(always)]
fn powers_of_e(scores: &[f32; STEP], base: &Base, shift: f32, least: f32) -> [f32; STEP] {
    let rounding = ROUND_F32 + shift;
    let mut powers = [0.0f32; STEP];
    for i in 0..STEP {
        let score = if scores[i] > least { scores[i] } else { least };
        let shifted = score.mul_add(base.high, rounding);
        let whole = shifted - rounding;
        let rest = score.mul_add(base.low, score.mul_add(base.high, -whole));
        let mut series = SERIES[5];
        for term in [SERIES[4], SERIES[3], SERIES[2], SERIES[1], SERIES[0], 1.0] {
            series = series.mul_add(rest, term);
        }
        // The low bits of `shifted` hold the whole number; added to the exponent they are a factor of 2^whole.
        powers[i] = f32::from_bits(series.to_bits().wrapping_add(shifted.to_bits() << 23));
    }
    powers
}

/// Exponentials at the base raised to `2^J`.
#[inline(always)]
fn squared<const J: usize>(exponentials: &[f32; STEP]) -> [f32; STEP] {
    let mut powers = *exponentials;
    for _ in 0..J {
        for power in &mut powers {
            *power = if *power > LEAST_ROOT {
                *power * *power
            } else {
                0.0
            };
        }
    }
    powers
}

/// Adds the products of a block's exponentials and weights to the lanes of a total.
#[inline(always)]
fn add_block<const J: usize>(exponentials: &[f32], weights: &[f32], lanes: &mut [f64; SUMS]) {
    let mut sums = [0.0f32; STEP];
    let (steps, weights) = (
        exponentials.as_chunks::<STEP>().0,
        weights.as_chunks::<STEP>().0,
    );
    for (step, weights) in steps.iter().zip(weights) {
        let powers = squared::<J>(step);
        for i in 0..STEP {
            sums[i] = powers[i].mul_add(weights[i], sums[i]);
        }
    }
    for i in 0..SUMS {
        let low = sums[i] + sums[i + SUMS];
        let high = sums[i + 2 * SUMS] + sums[i + 3 * SUMS];
        lanes[i] += f64::from(low + high);
    }
}

dispatched! {
    /// Adds the exponentials of up to [`GROUP`] rows, squared so often and each times its row's factor, to the items' sums.
    pub(crate) fn add_products(lines: &[Line<'_>], squarings: u32, factors: &[f32], sums: &mut [f64]) -> () {
        match squarings {
            0 => add_lines::<0>(lines, factors, sums),
            1 => add_lines::<1>(lines, factors, sums),
            2 => add_lines::<2>(lines, factors, sums),
            3 => add_lines::<3>(lines, factors, sums),
            _ => add_lines::<4>(lines, factors, sums),
        }
    }
}

#[inline(always)]
fn add_lines<const J: usize>(lines: &[Line<'_>], factors: &[f32], sums: &mut [f64]) {
    // Missing rows count with a factor of zero.
    let (Some(first), Some(width)) = (lines.first(), lines.first().map(|l| l.exponentials.len()))
    else {
        return;
    };
    let row = |i: usize| &lines.get(i).unwrap_or(first).exponentials[..width];
    let rows: [&[f32]; GROUP] = std::array::from_fn(row);
    let mut all = [0.0; GROUP];
    all[..lines.len()].copy_from_slice(&factors[..lines.len()]);
    let (sums, _) = sums[..width].as_chunks_mut::<STEP>();
    for (step, sums) in sums.iter_mut().enumerate() {
        let mut terms = [0.0f32; STEP];
        for (row, factor) in rows.iter().zip(all) {
            let exponentials: &[f32; STEP] = row[step * STEP..][..STEP].try_into().expect("a step");
            let powers = squared::<J>(exponentials);
            for i in 0..STEP {
                terms[i] = powers[i].mul_add(factor, terms[i]);
            }
        }
        for i in 0..STEP {
            sums[i] += f64::from(terms[i]);
        }
    }
}

/// How much one round adds at most to what a potential is off by: see the head of this file.
#[cfg(test)]
pub(super) fn error(tau: f64) -> f64 {
    let (base, _) = Base::of(tau);
    f64::from(f32::EPSILON) / 2.0 * (7.0 * base.tau + 20.0 * tau)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAUS: [f64; 7] = [0.001, 0.005, 0.0075, 0.01, 0.0125, 0.025, 0.05];
    const U32: f64 = f32::EPSILON as f64 / 2.0;

    /// Scores without pattern, of which the last step is not full.
    fn scores(count: usize) -> Vec<f32> {
        let score = |i: usize| 0.2 + 0.25 * ((i * i * 37 % 1009) as f32 / 1009.0 - 0.5);
        (0..count).map(score).collect()
    }

    fn work(tau: f64, weights: &[f32]) -> Work<'_> {
        let (base, squarings) = Base::of(tau);
        let member = Member {
            place: 0,
            squarings,
            weights,
        };
        Work {
            base,
            members: vec![member],
        }
    }

    /// The exponential of one score, as it stands in the code, one operation after the other.
    fn plain(score: f32, base: &Base, largest: f32) -> f32 {
        let rounding = ROUND_F32 + base.shift(largest);
        let shifted = score.mul_add(base.high, rounding);
        let rest = score.mul_add(base.high, -(shifted - rounding));
        let rest = score.mul_add(base.low, rest);
        let series = SERIES.iter().rev().skip(1);
        let series = series.fold(SERIES[5], |sum, term| sum.mul_add(rest, *term));
        let power = series.mul_add(rest, 1.0);
        f32::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 23))
    }

    #[test]
    fn exponentials_are_within_their_bound_and_have_the_bits_of_single_operations() {
        let scores = scores(1003);
        let largest = largest_score(&scores);
        assert_eq!(largest, scores.iter().copied().fold(-1.0, f32::max));
        let weights = vec![1.0; 1024];
        for tau in TAUS {
            let work = work(tau, &weights);
            let mut out = vec![0.0; 1024];
            let mut lines = [Line::new(&scores, &mut out)];
            exponentials(&mut lines, &work, &mut [0.0; GROUP]);
            let base = work.base;
            let shift = f64::from(base.shift(largest)) * std::f64::consts::LN_2;
            for (&score, &got) in scores.iter().zip(&out) {
                let want = (f64::from(score) / base.tau + shift).exp();
                let off = (f64::from(got) - want).abs();
                assert!(off <= 2.5 * U32 * want, "{tau}, {score}: {got:e}, {want:e}");
                assert_eq!(got.to_bits(), plain(score, &base, largest).to_bits());
            }
        }
    }

    /// Totals and sums of rows with few enough terms for their bounds: halves of temperatures, a group that is not full.
    #[test]
    fn totals_and_sums_are_within_their_bounds() {
        let rows: Vec<Vec<f32>> = (0..3)
            .map(|row| scores(700 + row)[row..].to_vec())
            .collect();
        let weight = |i: usize| 1.0 / (1.0 + i as f32);
        let mut weights: Vec<f32> = (0..700).map(weight).collect();
        weights.resize(704, 0.0);
        for tau in TAUS {
            let work = work(tau, &weights);
            let (base, squarings) = Base::of(tau);
            let mut buffer = vec![0.0; 3 * 704];
            let lines = rows.iter().zip(buffer.chunks_mut(704));
            let mut lines: Vec<Line<'_>> = lines.map(|(row, out)| Line::new(row, out)).collect();
            let mut totals = [0.0; GROUP];
            exponentials(&mut lines, &work, &mut totals);
            let factors = [0.5, 0.25, 2.0];
            let mut sums = vec![1.0; 704];
            add_products(&lines, squarings, &factors, &mut sums);
            let exact = |row: usize, item: usize| {
                let shift = f64::from(base.shift(lines[row].largest)) * std::f64::consts::LN_2;
                let exponent = f64::from(rows[row][item]) / base.tau + shift;
                (exponent * f64::from(1u32 << squarings)).exp()
            };
            let of_exponential = 3.5 * U32 * f64::from(1u32 << squarings);
            for (row, &got) in totals[..3].iter().enumerate() {
                let terms = (0..700).map(|item| exact(row, item) * f64::from(weights[item]));
                let want: f64 = terms.sum();
                let bound = (of_exponential + 10.0 * U32) * want;
                assert!((got - want).abs() <= bound, "{tau}: {got:e}, {want:e}");
            }
            for (item, &got) in sums[..700].iter().enumerate() {
                let terms = (0..3).map(|row| exact(row, item) * f64::from(factors[row]));
                let want: f64 = terms.sum();
                let bound = (of_exponential + 8.0 * U32) * want + f64::EPSILON;
                assert!(
                    (got - 1.0 - want).abs() <= bound,
                    "{tau}: {got:e}, {want:e}"
                );
            }
        }
    }

    /// Scores far below the largest count as nothing or next to nothing, and never as anything else.
    #[test]
    fn what_is_below_the_range_vanishes() {
        let mut scores = vec![-1.0; 40];
        scores[7] = 1.0;
        for tau in TAUS {
            let weights = vec![1.0; 64];
            let work = work(tau, &weights);
            let mut out = vec![f32::NAN; 64];
            let mut lines = [Line::new(&scores, &mut out)];
            let mut totals = [0.0; GROUP];
            exponentials(&mut lines, &work, &mut totals);
            let exponent = -2.0 / work.base.tau;
            let most = (exponent.exp() * 2.0).max(2.0 * LEAST);
            let small = |&(i, &value): &(usize, &f32)| i != 7 && f64::from(value) <= most;
            assert_eq!(out.iter().enumerate().filter(small).count(), 63, "{tau}");
            assert!((0.1..16.0).contains(&totals[0]), "{tau}: {}", totals[0]);
        }
    }
}
