//! The block product in AVX2 with FMA: twice 6 x 16 sums in 12 of the 16 registers.
#![allow(unsafe_code)]

use super::{Kernel, LANES, Line, PANEL, check_block};
use std::arch::x86_64::{
    _mm256_fmadd_ps, _mm256_load_ps, _mm256_set1_ps, _mm256_setzero_ps, _mm256_storeu_ps,
};

const ROWS: usize = 6;
const LINES: usize = PANEL / LANES;
/// Floats of one register, and registers of one line.
const WIDTH: usize = 8;
const PARTS: usize = LANES / WIDTH;

pub(super) fn kernel() -> Option<Kernel> {
    (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Kernel {
        name: "avx2",
        screen: None,
        rows: ROWS,
        block,
        bytes: None,
        chains: super::chains::portable,
    })
}

fn block(left: &[f32], right: &[Line], out: &mut [f32], stride: usize) {
    let dim = check_block(ROWS, left, right, out, stride);
    for l in 0..LINES {
        let (right, out) = (right[l..].as_ptr(), out[l * LANES..].as_mut_ptr());
        // SAFETY: this function is reachable only through `kernel`, which found AVX2 and FMA; `check_block` has
        // verified that the slices hold `dim` steps of ROWS floats and LINES lines, and ROWS rows of PANEL floats,
        // `stride` apart; the half that starts at line `l` stays inside both.
        unsafe { half_avx2(dim, left.as_ptr(), right, out, stride) }
    }
}

/// The half of a block with the first line of every step.
///
/// # Safety
/// From `left` on there are `dim` times ROWS floats, from `right` on `dim` lines LINES apart, and `out` holds ROWS rows of LANES
/// floats, `stride` apart.
#[target_feature(enable = "avx2,fma")]
unsafe fn half_avx2(
    dim: usize,
    left: *const f32,
    right: *const Line,
    out: *mut f32,
    stride: usize,
) {
    let mut sums = [[_mm256_setzero_ps(); PARTS]; ROWS];
    for step in 0..dim {
        // SAFETY: `step < dim`, and the caller vouches for `dim` steps on both sides; lines are aligned to 64 bytes.
        unsafe {
            let (values, line) = (left.add(step * ROWS), right.add(step * LINES).cast::<f32>());
            let columns: [_; PARTS] = std::array::from_fn(|p| _mm256_load_ps(line.add(p * WIDTH)));
            for (r, sum) in sums.iter_mut().enumerate() {
                let value = _mm256_set1_ps(*values.add(r));
                for (sum, column) in sum.iter_mut().zip(columns) {
                    *sum = _mm256_fmadd_ps(value, column, *sum);
                }
            }
        }
    }
    for (r, sum) in sums.iter().enumerate() {
        for (p, &sum) in sum.iter().enumerate() {
            // SAFETY: row `r < ROWS` of `out` holds LANES floats from `r * stride` on.
            unsafe { _mm256_storeu_ps(out.add(r * stride + p * WIDTH), sum) };
        }
    }
}
