//! How often gallery items are found: counted from the best items of every query.

use std::collections::BTreeMap;

use crate::records::queries::{QueryColumn, QueryTable};
use crate::records::rows::{OccurrenceRow, ScoreRow};

/// Counts for every method of a table how often each gallery item is among the first `k` of a query. `scores` are those of
/// the same trial: they say what the methods are and how large the gallery is.
///
/// A method without scores, or of which fewer than `k` best items are kept, has no row.
#[must_use]
pub fn occurrences(table: &QueryTable, scores: &[ScoreRow], k: usize) -> Vec<OccurrenceRow> {
    let row = |column: &QueryColumn| {
        let own = |row: &&ScoreRow| {
            row.cell.method_signature() == column.method && row.cell.chosen == column.chosen
        };
        let score = scores.iter().find(own)?;
        (column.top_width >= k).then(|| OccurrenceRow {
            cell: score.cell.clone(),
            k,
            n_queries: score.n_queries,
            counts: counts(column, k, score.n_gallery),
        })
    };
    table.methods.iter().filter_map(row).collect()
}

/// How often every gallery item is among the first `k` of a query, of lists that have as many.
pub(crate) fn found(column: &QueryColumn, k: usize, gallery: usize) -> Vec<usize> {
    let mut found = vec![0_usize; gallery];
    for top in column.top.chunks_exact(column.top_width) {
        for &item in &top[..k] {
            found[item as usize] += 1;
        }
    }
    found
}

fn counts(column: &QueryColumn, k: usize, gallery: usize) -> Vec<(usize, usize)> {
    let mut counts = BTreeMap::new();
    for occurrences in found(column, k, gallery) {
        *counts.entry(occurrences).or_insert(0) += 1;
    }
    counts.into_iter().collect()
}
