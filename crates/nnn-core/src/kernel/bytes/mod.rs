//! Products of vectors rounded to bytes: not scores, but bounds of scores, several times faster than f32 where the
//! processor multiplies bytes.
//!
//! All kernels here compute the same whole numbers exactly. What a processor has is checked once against the portable
//! product before it is used, because not every machine that runs this was at hand to test it on.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
mod portable;
#[cfg(any(test, all(target_arch = "x86_64", target_os = "linux")))]
mod tiles;
#[cfg(target_arch = "x86_64")]
mod vnni;

use super::{LANES, PANEL};
use std::sync::OnceLock;

/// Rows of one block, at most.
pub(crate) const MAX_ROWS: usize = 32;
/// Lines side by side in one panel.
pub(crate) const LINES: usize = PANEL / LANES;
/// Bytes of one line; vectors are filled up with zeros to a multiple of it.
pub(crate) const LINE_BYTES: usize = 4 * LANES;

/// One cache line of places, each of four neighbouring coordinates of one vector, or one whole number.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct ByteLine(pub(crate) [i32; LANES]);

impl ByteLine {
    pub(crate) const ZERO: Self = Self([0; LANES]);
}

/// Sums of one block, where they matter.
#[derive(Clone)]
pub(crate) struct Found {
    /// For every row, the columns of the panel whose sum is at least the row's cut, a bit each.
    pub(crate) columns: [u32; MAX_ROWS],
    /// The sums of rows that have such a column; of others, anything.
    pub(crate) sums: [[i32; PANEL]; MAX_ROWS],
}

impl Found {
    pub(crate) const NONE: Self = Self {
        columns: [0; MAX_ROWS],
        sums: [[0; PANEL]; MAX_ROWS],
    };
}

/// Multiplies the block's rows with [`PANEL`] columns of bytes and finds the sums that are at least `cuts`.
///
/// Rows are laid out as the kernel's [`RowOrder`] says, unsigned; columns are `[1 + steps][LINES]` lines, signed, of which
/// the first are the numbers that the sums start from. Sums are exact as long as they stay within 32 bits.
///
/// # Panics
/// The slices disagree in length.
pub(crate) type Find<'a> = dyn FnMut(&[ByteLine], &[ByteLine], &[i32; MAX_ROWS], &mut Found) + 'a;

/// Calls back with a [`Find`]; the processor is ready for it until the call returns. Calls on one thread are not nested: the
/// inner one would take that away from the outer.
pub(crate) type Run = fn(&mut dyn FnMut(&mut Find<'_>));

/// The sum of products of bytes, modulo `2^32`, of unsigned ones with signed ones.
///
/// # Panics
/// There are not as many lines on both sides, or an odd number of them.
pub(crate) type Pair = fn(&[ByteLine], &[ByteLine]) -> i32;

/// Where a block has the place of a row and a step.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowOrder {
    /// `[steps][rows]`: what multiplies one place with a line reads places in this order.
    StepMajor,
    /// `[rows][steps]`, as tiles are loaded.
    RowMajor,
}

/// A product of bytes for one instruction set.
#[derive(Clone, Copy)]
pub(crate) struct ByteKernel {
    pub(crate) name: &'static str,
    /// Rows of one block, at most [`MAX_ROWS`].
    pub(crate) rows: usize,
    pub(crate) order: RowOrder,
    /// The bytes of rows are whole numbers from `-most` to `most` with `most + 1` added; those of columns are from -127 to 127.
    pub(crate) most: i32,
    pub(crate) run: Run,
    pub(crate) pair: Pair,
}

impl ByteKernel {
    /// What is added to the bytes of rows.
    pub(crate) fn offset(&self) -> i32 {
        self.most + 1
    }

    /// Place of a step of a row in a block of vectors of so many steps.
    pub(crate) fn place(&self, row: usize, step: usize, steps: usize) -> usize {
        match self.order {
            RowOrder::StepMajor => step * self.rows + row,
            RowOrder::RowMajor => row * steps + step,
        }
    }

    /// Lines of a block, whose last one may have places to spare.
    pub(crate) fn block_lines(&self, steps: usize) -> usize {
        (self.rows * steps).div_ceil(LANES)
    }

    /// Steps of the vectors of a block.
    fn steps(&self, rows: &[ByteLine], columns: &[ByteLine]) -> usize {
        let steps = columns.len() / LINES - 1;
        assert!(steps.is_multiple_of(LANES) && columns.len() == (1 + steps) * LINES);
        assert_eq!(rows.len(), self.block_lines(steps));
        steps
    }

    /// Whether these products are the portable ones on blocks of several sizes whose bytes go to all extremes.
    fn agrees(&self) -> bool {
        // Miri takes a minute for the larger ones.
        let few = if cfg!(miri) { 1 } else { 4 };
        let mut agree = true;
        (self.run)(&mut |find| {
            agree = [16, 32, 48, 208][..few]
                .iter()
                .all(|&n| self.agrees_at(n, find));
        });
        agree && [2, 4, 14, 2048][..few].iter().all(|&n| self.pairs_agree(n))
    }

    fn pairs_agree(&self, lines: usize) -> bool {
        let (rows, columns, _) = seeded_block(self, lines * LANES);
        let (a, b) = (&rows[..lines], &columns[LINES..][..lines]);
        (self.pair)(a, b) == portable::pair(a, b)
    }

    /// Whether they are on a block of so many steps that ends where its allocations do.
    pub(super) fn agrees_at(&self, steps: usize, find: &mut Find<'_>) -> bool {
        let (rows, columns, cuts) = seeded_block(self, steps);
        let (mut found, mut expected) = (Found::NONE, Found::NONE);
        find(&rows, &columns, &cuts, &mut found);
        portable::find(self, &rows, &columns, &cuts, &mut expected);
        (0..self.rows).all(|r| {
            let hit = expected.columns[r] != 0;
            found.columns[r] == expected.columns[r] && (!hit || found.sums[r] == expected.sums[r])
        })
    }
}

/// Bytes without pattern, some at both ends of their range, and cuts that some sums reach.
fn seeded_block(
    kernel: &ByteKernel,
    steps: usize,
) -> (Vec<ByteLine>, Vec<ByteLine>, [i32; MAX_ROWS]) {
    let mut state = 0x9E37_79B9_7F4A_7C15 ^ steps as u64;
    let mut next = |least: i32, most: i32| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let random = (state >> 33) as i32;
        match random % 8 {
            0 => least,
            1 => most,
            _ => least + (random >> 3) % (most - least + 1),
        }
    };
    let mut lines = |count: usize, least: i32, most: i32| -> Vec<ByteLine> {
        let mut four = |_| i32::from_le_bytes(std::array::from_fn(|_| next(least, most) as u8));
        (0..count)
            .map(|_| ByteLine(std::array::from_fn(&mut four)))
            .collect()
    };
    let rows = lines(kernel.block_lines(steps), 1, 2 * kernel.most + 1);
    let mut columns = lines((1 + steps) * LINES, -127, 127);
    for (i, line) in columns[..LINES].iter_mut().enumerate() {
        line.0 = std::array::from_fn(|c| (i * LANES + c) as i32 * 70_001 - 1_000_000);
    }
    let cuts = std::array::from_fn(|r| (r as i32 % 7 - 3) * 400_000);
    (rows, columns, cuts)
}

/// What this processor multiplies bytes with, fastest first, and what it has but must not use, with the reason.
pub(crate) struct Choice {
    pub(crate) usable: Vec<ByteKernel>,
    pub(crate) refused: Vec<(&'static str, &'static str)>,
}

impl Choice {
    /// Looked for and checked once.
    pub(crate) fn of_this_processor() -> &'static Self {
        static CHOICE: OnceLock<Choice> = OnceLock::new();
        CHOICE.get_or_init(|| Self::among(candidates()))
    }

    fn among(candidates: Vec<Result<ByteKernel, (&'static str, &'static str)>>) -> Self {
        let (mut usable, mut refused) = (Vec::new(), Vec::new());
        for candidate in candidates {
            match candidate {
                Ok(kernel) if kernel.agrees() => usable.push(kernel),
                Ok(kernel) => refused.push((kernel.name, "its products are not the portable ones")),
                Err(reason) => refused.push(reason),
            }
        }
        Self { usable, refused }
    }
}

/// Kernels whose instructions the processor has.
fn candidates() -> Vec<Result<ByteKernel, (&'static str, &'static str)>> {
    let mut found = Vec::new();
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    found.extend(amx::kernel());
    #[cfg(target_arch = "x86_64")]
    {
        found.extend(vnni::kernel().map(Ok));
        found.extend(avx2::kernels().map(Ok));
    }
    found
}

/// What works without any of it, for tests.
#[cfg(test)]
pub(crate) fn references() -> [ByteKernel; 2] {
    [portable::KERNEL, tiles::software::KERNEL]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_computes_the_portable_sums() {
        let choice = Choice::of_this_processor();
        for kernel in choice.usable.iter().chain(&references()) {
            assert!(kernel.agrees(), "{}", kernel.name);
        }
    }

    /// What has a product that is wrong in one sum is not used, and it is known why.
    #[test]
    fn a_wrong_product_is_refused() {
        let wrong = ByteKernel {
            name: "wrong",
            run: |with| {
                (portable::KERNEL.run)(&mut |find| {
                    with(&mut |rows, columns, cuts, found| {
                        find(rows, columns, cuts, found);
                        found.sums[3][17] ^= 1;
                    });
                });
            },
            ..portable::KERNEL
        };
        let choice = Choice::among(vec![
            Ok(wrong),
            Err(("absent", "not granted")),
            Ok(portable::KERNEL),
        ]);
        assert_eq!(choice.usable.len(), 1);
        let reasons = [
            ("wrong", "its products are not the portable ones"),
            ("absent", "not granted"),
        ];
        assert_eq!(choice.refused, reasons);
    }
}
