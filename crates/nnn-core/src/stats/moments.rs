//! Mean and second moments of a bank, and what follows from the mean alone.

use super::Stat;
use super::sums::{Chunks, Sums, Tree};
use crate::Rows;
use crate::dispatch::dispatched;
use crate::score::DotScorer;
use rayon::prelude::*;

/// Rows that are summed by one task: fixed, so that no number of threads moves a sum.
const STEP_ROWS: usize = 4096;

/// The means of every item's similarities, and the moments of the bank, if wanted.
pub(super) fn moments(
    needs: &[Stat],
    item_major: &DotScorer<'_>,
    chunk: usize,
) -> Vec<(Stat, Vec<f64>)> {
    if !needs.iter().any(is_moment) {
        return Vec::new();
    }
    let sums = sums(needs, item_major, Chunks::of_whole(chunk));
    finish(needs, item_major.row_vectors(), &sums.into_total())
}

/// Whether a statistic follows from sums of the bank's vectors.
pub(super) fn is_moment(stat: &Stat) -> bool {
    matches!(stat, Stat::Mean | Stat::Moments | Stat::Centroid)
}

/// The sums of the bank's vectors that the needs follow from.
pub(super) fn sums(needs: &[Stat], item_major: &DotScorer<'_>, chunks: Chunks) -> Tree {
    let bank = item_major.column_vectors();
    let vector = needs.iter().any(is_moment);
    let products = needs.contains(&Stat::Moments);
    Tree::of_chunks(chunks, bank.len(), |rows| {
        let rows = bank.slice(rows);
        let [vector, products] = [
            vector.then(|| sum_of_rows(rows)),
            products.then(|| sum_of_products(rows, || item_major.advance(0))),
        ];
        Sums {
            vector: vector.unwrap_or_default(),
            products: products.unwrap_or_default(),
            ..Sums::default()
        }
    })
}

/// Those of the needs that follow from the sums of the whole bank.
pub(super) fn finish(needs: &[Stat], items: Rows<'_>, sums: &Sums) -> Vec<(Stat, Vec<f64>)> {
    let share = |sum: &f64| sum / sums.rows as f64;
    let mean: Vec<f64> = sums.vector.iter().map(share).collect();
    let numbers = |stat: &Stat| match stat {
        Stat::Moments => [
            &mean[..],
            &sums.products.iter().map(share).collect::<Vec<_>>(),
        ]
        .concat(),
        Stat::Centroid => mean.clone(),
        // The mean of products with the bank's rows is the product with their mean.
        _ => (0..items.len())
            .map(|item| dot(items.row(item), &mean))
            .collect(),
    };
    let wanted = needs.iter().filter(|need| is_moment(need));
    wanted.map(|need| (need.clone(), numbers(need))).collect()
}

/// `sum d_i`, each coordinate summed in f64 in fixed steps.
fn sum_of_rows(bank: Rows<'_>) -> Vec<f64> {
    let steps: Vec<Vec<f64>> = bank
        .data()
        .par_chunks(STEP_ROWS * bank.dim())
        .map(|rows| sum(rows, bank.dim()))
        .collect();
    let mut total = vec![0.0; bank.dim()];
    for step in steps {
        total.iter_mut().zip(step).for_each(|(t, s)| *t += s);
    }
    total
}

fn sum(rows: &[f32], dim: usize) -> Vec<f64> {
    let mut sum = vec![0.0; dim];
    for row in rows.chunks_exact(dim) {
        sum.iter_mut()
            .zip(row)
            .for_each(|(s, &v)| *s += f64::from(v));
    }
    sum
}

fn dot(item: &[f32], mean: &[f64]) -> f64 {
    item.iter().zip(mean).map(|(&a, b)| f64::from(a) * b).sum()
}

/// Coordinates of one panel, and the height and width of one tile of products.
const PANEL: usize = 16;
/// Rows of a tile whose sums stay in registers.
const HELD: usize = 4;
/// Bank rows multiplied at a time: two panels of them stay in a first-level cache.
const STEP: usize = 128;
/// Bank rows laid out at a time.
const LAID_OUT: usize = 1024;

/// One coordinate panel of a bank row.
type Line = [f64; PANEL];
type Tile = [Line; PANEL];

/// `sum d_i d_i^T`, row by row.
///
/// The product of two f32 is exact in f64, and every sum is one chain in the order of the bank: the bits depend on
/// nothing else. Tiles below the diagonal are mirrored. `go_on` is called between rows, and may unwind.
fn sum_of_products(bank: Rows<'_>, go_on: impl Fn()) -> Vec<f64> {
    let panels = bank.dim().div_ceil(PANEL);
    // Of panel `p` the tiles with the panels from `p` on.
    let mut bands: Vec<Vec<Tile>> = (0..panels)
        .map(|panel| vec![[[0.0; PANEL]; PANEL]; panels - panel])
        .collect();
    for first in (0..bank.len()).step_by(LAID_OUT) {
        go_on();
        let laid_out = lay_out(bank.slice(first..bank.len().min(first + LAID_OUT)));
        bands
            .par_iter_mut()
            .enumerate()
            .with_max_len(1)
            .for_each(|(panel, band)| add_band(&laid_out[panel..], band));
    }
    square(&bands, bank.dim())
}

/// Panel by panel, row by row; what is missing in the last panel is zero.
fn lay_out(rows: Rows<'_>) -> Vec<Vec<Line>> {
    let line = |row: usize, first: usize| {
        let mut line = [0.0; PANEL];
        let values = rows.row(row)[first..].iter();
        line.iter_mut()
            .zip(values)
            .for_each(|(l, &v)| *l = f64::from(v));
        line
    };
    (0..rows.dim())
        .into_par_iter()
        .step_by(PANEL)
        .map(|first| (0..rows.len()).map(|row| line(row, first)).collect())
        .collect()
}

/// Adds the products of the first panel with every panel.
fn add_band(panels: &[Vec<Line>], band: &mut [Tile]) {
    for first in (0..panels[0].len()).step_by(STEP) {
        let of = |panel: &Vec<Line>| first..panel.len().min(first + STEP);
        let left = &panels[0][of(&panels[0])];
        for (panel, tile) in panels.iter().zip(&mut *band) {
            add_products(left, &panel[of(panel)], tile);
        }
    }
}

dispatched! {
    /// `tile[i][j] += sum left[row][i] * right[row][j]`, row after row.
    pub(crate) fn add_products(left: &[Line], right: &[Line], tile: &mut Tile) -> () {
        for (part, sums) in tile.as_chunks_mut::<HELD>().0.iter_mut().enumerate() {
            let mut held = *sums;
            for (left, right) in left.iter().zip(right) {
                for (i, held) in held.iter_mut().enumerate() {
                    let value = left[part * HELD + i];
                    for (sum, other) in held.iter_mut().zip(right) {
                        *sum += value * other;
                    }
                }
            }
            *sums = held;
        }
    }
}

/// The whole matrix.
fn square(bands: &[Vec<Tile>], dim: usize) -> Vec<f64> {
    let at = |i: usize, j: usize| {
        let (i, j) = (i.min(j), i.max(j));
        bands[i / PANEL][j / PANEL - i / PANEL][i % PANEL][j % PANEL]
    };
    let row = |i: usize| (0..dim).map(move |j| at(i, j));
    (0..dim).flat_map(row).collect()
}
