//! Best places: a pass with the sides exchanged, as a place is one in a bank row's list.

use super::Stat;
use crate::score::{Delivery, DotScorer, RowSink, Scorer};
use crate::topk::best_items;

/// Bank rows ranked at a time: bounds the memory of their lists.
const BANK_ROWS: usize = 1 << 14;

/// Best places for every wanted depth, in one bank-major pass at the largest.
pub(super) fn best_places(needs: &[Stat], bank_major: &DotScorer<'_>) -> Vec<(Stat, Vec<f64>)> {
    let wanted: Vec<(Stat, usize)> = needs
        .iter()
        .filter_map(|&stat| match stat {
            Stat::BestPlace { depth } => Some((stat, depth)),
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
        let rows = BANK_ROWS.min(bank_major.rows() - first);
        let mut lists: Vec<BestOfRow> = (0..rows).map(|_| BestOfRow::new(depth)).collect();
        let mut sinks: Vec<_> = lists.iter_mut().map(|l| l as &mut dyn RowSink).collect();
        bank_major.stream(Delivery::WholeRows, first, &mut sinks);
        for list in &lists {
            for (place, &item) in (1..).zip(&list.items) {
                let best = &mut places[item as usize];
                *best = place.min(*best);
            }
        }
    }
    places
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
