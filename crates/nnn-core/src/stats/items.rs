//! Statistics that reduce one gallery item's row of bank scores.

use super::Stat;
use super::exponentials::{Exponentials, Temperatures};
use crate::exp::{SUMS, add_powers, total};
use crate::score::{Delivery, DotScorer, RowSink, Scorer};
use crate::screen;
use crate::topk::LargestScores;
use std::ops::Range;

/// Everything that reduces one gallery item's row of bank scores, in one pass.
pub(super) fn reduce_items(needs: &[Stat], scorer: &DotScorer<'_>) -> Vec<(Stat, Vec<f64>)> {
    let needs: Vec<Stat> = needs
        .iter()
        .filter(|need| is_reduction(need))
        .cloned()
        .collect();
    if needs.is_empty() {
        return Vec::new();
    }
    let temperatures = Temperatures::new(betas(&needs));
    let mut columns: Vec<(Stat, Vec<f64>)> = needs
        .iter()
        .map(|need| (need.clone(), Vec::new()))
        .collect();
    let mut finish = |folds: Vec<ItemFold<'_>>| {
        for fold in folds {
            fold.finish(&mut columns, scorer.columns());
        }
    };
    match screened_folds(&needs, &temperatures, scorer) {
        Some(folds) => finish(folds),
        None => {
            for first in (0..scorer.rows()).step_by(ITEMS) {
                let last = scorer.rows().min(first + ITEMS);
                finish(all_folds(&needs, &temperatures, scorer, first..last));
            }
        }
    }
    columns
}

/// Items that are reduced at a time: bounds the memory of their histograms.
const ITEMS: usize = 4096;

fn betas(needs: &[Stat]) -> Vec<f64> {
    let beta = |need: &Stat| match need {
        Stat::LogMeanExp { beta } => Some(beta.get()),
        _ => None,
    };
    needs.iter().filter_map(beta).collect()
}

pub(super) fn is_reduction(stat: &Stat) -> bool {
    largest_needed(stat).is_some() || matches!(stat, Stat::Deviation | Stat::LogMeanExp { .. })
}

/// How many of the largest scores decide a statistic, if nothing else does.
fn largest_needed(stat: &Stat) -> Option<usize> {
    match *stat {
        Stat::TopMean { k } | Stat::Kth { k } | Stat::TopDistance { k } => Some(k),
        Stat::Largest { depth } => Some(depth),
        _ => None,
    }
}

/// Reductions of all scores of some items.
fn all_folds<'a>(
    needs: &[Stat],
    temperatures: &'a Temperatures,
    scorer: &DotScorer<'_>,
    items: Range<usize>,
) -> Vec<ItemFold<'a>> {
    let first = items.start;
    let mut folds: Vec<_> = items.map(|_| ItemFold::new(needs, temperatures)).collect();
    let mut sinks: Vec<_> = folds.iter_mut().map(|f| f as &mut dyn RowSink).collect();
    scorer.stream(Delivery::Pieces, first, &mut sinks);
    folds
}

/// The same of all items where nothing but the largest scores matters and these are few, or `None`.
fn screened_folds<'a>(
    needs: &[Stat],
    temperatures: &'a Temperatures,
    scorer: &DotScorer<'_>,
) -> Option<Vec<ItemFold<'a>>> {
    let largest: Option<Vec<usize>> = needs.iter().map(largest_needed).collect();
    let found = screen::largest(largest?.into_iter().max()?, scorer)?;
    let fold = |largest| ItemFold {
        largest,
        ..ItemFold::new(&[], temperatures)
    };
    Some(found.into_iter().map(fold).collect())
}

/// Running reductions of one gallery item.
struct ItemFold<'a> {
    largest: LargestScores,
    /// Sums of scores and of their squares.
    sums: Option<[[f64; SUMS]; 2]>,
    exponentials: Exponentials<'a>,
}

impl<'a> ItemFold<'a> {
    fn new(needs: &[Stat], temperatures: &'a Temperatures) -> Self {
        let largest = needs.iter().filter_map(largest_needed).max();
        let deviation = needs.contains(&Stat::Deviation);
        Self {
            largest: LargestScores::new(largest.unwrap_or(0)),
            sums: deviation.then_some([[0.0; SUMS]; 2]),
            exponentials: Exponentials::new(temperatures),
        }
    }

    /// Appends this item's value, or values, to every column; `bank` is the number of scores.
    fn finish(self, columns: &mut [(Stat, Vec<f64>)], bank: usize) {
        let descending = self.largest.into_descending();
        let mut logs = self.exponentials.finish(bank);
        for (stat, column) in columns {
            match *stat {
                Stat::Largest { depth } => {
                    column.extend(descending[..depth].iter().map(|&s| f64::from(s)));
                }
                Stat::TopMean { k } => column.push(mean(&descending[..k], f64::from)),
                Stat::TopDistance { k } => column.push(mean(&descending[..k], distance)),
                Stat::Kth { k } => column.push(f64::from(descending[k - 1])),
                Stat::LogMeanExp { .. } => column.extend(logs.next()),
                _ => column.extend(self.sums.map(|sums| deviation(&sums, bank))),
            }
        }
    }
}

impl RowSink for ItemFold<'_> {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        self.largest.push(scores);
        if let Some(sums) = &mut self.sums {
            add_powers(scores, sums);
        }
        self.exponentials.push(scores);
    }
}

/// Euclidean distance of two unit vectors of this cosine.
fn distance(cosine: f32) -> f64 {
    (2.0 - 2.0 * f64::from(cosine)).max(0.0).sqrt()
}

/// `sqrt(mean s^2 - (mean s)^2)`; zero where all scores are equal.
fn deviation([scores, squares]: &[[f64; SUMS]; 2], bank: usize) -> f64 {
    let mean = total(scores) / bank as f64;
    (total(squares) / bank as f64 - mean * mean).max(0.0).sqrt()
}

fn mean(values: &[f32], of: impl Fn(f32) -> f64) -> f64 {
    values.iter().map(|&v| of(v)).sum::<f64>() / values.len() as f64
}
