//! Streamed score rows: nothing here ever holds a whole score matrix.

use crate::Rows;
use crate::device::Device;
use crate::kernel::{Kernel, LANES, PANEL, PackedColumns, PackedRows, near};
use rayon::prelude::*;
use std::ops::Range;
use thiserror::Error;

/// Two sides whose vectors cannot be multiplied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("rows have dimension {rows}, columns have dimension {columns}; they must agree")]
pub struct DimensionMismatch {
    /// Dimension of the row side.
    pub rows: usize,
    /// Dimension of the column side.
    pub columns: usize,
}

/// Receives one row of scores.
///
/// Pieces arrive in ascending column order, each once; every piece starts at a multiple of 32 columns and only the last
/// may have a length that is no multiple of 32. What a sink computes must not depend on where pieces end: that is how
/// block sizes and threads come to change nothing.
pub trait RowSink: Send {
    /// Takes `scores` of the columns from `first` on; the slice is scratch, free to be overwritten.
    fn piece(&mut self, first: usize, scores: &mut [f32]);
}

/// Keeps its row.
#[derive(Default)]
pub(crate) struct Keep(pub(crate) Vec<f32>);

impl RowSink for Keep {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        self.0.extend_from_slice(scores);
    }
}

/// How a row is handed to its sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// In pieces as small as the cache likes them: for statistics, over any number of columns.
    Pieces,
    /// In one piece: for what needs a row as a whole, over few columns. Holds a packed copy of all of them.
    WholeRows,
}

/// A source of `(rows, columns)` scores, higher is better.
pub trait Scorer: Sync {
    /// Number of rows.
    fn rows(&self) -> usize;

    /// Number of columns.
    fn columns(&self) -> usize;

    /// Computes every score of the rows from `first` on once and hands row `first + i` to `sinks[i]`, rows in parallel.
    ///
    /// # Panics
    /// There are more sinks than rows from `first` on.
    fn stream(&self, delivery: Delivery, first: usize, sinks: &mut [&mut dyn RowSink]);
}

/// Sizes of the blocks in which scores are computed. They change speed and memory, never a bit of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blocking {
    /// Columns packed at a time when rows are delivered in pieces; rounded up to a multiple of 32.
    pub columns: usize,
    /// Rows that one task takes; rounded up to what a block product holds, fewer where whole rows are long.
    pub rows: usize,
}

impl Default for Blocking {
    /// 4,096 columns (8 MiB at dimension 512, within a shared cache) and 56 rows.
    fn default() -> Self {
        Self {
            columns: 4096,
            rows: 56,
        }
    }
}

/// Bytes of packed columns that a task multiplies all its rows with before it goes on: half of a small second-level
/// cache.
const STRIP_BYTES: usize = 512 * 1024;

/// Columns of a tile: enough that what is done once for a row and tile is little beside its scores, and few enough that the scores of
/// a task's rows stay beside the packed columns in a second-level cache.
const TILE_COLUMNS: usize = 1024;

/// Bytes of scores that a task holds at most, unless a single block of rows needs more: whole rows of a large gallery
/// are long.
const HELD_BYTES: usize = 4 * 1024 * 1024;

/// Inner products of two sets of unit vectors: cosines.
///
/// Every score is one chain of fused multiply-adds in ascending dimension, so it has the same bits for all instruction
/// sets, blockings and numbers of threads.
#[derive(Clone, Copy)]
pub struct DotScorer<'a> {
    rows: Rows<'a>,
    columns: Rows<'a>,
    blocking: Blocking,
    kernel: Kernel,
    device: Option<&'a dyn Device>,
    progress: Option<&'a (dyn Fn(u64) + Sync)>,
}

impl<'a> DotScorer<'a> {
    /// Scores of every row vector with every column vector.
    ///
    /// # Errors
    /// The dimensions differ.
    pub fn new(rows: Rows<'a>, columns: Rows<'a>) -> Result<Self, DimensionMismatch> {
        if rows.dim() != columns.dim() {
            return Err(DimensionMismatch {
                rows: rows.dim(),
                columns: columns.dim(),
            });
        }
        Ok(Self {
            rows,
            columns,
            blocking: Blocking::default(),
            kernel: Kernel::detect(),
            device: None,
            progress: None,
        })
    }

    /// Computes in blocks of other sizes.
    #[must_use]
    pub fn with_blocking(self, blocking: Blocking) -> Self {
        Self { blocking, ..self }
    }

    /// Computes with another of the available kernels.
    #[must_use]
    pub fn with_kernel(self, kernel: Kernel) -> Self {
        Self { kernel, ..self }
    }

    /// Has scores that cannot matter told apart by the products of a device.
    #[must_use]
    pub fn with_device(self, device: &'a dyn Device) -> Self {
        Self {
            device: Some(device),
            ..self
        }
    }

    /// Reports the number of scores after each block of them, from several threads, and 0 before a block is begun: what unwinds there
    /// ends the pass without computing the others.
    #[must_use]
    pub fn with_progress(self, progress: &'a (dyn Fn(u64) + Sync)) -> Self {
        Self {
            progress: Some(progress),
            ..self
        }
    }

    /// The same without reports: for scores that are computed a second time.
    pub(crate) fn quiet(self) -> Self {
        Self {
            progress: None,
            ..self
        }
    }

    pub(crate) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    pub(crate) fn device(&self) -> Option<&'a dyn Device> {
        self.device
    }

    pub(crate) fn row_vectors(&self) -> Rows<'a> {
        self.rows
    }

    pub(crate) fn column_vectors(&self) -> Rows<'a> {
        self.columns
    }

    /// Other vectors with the same options.
    pub(crate) fn over<'b>(&self, rows: Rows<'b>, columns: Rows<'b>) -> DotScorer<'b>
    where
        'a: 'b,
    {
        DotScorer {
            rows,
            columns,
            ..*self
        }
    }

    /// Whether one side is the standard basis, so that the products are values of the other.
    pub(crate) fn is_given(&self) -> bool {
        self.rows.is_basis() || self.columns.is_basis()
    }

    /// Computes every score of the rows from `first` on once: `states[i]` belongs to row `first + i`, and `each` is given the states
    /// of some rows with their scores, tile by tile in ascending order of columns. Groups of rows are taken in parallel, and the
    /// columns of a block are packed once for all of them.
    pub(crate) fn tiles<S: Send>(
        &self,
        first: usize,
        states: &mut [S],
        each: impl Fn(&mut [S], Tile<'_>) + Sync,
    ) {
        let strip = self.strip_columns();
        let piece = strip * (TILE_COLUMNS / strip).max(1);
        let sizes = self.sizes(self.block_columns(), piece);
        self.blocks(sizes, first, states, each);
    }

    /// Computes the scores of the rows from `first` on, `together` rows at a time, and hands over the number of the first of them
    /// with their whole rows; groups are taken in parallel, and all columns are packed once for them.
    pub(crate) fn whole_rows(
        &self,
        together: usize,
        first: usize,
        each: impl Fn(usize, &[&[f32]]) + Sync,
    ) {
        let mut rows: Vec<usize> = (first..self.rows()).collect();
        let columns = self.columns().max(1);
        let sizes = Sizes {
            at_once: columns,
            piece: columns.next_multiple_of(PANEL),
            rows: together,
        };
        self.blocks(sizes, first, &mut rows, |rows, tile| {
            let scores = tile.scores.chunks(tile.stride).take(rows.len());
            let scores: Vec<&[f32]> = scores.map(|row| &row[..tile.columns]).collect();
            each(rows[0], &scores);
        });
    }

    fn sizes(&self, at_once: usize, piece: usize) -> Sizes {
        let rows = match self.is_given() {
            true => self.rows_at_once(),
            false => self.task_rows(piece),
        };
        Sizes {
            at_once,
            piece,
            rows,
        }
    }

    /// As [`DotScorer::tiles`] in given sizes.
    fn blocks<S: Send>(
        &self,
        sizes: Sizes,
        first: usize,
        states: &mut [S],
        each: impl Fn(&mut [S], Tile<'_>) + Sync,
    ) {
        if self.is_given() {
            return self.hand_over(sizes, first, states, each);
        }
        let mut packed = PackedColumns::default();
        for start in (0..self.columns()).step_by(sizes.at_once) {
            let end = self.columns().min(start + sizes.at_once);
            packed.fill(self.columns.slice(start..end));
            let task = Task {
                kernel: self.kernel,
                packed: &packed,
                first_column: start,
                strip: self.strip_columns(),
                piece: sizes.piece,
            };
            let groups = states.par_chunks_mut(sizes.rows).enumerate();
            groups.for_each_init(Vec::new, |scratch, (group, states)| {
                self.advance(0);
                let from = first + group * sizes.rows;
                let rows = self.rows.slice(from..from + states.len());
                task.run(rows, states, scratch, &each);
                self.advance(states.len() * (end - start));
            });
        }
    }

    /// [`DotScorer::blocks`] where the products are values that are there.
    fn hand_over<S: Send>(
        &self,
        sizes: Sizes,
        first: usize,
        states: &mut [S],
        each: impl Fn(&mut [S], Tile<'_>) + Sync,
    ) {
        let groups = states.par_chunks_mut(sizes.rows).enumerate();
        groups.for_each_init(Vec::new, |scratch, (group, states)| {
            let first = first + group * sizes.rows;
            let rows = self.rows.slice(first..first + states.len());
            for start in (0..self.columns()).step_by(sizes.at_once) {
                self.advance(0);
                let end = self.columns().min(start + sizes.at_once);
                scratch.resize(states.len() * (end - start), 0.0);
                given(rows, self.columns, start..end, scratch);
                let tile = Tile::new(start, end - start, end - start, scratch);
                each(states, tile);
                self.advance(states.len() * (end - start));
            }
        });
    }

    /// Scores of one row with some columns, with the bits of every other way to them.
    pub(crate) fn pairs(&self, row: usize, columns: &[u32]) -> Vec<f32> {
        let row = self.rows.slice(row..row + 1);
        let mut scores = Vec::with_capacity(columns.len());
        if self.is_given() {
            let mut score = [0.0];
            for &column in columns {
                let column = column as usize;
                given(row, self.columns, column..column + 1, &mut score);
                scores.extend(score);
            }
            return scores;
        }
        for some in columns.chunks(LANES) {
            // Where there are fewer than the product takes, one fills up.
            let other = |i: usize| self.columns.row(some[i.min(some.len() - 1)] as usize);
            let found = (self.kernel.chains)(row.row(0), std::array::from_fn(other), &[]);
            scores.extend_from_slice(&found[..some.len()]);
        }
        scores
    }

    /// Rows of one task.
    pub(crate) fn rows_at_once(&self) -> usize {
        self.blocking.rows.max(1)
    }

    /// Reports scores that were computed elsewhere; 0 asks whether to go on.
    pub(crate) fn advance(&self, scores: usize) {
        if let Some(progress) = self.progress {
            progress(scores as u64);
        }
    }

    /// Columns that are packed at a time.
    pub(crate) fn columns_at_once(&self, delivery: Delivery) -> usize {
        match delivery {
            Delivery::Pieces => self.block_columns(),
            Delivery::WholeRows => self.columns.len().max(1),
        }
    }

    fn block_columns(&self) -> usize {
        self.blocking.columns.max(1).next_multiple_of(PANEL)
    }

    /// Columns whose packed form stays in a second-level cache while the rows of a task pass over it.
    fn strip_columns(&self) -> usize {
        let bytes_per_column = self.rows.dim() * size_of::<f32>();
        (STRIP_BYTES / bytes_per_column)
            .max(1)
            .next_multiple_of(PANEL)
    }

    /// Rows of one task, given how many scores of each it holds at once.
    fn task_rows(&self, piece: usize) -> usize {
        let held = HELD_BYTES / (piece * size_of::<f32>());
        let rows = self.blocking.rows.min(held).max(1);
        rows.next_multiple_of(self.kernel.rows)
    }
}

impl Scorer for DotScorer<'_> {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn columns(&self) -> usize {
        self.columns.len()
    }

    fn stream(&self, delivery: Delivery, first: usize, sinks: &mut [&mut dyn RowSink]) {
        assert!(first + sinks.len() <= self.rows(), "one row for every sink");
        let at_once = self.columns_at_once(delivery);
        let piece = match delivery {
            Delivery::Pieces => self.strip_columns(),
            Delivery::WholeRows => at_once.next_multiple_of(PANEL),
        };
        self.blocks(
            self.sizes(at_once, piece),
            first,
            sinks,
            |sinks, mut tile| {
                for (row, sink) in sinks.iter_mut().enumerate() {
                    sink.piece(tile.first, tile.row(row));
                }
            },
        );
    }
}

/// In what sizes scores are computed.
#[derive(Clone, Copy)]
struct Sizes {
    /// Columns that are packed at a time.
    at_once: usize,
    /// Columns of a tile.
    piece: usize,
    /// Rows of a task.
    rows: usize,
}

/// Parts of at most so many of `all`, in order.
pub(crate) fn parts(all: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let starts = (0..all).step_by(most.max(1));
    starts.map(move |start| start..all.min(start + most))
}

/// The scores of some rows with some columns, or upper bounds of them.
pub(crate) struct Tile<'a> {
    /// The first column.
    pub(crate) first: usize,
    pub(crate) columns: usize,
    /// Row-major, rows `stride` apart.
    scores: &'a mut [f32],
    stride: usize,
    open: Option<Open<'a>>,
}

/// What is needed to make scores of upper bounds.
struct Open<'a> {
    scorer: DotScorer<'a>,
    /// Number of the tile's first row.
    first: usize,
    /// Which are scores already, as `(rows, columns)`.
    settled: Vec<bool>,
}

impl<'a> Tile<'a> {
    fn new(first: usize, columns: usize, stride: usize, scores: &'a mut [f32]) -> Self {
        Self {
            first,
            columns,
            scores,
            stride,
            open: None,
        }
    }

    /// Upper bounds of the scores of rows from `row` on with columns from `first` on.
    pub(crate) fn of_bounds(
        scorer: DotScorer<'a>,
        row: usize,
        first: usize,
        columns: usize,
        bounds: &'a mut [f32],
    ) -> Self {
        let settled = vec![false; bounds.len()];
        Self {
            open: Some(Open {
                scorer,
                first: row,
                settled,
            }),
            ..Self::new(first, columns, columns, bounds)
        }
    }

    /// The scores of one row, which are scratch.
    pub(crate) fn row(&mut self, row: usize) -> &mut [f32] {
        &mut self.scores[row * self.stride..][..self.columns]
    }

    /// One row, of which scores may have to be settled.
    pub(crate) fn line(&mut self, row: usize) -> Line<'_> {
        let open = self.open.as_mut().map(|open| OpenLine {
            scorer: &open.scorer,
            row: open.first + row,
            settled: &mut open.settled[row * self.columns..][..self.columns],
        });
        Line {
            first: self.first,
            scores: &mut self.scores[row * self.stride..][..self.columns],
            open,
        }
    }
}

/// One row of a tile.
pub(crate) struct Line<'t> {
    /// The first column.
    pub(crate) first: usize,
    /// Scores where they are settled, and not below them elsewhere.
    pub(crate) scores: &'t mut [f32],
    open: Option<OpenLine<'t>>,
}

struct OpenLine<'t> {
    scorer: &'t DotScorer<'t>,
    row: usize,
    settled: &'t mut [bool],
}

impl Line<'_> {
    /// Columns after which more may be known of what matters: few, where what matters has to be settled.
    pub(crate) fn at_once(&self) -> usize {
        match self.open {
            Some(_) => 64,
            None => self.scores.len().max(1),
        }
    }

    /// Settles what of a range is, less its bias, not below `cut`; `near` is scratch.
    pub(crate) fn settle_from(
        &mut self,
        range: Range<usize>,
        bias: &[f32],
        cut: f32,
        near: &mut Vec<u32>,
    ) {
        if self.open.is_some() {
            near.resize(range.len() + near::CHUNK, 0);
            let found = near::near_places(&self.scores[range.clone()], bias, cut, near);
            self.settle(range.start, &near[..found]);
        }
    }

    /// Makes scores of the upper bounds at some places, counted from `start` on.
    pub(crate) fn settle(&mut self, start: usize, places: &[u32]) {
        let Some(open) = &mut self.open else { return };
        let places = places.iter().map(|&place| start + place as usize);
        let places: Vec<usize> = places.filter(|&place| !open.settled[place]).collect();
        let columns: Vec<u32> = (places.iter().map(|place| (self.first + place) as u32)).collect();
        let scores = open.scorer.pairs(open.row, &columns);
        for (place, score) in places.into_iter().zip(scores) {
            (self.scores[place], open.settled[place]) = (score, true);
        }
    }

    /// Puts an item below all others.
    pub(crate) fn hide(&mut self, place: usize) {
        self.scores[place] = f32::NEG_INFINITY;
        if let Some(open) = &mut self.open {
            open.settled[place] = true;
        }
    }
}

/// The products of rows and some columns of which one side is the standard basis.
fn given(rows: Rows<'_>, columns: Rows<'_>, range: Range<usize>, out: &mut [f32]) {
    let width = range.len();
    if columns.is_basis() {
        let places: Vec<usize> = range.map(|column| direction(columns, column)).collect();
        for (row, out) in out.chunks_mut(width).enumerate() {
            let row = rows.row(row);
            for (score, &place) in out.iter_mut().zip(&places) {
                *score = row[place];
            }
        }
        return;
    }
    let places: Vec<usize> = (0..rows.len()).map(|row| direction(rows, row)).collect();
    for (at, column) in range.enumerate() {
        let column = columns.row(column);
        for (row, &place) in places.iter().enumerate() {
            out[row * width + at] = column[place];
        }
    }
}

/// Which direction of the basis a row is. It need not be that of its number: a part of the basis may have been chosen.
fn direction(rows: Rows<'_>, row: usize) -> usize {
    let values = rows.row(row);
    match values.get(row) {
        Some(1.0) => row,
        _ => values.iter().position(|&value| value == 1.0).unwrap_or(0),
    }
}

/// The packed columns of one step, to be multiplied with any rows.
struct Task<'a> {
    kernel: Kernel,
    packed: &'a PackedColumns,
    first_column: usize,
    /// Columns multiplied with all rows before the next ones; a multiple of [`PANEL`], as `piece` is.
    strip: usize,
    /// Columns between two hand-overs, one or several strips.
    piece: usize,
}

impl Task<'_> {
    fn run<S>(
        &self,
        rows: Rows<'_>,
        states: &mut [S],
        scratch: &mut Vec<f32>,
        each: impl Fn(&mut [S], Tile<'_>),
    ) {
        let left = PackedRows::new(rows, self.kernel.rows);
        for start in (0..self.packed.columns()).step_by(self.piece) {
            let end = self.packed.columns().min(start + self.piece);
            let stride = (end - start).next_multiple_of(PANEL);
            scratch.resize(left.blocks() * self.kernel.rows * stride, 0.0);
            self.multiply(&left, start..end, scratch, stride);
            let tile = Tile::new(self.first_column + start, end - start, stride, scratch);
            each(states, tile);
        }
    }

    /// Fills `out`, rows `stride` apart, with the scores of the packed `columns`: strip by strip, so that every strip
    /// is fetched once for all rows.
    fn multiply(&self, left: &PackedRows, columns: Range<usize>, out: &mut [f32], stride: usize) {
        for start in columns.clone().step_by(self.strip) {
            let end = columns.end.min(start + self.strip);
            for block in 0..left.blocks() {
                let out = &mut out[block * self.kernel.rows * stride..];
                for panel in start / PANEL..end.div_ceil(PANEL) {
                    let out = &mut out[panel * PANEL - columns.start..];
                    (self.kernel.block)(left.block(block), self.packed.panel(panel), out, stride);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Embeddings;
    use std::sync::Arc;

    struct Collect(Vec<f32>);

    impl RowSink for Collect {
        fn piece(&mut self, first: usize, scores: &mut [f32]) {
            assert_eq!(first, self.0.len());
            assert!(first.is_multiple_of(32));
            self.0.extend_from_slice(scores);
        }
    }

    fn matrix(rows: usize, seed: u32) -> Embeddings {
        let data = (0..rows as u32 * 7).map(|i| ((i * 37 + seed) % 101) as f32 - 50.5);
        Embeddings::normalize(data.collect(), 7).expect("valid")
    }

    fn all_scores(scorer: &DotScorer<'_>, delivery: Delivery) -> Vec<Vec<f32>> {
        let mut rows: Vec<_> = (0..scorer.rows()).map(|_| Collect(Vec::new())).collect();
        let mut sinks: Vec<_> = rows.iter_mut().map(|r| r as &mut dyn RowSink).collect();
        scorer.stream(delivery, 0, &mut sinks);
        rows.into_iter().map(|row| row.0).collect()
    }

    #[test]
    fn blocks_kernels_and_deliveries_change_no_bit() {
        let (left, right) = (matrix(45, 3), matrix(131, 8));
        let scorer = DotScorer::new(left.rows(), right.rows()).expect("same dimension");
        let expected = all_scores(&scorer, Delivery::Pieces);
        assert!(expected.iter().all(|row| row.len() == 131));
        for kernel in Kernel::available() {
            for (columns, rows) in [(1, 1), (64, 20), (1000, 1000)] {
                let other = scorer
                    .with_kernel(kernel)
                    .with_blocking(Blocking { columns, rows });
                for delivery in [Delivery::Pieces, Delivery::WholeRows] {
                    assert_eq!(all_scores(&other, delivery), expected, "{kernel:?}");
                }
            }
        }
    }

    /// The products of similarities and the basis are the similarities, whichever side has rows.
    #[test]
    fn given_similarities_are_handed_over() {
        let gallery = Embeddings::basis(131).expect("items");
        let chosen = gallery.select(&(0..131).rev().step_by(2).collect::<Vec<u32>>());
        let values: Vec<f32> = (0..45 * 131)
            .map(|i| ((i * 37) % 101) as f32 / 101.0)
            .collect();
        let queries = Embeddings::similarities(Arc::new(values), 131).expect("cosines");
        for gallery in [gallery, chosen] {
            let [left, right] = [queries.rows(), gallery.rows()];
            for (rows, columns) in [(left, right), (right, left)] {
                let scorer = DotScorer::new(rows, columns).expect("same dimension");
                let plain =
                    |rows: Rows<'_>| Embeddings::similarities(Arc::new(rows.data().to_vec()), 131);
                let (rows, columns) = (
                    plain(rows).expect("cosines"),
                    plain(columns).expect("cosines"),
                );
                let products = DotScorer::new(rows.rows(), columns.rows()).expect("same dimension");
                for delivery in [Delivery::Pieces, Delivery::WholeRows] {
                    let scorer = scorer.with_blocking(Blocking {
                        columns: 40,
                        rows: 7,
                    });
                    assert_eq!(
                        all_scores(&scorer, delivery),
                        all_scores(&products, delivery)
                    );
                }
            }
        }
    }

    fn pairs(scorer: &DotScorer<'_>) -> Vec<Vec<f32>> {
        let columns: Vec<u32> = (0..scorer.columns() as u32).collect();
        let rows = 0..scorer.rows();
        rows.map(|row| scorer.pairs(row, &columns)).collect()
    }

    #[test]
    fn single_pairs_have_the_scores_of_the_stream() {
        let (left, right) = (matrix(9, 3), matrix(37, 8));
        let scorer = DotScorer::new(left.rows(), right.rows()).expect("same dimension");
        for kernel in Kernel::available() {
            let scorer = scorer.with_kernel(kernel);
            assert_eq!(pairs(&scorer), all_scores(&scorer, Delivery::Pieces));
        }
        let values: Vec<f32> = (0..9 * 37).map(|i| i as f32 / 400.0).collect();
        let queries = Embeddings::similarities(Arc::new(values), 37).expect("cosines");
        let gallery = Embeddings::basis(37).expect("items");
        for (rows, columns) in [(&queries, &gallery), (&gallery, &queries)] {
            let scorer = DotScorer::new(rows.rows(), columns.rows()).expect("same dimension");
            assert_eq!(pairs(&scorer), all_scores(&scorer, Delivery::Pieces));
        }
    }

    #[test]
    fn dimensions_must_agree() {
        let other = Embeddings::normalize(vec![1.0, 2.0], 2).expect("valid");
        let error = DotScorer::new(matrix(1, 0).rows(), other.rows()).err();
        assert_eq!(
            error,
            Some(DimensionMismatch {
                rows: 7,
                columns: 2
            })
        );
    }
}
