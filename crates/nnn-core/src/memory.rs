//! What passes take of memory for a moment, at most, beside vectors and results: for a caller who bounds it.

use crate::{bounded, rank, screen, stats};

/// Bytes of lists of neighbours and of candidates while a bank is reduced.
pub const REDUCING: usize = stats::LIST_BYTES + screen::HELD_BYTES;

/// Bytes of thresholds, counts and lists while queries are ranked.
pub const RANKING: usize = rank::HELD_BYTES;

/// Bytes of the histograms of so many items' similarities, by which [`Stat::LogMeanExp`](crate::Stat::LogMeanExp) sums exponentials.
#[must_use]
pub fn histograms(items: usize) -> usize {
    items.min(stats::HISTOGRAMS_AT_ONCE) * stats::MOST_HISTOGRAM_BYTES
}

/// Bytes of the scores of so many items with so many bank rows that are kept between the rounds of
/// [`Stat::Potential`](crate::Stat::Potential).
#[must_use]
pub fn kept_scores(items: usize, bank: usize) -> usize {
    let scores = items.saturating_mul(bank);
    scores
        .saturating_mul(size_of::<f32>())
        .min(stats::KEPT_SCORES)
}

/// Bytes of products of a [`Device`](crate::Device) that are looked at.
pub const ON_DEVICE: usize = bounded::HELD_BYTES;
