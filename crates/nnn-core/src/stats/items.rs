//! Statistics that reduce one gallery item's row of bank scores.

use super::Stat;
use super::exponentials::{Exponentials, Temperatures};
use super::sums::{Chunks, Sums, Tree};
use crate::Rows;
use crate::exp::{SUMS, add_powers, total};
use crate::score::{Delivery, DotScorer, RowSink, Scorer};
use crate::screen;
use crate::topk::LargestScores;
use rayon::prelude::*;

/// Everything that reduces one gallery item's row of bank scores, in one pass.
pub(super) fn reduce_items(
    needs: &[Stat],
    scorer: &DotScorer<'_>,
    chunk: usize,
) -> Vec<(Stat, Vec<f64>)> {
    let needs: Vec<Stat> = needs
        .iter()
        .filter(|need| is_reduction(need))
        .cloned()
        .collect();
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); needs.len()];
    each_block(&needs, scorer, Chunks::of_whole(chunk), |mut block| {
        let sums = std::mem::take(&mut block.sums).into_total();
        let found = block.finish(&needs, &sums).into_iter();
        let places = columns.iter_mut().zip(found);
        places.for_each(|(column, (_, more))| column.extend(more));
    });
    needs.into_iter().zip(columns).collect()
}

/// What the rows of a bank, or of a part of it, leave of some items.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Reduced {
    /// `(items, held)`: each item's largest scores, descending.
    pub(super) largest: Vec<f32>,
    /// How many of them: as many as are wanted, or all.
    pub(super) held: usize,
    /// Everything that is summed, in chunks.
    pub(super) sums: Tree,
}

/// Hands over what a part of a bank leaves of all items, some items at a time and in their order.
pub(super) fn each_block(
    needs: &[Stat],
    scorer: &DotScorer<'_>,
    chunks: Chunks,
    mut take: impl FnMut(Reduced),
) {
    if !needs.iter().any(is_reduction) {
        return;
    }
    let temperatures = Temperatures::new(betas(needs));
    for rows in in_parts(scorer.row_vectors(), SCREENED) {
        let part = scorer.over(rows, scorer.column_vectors());
        match screened(needs, &part, chunks) {
            Some(found) => take(found),
            None => {
                for rows in in_parts(rows, ITEMS) {
                    let part = scorer.over(rows, scorer.column_vectors());
                    take(all(needs, &temperatures, &part, chunks));
                }
            }
        }
    }
}

/// Items that are screened at a time: bounds the memory of their lists.
const SCREENED: usize = 1 << 14;

/// Items that are reduced at a time where all scores are computed: bounds the memory of their histograms.
pub(crate) const ITEMS: usize = 4096;

/// As few parts of at most so many rows as there can be, of about one size.
fn in_parts(rows: Rows<'_>, most: usize) -> impl Iterator<Item = Rows<'_>> {
    let parts = rows.len().div_ceil(most).max(1);
    let at_once = rows.len().div_ceil(parts).max(1);
    let starts = (0..rows.len()).step_by(at_once);
    starts.map(move |start| rows.slice(start..rows.len().min(start + at_once)))
}

/// The wanted inverse temperatures.
pub(super) fn betas(needs: &[Stat]) -> Vec<f64> {
    let beta = |need: &Stat| match need {
        Stat::LogMeanExp { beta } => Some(beta.get()),
        _ => None,
    };
    needs.iter().filter_map(beta).collect()
}

pub(super) fn is_reduction(stat: &Stat) -> bool {
    largest_needed(stat).is_some() || matches!(stat, Stat::Deviation | Stat::LogMeanExp { .. })
}

/// How many of the largest scores some statistics need.
pub(super) fn most_needed(needs: &[Stat]) -> usize {
    needs.iter().filter_map(largest_needed).max().unwrap_or(0)
}

/// How many of the largest scores decide a statistic, if nothing else does.
fn largest_needed(stat: &Stat) -> Option<usize> {
    match *stat {
        Stat::TopMean { k } | Stat::Kth { k } | Stat::TopDistance { k } => Some(k),
        Stat::Largest { depth } => Some(depth),
        _ => None,
    }
}

/// From all scores of some items.
fn all(
    needs: &[Stat],
    temperatures: &Temperatures,
    scorer: &DotScorer<'_>,
    chunks: Chunks,
) -> Reduced {
    let (items, bank) = (scorer.row_vectors(), scorer.column_vectors());
    let fold = |_| ItemFold::new(needs, temperatures);
    let mut folds: Vec<ItemFold<'_>> = (0..items.len()).map(fold).collect();
    let sums = Tree::of_chunks(chunks, bank.len(), |rows| {
        let count = rows.len();
        let mut sinks: Vec<_> = folds.iter_mut().map(|f| f as &mut dyn RowSink).collect();
        let chunk = scorer.over(items, bank.slice(rows));
        chunk.stream(Delivery::Pieces, 0, &mut sinks);
        sums_of_chunk(&mut folds, count)
    });
    let largest = folds.into_iter().map(|fold| fold.largest);
    Reduced::new(most_needed(needs), largest, sums)
}

/// Takes the sums of a chunk of so many rows out of the folds.
fn sums_of_chunk(folds: &mut [ItemFold<'_>], rows: usize) -> Sums {
    let taken = folds.par_iter_mut().map(|fold| fold.take_sums(rows));
    let taken: Vec<(Option<[f64; 2]>, Vec<f64>)> = taken.collect();
    let powers = taken.iter().flat_map(|(powers, _)| powers.iter().flatten());
    let logs = taken.iter().flat_map(|(_, logs)| logs);
    Sums {
        powers: powers.copied().collect(),
        logs: logs.copied().collect(),
        ..Sums::default()
    }
}

/// The same where nothing but the largest scores matters and these are few, or `None`.
fn screened(needs: &[Stat], scorer: &DotScorer<'_>, chunks: Chunks) -> Option<Reduced> {
    let needs_sums = |need: &Stat| is_reduction(need) && largest_needed(need).is_none();
    if needs.iter().any(needs_sums) {
        return None;
    }
    let most = most_needed(needs);
    let found = screen::largest(most, scorer)?;
    let sums = Tree::of_chunks(chunks, scorer.columns(), |_| Sums::default());
    Some(Reduced::new(most, found.into_iter(), sums))
}

impl Reduced {
    fn new(most: usize, lists: impl Iterator<Item = LargestScores>, sums: Tree) -> Self {
        Self {
            held: most.min(sums.rows()),
            largest: lists.flat_map(LargestScores::into_descending).collect(),
            sums,
        }
    }

    /// Appends what the same bank rows leave of the items that follow.
    pub(super) fn beside(&mut self, mut other: Self) {
        self.held = other.held;
        self.largest.append(&mut other.largest);
        self.sums.beside(other.sums);
    }

    /// Adds what other bank rows leave of the same items; no more than `most` of the largest are wanted.
    pub(super) fn merge(&mut self, other: Self, most: usize) {
        let held = most.min(self.held + other.held);
        if held > 0 {
            // A part holds a list wherever lists are wanted, so that neither is empty.
            let lists = self.largest.chunks_exact(self.held);
            let lists = lists.zip(other.largest.chunks_exact(other.held));
            self.largest = lists.flat_map(|(a, b)| largest_of(a, b, held)).collect();
        }
        self.held = held;
        self.sums.merge(other.sums);
    }

    /// The numbers of every need that is a reduction, in their order, given the sums over the whole bank.
    pub(super) fn finish(&self, needs: &[Stat], sums: &Sums) -> Vec<(Stat, Vec<f64>)> {
        let lists = |of: &dyn Fn(&[f32]) -> f64| {
            let lists = self.largest.chunks_exact(self.held);
            lists.map(of).collect()
        };
        let temperatures = betas(needs).len();
        let mut places = 0..temperatures;
        let mut column = |need: &Stat| match *need {
            Stat::Largest { depth } => {
                let lists = self.largest.chunks_exact(self.held);
                let firsts = lists.flat_map(|list| &list[..depth]);
                firsts.map(|&s| f64::from(s)).collect()
            }
            Stat::TopMean { k } => lists(&|list| mean(&list[..k], f64::from)),
            Stat::TopDistance { k } => lists(&|list| mean(&list[..k], distance)),
            Stat::Kth { k } => lists(&|list| f64::from(list[k - 1])),
            Stat::LogMeanExp { .. } => {
                let logs = sums.logs.iter().skip(places.next().unwrap_or(0));
                logs.step_by(temperatures).copied().collect()
            }
            _ => deviations(&sums.powers, sums.rows),
        };
        let reductions = needs.iter().filter(|need| is_reduction(need));
        reductions
            .map(|need| (need.clone(), column(need)))
            .collect()
    }
}

/// The `held` largest of two descending lists.
fn largest_of(a: &[f32], b: &[f32], held: usize) -> Vec<f32> {
    let (mut a, mut b) = (a.iter().peekable(), b.iter().peekable());
    let next = |_| match (a.peek(), b.peek()) {
        (Some(left), Some(right)) if left >= right => a.next(),
        (_, Some(_)) => b.next(),
        _ => a.next(),
    };
    (0..held).filter_map(next).copied().collect()
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
        let deviation = needs.contains(&Stat::Deviation);
        Self {
            largest: LargestScores::new(most_needed(needs)),
            sums: deviation.then_some([[0.0; SUMS]; 2]),
            exponentials: Exponentials::new(temperatures),
        }
    }

    /// The sums of the scores since the last call, of which there are so many, and the log-mean-exps.
    fn take_sums(&mut self, rows: usize) -> (Option<[f64; 2]>, Vec<f64>) {
        let powers = self.sums.as_mut().map(std::mem::take);
        let powers = powers.map(|sums| sums.map(|sums| total(&sums)));
        (powers, self.exponentials.take(rows))
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

/// `sqrt(mean s^2 - (mean s)^2)` of every item's sums over so many rows; zero where all scores are equal.
fn deviations(powers: &[f64], rows: usize) -> Vec<f64> {
    let deviation = |&[scores, squares]: &[f64; 2]| {
        let mean = scores / rows as f64;
        (squares / rows as f64 - mean * mean).max(0.0).sqrt()
    };
    powers.as_chunks().0.iter().map(deviation).collect()
}

fn mean(values: &[f32], of: impl Fn(f32) -> f64) -> f64 {
    values.iter().map(|&v| of(v)).sum::<f64>() / values.len() as f64
}
