//! Mean and second moments of a bank, and what follows from the mean alone.

use super::Stat;
use crate::Rows;
use crate::score::DotScorer;
use rayon::prelude::*;

/// Rows that are summed by one task: fixed, so that no number of threads moves a sum.
const CHUNK: usize = 4096;

/// The means of every item's similarities, and the moments of the bank, if wanted.
pub(super) fn moments(needs: &[Stat], item_major: &DotScorer<'_>) -> Vec<(Stat, Vec<f64>)> {
    let (items, bank) = (item_major.row_vectors(), item_major.column_vectors());
    let mut found = Vec::new();
    if needs.contains(&Stat::Mean) {
        // The mean of products with the bank's rows is the product with their mean.
        let mean = mean(bank);
        let of = |item: usize| dot(items.row(item), &mean);
        found.push((Stat::Mean, (0..items.len()).map(of).collect()));
    }
    found
}

/// `(1/M) sum d_i`, each coordinate summed in f64 in fixed chunks.
fn mean(bank: Rows<'_>) -> Vec<f64> {
    let chunks: Vec<Vec<f64>> = bank
        .data()
        .par_chunks(CHUNK * bank.dim())
        .map(|rows| sum(rows, bank.dim()))
        .collect();
    let mut total = vec![0.0; bank.dim()];
    for chunk in chunks {
        total.iter_mut().zip(chunk).for_each(|(t, c)| *t += c);
    }
    total.iter().map(|t| t / bank.len() as f64).collect()
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
