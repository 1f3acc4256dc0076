//! Products in half the bits at twice the speed, where AVX-512 BF16 is there: not scores, but bounds of scores.
#![allow(unsafe_code)]

use super::{Kernel, LANES, Line, PANEL, check_block};
use crate::Rows;
use rayon::prelude::*;
use std::arch::x86_64::*;

const ROWS: usize = 14;
const LINES: usize = PANEL / LANES;

/// The block product of [`Pairs`], if this processor has one.
pub(crate) fn kernel() -> Option<Kernel> {
    let found = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16");
    found.then_some(Kernel {
        name: "avx512bf16",
        rows: ROWS,
        block,
    })
}

/// Vectors rounded to bfloat16, two neighbouring coordinates in the bits of one f32: half as many dimensions, rounded up.
pub(crate) struct Pairs {
    data: Vec<f32>,
    dim: usize,
    /// Largest Euclidean distance of a vector from its rounded form.
    pub(crate) residual: f64,
}

impl Pairs {
    pub(crate) fn new(rows: Rows<'_>) -> Self {
        let dim = rows.dim().div_ceil(2);
        let mut data = vec![0.0; rows.len() * dim];
        let rounded = data
            .par_chunks_mut(dim)
            .zip(rows.data().par_chunks(rows.dim()));
        let residual = rounded
            .map(|(pairs, row)| round_row(row, pairs))
            .reduce(|| 0.0, f64::max);
        Self {
            data,
            dim,
            residual,
        }
    }

    /// The pairs as vectors that only [`kernel`] can multiply.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows::raw(&self.data, self.dim)
    }
}

/// Rounds one vector; returns how far it moved.
fn round_row(row: &[f32], pairs: &mut [f32]) -> f64 {
    for (place, pair) in pairs.iter_mut().zip(row.chunks(2)) {
        let high = pair.get(1).map_or(0, |&v| rounded(v));
        *place = f32::from_bits(high << 16 | rounded(pair[0]));
    }
    let error = |&v: &f32| f64::from(v) - f64::from(f32::from_bits(rounded(v) << 16));
    row.iter().map(error).map(|e| e * e).sum::<f64>().sqrt()
}

/// The upper half of the f32 nearest to `value` of those whose lower half is zero; ties to even.
fn rounded(value: f32) -> u32 {
    let bits = value.to_bits();
    (bits + 0x7fff + (bits >> 16 & 1)) >> 16
}

fn block(left: &[f32], right: &[Line], out: &mut [f32], stride: usize) {
    let dim = check_block(ROWS, left, right, out, stride);
    // SAFETY: this function is reachable only through `kernel`, which found the features; `check_block` has verified
    // that the slices hold `dim` steps of ROWS pairs and LINES lines, and ROWS rows of PANEL floats, `stride` apart.
    unsafe { block_bf16(dim, left.as_ptr(), right.as_ptr(), out.as_mut_ptr(), stride) }
}

#[target_feature(enable = "avx512f,avx512bf16")]
unsafe fn block_bf16(
    dim: usize,
    left: *const f32,
    right: *const Line,
    out: *mut f32,
    stride: usize,
) {
    let pairs = |v| -> __m512bh {
        // SAFETY: both are 64 bytes without invalid values.
        unsafe { std::mem::transmute(_mm512_castps_si512(v)) }
    };
    let mut sums = [[_mm512_setzero_ps(); LINES]; ROWS];
    for step in 0..dim {
        // SAFETY: `step < dim`, and the caller vouches for `dim` steps on both sides; lines are aligned to 64 bytes.
        unsafe {
            let (values, lines) = (left.add(step * ROWS), right.add(step * LINES).cast::<f32>());
            let columns: [_; LINES] =
                std::array::from_fn(|l| pairs(_mm512_load_ps(lines.add(l * LANES))));
            for (r, sum) in sums.iter_mut().enumerate() {
                let value = pairs(_mm512_set1_ps(*values.add(r)));
                for (sum, column) in sum.iter_mut().zip(columns) {
                    *sum = _mm512_dpbf16_ps(*sum, value, column);
                }
            }
        }
    }
    for (r, sum) in sums.iter().enumerate() {
        for (l, &sum) in sum.iter().enumerate() {
            // SAFETY: row `r < ROWS` of `out` holds PANEL floats from `r * stride` on.
            unsafe { _mm512_storeu_ps(out.add(r * stride + l * LANES), sum) };
        }
    }
}

/// Scores of one vector with [`LANES`] others, with the bits of every other kernel.
///
/// # Panics
/// An other is shorter than the vector, or the processor is not one that [`kernel`] serves.
pub(crate) fn exact_scores(item: &[f32], others: [&[f32]; LANES]) -> [f32; LANES] {
    assert!(others.iter().all(|other| other.len() >= item.len()));
    assert!(is_x86_feature_detected!("avx512f"));
    let (mut scores, mut starts) = ([0.0; LANES], [item.as_ptr(); LANES]);
    for (start, other) in starts.iter_mut().zip(others) {
        *start = other.as_ptr();
    }
    // SAFETY: the feature was just detected and the lengths were checked.
    unsafe { chains(item, starts, &mut scores) };
    scores
}

/// One chain a lane (loops throughout, as `array::map` leaves the instruction set of its caller): 16 coordinates of each vector are loaded at once and turned, so that a register holds one
/// coordinate of all.
#[target_feature(enable = "avx512f")]
unsafe fn chains(item: &[f32], others: [*const f32; LANES], scores: &mut [f32; LANES]) {
    let mut sums = _mm512_setzero_ps();
    for (chunk, values) in item.chunks(LANES).enumerate() {
        let mask = u16::MAX >> (LANES - values.len());
        let mut loaded = [sums; LANES];
        for (row, other) in loaded.iter_mut().zip(others) {
            // SAFETY: the caller vouches for `item.len()` floats; the mask leaves out what is past them.
            *row = unsafe { _mm512_maskz_loadu_ps(mask, other.add(chunk * LANES)) };
        }
        for (&value, column) in values.iter().zip(turned(loaded)) {
            sums = _mm512_fmadd_ps(_mm512_set1_ps(value), column, sums);
        }
    }
    // SAFETY: `scores` holds LANES floats.
    unsafe { _mm512_storeu_ps(scores.as_mut_ptr(), sums) };
}

/// The transpose of 16 rows of 16.
#[target_feature(enable = "avx512f")]
fn turned(rows: [__m512; LANES]) -> [__m512; LANES] {
    let mut fours = rows;
    for four in fours.chunks_exact_mut(4) {
        let low_01 = _mm512_castps_pd(_mm512_unpacklo_ps(four[0], four[1]));
        let low_23 = _mm512_castps_pd(_mm512_unpacklo_ps(four[2], four[3]));
        let high_01 = _mm512_castps_pd(_mm512_unpackhi_ps(four[0], four[1]));
        let high_23 = _mm512_castps_pd(_mm512_unpackhi_ps(four[2], four[3]));
        // A quarter Q of `four[j]` is coordinate 4 Q + j of the four rows.
        four[0] = _mm512_castpd_ps(_mm512_unpacklo_pd(low_01, low_23));
        four[1] = _mm512_castpd_ps(_mm512_unpackhi_pd(low_01, low_23));
        four[2] = _mm512_castpd_ps(_mm512_unpacklo_pd(high_01, high_23));
        four[3] = _mm512_castpd_ps(_mm512_unpackhi_pd(high_01, high_23));
    }
    let mut columns = rows;
    for j in 0..4 {
        let (a, b, c, d) = (fours[j], fours[4 + j], fours[8 + j], fours[12 + j]);
        let even = (
            _mm512_shuffle_f32x4::<0x88>(a, b),
            _mm512_shuffle_f32x4::<0x88>(c, d),
        );
        let odd = (
            _mm512_shuffle_f32x4::<0xdd>(a, b),
            _mm512_shuffle_f32x4::<0xdd>(c, d),
        );
        columns[j] = _mm512_shuffle_f32x4::<0x88>(even.0, even.1);
        columns[8 + j] = _mm512_shuffle_f32x4::<0xdd>(even.0, even.1);
        columns[4 + j] = _mm512_shuffle_f32x4::<0x88>(odd.0, odd.1);
        columns[12 + j] = _mm512_shuffle_f32x4::<0xdd>(odd.0, odd.1);
    }
    columns
}

/// Calls `found` with the position of every value above `cut`, in ascending order.
///
/// # Panics
/// The processor is not one that [`kernel`] serves.
pub(crate) fn each_above(values: &[f32], cut: f32, found: impl FnMut(usize)) {
    #[target_feature(enable = "avx512f")]
    fn search(values: &[f32], cut: f32, mut found: impl FnMut(usize)) {
        let cuts = _mm512_set1_ps(cut);
        for (line, values) in values.chunks(LANES).enumerate() {
            let mask = u16::MAX >> (LANES - values.len());
            // SAFETY: the mask leaves out what is past the end.
            let values = unsafe { _mm512_maskz_loadu_ps(mask, values.as_ptr()) };
            let mut above = _mm512_mask_cmp_ps_mask::<_CMP_GT_OQ>(mask, values, cuts);
            while above != 0 {
                found(line * LANES + above.trailing_zeros() as usize);
                above &= above - 1;
            }
        }
    }
    assert!(is_x86_feature_detected!("avx512f"));
    // SAFETY: the feature was just detected.
    unsafe { search(values, cut, found) }
}

/// Asks for a vector that [`exact_scores`] will soon read.
pub(crate) fn prefetch(vector: &[f32]) {
    for line in vector.chunks(LANES) {
        // SAFETY: a hint without effect on memory, of an address within the vector.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(line.as_ptr().cast()) };
    }
}
