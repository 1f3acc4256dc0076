//! Vectors rounded to bytes, with a bound of what the rounding does to any product.

use crate::Rows;
use crate::dispatch::dispatched;
use crate::kernel::bytes::{ByteKernel, ByteLine, LINE_BYTES, LINES, Pair};
use crate::kernel::{LANES, PANEL};
use rayon::prelude::*;
use std::cell::RefCell;

/// Takes vectors to where bytes represent them well: their common centre is subtracted, which shortens them, and they are
/// rotated, so that no coordinate stands out. Products of rotated vectors are those of the vectors, up to rounding.
pub(crate) struct Frame {
    /// Subtracted from the vectors of this side.
    centre: Vec<f32>,
    /// The centre of the other side.
    other: Vec<f32>,
    signs: Vec<f32>,
    order: Vec<u32>,
}

impl Frame {
    /// Frames of two sides whose vectors are to be multiplied with each other. Any centres are right; good ones make the
    /// vectors short.
    pub(crate) fn pair(left: Rows<'_>, right: Rows<'_>) -> (Self, Self) {
        let (left, right) = (centre(left), centre(right));
        (Self::new(&left, &right), Self::new(&right, &left))
    }

    fn new(centre: &[f32], other: &[f32]) -> Self {
        let dim = centre.len();
        // A full cycle whose neighbours lie far apart: what one `mix` left side by side, the other spreads.
        let step = (1..dim).rev().find(|&s| s * 8 < dim * 5 && coprime(s, dim));
        let step = step.unwrap_or(1);
        let sign = |i: u64| ((i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 63) as f32;
        Self {
            centre: centre.to_vec(),
            other: other.to_vec(),
            signs: (0..dim as u64).map(|i| 1.0 - 2.0 * sign(i)).collect(),
            order: (0..dim).map(|i| (i * step % dim) as u32).collect(),
        }
    }

    /// The product of the two centres.
    pub(crate) fn centres(&self) -> f64 {
        let pairs = self.centre.iter().zip(&self.other);
        pairs.map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    /// Coordinates of a rounded vector, zeros at its end included.
    fn padded(&self) -> usize {
        self.centre.len().next_multiple_of(LINE_BYTES)
    }

    /// `vector - centre`, rotated, into the first places of `out`.
    fn apply(&self, vector: &[f32], out: &mut [f32]) {
        thread_local! {
            static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
        }
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.resize(vector.len(), 0.0);
            // Butterflies skip strides below 16, a register's width; the order in between brings those together too.
            centre_signed(vector, &self.centre, &self.signs, scratch);
            mix(scratch);
            let out = &mut out[..scratch.len()];
            reorder(scratch, &self.order, out);
            mix(out);
        });
    }
}

dispatched! {
    /// `(vector - centre) * signs`.
    pub(crate) fn centre_signed(vector: &[f32], centre: &[f32], signs: &[f32], out: &mut [f32]) -> () {
        for (((out, v), c), sign) in out.iter_mut().zip(vector).zip(centre).zip(signs) {
            *out = (v - c) * sign;
        }
    }
}

dispatched! {
    /// `out[i] = values[order[i]]`.
    pub(crate) fn reorder(values: &[f32], order: &[u32], out: &mut [f32]) -> () {
        for (place, &from) in out.iter_mut().zip(order) {
            *place = values[from as usize];
        }
    }
}

fn coprime(a: usize, b: usize) -> bool {
    if b == 0 { a == 1 } else { coprime(b, a % b) }
}

/// The mean of some of the rows.
fn centre(rows: Rows<'_>) -> Vec<f32> {
    let some = rows.len().min(1024);
    let mut sum = vec![0.0; rows.dim()];
    for i in 0..some {
        let row = rows.row(i * rows.len() / some);
        let share = 1.0 / some as f32;
        sum.iter_mut().zip(row).for_each(|(s, &v)| *s += v * share);
    }
    sum
}

/// Mixes coordinates that are 16 or more apart, orthogonally: in a prefix and a suffix of a power of two's length.
fn mix(values: &mut [f32]) {
    let power = 1 << values.len().ilog2();
    hadamard(&mut values[..power]);
    if power < values.len() {
        let suffix = values.len() - power;
        hadamard(&mut values[suffix..]);
    }
}

dispatched! {
    /// Butterflies of strides 16 and more of a slice whose length is a power of two, scaled to keep lengths.
    pub(crate) fn hadamard(values: &mut [f32]) -> () {
        let (mut stride, mut stages) = (16, 0);
        while stride < values.len() {
            for pair in values.chunks_exact_mut(2 * stride) {
                let (low, high) = pair.split_at_mut(stride);
                for (a, b) in low.iter_mut().zip(high) {
                    (*a, *b) = (*a + *b, *a - *b);
                }
            }
            stride *= 2;
            stages += 1;
        }
        let odd = if stages % 2 == 1 { std::f32::consts::FRAC_1_SQRT_2 } else { 1.0 };
        let scale = 0.5f32.powi(stages / 2) * odd;
        for value in values {
            *value *= scale;
        }
    }
}

dispatched! {
    /// Sum of products, in partial sums.
    pub(crate) fn product(a: &[f32], b: &[f32]) -> f32 {
        let mut sums = [0.0f32; 16];
        let (a_parts, a_rest) = a.as_chunks::<16>();
        let (b_parts, b_rest) = b.as_chunks::<16>();
        for (a, b) in a_parts.iter().zip(b_parts) {
            for i in 0..16 {
                sums[i] += a[i] * b[i];
            }
        }
        for ((sum, a), b) in sums.iter_mut().zip(a_rest).zip(b_rest) {
            *sum += a * b;
        }
        sums.iter().sum()
    }
}

dispatched! {
    /// The largest size of a value, and the sum of squares, of a multiple of 16 values.
    pub(crate) fn sizes(values: &[f32]) -> (f32, f32) {
        let (mut largest, mut squares) = ([0.0f32; 16], [0.0f32; 16]);
        for values in values.as_chunks::<16>().0 {
            for i in 0..16 {
                let size = values[i].abs();
                largest[i] = if size > largest[i] { size } else { largest[i] };
                squares[i] += values[i] * values[i];
            }
        }
        let largest = largest.iter().fold(0.0f32, |a, &b| if b > a { b } else { a });
        (largest, squares.iter().sum())
    }
}

/// What a vector is rounded to: whole multiples of a unit, and what this leaves to whole multiples of a 256th of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Rounded {
    /// Sum of the first whole numbers.
    sum: i32,
    /// Length of the vector.
    pub(crate) length: f32,
    /// Distance from the first.
    pub(crate) residual: f32,
    /// Distance from both together.
    pub(crate) rest: f32,
}

/// One over a unit, in units of the second whole numbers.
pub(crate) const FINER: f32 = 256.0;

const PARTS: usize = 16;

/// Added to a small number, this leaves no bits for a fraction: the last ones are those of the nearest whole number.
const TO_WHOLE: f32 = 12_582_912.0;

/// Rounds `values`, a multiple of 16 of them, to at most `most` units either way in `first` and 127 of the finer ones in `second`.
fn round(values: &[f32], unit: f32, most: i32, first: &mut [i8], second: &mut [i8]) -> Rounded {
    let mut rounded = Rounded::default();
    let mut squares = [[0.0; PARTS]; 3];
    round_chunks(values, unit, most, first, second, &mut squares);
    rounded.sum = byte_sum(first);
    let [length, residual, rest] = squares.map(|squares| squares.iter().sum::<f32>().sqrt());
    Rounded {
        length,
        residual,
        rest,
        ..rounded
    }
}

dispatched! {
    /// The rounding of [`round`]; adds the squares of values and of what each step leaves.
    pub(crate) fn round_chunks(
        values: &[f32],
        unit: f32,
        most: i32,
        first: &mut [i8],
        second: &mut [i8],
        squares: &mut [[f32; PARTS]; 3],
    ) -> () {
        let (inverse, finer) = (1.0 / unit, unit / FINER);
        let finer_inverse = inverse * FINER;
        let most = most as f32;
        let bytes = first.as_chunks_mut::<PARTS>().0.iter_mut().zip(second.as_chunks_mut::<PARTS>().0);
        for (values, (first, second)) in values.as_chunks::<PARTS>().0.iter().zip(bytes) {
            for i in 0..PARTS {
                let value = values[i];
                let whole = (value * inverse).clamp(-most, most) + TO_WHOLE;
                let left = (whole - TO_WHOLE).mul_add(-unit, value);
                let more = (left * finer_inverse).clamp(-127.0, 127.0) + TO_WHOLE;
                let rest = (more - TO_WHOLE).mul_add(-finer, left);
                first[i] = whole.to_bits() as i8;
                second[i] = more.to_bits() as i8;
                squares[0][i] += value * value;
                squares[1][i] += left * left;
                squares[2][i] += rest * rest;
            }
        }
    }
}

dispatched! {
    /// The sum of some bytes.
    pub(crate) fn byte_sum(bytes: &[i8]) -> i32 {
        bytes.iter().map(|&byte| i32::from(byte)).sum()
    }
}

/// Deviations up to which the bytes of rows reach: a finer unit is worth the few rows that have a coordinate cut off.
const REACH: f32 = 4.5;

/// The unit of all rows; `used` coordinates are no fill.
fn row_unit(vectors: &[f32], used: usize, most: i32) -> f32 {
    let (largest, squares) = sizes(vectors);
    unit(largest.min(REACH * (squares / used as f32).sqrt()), most)
}

/// The unit of coordinates up to this size. It is never so small that what starts a sum, 1.1 over the square of this, leaves
/// 32 bits.
fn unit(largest: f32, most: i32) -> f32 {
    (largest / most as f32).max(4e-5)
}

/// The row side, in blocks of a kernel, all in one unit.
pub(crate) struct RowBytes {
    lines: Vec<ByteLine>,
    lines_a_block: usize,
    /// For each row its first whole numbers and its second ones, 128 added to each.
    pairs: Vec<ByteLine>,
    pairs_a_row: usize,
    pub(crate) unit: f32,
    pub(crate) facts: Vec<RowFacts>,
}

/// What is known of one row.
#[derive(Clone, Copy, Default)]
pub(crate) struct RowFacts {
    pub(crate) rounded: Rounded,
    /// Product of the row with the columns' centre.
    pub(crate) with_other: f32,
}

impl RowBytes {
    pub(crate) fn new(rows: Rows<'_>, frame: &Frame, kernel: &ByteKernel) -> Self {
        let padded = frame.padded();
        let mut vectors = vec![0.0; rows.len() * padded];
        let places = vectors.par_chunks_mut(padded);
        places
            .zip(rows.data().par_chunks(rows.dim()))
            .for_each(|(place, row)| frame.apply(row, place));
        // One unit for all rows, so that a sum of bytes of any row and panel is scaled by one number.
        let unit = row_unit(&vectors, rows.data().len(), kernel.most);
        let mut bytes = vec![0; 2 * vectors.len()];
        let facts = (bytes.par_chunks_mut(2 * padded).enumerate())
            .zip(vectors.par_chunks(padded))
            .map(|((row, bytes), vector)| {
                let (first, second) = bytes.split_at_mut(padded);
                RowFacts {
                    rounded: round(vector, unit, kernel.most, first, second),
                    with_other: product(rows.row(row), &frame.other),
                }
            });
        let facts = facts.collect();
        Self {
            lines: pack_rows(&bytes, padded, kernel),
            lines_a_block: kernel.block_lines(padded / 4),
            pairs: bytes
                .chunks_exact(LINE_BYTES)
                .map(|bytes| line(bytes, 0x80))
                .collect(),
            pairs_a_row: 2 * padded / LINE_BYTES,
            unit,
            facts,
        }
    }

    /// One block; places of rows past the last hold zeros.
    pub(crate) fn block(&self, index: usize) -> &[ByteLine] {
        &self.lines[index * self.lines_a_block..][..self.lines_a_block]
    }

    /// What [`ColumnBytes::second_product`] takes.
    pub(crate) fn pairs(&self, row: usize) -> &[ByteLine] {
        &self.pairs[row * self.pairs_a_row..][..self.pairs_a_row]
    }
}

/// The first whole numbers of rows in blocks of the kernel.
fn pack_rows(bytes: &[i8], padded: usize, kernel: &ByteKernel) -> Vec<ByteLine> {
    let (steps, blocks) = (
        padded / 4,
        (bytes.len() / (2 * padded)).div_ceil(kernel.rows),
    );
    let lines_a_block = kernel.block_lines(steps);
    let mut lines = vec![ByteLine::ZERO; blocks * lines_a_block];
    let blocks = lines.par_chunks_mut(lines_a_block);
    blocks
        .zip(bytes.par_chunks(2 * padded * kernel.rows))
        .for_each(|(block, bytes)| {
            for (r, bytes) in bytes.chunks_exact(2 * padded).enumerate() {
                for (step, four) in bytes[..padded].chunks_exact(4).enumerate() {
                    // The instructions multiply unsigned bytes with signed ones: rows are lifted above zero, which the start of
                    // a column's sum takes back.
                    let place = kernel.place(r, step, steps);
                    let four =
                        std::array::from_fn(|i| (i32::from(four[i]) + kernel.offset()) as u8);
                    block[place / LANES].0[place % LANES] = i32::from_le_bytes(four);
                }
            }
        });
    lines
}

/// The column side, in panels.
pub(crate) struct ColumnBytes {
    /// Panels of `[1 + dim / 4][LINES]` lines.
    lines: Vec<ByteLine>,
    lines_a_panel: usize,
    /// For each column its second whole numbers and its first ones.
    pairs: Vec<ByteLine>,
    pairs_a_column: usize,
    /// For each column 128 times the sum of its bytes.
    offsets: Vec<i32>,
    pair: Pair,
    pub(crate) panels: Vec<PanelFacts>,
}

/// What is known of the columns of one panel.
#[derive(Clone, Copy, Default)]
pub(crate) struct PanelFacts {
    pub(crate) unit: f32,
    /// The length of the longest rounded form, at most.
    pub(crate) length: f32,
    /// Of all columns: the largest distance from the first whole numbers.
    pub(crate) residual: f32,
    /// The same from the sum of both.
    pub(crate) rest: f32,
}

impl ColumnBytes {
    /// Every column of a step; what starts its sum is the product with the rows' centre, in units of both sides, less what
    /// the rows' offset adds.
    pub(crate) fn new(
        columns: &Strided<'_>,
        frame: &Frame,
        left: &RowBytes,
        kernel: &ByteKernel,
    ) -> Self {
        let padded = frame.padded();
        let lines_a_panel = (1 + padded / 4) * LINES;
        let count = columns.len.div_ceil(PANEL);
        let mut lines = vec![ByteLine::ZERO; count * lines_a_panel];
        let pairs_a_column = 2 * padded / LINE_BYTES;
        let mut pairs = vec![ByteLine::ZERO; count * PANEL * pairs_a_column];
        let mut offsets = vec![0; count * PANEL];
        let mut panels = vec![PanelFacts::default(); count];
        // Everything that belongs to one panel, so that panels are packed side by side without a lock.
        let places = (lines.par_chunks_mut(lines_a_panel))
            .zip(pairs.par_chunks_mut(PANEL * pairs_a_column))
            .zip(offsets.par_chunks_mut(PANEL))
            .zip(&mut panels);
        places.enumerate().for_each_init(
            || vec![0.0; PANEL * padded],
            |vectors, (panel, (((lines, pairs), offsets), facts))| {
                let first = panel * PANEL;
                let last = columns.len.min(first + PANEL);
                let rows = (first..last).map(|i| columns.row(i));
                let packing = Packing {
                    frame,
                    row_unit: left.unit,
                    offset: kernel.offset(),
                };
                *facts = packing.panel(rows, vectors, lines, pairs, offsets);
            },
        );
        Self {
            lines,
            lines_a_panel,
            pairs,
            pairs_a_column,
            offsets,
            pair: kernel.pair,
            panels,
        }
    }

    pub(crate) fn panel(&self, index: usize) -> &[ByteLine] {
        &self.lines[index * self.lines_a_panel..][..self.lines_a_panel]
    }

    /// First whole numbers of a row times second ones of a column, and the other way round: what it adds to their product
    /// in units of both, in 256ths.
    ///
    /// It is within 32 bits, so that it is right although what it is computed from need not be.
    pub(crate) fn second_product(&self, row: &[ByteLine], column: usize) -> i32 {
        let pairs = &self.pairs[column * self.pairs_a_column..][..self.pairs_a_column];
        (self.pair)(row, pairs).wrapping_sub(self.offsets[column])
    }
}

/// How columns are packed.
struct Packing<'a> {
    frame: &'a Frame,
    row_unit: f32,
    offset: i32,
}

impl Packing<'_> {
    fn panel<'a>(
        &self,
        rows: impl Iterator<Item = &'a [f32]> + Clone,
        vectors: &mut [f32],
        lines: &mut [ByteLine],
        pairs: &mut [ByteLine],
        offsets: &mut [i32],
    ) -> PanelFacts {
        let padded = self.frame.padded();
        // The scratch is that of the last panel, whose rows may have been more.
        vectors.fill(0.0);
        for (vector, row) in vectors.chunks_exact_mut(padded).zip(rows.clone()) {
            self.frame.apply(row, vector);
        }
        let mut facts = PanelFacts {
            unit: unit(sizes(vectors).0, 127),
            ..PanelFacts::default()
        };
        let units = f64::from(self.row_unit) * f64::from(facts.unit);
        let mut bytes = vec![0; 2 * padded];
        let columns = vectors
            .chunks_exact(padded)
            .zip(pairs.chunks_exact_mut(2 * padded / LINE_BYTES));
        for (c, ((vector, pairs), row)) in columns.zip(rows).enumerate() {
            let (second, first) = bytes.split_at_mut(padded);
            let rounded = round(vector, facts.unit, 127, first, second);
            // The length of the rounded form is at most that of the vector and of what the rounding moved it by.
            facts.length = facts.length.max(rounded.length + rounded.residual);
            facts.residual = facts.residual.max(rounded.residual);
            facts.rest = facts.rest.max(rounded.rest);
            // The sum starts at what the centring took away of this column's products, which so costs nothing later.
            let start = f64::from(product(row, &self.frame.other)) / units;
            let start = start.round() as i32 - self.offset * rounded.sum;
            pack_column(c, start, first, lines);
            // The pair product has its rows lifted by 128, whatever the kernel's own offset is.
            offsets[c] = byte_sum(&bytes).wrapping_mul(128);
            for (pair, bytes) in pairs.iter_mut().zip(bytes.chunks_exact(LINE_BYTES)) {
                *pair = line(bytes, 0);
            }
        }
        facts
    }
}

/// Some bytes with `flip` applied to each.
fn line(bytes: &[i8], flip: u8) -> ByteLine {
    let mut line = ByteLine::ZERO;
    for (place, four) in line.0.iter_mut().zip(bytes.chunks_exact(4)) {
        *place = place_of(four) ^ i32::from_le_bytes([flip; 4]);
    }
    line
}

/// Four bytes in one place.
fn place_of(four: &[i8]) -> i32 {
    i32::from_le_bytes([four[0] as u8, four[1] as u8, four[2] as u8, four[3] as u8])
}

fn pack_column(column: usize, start: i32, bytes: &[i8], lines: &mut [ByteLine]) {
    let fours = bytes.chunks_exact(4).map(place_of);
    let places = lines.iter_mut().skip(column / LANES).step_by(LINES);
    for (line, four) in places.zip(std::iter::once(start).chain(fours)) {
        line.0[column % LANES] = four;
    }
}

/// Every `stride`-th of some rows.
pub(crate) struct Strided<'a> {
    pub(crate) rows: Rows<'a>,
    pub(crate) first: usize,
    pub(crate) stride: usize,
    pub(crate) len: usize,
}

impl<'a> Strided<'a> {
    /// The place in all rows of one of these.
    pub(crate) fn place(&self, index: usize) -> usize {
        self.first + index * self.stride
    }

    fn row(&self, index: usize) -> &'a [f32] {
        self.rows.row(self.place(index))
    }
}
