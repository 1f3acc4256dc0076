//! Rules that rewrite rows, which need whole ones.

use super::RankOptions;
use super::found::QueryRanks;
use super::tally::{Piece, Tally, Target};
use crate::score::{DotScorer, Scorer};
use crate::topk::best_items;
use crate::{Fitted, GalleryBias, Relevance};
use rayon::prelude::*;

/// Bytes of whole rows held at a time, unless the gallery itself takes more: each block of columns is packed anew for the rows that
/// are held, so that there should not be few.
pub(super) const HELD_BYTES: usize = 16 << 20;

/// Rules that rewrite rows, each with its place among all.
pub(super) struct Rescaled<'a> {
    pub(super) rules: Vec<(usize, &'a Fitted)>,
    pub(super) zero: GalleryBias,
    pub(super) options: RankOptions,
}

impl Rescaled<'_> {
    /// Ranks every query, some at a time, in memory that is taken once.
    pub(super) fn rank(
        &self,
        scorer: &DotScorer<'_>,
        relevance: &Relevance,
        queries: &mut [QueryRanks<'_>],
    ) {
        let (row, vector) = (
            scorer.columns() * size_of::<f32>(),
            scorer.column_vectors().dim(),
        );
        let at_once = (HELD_BYTES / row.max(1))
            .max(vector)
            .min(queries.len())
            .max(1);
        let mut rows: Vec<Vec<f32>> = vec![Vec::new(); at_once];
        for (part, queries) in queries.chunks_mut(at_once).enumerate() {
            let (first, rows) = (part * at_once, &mut rows[..queries.len()]);
            for row in &mut *rows {
                row.clear();
                row.reserve_exact(scorer.columns());
            }
            scorer.tiles(first, rows, |rows, mut tile| {
                for (place, row) in rows.iter_mut().enumerate() {
                    row.extend_from_slice(tile.row(place));
                }
            });
            let pairs = queries.par_iter_mut().zip(rows).enumerate();
            pairs.for_each_init(Vec::new, |scratch, (place, (query, row))| {
                self.rank_row(row, relevance.of(first + place), query, scratch);
            });
        }
    }

    /// Ranks one query under every rule; `row` and `scratch` are overwritten.
    fn rank_row(
        &self,
        row: &mut Vec<f32>,
        relevant: &[u32],
        query: &mut QueryRanks<'_>,
        scratch: &mut Vec<f32>,
    ) {
        for &(place, rule) in &self.rules {
            scratch.clone_from(row);
            rule.apply(scratch);
            query.keep_ranks(place, &self.tallies(scratch, relevant), self.options.ties);
            if self.options.top > 0 {
                query.keep_top(place, best_items(scratch, self.options.top).into_iter());
            }
        }
    }

    /// Of all relevant items, or of the best placed.
    fn tallies(&self, row: &[f32], relevant: &[u32]) -> Vec<Tally> {
        let (ties, all) = (self.options.ties, self.options.all_relevant);
        let targets = relevant.iter().map(|&item| (row[item as usize], item));
        let best = targets
            .clone()
            .fold(f32::NEG_INFINITY, |best, target| best.max(target.0));
        // Only those that share the best score can be first.
        let targets: Vec<Target> = targets.filter(|target| all || target.0 == best).collect();
        let mut tallies = vec![Tally::default(); targets.len()];
        let piece = Piece {
            first: 0,
            scores: row,
            bias: self.zero.values(),
        };
        piece.add(ties, &targets, &mut tallies);
        if !all {
            tallies.sort_by_key(|tally| tally.doubled(ties));
            tallies.truncate(1);
        }
        tallies
    }
}
