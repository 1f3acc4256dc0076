//! The arithmetic of layers on slices of single-precision rows, for the CPU.
//!
//! Every loop adds in an order that its row's length alone decides, in sixteen interleaved sums where it reduces, and is
//! compiled for the widest vectors of the machine. Products go through `gemm`, one thread each: what runs in parallel
//! are rows and sequences.

use super::Activation;
use pulp::{Scalar, Simd, WithSimd};
use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, LN_2, LOG2_E};

/// Interleaved sums of a reduction.
const LANES: usize = 16;

/// Fewest rows a product with weights is given; see the head of `layers/mod.rs`.
pub(crate) const MIN_ROWS: usize = 65;

/// A matrix in a slice.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    pub(super) values: &'a [f32],
    /// Rows and columns.
    pub(super) size: (usize, usize),
    /// Steps from row to row and from column to column.
    pub(super) strides: (usize, usize),
}

impl<'a> Matrix<'a> {
    /// `values` in rows of `columns`.
    pub(super) fn rows(values: &'a [f32], columns: usize) -> Self {
        Self {
            values,
            size: (values.len() / columns, columns),
            strides: (columns, 1),
        }
    }

    /// The same, rows as columns.
    pub(super) fn transposed(self) -> Self {
        Self {
            values: self.values,
            size: (self.size.1, self.size.0),
            strides: (self.strides.1, self.strides.0),
        }
    }

    /// The element of a row and a column.
    pub(super) fn at(&self, row: usize, column: usize) -> f32 {
        self.values[row * self.strides.0 + column * self.strides.1]
    }

    /// Whether every element lies within the slice.
    fn fits(&self) -> bool {
        reaches(self.size, self.strides) <= self.values.len()
    }
}

/// One more than the last element's place.
fn reaches(size: (usize, usize), strides: (usize, usize)) -> usize {
    match size.0 == 0 || size.1 == 0 {
        true => 0,
        false => (size.0 - 1) * strides.0 + (size.1 - 1) * strides.1 + 1,
    }
}

/// `out` = a b, with `stride` values from one row of `out` to the next.
///
/// # Panics
/// Sizes that do not fit, which the callers rule out.
#[allow(unsafe_code)]
pub(super) fn multiply(out: &mut [f32], stride: usize, a: Matrix<'_>, b: Matrix<'_>) {
    let (rows, inner) = a.size;
    let columns = b.size.1;
    assert!(
        a.fits() && b.fits() && b.size.0 == inner && columns <= stride,
        "a product of {:?} and {:?}",
        a.size,
        b.size
    );
    assert!(reaches((rows, columns), (stride, 1)) <= out.len());
    // SAFETY: all three matrices lie within their slices, as was just asserted, and `out` is borrowed alone.
    unsafe {
        gemm::gemm(
            rows,
            columns,
            inner,
            out.as_mut_ptr(),
            1,
            stride as isize,
            false,
            a.values.as_ptr(),
            a.strides.1 as isize,
            a.strides.0 as isize,
            b.values.as_ptr(),
            b.strides.1 as isize,
            b.strides.0 as isize,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// `rows` += `sums`.
pub(super) fn add(rows: &mut [f32], sums: &[f32]) {
    rows.iter_mut().zip(sums).for_each(|(row, sum)| *row += sum);
}

/// Runs a loop compiled for the widest vectors of the machine.
pub(super) fn vectorised<Loop: WithSimd>(it: Loop) -> Loop::Output {
    #[cfg(target_arch = "x86_64")]
    {
        if let Some(simd) = pulp::x86::V4::try_new() {
            return Simd::vectorize(simd, it);
        }
        if let Some(simd) = pulp::x86::V3::try_new() {
            return Simd::vectorize(simd, it);
        }
    }
    Simd::vectorize(Scalar::new(), it)
}

/// e^x for |x| up to 87; the largest such beyond, and zero below. Within 2 units in the last place.
///
/// x = n ln 2 + r; e^r by its Taylor series, whose ninth term is below 2^-27; 2^n through the exponent's bits.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding 1.5 x 2^23 leaves the nearest integer in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = (std::f64::consts::LN_2 - LN_2_HIGH as f64) as f32;
    const TAYLOR: [f32; 8] = [
        1.0 / 5040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ];
    const LIMIT: f32 = 126.0 * LN_2;
    let inside = x.clamp(-LIMIT, LIMIT);
    let shifted = inside.mul_add(LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = n.mul_add(-LN_2_LOW, n.mul_add(-LN_2_HIGH, inside));
    let mut sum = TAYLOR[0];
    for term in &TAYLOR[1..] {
        sum = sum.mul_add(r, *term);
    }
    let scaled = f32::from_bits(sum.to_bits().wrapping_add(shifted.to_bits() << 23));
    if x < -LIMIT { 0.0 } else { scaled }
}

/// Half of erfc(z) for z >= 0 (Press et al., Numerical Recipes, section 6.2: Chebyshev's fit, relative error 1.2e-7).
#[inline(always)]
fn half_erfc(z: f32) -> f32 {
    const FIT: [f32; 10] = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_9,
        -1.135_204,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_7,
        -1.265_512_2,
    ];
    let t = 1.0 / (1.0 + 0.5 * z);
    let mut sum = FIT[0];
    for term in &FIT[1..] {
        sum = sum.mul_add(t, *term);
    }
    0.5 * t * exp(sum - z * z)
}

#[inline(always)]
fn quick_gelu(x: f32) -> f32 {
    x / (1.0 + exp(-1.702 * x))
}

#[inline(always)]
fn gelu(x: f32) -> f32 {
    let tail = half_erfc(x.abs() * FRAC_1_SQRT_2);
    x * if x < 0.0 { tail } else { 1.0 - tail }
}

#[inline(always)]
fn gelu_tanh(x: f32) -> f32 {
    // (1 + tanh u) / 2 = 1 / (1 + e^-2u), where 2u = 2 sqrt(2 / pi) (x + 0.044715 x^3).
    const TWICE: f32 = 2.0 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
    x / (1.0 + exp(-TWICE * x * (0.044_715 * x).mul_add(x, 1.0)))
}

/// Adds `bias` to each of the rows, then applies the activation.
pub(super) fn finish(rows: &mut [f32], bias: &[f32], activation: Option<Activation>) {
    match activation {
        None => vectorised(Map(rows, bias, |x| x)),
        Some(Activation::QuickGelu) => vectorised(Map(rows, bias, quick_gelu)),
        Some(Activation::Gelu) => vectorised(Map(rows, bias, gelu)),
        Some(Activation::GeluTanh) => vectorised(Map(rows, bias, gelu_tanh)),
    }
}

/// value = f(value + bias).
struct Map<'a, F>(&'a mut [f32], &'a [f32], F);

impl<F: Fn(f32) -> f32> WithSimd for Map<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for row in self.0.chunks_exact_mut(self.1.len()) {
            for (value, bias) in row.iter_mut().zip(self.1) {
                *value = self.2(*value + bias);
            }
        }
    }
}

/// (x - mean) / sqrt(variance + eps) * weight + bias of each row of `rows`, into `out`.
pub(super) struct NormRows<'a> {
    pub(super) rows: &'a [f32],
    pub(super) weight: &'a [f32],
    pub(super) bias: &'a [f32],
    pub(super) eps: f32,
    pub(super) out: &'a mut [f32],
}

impl NormRows<'_> {
    pub(super) fn run(self) {
        vectorised(self);
    }
}

impl WithSimd for NormRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let width = self.weight.len();
        let rows = self.rows.chunks_exact(width);
        for (row, out) in rows.zip(self.out.chunks_exact_mut(width)) {
            let mean = sum(row, |x| x) / width as f32;
            let variance = sum(row, |x| (x - mean) * (x - mean)) / width as f32;
            let scale = 1.0 / (variance + self.eps).sqrt();
            let affine = self.weight.iter().zip(self.bias);
            for ((out, x), (weight, bias)) in out.iter_mut().zip(row).zip(affine) {
                *out = ((x - mean) * scale).mul_add(*weight, *bias);
            }
        }
    }
}

/// Sum of f over a row.
#[inline(always)]
fn sum(row: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += f(*x);
        }
    }
    for (sum, x) in sums.iter_mut().zip(rest) {
        *sum += f(*x);
    }
    sums.iter().sum()
}

/// Each row of `scores`, rows of `columns`, to its softmax, `mask` added before.
struct Softmax<'a> {
    scores: &'a mut [f32],
    mask: Option<&'a [f32]>,
    columns: usize,
}

impl WithSimd for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for (index, row) in self.scores.chunks_exact_mut(self.columns).enumerate() {
            if let Some(mask) = self.mask {
                let mask = &mask[index * self.columns..][..self.columns];
                row.iter_mut().zip(mask).for_each(|(x, mask)| *x += mask);
            }
            let largest = largest(row);
            row.iter_mut().for_each(|x| *x = exp(*x - largest));
            let scale = 1.0 / sum(row, |x| x);
            row.iter_mut().for_each(|x| *x *= scale);
        }
    }
}

#[inline(always)]
fn largest(row: &[f32]) -> f32 {
    let (chunks, rest) = row.as_chunks::<LANES>();
    let mut most = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (most, x) in most.iter_mut().zip(chunk) {
            *most = if *x > *most { *x } else { *most };
        }
    }
    let most = most.iter().chain(rest).copied();
    most.fold(f32::NEG_INFINITY, f32::max)
}

/// A linear layer on slices.
#[derive(Clone, Copy)]
pub(super) struct Product<'a> {
    /// (input, output).
    pub(super) weight: Matrix<'a>,
    /// (output), if any.
    pub(super) bias: Option<&'a [f32]>,
    /// After the bias.
    pub(super) activation: Option<Activation>,
}

impl Product<'_> {
    /// Applies the layer to `rows`, into `out`.
    pub(super) fn run(self, rows: &[f32], out: &mut [f32]) {
        let (input, output) = self.weight.size;
        if rows.len() < MIN_ROWS * input {
            let (mut filled, mut sums) = (rows.to_vec(), vec![0.0; MIN_ROWS * output]);
            filled.resize(MIN_ROWS * input, 0.0);
            self.full(&filled, &mut sums);
            out.copy_from_slice(&sums[..out.len()]);
        } else {
            self.full(rows, out);
        }
    }

    fn full(self, rows: &[f32], out: &mut [f32]) {
        let (input, output) = self.weight.size;
        multiply(out, output, Matrix::rows(rows, input), self.weight);
        match (self.bias, self.activation) {
            (Some(bias), activation) => finish(out, bias, activation),
            (None, None) => {}
            (None, activation) => finish(out, &vec![0.0; output], activation),
        }
    }
}

/// Attention of one sequence: `qkv` (length, 3 width), the queries scaled, into `out` (length, width).
///
/// `mask` (length, length) is added to the scores, for which `scores` is room.
pub(super) fn attend(
    qkv: &[f32],
    (width, heads): (usize, usize),
    mask: Option<&[f32]>,
    scores: &mut Vec<f32>,
    out: &mut [f32],
) {
    let (length, head) = (out.len() / width, width / heads);
    scores.resize(length * length, 0.0);
    for at in (0..width).step_by(head) {
        let part = |part: usize| Matrix {
            values: &qkv[part * width + at..],
            size: (length, head),
            strides: (3 * width, 1),
        };
        multiply(scores, length, part(0), part(1).transposed());
        vectorised(Softmax {
            scores,
            mask,
            columns: length,
        });
        let weights = Matrix::rows(scores, length);
        multiply(&mut out[at..], width, weights, part(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of a hundredth over the range where anything happens.
    fn arguments() -> impl Iterator<Item = f32> {
        (-1200..=1200).map(|step| step as f32 / 100.0)
    }

    #[test]
    fn exponentials_are_exact_to_two_units_in_the_last_place() {
        let worst = (-8700..=8700).map(|step| {
            let x = step as f32 / 100.0;
            let exact = f64::from(x).exp();
            (f64::from(exp(x)) - exact).abs() / exact
        });
        assert!(worst.fold(0.0, f64::max) <= 2.0 * f64::from(f32::EPSILON));
        assert_eq!(
            [exp(0.0), exp(f32::NEG_INFINITY), exp(-100.0)],
            [1.0, 0.0, 0.0]
        );
        assert!(exp(f32::NAN).is_nan() && exp(f32::INFINITY) > 1e37);
    }

    /// The exponent of the tail is at most 20 where the result still counts, so that its rounding is worth 20 units.
    #[test]
    fn activations_are_those_of_their_formulas() {
        let bound = |x: f32| f64::from(x.abs().max(1.0)) * 20.0 * f64::from(f32::EPSILON);
        for x in arguments() {
            let wide = f64::from(x);
            let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
            let inner = (2.0 / std::f64::consts::PI).sqrt() * (wide + 0.044_715 * wide.powi(3));
            let erf = candle_core::cpu::erf::erf_f64(wide / std::f64::consts::SQRT_2);
            for (ours, exact) in [
                (quick_gelu(x), wide * sigmoid(1.702 * wide)),
                (gelu(x), wide * 0.5 * (1.0 + erf)),
                (gelu_tanh(x), wide * 0.5 * (1.0 + inner.tanh())),
            ] {
                let difference = (f64::from(ours) - exact).abs();
                assert!(difference <= bound(x), "{x}: {ours}, {exact}");
            }
        }
    }

    #[test]
    fn a_softmax_sums_to_one_and_sees_nothing_behind_its_mask() {
        let mut scores: Vec<f32> = (0..2 * 37).map(|at| (at * at % 23) as f32).collect();
        let mut mask = vec![0.0; 2 * 37];
        mask[20..37].fill(f32::NEG_INFINITY);
        vectorised(Softmax {
            scores: &mut scores,
            mask: Some(&mask),
            columns: 37,
        });
        assert!(scores[20..37].iter().all(|&it| it == 0.0));
        for row in scores.chunks(37) {
            // Thirty-seven roundings at most.
            assert!((row.iter().sum::<f32>() - 1.0).abs() <= 37.0 * f32::EPSILON);
        }
    }

    #[test]
    fn a_norm_of_far_values_keeps_their_differences() {
        // A variance as mean square less squared mean would be nothing but rounding here.
        let rows: Vec<f32> = (0..40).map(|at| 1e4 + (at % 2) as f32).collect();
        let mut out = vec![0.0; 40];
        NormRows {
            rows: &rows,
            weight: &[1.0; 40],
            bias: &[0.0; 40],
            eps: 1e-12,
            out: &mut out,
        }
        .run();
        assert!(
            out.iter()
                .enumerate()
                .all(|(at, it)| *it == (at % 2) as f32 * 2.0 - 1.0)
        );
    }
}
