//! The product of bytes in 256-bit registers: with AVX-VNNI's instruction, or with those of AVX2.
//!
//! AVX2 multiplies bytes in pairs whose sums have 16 bits and saturate; rows of at most 127 (64 added to at most 63) and
//! columns of at most 127 either way keep every pair within `2 * 127 * 127 = 32258`.
#![allow(unsafe_code)]

use super::{ByteKernel, ByteLine, Found, LINES, MAX_ROWS, RowOrder, tiles::reached};
use crate::kernel::{LANES, PANEL};
use std::arch::x86_64::*;

const ROWS: usize = 14;
/// Rows whose sums are in registers at a time.
const HALF: usize = ROWS / 2;
/// Places of one register.
const WIDTH: usize = 8;

const AVX_VNNI: ByteKernel = ByteKernel {
    name: "avx-vnni",
    rows: ROWS,
    order: RowOrder::StepMajor,
    most: 127,
    run: |with| {
        with(&mut |rows, columns, cuts, found| {
            find(&AVX_VNNI, part_vnni, rows, columns, cuts, found)
        })
    },
    pair,
};

const AVX2: ByteKernel = ByteKernel {
    name: "maddubs",
    most: 63,
    run: |with| {
        with(&mut |rows, columns, cuts, found| find(&AVX2, part_avx2, rows, columns, cuts, found))
    },
    ..AVX_VNNI
};

pub(super) fn kernels() -> impl Iterator<Item = ByteKernel> {
    let avx2 = is_x86_feature_detected!("avx2");
    let vnni = avx2 && is_x86_feature_detected!("avxvnni");
    vnni.then_some(AVX_VNNI)
        .into_iter()
        .chain(avx2.then_some(AVX2))
}

fn pair(a: &[ByteLine], b: &[ByteLine]) -> i32 {
    assert_eq!(a.len(), b.len());
    // SAFETY: this function is reachable only through `kernels`, which found the feature.
    unsafe { pair_avx2(a, b) }
}

#[target_feature(enable = "avx2")]
fn pair_avx2(a: &[ByteLine], b: &[ByteLine]) -> i32 {
    // SAFETY: a line has four times 16 bytes and is aligned to 64.
    let load = |line: &ByteLine, q: usize| unsafe {
        _mm_load_si128(line.0.as_ptr().cast::<__m128i>().add(q))
    };
    let mut sums = [_mm256_setzero_si256(); 4];
    for (a, b) in a.iter().zip(b) {
        for (q, sum) in sums.iter_mut().enumerate() {
            let a = _mm256_cvtepu8_epi16(load(a, q));
            let b = _mm256_cvtepi8_epi16(load(b, q));
            *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(a, b));
        }
    }
    let mut places = [0i32; 4 * WIDTH];
    for (places, &sum) in places.chunks_exact_mut(WIDTH).zip(&sums) {
        // SAFETY: the chunk has the size of a register.
        unsafe { _mm256_storeu_si256(places.as_mut_ptr().cast(), sum) };
    }
    places.into_iter().fold(0, i32::wrapping_add)
}

/// Sums of HALF rows with WIDTH columns: from `steps` places ROWS apart, as many lines LINES apart and the line before them.
///
/// # Safety
/// The processor has the instructions. `rows` and `columns` hold so many; WIDTH places can be written to each of HALF `sums`, which
/// may begin in the middle of a row.
type Part = unsafe fn(steps: usize, rows: *const i32, columns: *const i32, sums: *mut [i32; PANEL]);

fn find(
    kernel: &ByteKernel,
    part: Part,
    rows: &[ByteLine],
    columns: &[ByteLine],
    cuts: &[i32; MAX_ROWS],
    found: &mut Found,
) {
    let steps = kernel.steps(rows, columns);
    let (rows, columns): (*const i32, *const i32) = (rows.as_ptr().cast(), columns.as_ptr().cast());
    for first in [0, HALF] {
        for column in (0..PANEL).step_by(WIDTH) {
            let sums = &mut found.sums[first..first + HALF];
            // SAFETY: this function is reachable only through `kernels`, which found the features of `part`; the lengths were
            // checked, and the part of HALF rows and WIDTH columns from `first` and `column` on stays inside of all slices.
            unsafe {
                let sums = sums.as_mut_ptr().cast::<i32>().add(column).cast();
                part(steps, rows.add(first), columns.add(column), sums);
            }
        }
    }
    for (r, &cut) in cuts[..ROWS].iter().enumerate() {
        found.columns[r] = reached(&found.sums[r], cut);
    }
}

macro_rules! part {
    ($name:ident, $features:literal, $add:expr) => {
        /// # Safety
        /// See [`Part`].
        #[target_feature(enable = $features)]
        unsafe fn $name(
            steps: usize,
            rows: *const i32,
            columns: *const i32,
            out: *mut [i32; PANEL],
        ) {
            // SAFETY: the caller vouches for `steps + 1` times LINES lines and `steps` times ROWS places.
            let load = |step: usize| unsafe {
                _mm256_load_si256(columns.add(step * LINES * LANES).cast())
            };
            let mut sums = [load(0); HALF];
            for step in 0..steps {
                let line = load(step + 1);
                for (r, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: as above.
                    let four = _mm256_set1_epi32(unsafe { *rows.add(step * ROWS + r) });
                    *sum = $add(*sum, four, line);
                }
            }
            for (r, &sum) in sums.iter().enumerate() {
                // SAFETY: the caller vouches for WIDTH places in each of HALF rows.
                unsafe { _mm256_storeu_si256(out.add(r).cast(), sum) };
            }
        }
    };
}

part!(part_vnni, "avx2,avxvnni", _mm256_dpbusd_avx_epi32);
part!(part_avx2, "avx2", |sum, four, line| {
    let pairs = _mm256_maddubs_epi16(four, line);
    _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
});
