//! The block product without intrinsics: the reference of the others, and what other processors run.

use super::{Kernel, LANES, Line, PANEL, check_block};

const ROWS: usize = 4;

pub(super) fn kernel() -> Kernel {
    Kernel {
        name: "portable",
        screen: None,
        rows: ROWS,
        block,
        bytes: None,
        chains: super::chains::portable,
    }
}

fn block(left: &[f32], right: &[Line], out: &mut [f32], stride: usize) {
    check_block(ROWS, left, right, out, stride);
    let mut sums = [[0.0f32; PANEL]; ROWS];
    for (values, lines) in left
        .chunks_exact(ROWS)
        .zip(right.chunks_exact(PANEL / LANES))
    {
        for (sum, &value) in sums.iter_mut().zip(values) {
            let columns = lines.iter().flat_map(|line| &line.0);
            for (sum, &column) in sum.iter_mut().zip(columns) {
                *sum = value.mul_add(column, *sum);
            }
        }
    }
    for (row, sum) in out.chunks_mut(stride).zip(&sums) {
        row[..PANEL].copy_from_slice(sum);
    }
}
