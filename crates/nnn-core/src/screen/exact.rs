//! The scores of what the sweep left, computed as the whole pass computes them.

use super::candidates::{Candidate, Screen};
use crate::Rows;
use crate::kernel::LANES;
use crate::kernel::chains::Chains;
use crate::score::DotScorer;
use crate::topk::{LargestScores, better_first};
use rayon::prelude::*;

/// Takes the scores that may be among the largest of a row.
pub(super) trait Collect: Send {
    fn new(k: usize) -> Self;
    fn push(&mut self, columns: &[u32], scores: &[f32]);
}

impl Collect for LargestScores {
    fn new(k: usize) -> Self {
        Self::new(k)
    }

    fn push(&mut self, _columns: &[u32], scores: &[f32]) {
        self.push(scores);
    }
}

/// The best columns so far and some others.
pub(super) struct BestPairs {
    k: usize,
    pairs: Vec<(f32, u32)>,
}

impl Collect for BestPairs {
    fn new(k: usize) -> Self {
        let pairs = Vec::new();
        Self { k, pairs }
    }

    fn push(&mut self, columns: &[u32], scores: &[f32]) {
        self.pairs
            .extend(scores.iter().copied().zip(columns.iter().copied()));
        if self.pairs.len() > 4 * self.k + 256 {
            self.pairs.select_nth_unstable_by(self.k - 1, better_first);
            self.pairs.truncate(self.k);
        }
    }
}

impl BestPairs {
    pub(super) fn into_best(mut self) -> Vec<(f32, u32)> {
        self.pairs.sort_unstable_by(better_first);
        self.pairs.truncate(self.k);
        self.pairs
    }
}

/// Columns whose candidates are computed for all rows before the next ones, so that their vectors are fetched once.
const NEAR: usize = 4096;

/// The scores of what is left of the columns, for every row of `scorer`.
pub(super) fn compute<C: Collect>(
    k: usize,
    scorer: &DotScorer<'_>,
    screens: Vec<Screen>,
) -> Vec<C> {
    let (items, bank) = (scorer.row_vectors(), scorer.column_vectors());
    let mut rows: Vec<Exact<'_, C>> = (screens.into_iter().enumerate())
        .map(|(row, screen)| Exact::new(k, items.row(row), screen, scorer.kernel().chains))
        .collect();
    for round in [Round::Highest, Round::Rest] {
        rows.par_iter_mut().for_each(|row| row.begin(round));
        for start in (0..bank.len()).step_by(NEAR) {
            let end = (start + NEAR) as u32;
            rows.par_iter_mut()
                .for_each(|row| row.compute_below(end, bank));
        }
    }
    // A guess that was too high may have dropped what belongs to the largest: such a row starts again.
    rows.par_iter_mut()
        .filter(|row| !row.is_certain())
        .for_each(|row| row.compute_all(bank));
    rows.par_iter_mut().for_each(|row| row.flush());
    rows.into_iter().map(|row| row.found).collect()
}

/// Which candidates are computed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    /// The `k` of the highest upper bounds.
    Highest,
    /// All others that may be above the lowest of these scores.
    Rest,
}

/// One row whose candidates are being computed.
struct Exact<'a, C> {
    item: &'a [f32],
    chains: Chains,
    screen: Screen,
    found: C,
    /// Bounds from here on belong to the first round.
    high: f32,
    /// Candidates from `next` on are to be computed in this round.
    todo: Vec<u32>,
    next: usize,
    /// The lowest score so far, and that of the first round.
    lowest: f32,
    sure: f32,
    pending: Vec<&'a [f32]>,
}

impl<'a, C: Collect> Exact<'a, C> {
    fn new(k: usize, item: &'a [f32], screen: Screen, chains: Chains) -> Self {
        let mut bounds: Vec<f32> = screen.kept.iter().map(|c| c.bound).collect();
        let mut high = f32::NEG_INFINITY;
        if bounds.len() > k {
            high = *bounds
                .select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a))
                .1;
        }
        Self {
            item,
            chains,
            screen,
            found: C::new(k),
            high,
            todo: Vec::new(),
            next: 0,
            lowest: f32::INFINITY,
            sure: f32::INFINITY,
            pending: Vec::with_capacity(2 * LANES),
        }
    }

    fn begin(&mut self, round: Round) {
        self.flush();
        self.sure = self.lowest;
        let (high, lowest) = (self.high, self.lowest);
        let wanted = |c: &&Candidate| match round {
            Round::Highest => c.bound >= high,
            Round::Rest => c.bound < high && c.bound >= lowest,
        };
        // Candidates were found, and so are kept, in ascending order of columns.
        let wanted = self.screen.kept.iter().filter(wanted);
        self.todo = wanted.map(|c| c.column).collect();
        self.next = 0;
    }

    /// Whether the guess held: no column that it dropped is among the `k` largest.
    fn is_certain(&self) -> bool {
        self.screen.kept.len() >= self.screen.k && self.sure >= self.screen.guess
    }

    /// Computes all scores of the row.
    fn compute_all(&mut self, bank: Rows<'a>) {
        self.flush();
        self.found = C::new(self.screen.k);
        self.todo = (0..bank.len() as u32).collect();
        self.next = 0;
        self.compute_below(bank.len() as u32, bank);
    }

    /// Computes the candidates of columns below `end`.
    fn compute_below(&mut self, end: u32, bank: Rows<'a>) {
        while let Some(&column) = self.todo.get(self.next).filter(|&&c| c < end) {
            self.next += 1;
            self.pending.push(bank.row(column as usize));
            // While the first are computed, the others are fetched.
            if self.pending.len() == 2 * LANES {
                self.compute_first();
            }
        }
    }

    /// Pushes all pending scores.
    fn flush(&mut self) {
        while !self.pending.is_empty() {
            self.compute_first();
        }
    }

    /// Pushes the scores of the first pending vectors. Where there are fewer than the product takes, one fills up.
    fn compute_first(&mut self) {
        let count = self.pending.len().min(LANES);
        let (now, next) = self.pending.split_at(count);
        let scores = (self.chains)(
            self.item,
            std::array::from_fn(|i| now[i.min(count - 1)]),
            next,
        );
        self.lowest = scores[..count].iter().copied().fold(self.lowest, f32::min);
        let columns = &self.todo[self.next - self.pending.len()..][..count];
        self.found.push(columns, &scores[..count]);
        self.pending.drain(..count);
    }
}
