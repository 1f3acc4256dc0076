//! Exponentials: the inner loops of log-mean-exp and of Sinkhorn's scaling.

use crate::dispatch::dispatched;

/// Parallel partial sums; element `i` of a stream always goes to partial sum `i % SUMS`.
pub(crate) const SUMS: usize = 8;

/// Scores whose exponentials are taken together; a multiple of [`SUMS`] that divides every piece of a row but the last,
/// so that pieces change nothing.
pub(crate) const STEP: usize = 32;

/// log2(e), and ln 2 in two parts.
const LOG2_E: f64 = std::f64::consts::LOG2_E;
const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// Adding and subtracting 1.5 * 2^52 rounds to a whole number, ties to even, in two operations every machine has.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// Below this `exp` is smaller than the least normal number; it counts as zero.
const UNDERFLOW: f64 = -708.0;

/// 1/j! for the Taylor series of `exp` on |r| <= ln(2)/2, whose remainder after degree 12 is below 2e-16 of it.
const TAYLOR: [f64; 13] = {
    let mut terms = [1.0; 13];
    let mut j = 1;
    while j < terms.len() {
        terms[j] = terms[j - 1] / j as f64;
        j += 1;
    }
    terms
};

/// `exp(x)` of every `x <= 0` within two units in the last place, in additions, products and fused products only, so that
/// every processor returns the same bits (the system's `exp` does not) and the compiler computes several at once.
///
/// Each step is taken for all values before the next one: a single value's steps wait for each other. Loops, as
/// `array::map` would leave the caller's instruction set.
#[inline(always)]
pub(crate) fn exp_nonpositive<const N: usize>(x: [f64; N]) -> [f64; N] {
    let (mut shifted, mut r) = ([0.0; N], [0.0; N]);
    for i in 0..N {
        let clamped = if x[i] < UNDERFLOW { UNDERFLOW } else { x[i] };
        shifted[i] = clamped.mul_add(LOG2_E, ROUND);
        let whole = shifted[i] - ROUND;
        r[i] = whole.mul_add(-LN_2_LOW, whole.mul_add(-LN_2_HIGH, clamped));
    }
    let mut series = [TAYLOR[12]; N];
    for term in TAYLOR[..12].iter().rev() {
        for (series, r) in series.iter_mut().zip(r) {
            *series = series.mul_add(r, *term);
        }
    }
    for i in 0..N {
        // The low bits of `shifted` hold the whole number; moved into the exponent they are 2^whole.
        let scale = f64::from_bits((shifted[i].to_bits() << 52).wrapping_add(1.0f64.to_bits()));
        series[i] = if x[i] < UNDERFLOW {
            0.0
        } else {
            series[i] * scale
        };
    }
    series
}

/// `exp(x) - 1` of `x <= 0` within a few units in the last place, near zero too.
pub(crate) fn exp_m1_nonpositive(x: f64) -> f64 {
    if x < -0.5 {
        let [exponential] = exp_nonpositive([x]);
        return exponential - 1.0;
    }
    // x (1 + x/2 (1 + x/3 (...))): what 16 terms leave out is below 2^-17 / 17! of it.
    let series = (2..=16)
        .rev()
        .fold(1.0, |series, j| 1.0 + series * x / f64::from(j));
    x * series
}

/// ln 2 in two parts for f32, and the least exponent: what is below counts as this, which nothing that 1 is added to can
/// tell from zero.
const LN_2_HIGH_F32: f32 = 0.693_359_4;
const LN_2_LOW_F32: f32 = -2.121_944_4e-4;
const LEAST_F32: f32 = -87.0;

/// Adding and subtracting 1.5 * 2^23 rounds a small f32 to a whole number.
pub(crate) const ROUND_F32: f32 = 12_582_912.0;

/// `exp(x)` of every `x <= 0` in f32, within four units in the last place or 2e-38, in fused products, which every processor
/// rounds alike.
#[inline(always)]
fn exp_nonpositive_f32(x: [f32; STEP]) -> [f32; STEP] {
    let (mut shifted, mut r) = ([0.0f32; STEP], [0.0f32; STEP]);
    for i in 0..STEP {
        let x = if x[i] > LEAST_F32 { x[i] } else { LEAST_F32 };
        shifted[i] = x.mul_add(std::f32::consts::LOG2_E, ROUND_F32);
        let whole = shifted[i] - ROUND_F32;
        r[i] = whole.mul_add(-LN_2_LOW_F32, whole.mul_add(-LN_2_HIGH_F32, x));
    }
    let mut series = [TAYLOR[7] as f32; STEP];
    for term in TAYLOR[..7].iter().rev() {
        for (series, r) in series.iter_mut().zip(r) {
            *series = series.mul_add(r, *term as f32);
        }
    }
    for i in 0..STEP {
        // The low bits of `shifted` hold the whole number; added to the exponent they are a factor of 2^whole.
        series[i] = f32::from_bits(series[i].to_bits().wrapping_add(shifted[i].to_bits() << 23));
    }
    series
}

dispatched! {
    /// Adds `exp(beta * difference)` of every difference, none above zero, to the partial sums of every `beta`.
    pub(crate) fn add_exponentials(differences: &[f32; STEP], betas: &[f32], sums: &mut [[f64; SUMS]]) -> () {
        for (beta, sums) in betas.iter().zip(sums) {
            let mut products = *differences;
            for product in &mut products {
                *product *= beta;
            }
            let terms = exp_nonpositive_f32(products);
            // Two of a step's four terms of a partial sum are added in f32, whose rounding is that of the terms.
            for i in 0..SUMS {
                let low = terms[i] + terms[i + SUMS];
                let high = terms[i + 2 * SUMS] + terms[i + 3 * SUMS];
                sums[i] += f64::from(low) + f64::from(high);
            }
        }
    }
}

/// All of a sum.
pub(crate) fn total(sums: &[f64; SUMS]) -> f64 {
    sums.iter().sum()
}

dispatched! {
    /// Adds every score, and its square, to its partial sums.
    pub(crate) fn add_powers(scores: &[f32], sums: &mut [[f64; SUMS]; 2]) -> () {
        for chunk in scores.chunks(SUMS) {
            for (i, &score) in chunk.iter().enumerate() {
                let score = f64::from(score);
                sums[0][i] += score;
                sums[1][i] += score * score;
            }
        }
    }
}

dispatched! {
    /// Adds the softmax over the items of `(score + potential) / tau` to `sums`, one of `terms` each; all have one length.
    ///
    /// Differences from the largest sum are divided, so that no `tau > 0` overflows.
    pub(crate) fn add_softmax(scores: &[f32], potentials: &[f64], tau: f64, terms: &mut [f64], sums: &mut [f64]) -> () {
        for ((term, &score), &potential) in terms.iter_mut().zip(scores).zip(potentials) {
            *term = f64::from(score) + potential;
        }
        let largest = largest(terms);
        // Of the least temperatures the inverse is infinite, and zero times it no number.
        let inverse = (1.0 / tau).min(f64::MAX);
        let mut total = [0.0; SUMS];
        let (steps, rest) = terms.as_chunks_mut::<STEP>();
        for step in steps {
            *step = exponentials(step, largest, inverse, &mut total);
        }
        // The exponential of what is missing in the last step is zero.
        let mut last = [f64::NEG_INFINITY; STEP];
        last[..rest.len()].copy_from_slice(rest);
        let last = exponentials(&last, largest, inverse, &mut total);
        rest.copy_from_slice(&last[..rest.len()]);
        let factor = 1.0 / total.iter().sum::<f64>();
        for (sum, &term) in sums.iter_mut().zip(&*terms) {
            *sum += term * factor;
        }
    }
}

/// `exp((value - largest) * inverse)` of every value, which it also adds to partial sums.
#[inline(always)]
fn exponentials(
    values: &[f64; STEP],
    largest: f64,
    inverse: f64,
    total: &mut [f64; SUMS],
) -> [f64; STEP] {
    let mut exponents = *values;
    for exponent in &mut exponents {
        *exponent = (*exponent - largest) * inverse;
    }
    let terms = exp_nonpositive(exponents);
    for terms in terms.as_chunks::<SUMS>().0 {
        for i in 0..SUMS {
            total[i] += terms[i];
        }
    }
    terms
}

#[inline(always)]
fn largest(values: &[f64]) -> f64 {
    let larger = |a: f64, b: f64| if b > a { b } else { a };
    let mut largest = [f64::NEG_INFINITY; SUMS];
    let chunks = values.chunks_exact(SUMS);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (largest, &value) in largest.iter_mut().zip(chunk) {
            *largest = larger(*largest, value);
        }
    }
    largest
        .iter()
        .chain(rest)
        .copied()
        .fold(f64::NEG_INFINITY, larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_in_f32_are_within_four_units_of_the_library() {
        for step in 0..200_000u32 {
            let x = -(step as f32) * 0.000_521;
            let (got, want) = (exp_nonpositive_f32([x; STEP])[0], f64::from(x).exp());
            let unit = f64::from(f32::EPSILON);
            let tolerance = want * 4.0 * unit + if x < LEAST_F32 { 2e-38 } else { 0.0 };
            assert!(
                (f64::from(got) - want).abs() <= tolerance,
                "exp({x}) = {want}, got {got}"
            );
        }
        assert!(
            exp_nonpositive_f32([f32::NEG_INFINITY; STEP])
                .iter()
                .all(|&v| v < 2e-38)
        );
    }

    #[test]
    fn exponentials_less_one_keep_their_precision_near_zero() {
        for step in 0..200_000u32 {
            let x = -(f64::from(step) * 1e-4).powi(3);
            let (got, want) = (exp_m1_nonpositive(x), x.exp_m1());
            assert!(
                (got - want).abs() <= 4.0 * f64::EPSILON * want.abs(),
                "expm1({x}) = {want}, got {got}"
            );
        }
    }

    #[test]
    fn exponentials_are_within_two_units_of_the_library() {
        for step in 0..200_000u32 {
            let x = -f64::from(step) * 0.003_521;
            let ([got], want) = (exp_nonpositive([x]), x.exp());
            let tolerance = if want < f64::MIN_POSITIVE * 2.0 {
                f64::MIN_POSITIVE * 2.0
            } else {
                want * 2.0 * f64::EPSILON
            };
            assert!(
                (got - want).abs() <= tolerance,
                "exp({x}) = {want}, got {got}"
            );
        }
        assert_eq!(
            exp_nonpositive([0.0, -1e6, f64::NEG_INFINITY]),
            [1.0, 0.0, 0.0]
        );
    }
}
