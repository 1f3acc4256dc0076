//! Linear layers whose inputs and weights are rounded to bf16 and whose sums are in single precision, on the CPU.
//!
//! Rows and weights are cut into tiles of 16 lines of 64 bytes, the shape of Intel's AMX; what has no tiles reads the same
//! lines in vectors. A sum runs over the inner dimension alone, in an order that neither the place of its row nor the number
//! of rows moves, so that a row has the same bits in every batch. Its last bits differ from one instruction set to the next:
//! all of them multiply exactly and add in single precision, but not in one order. Each is held to the portable product on
//! whole numbers, where every order gives the same, before its first use.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod portable;

use super::Activation;
use super::kernels::{Matrix, finish, vectorised};
use pulp::{Simd, WithSimd};
use std::cell::RefCell;
use std::sync::OnceLock;

/// Lines of a tile, and pairs or sums in a line.
const TILE: usize = 16;
/// Inputs that one tile takes.
const STEP: usize = 2 * TILE;
/// Rows of a block, and its columns: two tiles of each.
pub(super) const BLOCK: usize = 2 * TILE;

/// 16 lines of 16 pairs of bf16, the first of each pair in the lower half.
///
/// Of rows a line is a row with 32 neighbouring inputs. Of weights it is two neighbouring inputs of 16 outputs.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Pairs([[u32; TILE]; TILE]);

/// Sums of 16 rows with 16 columns.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Sums([[f32; TILE]; TILE]);

const NO_PAIRS: Pairs = Pairs([[0; TILE]; TILE]);
const NO_SUMS: Sums = Sums([[0.0; TILE]; TILE]);

/// Sums of two tiles of rows with two of columns, first row first: all of equal depth.
type Block<'a> = dyn FnMut([&[Pairs]; 2], [&[Pairs]; 2], &mut [Sums; 4]) + 'a;

/// Calls back with a [`Block`]; the processor is ready for it until the call returns. Calls on one thread are not nested.
type Run = fn(&mut dyn FnMut(&mut Block<'_>));

/// A product of bf16 for one instruction set.
#[derive(Clone, Copy)]
struct Kernel {
    name: &'static str,
    run: Run,
}

/// Name of an instruction set, and why it is not used.
type Refused = (&'static str, &'static str);

/// What this processor multiplies bf16 with, and what it has but must not use.
struct Choice {
    kernel: Kernel,
    refused: Vec<Refused>,
}

impl Choice {
    /// Looked for and checked once.
    fn of_this_processor() -> &'static Self {
        static CHOICE: OnceLock<Choice> = OnceLock::new();
        CHOICE.get_or_init(|| Self::among(candidates()))
    }

    /// The first that agrees with the portable product, or that one.
    fn among(candidates: Vec<Result<Kernel, Refused>>) -> Self {
        let mut refused = Vec::new();
        for candidate in candidates {
            match candidate {
                Ok(kernel) if kernel.agrees() => return Self { kernel, refused },
                Ok(kernel) => refused.push((
                    kernel.name,
                    "its products of bf16 are not the portable ones",
                )),
                Err(reason) => refused.push(reason),
            }
        }
        let kernel = portable::KERNEL;
        Self { kernel, refused }
    }
}

/// All but the portable one, fastest first.
fn candidates() -> Vec<Result<Kernel, Refused>> {
    let mut found = Vec::new();
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    found.extend(amx::kernel());
    #[cfg(target_arch = "x86_64")]
    found.extend(avx512::kernel().map(Ok));
    found
}

/// What multiplies bf16 here: `amx`, `avx512-bf16` or `portable`.
#[must_use]
pub fn bf16_instructions() -> &'static str {
    Choice::of_this_processor().kernel.name
}

/// Instructions for bf16 that this processor has and that are not used, each with the reason.
#[must_use]
pub fn bf16_refused() -> &'static [(&'static str, &'static str)] {
    &Choice::of_this_processor().refused
}

impl Kernel {
    /// Whether its products of whole numbers are the portable ones, at several depths. No sum of them is above 2^24, so that
    /// none is rounded.
    fn agrees(&self) -> bool {
        [1, 2, 3, 96].into_iter().all(|steps| {
            let (rows, columns) = (whole(2 * steps, 1), whole(2 * steps, 2));
            let product = |kernel: &Self| {
                let mut sums = [NO_SUMS; 4];
                (kernel.run)(&mut |block| block(halves(&rows), halves(&columns), &mut sums));
                sums.map(|it| it.0)
            };
            product(self) == product(&portable::KERNEL)
        })
    }
}

/// Tiles of whole numbers from -64 to 64 without pattern.
fn whole(count: usize, seed: u64) -> Vec<Pairs> {
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        u32::from(rounded(((state >> 33) % 129) as f32 - 64.0))
    };
    let mut pair = |_| next() | next() << 16;
    let mut tile = |_| Pairs(std::array::from_fn(|_| std::array::from_fn(&mut pair)));
    (0..count).map(&mut tile).collect()
}

fn halves(tiles: &[Pairs]) -> [&[Pairs]; 2] {
    let (first, second) = tiles.split_at(tiles.len() / 2);
    [first, second]
}

/// The nearest bf16, of two the even one. What is below 2^-126 is zero, as the instructions take it.
#[inline(always)]
fn rounded(x: f32) -> u16 {
    let bits = x.to_bits();
    let nearest = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    let number = if bits << 1 < 0x0100_0000 { 0 } else { nearest };
    // The sum could carry a NaN's digits away.
    let bits = if x.is_nan() {
        bits >> 16 | 0x40
    } else {
        number
    };
    bits as u16
}

/// Rounds rows of `input` values into tiles: those of the first 16 rows, then those of the next; a whole number of blocks,
/// zeros beyond.
struct Cut<'a> {
    rows: &'a [f32],
    input: usize,
    tiles: &'a mut Vec<Pairs>,
}

impl WithSimd for Cut<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let steps = self.input.div_ceil(STEP);
        let count = (self.rows.len() / self.input).next_multiple_of(BLOCK) / TILE * steps;
        // Old lines of a row that is there are all written below.
        self.tiles.resize(count, NO_PAIRS);
        for (index, row) in self.rows.chunks_exact(self.input).enumerate() {
            let tiles = &mut self.tiles[index / TILE * steps..][..steps];
            for (values, tile) in row.chunks(STEP).zip(tiles) {
                let mut full = [0.0; STEP];
                full[..values.len()].copy_from_slice(values);
                for (pair, it) in tile.0[index % TILE].iter_mut().zip(full.as_chunks::<2>().0) {
                    *pair = u32::from(rounded(it[0])) | u32::from(rounded(it[1])) << 16;
                }
            }
        }
    }
}

/// A linear layer's weight and bias as the products read them.
pub(super) struct Packed {
    /// Those of the first 16 outputs, then those of the next; a whole number of blocks.
    tiles: Vec<Pairs>,
    /// One for every column of the tiles.
    bias: Vec<f32>,
    input: usize,
    output: usize,
}

thread_local! {
    /// Room for rows in tiles; kept, since fresh memory costs a page fault every 4 KiB.
    static ROWS: RefCell<Vec<Pairs>> = const { RefCell::new(Vec::new()) };
}

impl Packed {
    /// Rounds a `weight` (input, output); no bias is one of zeros.
    pub(super) fn new(weight: Matrix<'_>, bias: Option<&[f32]>) -> Self {
        let (input, output) = weight.size;
        let columns = output.next_multiple_of(BLOCK);
        let value = |k: usize, n: usize| match k < input && n < output {
            true => u32::from(rounded(weight.at(k, n))),
            false => 0,
        };
        let tile = |first: usize, step: usize| {
            let pair = |line: usize, n: usize| {
                let k = step * STEP + 2 * line;
                value(k, first + n) | value(k + 1, first + n) << 16
            };
            let line = |line| std::array::from_fn(|n| pair(line, n));
            Pairs(std::array::from_fn(line))
        };
        let panels = (0..columns).step_by(TILE);
        let steps = input.div_ceil(STEP);
        let tiles = panels.flat_map(|first| (0..steps).map(move |step| (first, step)));
        let mut padded = bias.map_or(Vec::new(), <[f32]>::to_vec);
        padded.resize(columns, 0.0);
        Self {
            tiles: tiles.map(|(first, step)| tile(first, step)).collect(),
            bias: padded,
            input,
            output,
        }
    }

    /// Length of an input.
    pub(super) fn inputs(&self) -> usize {
        self.input
    }

    /// Length of an output.
    pub(super) fn outputs(&self) -> usize {
        self.output
    }

    /// Applies the layer and then the activation to `rows`, into `out`.
    pub(super) fn run(&self, rows: &[f32], activation: Option<Activation>, out: &mut [f32]) {
        assert_eq!(rows.len() / self.input, out.len() / self.output);
        ROWS.with_borrow_mut(|tiles| {
            let input = self.input;
            vectorised(Cut { rows, input, tiles });
            self.multiply(&Choice::of_this_processor().kernel, tiles, activation, out);
        });
    }

    fn multiply(
        &self,
        kernel: &Kernel,
        rows: &[Pairs],
        activation: Option<Activation>,
        out: &mut [f32],
    ) {
        let depth = 2 * self.input.div_ceil(STEP);
        let biases = self.bias.chunks_exact(BLOCK);
        (kernel.run)(&mut |block| {
            let columns = self.tiles.chunks_exact(depth).zip(biases.clone());
            for (place, (columns, bias)) in columns.enumerate() {
                let parts = out.chunks_mut(BLOCK * self.output);
                for (rows, out) in rows.chunks_exact(depth).zip(parts) {
                    let mut sums = [NO_SUMS; 4];
                    block(halves(rows), halves(columns), &mut sums);
                    self.store(sums, (place * BLOCK, bias), activation, out);
                }
            }
        });
    }

    /// Finishes the sums of a block and writes those that are of rows of `out` and of outputs, from the `first` on.
    fn store(
        &self,
        mut sums: [Sums; 4],
        (first, bias): (usize, &[f32]),
        activation: Option<Activation>,
        out: &mut [f32],
    ) {
        for (at, sums) in sums.iter_mut().enumerate() {
            let (row, column) = (at / 2 * TILE, at % 2 * TILE);
            let first = first + column;
            let Some(width) = self.output.checked_sub(first).filter(|&it| it > 0) else {
                continue;
            };
            let width = width.min(TILE);
            finish(
                sums.0.as_flattened_mut(),
                &bias[column..][..TILE],
                activation,
            );
            let rows = out.chunks_exact_mut(self.output).skip(row);
            for (line, out) in sums.0.iter().zip(rows) {
                out[first..first + width].copy_from_slice(&line[..width]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{DType, Device, Tensor};

    fn kernels() -> Vec<Kernel> {
        let found = candidates().into_iter().filter_map(Result::ok);
        found.chain([portable::KERNEL]).collect()
    }

    /// Values between -1 and 1 without pattern.
    fn noise(count: usize, seed: u64) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        };
        (0..count).map(|_| next()).collect()
    }

    /// What candle rounds to bf16.
    fn by_candle(values: &[f32]) -> Vec<f32> {
        let tensor = Tensor::new(values, &Device::Cpu).expect("a tensor");
        let rounded = tensor
            .to_dtype(DType::BF16)
            .and_then(|it| it.to_dtype(DType::F32));
        rounded.and_then(|it| it.to_vec1()).expect("rounded values")
    }

    #[test]
    fn values_are_rounded_to_the_nearest_and_nothing_below_the_normal_ones_is_kept() {
        let mut values = noise(4096, 3);
        // Ties to both sides, the ends of the range, and infinities.
        values.extend(
            [
                0x3f80_8000,
                0x3f81_8000,
                0x7f7f_ffff,
                0x0080_0000,
                0x7f80_0000,
            ]
            .map(f32::from_bits),
        );
        values.extend([f32::NEG_INFINITY, 0.0]);
        for (value, expected) in values.iter().zip(by_candle(&values)) {
            let ours = f32::from_bits(u32::from(rounded(*value)) << 16);
            assert_eq!(ours.to_bits(), expected.to_bits(), "{value}");
        }
        assert_eq!([1e-39, -1e-40].map(rounded), [0, 0]);
        for nan in [0x7f80_0001, 0x7fff_ffff, 0xffff_ffff] {
            let ours = f32::from_bits(u32::from(rounded(f32::from_bits(nan))) << 16);
            assert!(ours.is_nan(), "{nan:x}");
        }
    }

    /// Products of two bf16 are exact in single precision, so that a sum of n of them and a bias, in whatever order, is within
    /// n + 1 roundings of the sum of what is added.
    #[test]
    fn layers_are_those_of_rounded_factors() {
        for (rows, input, output) in [
            (1, 1, 1),
            (1, 33, 2),
            (16, 64, 16),
            (33, 31, 40),
            (70, 200, 65),
        ] {
            let (x, weight) = (noise(rows * input, 1), noise(input * output, 2));
            let bias = noise(output, 3);
            let packed = Packed::new(Matrix::rows(&weight, output), Some(&bias));
            let (x16, weight16) = (by_candle(&x), by_candle(&weight));
            let mut tiles = Vec::new();
            vectorised(Cut {
                rows: &x,
                input,
                tiles: &mut tiles,
            });
            for kernel in kernels() {
                let mut out = vec![f32::NAN; rows * output];
                packed.multiply(&kernel, &tiles, None, &mut out);
                for (place, ours) in out.iter().enumerate() {
                    let (row, column) = (place / output, place % output);
                    let products = (0..input).map(|k| {
                        f64::from(x16[row * input + k]) * f64::from(weight16[k * output + column])
                    });
                    let terms: Vec<f64> = products.chain([f64::from(bias[column])]).collect();
                    let size: f64 = terms.iter().map(|it| it.abs()).sum();
                    let bound = (input + 1) as f64 * f64::from(f32::EPSILON) / 2.0 * size * 1.01;
                    let difference = (terms.iter().sum::<f64>() - f64::from(*ours)).abs();
                    let name = kernel.name;
                    assert!(
                        difference <= bound,
                        "{name}, {rows} x {input} x {output} at {place}: {difference}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_row_has_the_same_bits_alone_and_among_others() {
        let (rows, input, output) = (67, 100, 50);
        let (x, weight) = (noise(rows * input, 1), noise(input * output, 2));
        let packed = Packed::new(Matrix::rows(&weight, output), None);
        let run = |x: &[f32]| {
            let mut out = vec![0.0; x.len() / input * output];
            packed.run(x, Some(Activation::Gelu), &mut out);
            out
        };
        let together = run(&x);
        for size in [1, 16, 31, 40] {
            let parts: Vec<f32> = x.chunks(size * input).flat_map(run).collect();
            assert_eq!(parts, together, "{size} rows");
        }
    }

    #[test]
    fn an_activation_is_that_of_the_layer_without_it() {
        let (x, weight) = (noise(20 * 40, 1), noise(40 * 20, 2));
        let packed = Packed::new(Matrix::rows(&weight, 20), Some(&[0.5; 20]));
        let run = |activation| {
            let mut out = vec![0.0; 20 * 20];
            packed.run(&x, activation, &mut out);
            out
        };
        let mut expected = run(None);
        finish(&mut expected, &[0.0; 20], Some(Activation::QuickGelu));
        assert_eq!(run(Some(Activation::QuickGelu)), expected);
    }

    /// Guards against instructions that do something else on a machine that nobody here had.
    #[test]
    fn products_that_differ_are_refused_with_the_reason() {
        let wrong = Kernel {
            name: "wrong",
            run: |with| {
                (portable::KERNEL.run)(&mut |block| {
                    with(&mut |rows, columns, sums| {
                        block(rows, columns, sums);
                        sums[3].0[15][7] += 1.0;
                    });
                });
            },
        };
        let choice = Choice::among(vec![Ok(wrong), Err(("absent", "not granted"))]);
        assert_eq!(choice.kernel.name, "portable");
        let reasons = [
            ("wrong", "its products of bf16 are not the portable ones"),
            ("absent", "not granted"),
        ];
        assert_eq!(choice.refused, reasons);
    }

    #[test]
    fn what_this_machine_has_is_not_refused() {
        for kernel in kernels() {
            assert!(kernel.agrees(), "{}", kernel.name);
        }
    }
}
