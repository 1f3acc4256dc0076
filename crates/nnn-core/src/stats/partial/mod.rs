//! Bank statistics from parts of a bank.

mod bytes;
mod error;
#[cfg(test)]
mod tests;

pub use error::PartialError;

use super::items::{self, Reduced};
use super::sums::{CHUNK, Chunks};
use super::{Bank, BankSizes, BankStats, FitError, PassOptions, StatPlan, check_need, moments};
use crate::Rows;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::ops::Range;

/// Some rows of a bank that lie side by side.
#[derive(Debug, Clone, Copy)]
pub struct BankPart<'a> {
    /// The bank.
    pub bank: Bank,
    /// The part's rows.
    pub rows: Rows<'a>,
    /// The number of the first of them in the whole bank: a multiple of [`Partial::CHUNK`].
    pub first: usize,
    /// Rows of the whole bank.
    pub total: usize,
}

/// What some rows of the banks say about some items: as much of the planned statistics as can be had without the other rows.
///
/// Parts of a bank are read where they are, by any number of processes and machines, and their partial statistics merged
/// in any order. Once all rows are in, they finish as what [`BankStats::collect`] computes from the whole bank, bit for bit:
/// sums are taken in chunks of [`Partial::CHUNK`] rows and joined along one tree, however the bank was cut between
/// chunks; the largest of two parts are the largest of their largest. That holds for every statistic but those that
/// [`Stat::merges`](super::Stat::merges) denies.
///
/// It holds, for every item, the largest similarities that are wanted (f32), and two numbers for a deviation and one for
/// each temperature (f64) for every sum that waits for its sibling: one for parts that cover the bank from its start up to a
/// power of two chunks, at most twice the logarithm of the number of chunks for rows that lie side by side. [`Stat::Mean`](super::Stat::Mean),
/// [`Stat::Moments`](super::Stat::Moments) and [`Stat::Centroid`](super::Stat::Centroid) are of the bank alone and hold nothing per item.
///
/// Items in parts need none of this: see [`BankStats::collect`].
///
/// ```
/// use nnn_core::{Bank, BankPart, Embeddings, Partial, PassOptions, Stat, StatPlan};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let items = Embeddings::normalize(vec![1.0, 0.0, 0.6, 0.8], 2)?;
/// let bank = Embeddings::normalize((0..140_000).map(|i| (i as f32).sin()).collect(), 2)?;
/// let mut plan = StatPlan::default();
/// plan.need(Bank::Query, Stat::TopMean { k: 100 });
///
/// let of = |rows: std::ops::Range<usize>| {
///     let part = BankPart {
///         bank: Bank::Query,
///         first: rows.start,
///         rows: bank.rows().slice(rows),
///         total: bank.len(),
///     };
///     Partial::collect(&plan, items.rows(), part, PassOptions::default())
/// };
/// let mut all = of(Partial::CHUNK..70_000)?;
/// let sent = of(0..Partial::CHUNK)?.to_bytes();
/// all.merge(Partial::from_bytes(&sent)?)?;
/// let means = all.finish(items.rows())?;
/// assert_eq!(means.get(Bank::Query, Stat::TopMean { k: 100 })?.len(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Partial {
    plan: StatPlan,
    items: Items,
    /// Rows of a chunk, [`Partial::CHUNK`] but in tests.
    chunk: usize,
    banks: BTreeMap<Bank, OfBank>,
}

/// What is there of one bank.
#[derive(Debug, Clone, PartialEq)]
struct OfBank {
    /// Rows of the whole bank.
    total: usize,
    reduced: Reduced,
}

/// What items are known by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Items {
    len: usize,
    dim: usize,
    fingerprint: u64,
}

impl Items {
    fn of(rows: Rows<'_>) -> Self {
        Self {
            len: rows.len(),
            dim: rows.dim(),
            fingerprint: fingerprint(rows.data().iter().map(|value| value.to_bits())),
        }
    }
}

impl fmt::Display for Items {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { len, dim, .. } = self;
        write!(
            f,
            "{len} items of dimension {dim} ({:016x})",
            self.fingerprint
        )
    }
}

/// Tells numbers from others that happen to be there; it guards against mistakes, not against an attack.
fn fingerprint(words: impl Iterator<Item = u32>) -> u64 {
    let step = |sum: u64, word: u32| {
        (sum.rotate_left(25) ^ u64::from(word)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    };
    words.fold(0, step)
}

impl Partial {
    /// Rows that are summed in one chain: parts of a bank begin and end at multiples of it, or at the bank's end.
    pub const CHUNK: usize = CHUNK;

    /// What a part of one bank says about `items`: those statistics of the plan that are of this bank.
    ///
    /// # Errors
    /// A statistic of the plan does not merge or is refused as by [`StatPlan::check`] for the whole bank; the part has no
    /// rows, cuts a chunk in two, or is not within the bank; or the dimensions differ.
    pub fn collect(
        plan: &StatPlan,
        items: Rows<'_>,
        part: BankPart<'_>,
        options: PassOptions<'_>,
    ) -> Result<Self, PartialError> {
        Self::collect_in(CHUNK, plan, items, part, options)
    }

    /// The same in chunks of another size.
    fn collect_in(
        chunk: usize,
        plan: &StatPlan,
        items: Rows<'_>,
        part: BankPart<'_>,
        options: PassOptions<'_>,
    ) -> Result<Self, PartialError> {
        check_plan(plan, part.bank, part.total)?;
        check_part(part, chunk)?;
        let of_bank = OfBank {
            total: part.total,
            reduced: reduce(plan, items, part, options, chunk)?,
        };
        Ok(Self {
            plan: plan.clone(),
            items: Items::of(items),
            chunk,
            banks: BTreeMap::from([(part.bank, of_bank)]),
        })
    }

    /// Adds what other rows say about the same items: of the same bank or of another one.
    ///
    /// # Errors
    /// The two are of other plans, items, or sizes of a bank, or have rows in common; then nothing was added.
    pub fn merge(&mut self, other: Self) -> Result<(), PartialError> {
        self.check_other(&other)?;
        for (bank, more) in other.banks {
            match self.banks.entry(bank) {
                Entry::Vacant(place) => {
                    place.insert(more);
                }
                Entry::Occupied(mut place) => {
                    let most = items::most_needed(&self.plan.of_bank(bank));
                    place.get_mut().reduced.merge(more.reduced, most);
                }
            }
        }
        Ok(())
    }

    /// The planned statistics, from the items that all parts have seen: [`Stat::Mean`](super::Stat::Mean) is their product
    /// with the mean of the whole bank.
    ///
    /// # Errors
    /// Rows of a bank are missing, or the items are others.
    pub fn finish(self, items: Rows<'_>) -> Result<BankStats, PartialError> {
        self.check_whole(Items::of(items))?;
        let banks = self.sizes();
        let mut values = BTreeMap::new();
        for (bank, OfBank { mut reduced, .. }) in self.banks {
            let needs = self.plan.of_bank(bank);
            let sums = std::mem::take(&mut reduced.sums).into_total();
            let mut found = moments::finish(&needs, items, &sums);
            found.extend(reduced.finish(&needs, &sums));
            values.extend(
                found
                    .into_iter()
                    .map(|(stat, column)| ((bank, stat), column)),
            );
        }
        Ok(BankStats {
            gallery: items.len(),
            banks,
            values,
        })
    }

    fn sizes(&self) -> BankSizes {
        let size = |bank| self.banks.get(&bank).map(|of_bank| of_bank.total);
        BankSizes {
            query: size(Bank::Query),
            gallery: size(Bank::Gallery),
            evaluated: size(Bank::Evaluated),
        }
    }

    fn check_other(&self, other: &Self) -> Result<(), PartialError> {
        if self.chunk != other.chunk {
            let (one, other) = (self.chunk, other.chunk);
            return Err(PartialError::OtherChunks { one, other });
        }
        if let Some((bank, stat)) = self.plan.0.symmetric_difference(&other.plan.0).next() {
            let need = format!("{stat} of the {bank}");
            return Err(PartialError::OtherPlan { need });
        }
        if self.items != other.items {
            let (one, other) = (self.items.to_string(), other.items.to_string());
            return Err(PartialError::OtherItems { one, other });
        }
        let both = |bank| Some((bank, self.banks.get(&bank)?, other.banks.get(&bank)?));
        let mut both = other.banks.keys().filter_map(|&bank| both(bank));
        both.try_for_each(|(bank, one, other)| one.check_other(other, bank, self.chunk))
    }

    fn check_whole(&self, items: Items) -> Result<(), PartialError> {
        if self.items != items {
            let (one, other) = (self.items.to_string(), items.to_string());
            return Err(PartialError::FinishedWith { one, other });
        }
        self.plan.check(self.sizes())?;
        for (&bank, of_bank) in &self.banks {
            let chunks = of_bank.total.div_ceil(self.chunk);
            if let Some(gap) = of_bank.reduced.sums.gap(chunks) {
                let total = of_bank.total;
                let (first, last) = rows_of(gap, self.chunk, total);
                return Err(PartialError::Gap {
                    bank,
                    first,
                    last,
                    total,
                });
            }
        }
        Ok(())
    }
}

impl OfBank {
    fn check_other(&self, other: &Self, bank: Bank, chunk: usize) -> Result<(), PartialError> {
        if self.total != other.total {
            let (one, other) = (self.total, other.total);
            return Err(PartialError::OtherBank { bank, one, other });
        }
        let mut nodes = other.reduced.sums.nodes();
        match nodes.find_map(|(first, node)| self.reduced.sums.overlap(first, node)) {
            Some(both) => {
                let (first, last) = rows_of(both, chunk, self.total);
                Err(PartialError::Overlap { bank, first, last })
            }
            None => Ok(()),
        }
    }
}

/// The first and the last row of some chunks.
fn rows_of(chunks: Range<usize>, chunk: usize, total: usize) -> (usize, usize) {
    let end = total.min(chunks.end * chunk);
    (chunks.start * chunk, end.saturating_sub(1))
}

/// Checks a plan against the size of one whole bank.
fn check_plan(plan: &StatPlan, bank: Bank, total: usize) -> Result<(), FitError> {
    plan.merges()?;
    let mut needs = plan.iter().filter(|need| need.0 == bank);
    needs.try_for_each(|(bank, stat)| check_need(bank, stat, Some(total)))
}

fn check_part(part: BankPart<'_>, chunk: usize) -> Result<(), PartialError> {
    let BankPart {
        bank, first, total, ..
    } = part;
    let rows = part.rows.len();
    if rows == 0 {
        return Err(FitError::EmptyBank { bank }.into());
    }
    let at_border = |row: usize| row.is_multiple_of(chunk);
    let end = first.checked_add(rows).filter(|&end| end <= total);
    if at_border(first) && end.is_some_and(|end| at_border(end) || end == total) {
        return Ok(());
    }
    Err(PartialError::Cut {
        bank,
        first,
        rows,
        total,
        chunk,
    })
}

fn reduce(
    plan: &StatPlan,
    items: Rows<'_>,
    part: BankPart<'_>,
    options: PassOptions<'_>,
    chunk: usize,
) -> Result<Reduced, FitError> {
    plan.check_dim(items.dim())?;
    let needs = plan.of_bank(part.bank);
    let dimension = |_| FitError::Dimension {
        gallery: items.dim(),
        bank: part.bank,
        other: part.rows.dim(),
    };
    let scorer = options.scorer(items, part.rows).map_err(dimension)?;
    let chunks = Chunks {
        size: chunk,
        first: part.first / chunk,
    };
    let mut reduced = Reduced {
        held: items::most_needed(&needs).min(part.rows.len()),
        sums: moments::sums(&needs, &scorer, chunks),
        ..Reduced::default()
    };
    items::each_block(&needs, &scorer, chunks, |block| reduced.beside(block));
    Ok(reduced)
}
