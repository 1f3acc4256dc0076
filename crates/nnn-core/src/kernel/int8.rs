//! Products of vectors rounded to bytes, at four times the speed of f32 where AVX-512 VNNI is there: not scores, but bounds
//! of scores. And the few exact scores that these leave.
#![allow(unsafe_code)]

use super::{LANES, Line, PANEL};
use std::arch::x86_64::*;

/// Rows of one block.
pub(crate) const ROWS: usize = 14;
const LINES: usize = PANEL / LANES;

/// Whether this processor can run what is here.
pub(crate) fn available() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512vnni")
}

/// Sums of one block, where they matter.
pub(crate) struct Found {
    /// For every row, the columns of the panel whose sum is at least the row's cut, a bit each.
    pub(crate) columns: [u32; ROWS],
    /// The sums of rows that have such a column; of others, anything.
    pub(crate) sums: [[i32; PANEL]; ROWS],
}

impl Found {
    pub(crate) const NONE: Self = Self {
        columns: [0; ROWS],
        sums: [[0; PANEL]; ROWS],
    };
}

/// Multiplies [`ROWS`] rows with [`PANEL`] columns of bytes and finds the sums that are at least `cuts`.
///
/// Four neighbouring coordinates stand in one 32-bit place: unsigned in rows, signed in columns. `rows` is `[dim / 4][ROWS]`;
/// `columns` is `[1 + dim / 4][LINES]` lines, of which the first are the numbers that the sums start from. Sums are exact as
/// long as they stay within 32 bits.
///
/// # Panics
/// The slices disagree in length, or the processor is not one of those [`available`] tells of.
pub(crate) fn find(rows: &[i32], columns: &[Line], cuts: &[i32; ROWS], found: &mut Found) {
    assert!(rows.len().is_multiple_of(ROWS));
    assert_eq!(columns.len(), (1 + rows.len() / ROWS) * LINES);
    assert!(available());
    // SAFETY: the features were just detected and the lengths checked.
    unsafe {
        find_vnni(
            rows.len() / ROWS,
            rows.as_ptr(),
            columns.as_ptr(),
            cuts,
            found,
        )
    }
}

#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn find_vnni(
    steps: usize,
    rows: *const i32,
    columns: *const Line,
    cuts: &[i32; ROWS],
    found: &mut Found,
) {
    // SAFETY: the caller vouches for `steps + 1` times LINES lines, which are aligned to 64 bytes.
    let load = |step: usize| -> [__m512i; LINES] {
        std::array::from_fn(|l| unsafe { _mm512_load_si512(columns.add(step * LINES + l).cast()) })
    };
    let mut sums = [load(0); ROWS];
    for step in 0..steps {
        let lines = load(step + 1);
        for (r, sum) in sums.iter_mut().enumerate() {
            // SAFETY: the caller vouches for `steps` times ROWS places.
            let four = _mm512_set1_epi32(unsafe { *rows.add(step * ROWS + r) });
            for (sum, line) in sum.iter_mut().zip(lines) {
                *sum = _mm512_dpbusd_epi32(*sum, four, line);
            }
        }
    }
    for (r, sum) in sums.iter().enumerate() {
        let cut = _mm512_set1_epi32(cuts[r]);
        let low = u32::from(_mm512_cmpge_epi32_mask(sum[0], cut));
        let high = u32::from(_mm512_cmpge_epi32_mask(sum[1], cut));
        found.columns[r] = low | high << LANES;
        if low | high != 0 {
            let places = found.sums[r].as_mut_ptr();
            // SAFETY: a row of `sums` has PANEL places.
            unsafe {
                _mm512_storeu_si512(places.cast(), sum[0]);
                _mm512_storeu_si512(places.add(LANES).cast(), sum[1]);
            }
        }
    }
}

/// What rounding a vector to whole multiples of a unit gave.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rounded {
    /// Sum of the whole numbers.
    pub(crate) sum: i32,
    /// Distance from the vector.
    pub(crate) residual: f32,
    /// Length of the vector.
    pub(crate) length: f32,
}

/// Rounds `values` to whole multiples of `unit`, at most 127 of them either way, in bytes with `flip` applied to each.
///
/// # Panics
/// The lengths differ or are no multiple of 16, or the processor is not one of those [`available`] tells of.
pub(crate) fn round(values: &[f32], unit: f32, flip: u8, bytes: &mut [u8]) -> Rounded {
    assert!(values.len().is_multiple_of(LANES) && values.len() == bytes.len());
    assert!(available());
    // SAFETY: the feature was just detected.
    unsafe { round_avx512(values, unit, flip, bytes) }
}

#[target_feature(enable = "avx512f")]
fn round_avx512(values: &[f32], unit: f32, flip: u8, bytes: &mut [u8]) -> Rounded {
    let (unit, inverse) = (_mm512_set1_ps(unit), _mm512_set1_ps(1.0 / unit));
    let (most, least) = (_mm512_set1_epi32(127), _mm512_set1_epi32(-127));
    let flip = _mm_set1_epi8(flip as i8);
    let (mut sum, mut residual, mut square) = (
        _mm512_setzero_si512(),
        _mm512_setzero_ps(),
        _mm512_setzero_ps(),
    );
    for (values, bytes) in values
        .chunks_exact(LANES)
        .zip(bytes.chunks_exact_mut(LANES))
    {
        // SAFETY: the chunk holds LANES values.
        let values = unsafe { _mm512_loadu_ps(values.as_ptr()) };
        let whole = _mm512_cvtps_epi32(_mm512_mul_ps(values, inverse));
        let whole = _mm512_max_epi32(_mm512_min_epi32(whole, most), least);
        let error = _mm512_fnmadd_ps(_mm512_cvtepi32_ps(whole), unit, values);
        sum = _mm512_add_epi32(sum, whole);
        residual = _mm512_fmadd_ps(error, error, residual);
        square = _mm512_fmadd_ps(values, values, square);
        let eight = _mm_xor_si128(_mm512_cvtsepi32_epi8(whole), flip);
        // SAFETY: the chunk holds LANES bytes.
        unsafe { _mm_storeu_si128(bytes.as_mut_ptr().cast(), eight) };
    }
    Rounded {
        sum: _mm512_reduce_add_epi32(sum),
        residual: _mm512_reduce_add_ps(residual).sqrt(),
        length: _mm512_reduce_add_ps(square).sqrt(),
    }
}

/// Scores of one vector with [`LANES`] others, with the bits of every other kernel; `next` are fetched meanwhile.
///
/// # Panics
/// An other is shorter than the vector, or the processor is not one of those [`available`] tells of.
pub(crate) fn exact_scores(item: &[f32], others: [&[f32]; LANES], next: &[&[f32]]) -> [f32; LANES] {
    assert!(others.iter().all(|other| other.len() >= item.len()));
    assert!(is_x86_feature_detected!("avx512f"));
    let (mut scores, mut starts) = ([0.0; LANES], [item.as_ptr(); LANES]);
    for (start, other) in starts.iter_mut().zip(others) {
        *start = other.as_ptr();
    }
    // SAFETY: the feature was just detected and the lengths were checked.
    unsafe { chains(item, starts, next, &mut scores) };
    scores
}

/// One chain a lane (loops throughout, as `array::map` leaves the instruction set of its caller): 16 coordinates of each
/// vector are loaded at once and turned, so that a register holds one coordinate of all.
#[target_feature(enable = "avx512f")]
unsafe fn chains(
    item: &[f32],
    others: [*const f32; LANES],
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
