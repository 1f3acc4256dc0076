//! The product of bf16 without intrinsics: what the others are checked against.

use super::{Kernel, NO_SUMS, Pairs, Sums, TILE};
use crate::layers::kernels::vectorised;
use pulp::{Simd, WithSimd};

pub(super) const KERNEL: Kernel = Kernel {
    name: "portable",
    run: |with| {
        with(&mut |rows, columns, sums| {
            for (at, sums) in sums.iter_mut().enumerate() {
                let (rows, columns) = (rows[at / 2], columns[at % 2]);
                *sums = vectorised(Product { rows, columns });
            }
        });
    },
};

/// Rows whose sums are in registers at a time.
const ROWS: usize = 8;

struct Product<'a> {
    rows: &'a [Pairs],
    columns: &'a [Pairs],
}

impl WithSimd for Product<'_> {
    type Output = Sums;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> Sums {
        let mut out = NO_SUMS;
        for first in (0..TILE).step_by(ROWS) {
            let mut sums = [[0f32; TILE]; ROWS];
            for (rows, columns) in self.rows.iter().zip(self.columns) {
                for (pair, line) in columns.0.iter().enumerate() {
                    let (even, odd) = (line.map(low), line.map(high));
                    for (sums, row) in sums.iter_mut().zip(&rows.0[first..]) {
                        let (a, b) = (low(row[pair]), high(row[pair]));
                        for n in 0..TILE {
                            sums[n] = b.mul_add(odd[n], a.mul_add(even[n], sums[n]));
                        }
                    }
                }
            }
            out.0[first..first + ROWS].copy_from_slice(&sums);
        }
        out
    }
}

#[inline(always)]
fn low(pair: u32) -> f32 {
    f32::from_bits(pair << 16)
}

#[inline(always)]
fn high(pair: u32) -> f32 {
    f32::from_bits(pair & 0xffff_0000)
}
