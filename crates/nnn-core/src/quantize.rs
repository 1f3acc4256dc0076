//! Vectors rounded to bytes, with a bound of what the rounding does to any product.

use crate::Rows;
use crate::dispatch::dispatched;
use crate::kernel::int8::{ROWS, Rounded, round};
use crate::kernel::{LANES, Line, PANEL};
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
        // A full cycle whose neighbours lie far apart.
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
        self.centre.len().next_multiple_of(LANES)
    }

    /// `vector - centre`, rotated, into the first places of `out`.
    fn apply(&self, vector: &[f32], out: &mut [f32]) {
        thread_local! {
            static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
        }
        SCRATCH.with_borrow_mut(|scratch| {
            scratch.resize(vector.len(), 0.0);
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
        for (a, b) in a.chunks(16).zip(b.chunks(16)) {
            for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
                *sum += a * b;
            }
        }
        sums.iter().sum()
    }
}

dispatched! {
    /// The largest size of a value, and the sum of squares.
    pub(crate) fn sizes(values: &[f32]) -> (f32, f32) {
        let (mut largest, mut squares) = ([0.0f32; 16], [0.0f32; 16]);
        for values in values.chunks(16) {
            for ((largest, square), value) in largest.iter_mut().zip(&mut squares).zip(values) {
                let size = value.abs();
                *largest = if size > *largest { size } else { *largest };
                *square += value * value;
            }
        }
        let largest = largest.iter().fold(0.0f32, |a, &b| if b > a { b } else { a });
        (largest, squares.iter().sum())
    }
}

/// Deviations up to which the bytes of rows reach: a finer unit is worth the few rows that have a coordinate cut off.
const REACH: f32 = 4.5;

/// The unit of all rows; `used` coordinates are no fill.
fn row_unit(vectors: &[f32], used: usize) -> f32 {
    let (largest, squares) = sizes(vectors);
    unit(largest.min(REACH * (squares / used as f32).sqrt()))
}

/// The unit of coordinates up to this size. It is never so small that what starts a sum, 1.1 over the square of this, leaves
/// 32 bits.
fn unit(largest: f32) -> f32 {
    (largest / 127.0).max(4e-5)
}

/// The row side, in blocks of [`ROWS`], all in one unit; 128 is the zero of its bytes.
pub(crate) struct RowBytes {
    /// Blocks of `[dim / 4][ROWS]`.
    fours: Vec<i32>,
    steps: usize,
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
    pub(crate) fn new(rows: Rows<'_>, frame: &Frame) -> Self {
        let padded = frame.padded();
        let mut vectors = vec![0.0; rows.len() * padded];
        let places = vectors.par_chunks_mut(padded);
        places
            .zip(rows.data().par_chunks(rows.dim()))
            .for_each(|(place, row)| frame.apply(row, place));
        let unit = row_unit(&vectors, rows.data().len());
        let steps = padded / 4;
        let mut fours = vec![0; rows.len().div_ceil(ROWS) * ROWS * steps];
        let mut facts = vec![RowFacts::default(); rows.len()];
        let blocks = fours.par_chunks_mut(ROWS * steps);
        let vectors = vectors.par_chunks(ROWS * padded);
        let facts_of = facts.par_chunks_mut(ROWS).enumerate();
        blocks
            .zip(vectors)
            .zip(facts_of)
            .for_each(|((block, vectors), (index, facts))| {
                let mut bytes = vec![0u8; padded];
                for (r, (vector, facts)) in vectors.chunks_exact(padded).zip(facts).enumerate() {
                    *facts = RowFacts {
                        rounded: round(vector, unit, 0x80, &mut bytes),
                        with_other: product(rows.row(index * ROWS + r), &frame.other),
                    };
                    let places = block.iter_mut().skip(r).step_by(ROWS);
                    for (place, four) in places.zip(bytes.chunks_exact(4)) {
                        *place = i32::from_le_bytes([four[0], four[1], four[2], four[3]]);
                    }
                }
            });
        Self {
            fours,
            steps,
            unit,
            facts,
        }
    }

    /// One block; places of rows past the last hold zeros.
    pub(crate) fn block(&self, index: usize) -> &[i32] {
        &self.fours[index * ROWS * self.steps..][..ROWS * self.steps]
    }
}

/// The column side, in panels.
pub(crate) struct ColumnBytes {
    /// Panels of `[1 + dim / 4][PANEL / LANES]` lines.
    lines: Vec<Line>,
    lines_a_panel: usize,
    pub(crate) panels: Vec<PanelFacts>,
}

/// What is known of the columns of one panel.
#[derive(Clone, Copy, Default)]
pub(crate) struct PanelFacts {
    pub(crate) unit: f32,
    /// Of all columns: the largest distance from the rounded form.
    pub(crate) residual: f32,
    /// The length of the longest rounded form, at most.
    pub(crate) length: f32,
}

impl ColumnBytes {
    /// Every column of a step; what starts its sum is the product with the rows' centre, in units of both sides, less what
    /// the rows' offset of 128 adds.
    pub(crate) fn new(columns: &Strided<'_>, frame: &Frame, row_unit: f32) -> Self {
        let lines_a_panel = (1 + frame.padded() / 4) * (PANEL / LANES);
        let count = columns.len.div_ceil(PANEL);
        let mut lines = vec![Line([0.0; LANES]); count * lines_a_panel];
        let mut panels = vec![PanelFacts::default(); count];
        let places = lines.par_chunks_mut(lines_a_panel).zip(&mut panels);
        places.enumerate().for_each_init(
            || vec![0.0; PANEL * frame.padded()],
            |vectors, (panel, (lines, facts))| {
                let first = panel * PANEL;
                let last = columns.len.min(first + PANEL);
                let rows = (first..last).map(|i| columns.row(i));
                *facts = pack_panel(rows, frame, row_unit, vectors, lines);
            },
        );
        Self {
            lines,
            lines_a_panel,
            panels,
        }
    }

    pub(crate) fn panel(&self, index: usize) -> &[Line] {
        &self.lines[index * self.lines_a_panel..][..self.lines_a_panel]
    }
}

fn pack_panel<'a>(
    rows: impl Iterator<Item = &'a [f32]> + Clone,
    frame: &Frame,
    row_unit: f32,
    vectors: &mut [f32],
    lines: &mut [Line],
) -> PanelFacts {
    let padded = frame.padded();
    vectors.fill(0.0);
    for (vector, row) in vectors.chunks_exact_mut(padded).zip(rows.clone()) {
        frame.apply(row, vector);
    }
    let mut facts = PanelFacts {
        unit: unit(sizes(vectors).0),
        ..PanelFacts::default()
    };
    let mut bytes = vec![0u8; padded];
    for (c, (vector, row)) in vectors.chunks_exact(padded).zip(rows).enumerate() {
        let rounded = round(vector, facts.unit, 0, &mut bytes);
        facts.residual = facts.residual.max(rounded.residual);
        facts.length = facts.length.max(rounded.length + rounded.residual);
        let units = f64::from(row_unit) * f64::from(facts.unit);
        let start = f64::from(product(row, &frame.other)) / units;
        let start = start.round() as i32 - 128 * rounded.sum;
        let fours = bytes
            .chunks_exact(4)
            .map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let places = lines.iter_mut().skip(c / LANES).step_by(PANEL / LANES);
        for (line, four) in places.zip(std::iter::once(start as u32).chain(fours)) {
            line.0[c % LANES] = f32::from_bits(four);
        }
    }
    facts
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
