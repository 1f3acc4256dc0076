//! The block product in AVX-512: 14 x 32 sums stay in 28 of the 32 registers for the whole dimension.
#![allow(unsafe_code)]

use super::{Kernel, LANES, Line, PANEL, check_block};
use std::arch::x86_64::{
    _mm512_fmadd_ps, _mm512_load_ps, _mm512_set1_ps, _mm512_setzero_ps, _mm512_storeu_ps,
};

const ROWS: usize = 14;
const LINES: usize = PANEL / LANES;

pub(super) fn kernel() -> Option<Kernel> {
    let chains = super::chains::avx512()?;
    is_x86_feature_detected!("avx512f").then_some(Kernel {
        name: "avx512",
        screen: None,
        rows: ROWS,
        block,
        chains,
        bytes: None,
    })
}

fn block(left: &[f32], right: &[Line], out: &mut [f32], stride: usize) {
    let dim = check_block(ROWS, left, right, out, stride);
    // SAFETY: this function is reachable only through `kernel`, which found AVX-512F; `check_block` has verified that
    // the slices hold `dim` steps of ROWS floats and LINES lines, and ROWS rows of PANEL floats, `stride` apart.
    unsafe { block_avx512(dim, left.as_ptr(), right.as_ptr(), out.as_mut_ptr(), stride) }
}

/// The whole block.
///
/// # Safety
/// From `left` on there are `dim` times ROWS floats, from `right` on `dim` times LINES lines, and `out` holds ROWS rows of PANEL
/// floats, `stride` apart.
#[target_feature(enable = "avx512f")]
unsafe fn block_avx512(
    dim: usize,
    left: *const f32,
    right: *const Line,
    out: *mut f32,
    stride: usize,
) {
    let mut sums = [[_mm512_setzero_ps(); LINES]; ROWS];
    for step in 0..dim {
        // SAFETY: `step < dim`, and the caller vouches for `dim` steps on both sides; lines are aligned to 64 bytes.
        unsafe {
            let (values, lines) = (left.add(step * ROWS), right.add(step * LINES).cast::<f32>());
            let columns: [_; LINES] = std::array::from_fn(|l| _mm512_load_ps(lines.add(l * LANES)));
            for (r, sum) in sums.iter_mut().enumerate() {
                let value = _mm512_set1_ps(*values.add(r));
                for (sum, column) in sum.iter_mut().zip(columns) {
                    *sum = _mm512_fmadd_ps(value, column, *sum);
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
