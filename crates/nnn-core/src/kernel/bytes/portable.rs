//! The product of bytes without intrinsics: what the others are checked against.

use super::{ByteKernel, ByteLine, Found, LINES, MAX_ROWS};
use crate::kernel::LANES;

/// Any order and range of rows would do; these are the ones of most kernels.
#[cfg(test)]
pub(super) const KERNEL: ByteKernel = ByteKernel {
    name: "portable",
    rows: 5,
    order: super::RowOrder::StepMajor,
    most: 127,
    run: |with| {
        with(&mut |rows, columns, cuts, found| find(&KERNEL, rows, columns, cuts, found));
    },
    pair,
};

/// See [`ByteKernel::pair`].
pub(super) fn pair(a: &[ByteLine], b: &[ByteLine]) -> i32 {
    let fours = |lines: &[ByteLine]| -> Vec<[u8; 4]> {
        lines
            .iter()
            .flat_map(|line| line.0)
            .map(i32::to_le_bytes)
            .collect()
    };
    let products = fours(a)
        .into_iter()
        .flatten()
        .zip(fours(b).into_iter().flatten());
    let products = products.map(|(a, b)| i32::from(a) * i32::from(b as i8));
    products.fold(0, i32::wrapping_add)
}

/// See [`super::Find`]; for rows as `kernel` has them.
pub(super) fn find(
    kernel: &ByteKernel,
    rows: &[ByteLine],
    columns: &[ByteLine],
    cuts: &[i32; MAX_ROWS],
    found: &mut Found,
) {
    let steps = kernel.steps(rows, columns);
    for (r, &cut) in cuts[..kernel.rows].iter().enumerate() {
        found.columns[r] = 0;
        for (c, sum) in found.sums[r].iter_mut().enumerate() {
            let column = |step: usize| columns[step * LINES + c / LANES].0[c % LANES];
            *sum = column(0);
            for step in 0..steps {
                let place = kernel.place(r, step, steps);
                let four = rows[place / LANES].0[place % LANES].to_le_bytes();
                let products = four.iter().zip(column(step + 1).to_le_bytes());
                *sum += products
                    .map(|(&a, b)| i32::from(a) * i32::from(b as i8))
                    .sum::<i32>();
            }
            found.columns[r] |= u32::from(*sum >= cut) << c;
        }
    }
}
