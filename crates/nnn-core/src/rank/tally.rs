//! What is counted of a relevant item.

use crate::TieRule;
use crate::dispatch::dispatched;
use std::ops::Range;

/// The largest gallery: twice a rank is held in 32 bits.
pub(super) const MOST_ITEMS: usize = i32::MAX as usize - 1;

/// A relevant item's corrected score and its place in the whole gallery.
pub(super) type Target = (f32, u32);

/// What is counted of a target.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Items of a higher score.
    pub(super) greater: u32,
    /// Items of the same score that the tie rule looks at.
    pub(super) beside: u32,
}

/// Scores from item `first` of the whole gallery on, and the bias that is subtracted from them.
#[derive(Clone, Copy)]
pub(super) struct Piece<'t> {
    pub(super) first: usize,
    pub(super) scores: &'t [f32],
    pub(super) bias: &'t [f32],
}

impl Piece<'_> {
    /// Adds to the tally of every target. Its own item is among those beside it where a tie is halved.
    pub(super) fn add(&self, ties: TieRule, targets: &[Target], tallies: &mut [Tally]) {
        for (tally, &(score, item)) in tallies.iter_mut().zip(targets) {
            let (greater, equal) = count(self.scores, self.bias, score);
            tally.greater += greater;
            if equal > 0 {
                tally.beside += self.beside(ties, score, item, equal);
            }
        }
    }

    /// Those of the items of a target's score that the tie rule looks at.
    fn beside(&self, ties: TieRule, score: f32, item: u32, equal: u32) -> u32 {
        let end = self.scores.len();
        let within = |item: u32| (item as usize).saturating_sub(self.first).min(end);
        let equal_in =
            |range: Range<usize>| count(&self.scores[range.clone()], &self.bias[range], score).1;
        match ties {
            TieRule::Optimistic => 0,
            TieRule::Average => equal,
            TieRule::Index => equal_in(0..within(item)),
            TieRule::TrecEval => equal_in(within(item.saturating_add(1))..end),
        }
    }
}

impl Tally {
    /// Twice the rank, so that it is whole.
    pub(super) fn doubled(self, ties: TieRule) -> u32 {
        let beside = match ties {
            TieRule::Average => self.beside.saturating_sub(1),
            _ => 2 * self.beside,
        };
        2 + 2 * self.greater + beside
    }
}

/// Whether the tie rule looks at an item of the target's score.
pub(super) fn is_beside(ties: TieRule, item: u32, target: u32) -> bool {
    match ties {
        TieRule::Index => item < target,
        TieRule::Optimistic => false,
        TieRule::Average => true,
        TieRule::TrecEval => item > target,
    }
}

dispatched! {
    /// How many of `row - bias` are above `score`, and how many equal it.
    pub(crate) fn count(row: &[f32], bias: &[f32], score: f32) -> (u32, u32) {
        let (mut greater, mut equal) = (0u32, 0u32);
        for (value, bias) in row.iter().zip(bias) {
            let corrected = value - bias;
            greater += u32::from(corrected > score);
            equal += u32::from(corrected == score);
        }
        (greater, equal)
    }
}

/// What a query is counted by.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Its relevant items, of the whole gallery.
    pub(super) relevant: &'a [u32],
    /// `(form, width)`.
    pub(super) targets: &'a [Target],
    /// Which bias of each rule applies; empty where none has a choice.
    pub(super) choices: &'a [u8],
}

/// The places in an ascending list of the items from `start` on, `len` at most.
pub(super) fn within(items: &[u32], start: u32, len: usize) -> Range<usize> {
    let from = items.partition_point(|&item| item < start);
    let some = items[from..].partition_point(|&item| ((item - start) as usize) < len);
    from..from + some
}
