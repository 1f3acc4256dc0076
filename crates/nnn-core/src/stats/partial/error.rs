//! Why statistics cannot be computed from parts of a bank.

use super::super::{Bank, FitError};
use thiserror::Error;

/// Why a [`Partial`](super::Partial) cannot be had, merged, finished or read. Rows are counted from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PartialError {
    /// What the whole bank would be refused for too, or a statistic that needs it whole.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// A part that cuts a chunk in two, or is not within its bank.
    #[error(
        "a part has {rows} rows of the {bank} from row {first} on; parts of a bank of {total} rows start at a multiple of \
         {chunk} and have a multiple of {chunk} rows, but for the last one, which ends at row {total}"
    )]
    Cut {
        /// The bank.
        bank: Bank,
        /// The part's first row.
        first: usize,
        /// Rows of the part.
        rows: usize,
        /// Rows of the bank.
        total: usize,
        /// Rows of a chunk.
        chunk: usize,
    },
    /// Partial statistics that were summed in chunks of other sizes.
    #[error(
        "one part of a bank was summed in chunks of {one} rows, the other in chunks of {other}"
    )]
    OtherChunks {
        /// Rows of a chunk.
        one: usize,
        /// The same of the other.
        other: usize,
    },
    /// Partial statistics of other plans.
    #[error("{need} is in the plan of one part of a bank and not in that of the other")]
    OtherPlan {
        /// A statistic and its bank that only one has.
        need: String,
    },
    /// Partial statistics of other items.
    #[error("one part of a bank has seen {one}, the other {other}; all parts see the same items")]
    OtherItems {
        /// The items of one.
        one: String,
        /// The items of the other.
        other: String,
    },
    /// Partial statistics of banks of other sizes.
    #[error("one part is of a {bank} of {one} rows, the other of one of {other}")]
    OtherBank {
        /// The bank.
        bank: Bank,
        /// Its rows.
        one: usize,
        /// The rows of the other.
        other: usize,
    },
    /// Rows that are in two parts.
    #[error("rows {first} to {last} of the {bank} are in both parts; every row counts once")]
    Overlap {
        /// The bank.
        bank: Bank,
        /// The first such row.
        first: usize,
        /// The last one of these.
        last: usize,
    },
    /// Rows that are in no part.
    #[error("rows {first} to {last} of the {bank}, which has {total}, are in no part")]
    Gap {
        /// The bank.
        bank: Bank,
        /// The first such row.
        first: usize,
        /// The last one of these.
        last: usize,
        /// Rows of the bank.
        total: usize,
    },
    /// Items to finish with that no part has seen.
    #[error("the parts of a bank have seen {one}, but {other} are given")]
    FinishedWith {
        /// The items of the parts.
        one: String,
        /// Those that are given.
        other: String,
    },
    /// Bytes of a version that this one does not read.
    #[error("partial statistics of version {found}; this program reads version {reads}")]
    Version {
        /// The version that the bytes name.
        found: String,
        /// The version that is read.
        reads: u32,
    },
    /// Bytes that are no partial statistics, or no longer the ones that were written.
    #[error("no partial statistics: {problem}")]
    Bytes {
        /// What was expected and what is there.
        problem: String,
    },
}
