//! Vectors laid out as the block products read them.

use crate::Rows;
use rayon::prelude::*;

/// Floats of one line.
pub(crate) const LANES: usize = 16;
/// Columns of one panel.
pub(crate) const PANEL: usize = 32;
const LINES: usize = PANEL / LANES;

/// One cache line of floats, aligned so that a full-width load never straddles two.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
pub(crate) struct Line(pub(crate) [f32; LANES]);

/// Columns in panels of [`PANEL`], each `[dim][PANEL]`; the last panel is filled up with zeros.
#[derive(Default)]
pub(crate) struct PackedColumns {
    lines: Vec<Line>,
    dim: usize,
    columns: usize,
}

impl PackedColumns {
    #[cfg(test)]
    pub(crate) fn new(columns: Rows<'_>) -> Self {
        let mut packed = Self::default();
        packed.fill(columns);
        packed
    }

    /// Lays out other columns in the same memory, panels in parallel.
    pub(crate) fn fill(&mut self, columns: Rows<'_>) {
        self.dim = columns.dim();
        self.columns = columns.len();
        let panels = columns.len().div_ceil(PANEL);
        self.lines
            .resize(panels * self.dim * LINES, Line([0.0; LANES]));
        self.lines
            .par_chunks_mut(self.dim * LINES)
            .enumerate()
            .for_each(|(panel, lines)| {
                let first = panel * PANEL;
                let last = columns.len().min(first + PANEL);
                pack_panel(columns.slice(first..last), lines);
            });
    }

    /// Number of columns, without the fill.
    pub(crate) fn columns(&self) -> usize {
        self.columns
    }

    pub(crate) fn panel(&self, index: usize) -> &[Line] {
        &self.lines[index * self.dim * LINES..(index + 1) * self.dim * LINES]
    }
}

fn pack_panel(columns: Rows<'_>, lines: &mut [Line]) {
    if columns.len() < PANEL {
        lines.fill(Line([0.0; LANES]));
    }
    for c in 0..columns.len() {
        let places = lines.iter_mut().skip(c / LANES).step_by(LINES);
        for (line, &value) in places.zip(columns.row(c)) {
            line.0[c % LANES] = value;
        }
    }
}

/// Rows in blocks of `height`, each `[dim][height]`; the last block is filled up with zeros.
pub(crate) struct PackedRows {
    data: Vec<f32>,
    block: usize,
}

impl PackedRows {
    pub(crate) fn new(rows: Rows<'_>, height: usize) -> Self {
        let block = rows.dim() * height;
        let mut data = vec![0.0; rows.len().div_ceil(height) * block];
        for r in 0..rows.len() {
            let places = &mut data[r / height * block..][..block];
            let places = places.iter_mut().skip(r % height).step_by(height);
            for (place, &value) in places.zip(rows.row(r)) {
                *place = value;
            }
        }
        Self { data, block }
    }

    /// Number of blocks.
    pub(crate) fn blocks(&self) -> usize {
        self.data.len() / self.block
    }

    pub(crate) fn block(&self, index: usize) -> &[f32] {
        &self.data[index * self.block..(index + 1) * self.block]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Embeddings;

    /// Vectors of coordinates that are all different; rounding to unit length keeps them so.
    fn vectors(count: usize, dim: usize) -> Embeddings {
        let values = (0..count * dim).map(|at| (at + 1) as f32).collect();
        Embeddings::normalize(values, dim).expect("vectors")
    }

    #[test]
    fn columns_and_rows_lie_in_their_places_and_zeros_in_the_rest() {
        const HEIGHT: usize = 6;
        for (count, dim) in [(1, 1), (31, 2), (32, 3), (33, 2), (65, 5)] {
            let vectors = vectors(count, dim);
            let value = |vector: usize, d: usize| match vector < count {
                true => vectors.rows().row(vector)[d],
                false => 0.0,
            };
            let columns = PackedColumns::new(vectors.rows());
            for column in 0..count.next_multiple_of(PANEL) {
                let (panel, lane) = (columns.panel(column / PANEL), column % PANEL);
                let of_panel = |d: usize| panel[d * LINES + lane / LANES].0[lane % LANES];
                assert!((0..dim).all(|d| of_panel(d) == value(column, d)));
            }
            let rows = PackedRows::new(vectors.rows(), HEIGHT);
            assert_eq!(rows.blocks(), count.div_ceil(HEIGHT));
            for row in 0..rows.blocks() * HEIGHT {
                let block = rows.block(row / HEIGHT);
                assert!((0..dim).all(|d| block[d * HEIGHT + row % HEIGHT] == value(row, d)));
            }
        }
    }
}
