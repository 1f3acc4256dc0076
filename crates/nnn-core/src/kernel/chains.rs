//! Scores of single pairs, with the bits of every block product.
#![allow(unsafe_code)]

use super::LANES;
use crate::dispatch::dispatched;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

/// Scores of one vector with [`LANES`] others; `next` are fetched meanwhile where this can be said.
///
/// # Panics
/// An other is shorter than the vector.
pub(crate) type Chains = fn(item: &[f32], others: [&[f32]; LANES], next: &[&[f32]]) -> [f32; LANES];

/// In AVX-512, where the processor has it.
#[cfg(target_arch = "x86_64")]
pub(super) fn avx512() -> Option<Chains> {
    fn scores(item: &[f32], others: [&[f32]; LANES], next: &[&[f32]]) -> [f32; LANES] {
        let others = others.map(|other| &other[..item.len()]);
        let mut scores = [0.0; LANES];
        // SAFETY: this function is reachable only through the one around it, which found the feature; the slices are as
        // long as `item`.
        unsafe { chains(item, &others, next, &mut scores) };
        scores
    }
    is_x86_feature_detected!("avx512f").then_some(scores)
}

/// Without intrinsics: where vectors cannot be turned in registers, single chains side by side are faster.
pub(super) fn portable(item: &[f32], others: [&[f32]; LANES], _next: &[&[f32]]) -> [f32; LANES] {
    const AT_ONCE: usize = 8;
    let mut scores = [0.0; LANES];
    for (scores, others) in scores.chunks_mut(AT_ONCE).zip(others.chunks(AT_ONCE)) {
        let others: [&[f32]; AT_ONCE] = std::array::from_fn(|i| &others[i][..item.len()]);
        let mut sums = [0.0; AT_ONCE];
        single_chains(item, &others, &mut sums);
        scores.copy_from_slice(&sums);
    }
    scores
}

dispatched! {
    /// Eight chains.
    pub(crate) fn single_chains(item: &[f32], others: &[&[f32]; 8], sums: &mut [f32; 8]) -> () {
        let [a, b, c, d, e, f, g, h] = *others;
        let mut s = *sums;
        let pairs = item.iter().zip(a.iter().zip(b)).zip(c.iter().zip(d));
        let pairs = pairs.zip(e.iter().zip(f)).zip(g.iter().zip(h));
        for ((((&v, (a, b)), (c, d)), (e, f)), (g, h)) in pairs {
            for (sum, &other) in s.iter_mut().zip([a, b, c, d, e, f, g, h]) {
                *sum = v.mul_add(other, *sum);
            }
        }
        *sums = s;
    }
}

/// One chain a lane (loops throughout, as `array::map` leaves the instruction set of its caller): 16 coordinates of each
/// vector are loaded at once and turned, so that a register holds one coordinate of all.
///
/// # Safety
/// All of `others` are as long as `item`.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn chains(
    item: &[f32],
    others: &[&[f32]; LANES],
    next: &[&[f32]],
    scores: &mut [f32; LANES],
) {
    let mut sums = _mm512_setzero_ps();
    for (chunk, values) in item.chunks(LANES).enumerate() {
        let mask = u16::MAX >> (LANES - values.len());
        for vector in next {
            let line = vector.as_ptr().wrapping_add(chunk * LANES);
            _mm_prefetch::<_MM_HINT_T1>(line.cast());
        }
        let mut loaded = [sums; LANES];
        for (row, other) in loaded.iter_mut().zip(others) {
            // SAFETY: the caller vouches for `item.len()` floats; the mask leaves out what is past them.
            *row = unsafe { _mm512_maskz_loadu_ps(mask, other.as_ptr().add(chunk * LANES)) };
        }
        for (&value, column) in values.iter().zip(turned(loaded)) {
            sums = _mm512_fmadd_ps(_mm512_set1_ps(value), column, sums);
        }
    }
    // SAFETY: `scores` holds LANES floats.
    unsafe { _mm512_storeu_ps(scores.as_mut_ptr(), sums) };
}

/// The transpose of 16 rows of 16.
#[cfg(target_arch = "x86_64")]
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
