//! The product of bf16 in AVX-512 BF16: 14 of 32 x 16 sums at a time would fill the registers, 8 x 32 nearly do.
#![allow(unsafe_code)]

use super::{Kernel, Pairs, Sums, TILE};
use std::arch::x86_64::*;

const KERNEL: Kernel = Kernel {
    name: "avx512-bf16",
    run: |with| with(&mut block),
};

/// Rows whose sums are in registers at a time.
const ROWS: usize = 8;

pub(super) fn kernel() -> Option<Kernel> {
    (is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16"))
        .then_some(KERNEL)
}

fn block(rows: [&[Pairs]; 2], columns: [&[Pairs]; 2], sums: &mut [Sums; 4]) {
    for (rows, sums) in rows.into_iter().zip(sums.chunks_exact_mut(2)) {
        for first in (0..TILE).step_by(ROWS) {
            // SAFETY: this function is reachable only through `kernel`, which found the features.
            unsafe { product(rows, columns, first, sums) }
        }
    }
}

/// Sums of ROWS rows, from the `first` on, with the columns of both tiles.
#[target_feature(enable = "avx512f,avx512bf16")]
fn product(rows: &[Pairs], columns: [&[Pairs]; 2], first: usize, out: &mut [Sums]) {
    // SAFETY: a line has the size of a register, and every pattern of bits is sixteen pairs.
    let load = |line: &[u32; TILE]| unsafe { _mm512_loadu_si512(line.as_ptr().cast()) };
    // SAFETY: both types are 512 bits without meaning to the processor.
    let pairs = |it: __m512i| unsafe { std::mem::transmute::<__m512i, __m512bh>(it) };
    let mut sums = [[_mm512_setzero_ps(); 2]; ROWS];
    for ((rows, left), right) in rows.iter().zip(columns[0]).zip(columns[1]) {
        for (pair, (left, right)) in left.0.iter().zip(&right.0).enumerate() {
            let lines = [pairs(load(left)), pairs(load(right))];
            for (sums, row) in sums.iter_mut().zip(&rows.0[first..first + ROWS]) {
                let one = pairs(_mm512_set1_epi32(row[pair].cast_signed()));
                for (sum, line) in sums.iter_mut().zip(lines) {
                    *sum = _mm512_dpbf16_ps(*sum, one, line);
                }
            }
        }
    }
    for (row, sums) in sums.into_iter().enumerate() {
        for (out, sum) in out.iter_mut().zip(sums) {
            // SAFETY: a line has the size of a register.
            unsafe { _mm512_storeu_ps(out.0[first + row].as_mut_ptr(), sum) }
        }
    }
}
