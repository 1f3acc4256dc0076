//! Upper bounds of scores from the products of a device, block by block.

use crate::score::{Delivery, DotScorer, Keep, RowSink, Scorer, Tile, parts};
use crate::{Device, Rows};
use rayon::prelude::*;
use std::ops::Range;

/// Rows and columns of a block, whose products are held twice: one block is looked at while the next is multiplied.
const ROWS: usize = 2048;
const COLUMNS: usize = 8192;

/// Rows of a tile.
const GROUP: usize = 16;

/// Bytes of products that are held at most.
pub(crate) const HELD_BYTES: usize = 2 * ROWS * COLUMNS * size_of::<f32>();

/// Products of lengths between which bounds hold: far from where numbers of 32 bits end.
const LENGTHS: Range<f64> = 1e-20..1e20;

/// Two sides whose scores are bounded from above by the products of a device.
#[derive(Clone, Copy)]
pub(crate) struct Bounded<'a> {
    device: &'a dyn Device,
    scorer: DotScorer<'a>,
    /// What makes a product an upper bound. Rounding the sum is covered: it is below 2^-24 of a number below 1.01 times the lengths
    /// and this.
    above: f32,
}

impl<'a> Bounded<'a> {
    /// `None` where there is no device, the scores are there already, or lengths are too far from one.
    pub(crate) fn new(scorer: DotScorer<'a>) -> Option<Self> {
        let device = scorer.device().filter(|_| !scorer.is_given())?;
        let (rows, columns) = (scorer.row_vectors(), scorer.column_vectors());
        let lengths = longest(rows) * longest(columns);
        let fits = LENGTHS.contains(&lengths);
        let above = lengths * (device.error(rows.dim()) + f64::from(f32::EPSILON) * 2.0);
        fits.then_some(Self {
            device,
            scorer,
            above: (above as f32).next_up(),
        })
    }

    /// The same for other vectors that are among these.
    pub(crate) fn over(&self, rows: Rows<'a>, columns: Rows<'a>) -> Self {
        Self {
            scorer: self.scorer.over(rows, columns),
            ..*self
        }
    }

    pub(crate) fn scorer(&self) -> &DotScorer<'a> {
        &self.scorer
    }

    /// An upper bound is no further above its score than this.
    pub(crate) fn width(&self) -> f64 {
        2.0 * f64::from(self.above)
    }

    /// Hands over upper bounds of all scores in blocks, of each row in ascending order of columns, as long as `each` says to go on.
    pub(crate) fn blocks(
        &self,
        mut each: impl FnMut(Range<usize>, Range<usize>, Vec<f32>) -> bool + Send,
    ) {
        let (rows, columns) = (self.scorer.rows(), self.scorer.columns());
        let row_parts = parts(rows, ROWS);
        let blocks =
            row_parts.flat_map(|rows| parts(columns, COLUMNS).map(move |it| (rows.clone(), it)));
        let blocks: Vec<_> = blocks.collect();
        let bounds = |at: usize| {
            blocks
                .get(at)
                .map(|block| self.bounds(block.0.clone(), block.1.clone()))
        };
        let mut next = bounds(0);
        for (at, (rows, columns)) in blocks.iter().cloned().enumerate() {
            let Some(now) = next else { return };
            self.scorer.advance(0);
            let (go_on, following) = rayon::join(|| each(rows, columns, now), || bounds(at + 1));
            if !go_on {
                return;
            }
            next = following;
        }
    }

    fn bounds(&self, rows: Range<usize>, columns: Range<usize>) -> Vec<f32> {
        let (rows, columns) = (
            self.scorer.row_vectors().slice(rows),
            self.scorer.column_vectors().slice(columns),
        );
        let all = rows.len() * columns.len();
        let found = self
            .device
            .products(rows, columns)
            .filter(|it| it.len() == all);
        let found = found.filter(|it| {
            it.par_chunks(COLUMNS)
                .all(|some| some.iter().all(|it| it.is_finite()))
        });
        let mut products = found.unwrap_or_else(|| here(&self.scorer.over(rows, columns).quiet()));
        products
            .par_chunks_mut(COLUMNS)
            .for_each(|some| some.iter_mut().for_each(|it| *it += self.above));
        products
    }

    /// As [`DotScorer::tiles`], with upper bounds in place of scores.
    pub(crate) fn tiles<S: Send>(
        &self,
        states: &mut [S],
        each: impl Fn(&mut [S], Tile<'_>) + Sync,
    ) {
        let scorer = self.scorer.quiet();
        self.blocks(|rows, columns, mut bounds| {
            let (first_row, first, width) = (rows.start, columns.start, columns.len());
            let groups = states[rows].par_chunks_mut(GROUP).enumerate();
            groups.zip(bounds.par_chunks_mut(GROUP * width)).for_each(
                |((group, states), bounds)| {
                    let row = first_row + group * GROUP;
                    each(states, Tile::of_bounds(scorer, row, first, width, bounds));
                },
            );
            self.scorer.advance(bounds.len());
            true
        });
    }
}

/// The length of the longest row, rounded up.
fn longest(rows: Rows<'_>) -> f64 {
    let squares = rows.data().par_chunks(rows.dim()).map(|row| {
        let squares = row.iter().map(|&value| f64::from(value) * f64::from(value));
        squares.sum::<f64>()
    });
    squares.reduce(|| 0.0, f64::max).sqrt() * 1.000_001
}

/// The scores themselves.
fn here(scorer: &DotScorer<'_>) -> Vec<f32> {
    let mut rows: Vec<Keep> = (0..scorer.rows()).map(|_| Keep::default()).collect();
    let mut sinks: Vec<_> = rows.iter_mut().map(|row| row as &mut dyn RowSink).collect();
    scorer.stream(Delivery::Pieces, 0, &mut sinks);
    rows.into_iter().flat_map(|row| row.0).collect()
}
