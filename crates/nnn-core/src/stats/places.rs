//! Best places: a pass with the sides exchanged, as a place is one in a bank row's list.

use super::Stat;
use crate::score::{Delivery, DotScorer, RowSink, Scorer};
use crate::screen;
use crate::topk::best_items;

/// Bank rows ranked at a time: bounds the memory of their lists.
const BANK_ROWS: usize = 1 << 14;

/// Best places for every wanted depth, in one bank-major pass at the largest.
pub(super) fn best_places(needs: &[Stat], bank_major: &DotScorer<'_>) -> Vec<(Stat, Vec<f64>)> {
    let wanted: Vec<(Stat, usize)> = needs
        .iter()
        .filter_map(|stat| match *stat {
            Stat::BestPlace { depth } => Some((stat.clone(), depth)),
            _ => None,
        })
        .collect();
    let Some(deepest) = wanted.iter().map(|w| w.1).max() else {
        return Vec::new();
    };
    let places = best_places_to(deepest, bank_major);
    let cut = |depth: usize| places.iter().map(|&p| p.min(depth + 1) as f64).collect();
    wanted
        .into_iter()
        .map(|(stat, depth)| (stat, cut(depth)))
        .collect()
}

fn best_places_to(depth: usize, bank_major: &DotScorer<'_>) -> Vec<usize> {
    let mut places = vec![depth + 1; bank_major.columns()];
    for first in (0..bank_major.rows()).step_by(BANK_ROWS) {
        let last = bank_major.rows().min(first + BANK_ROWS);
        let rows = bank_major.row_vectors().slice(first..last);
        let scorer = bank_major.over(rows, bank_major.column_vectors());
        for list in best_of_rows(depth, &scorer) {
            for (place, item) in (1..).zip(list) {
                let best = &mut places[item as usize];
                *best = place.min(*best);
            }
        }
    }
    places
}

/// The best columns of every row, best first.
fn best_of_rows(depth: usize, scorer: &DotScorer<'_>) -> Vec<Vec<u32>> {
    if let Some(found) = screen::best(depth, scorer) {
        let items = |row: Vec<(f32, u32)>| row.into_iter().map(|(_, item)| item).collect();
        return found.into_iter().map(items).collect();
    }
    let mut lists: Vec<BestOfRow> = (0..scorer.rows()).map(|_| BestOfRow::new(depth)).collect();
    let mut sinks: Vec<_> = lists.iter_mut().map(|l| l as &mut dyn RowSink).collect();
    scorer.stream(Delivery::WholeRows, 0, &mut sinks);
    lists.into_iter().map(|list| list.items).collect()
}

struct BestOfRow {
    depth: usize,
    items: Vec<u32>,
}

impl BestOfRow {
    fn new(depth: usize) -> Self {
        Self {
            depth,
            items: Vec::new(),
        }
    }
}

impl RowSink for BestOfRow {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        self.items = best_items(scores, self.depth);
    }
}
