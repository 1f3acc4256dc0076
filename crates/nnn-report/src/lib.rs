//! Result records and what is made of them: files, tables, a printed summary and the check against published numbers.
//!
//! A record flows through four folders:
//!
//! - **records**: what a sweep yields, [`ScoreRow`]s, [`GridRow`]s, [`ComparisonRow`]s, [`ChoosingRow`]s, [`ClassRow`]s,
//!   [`SearchRow`]s and [`QueryTable`]s, and the files that hold them. [`write_scores`], [`write_grid`],
//!   [`write_comparisons`], [`write_choosing`], [`write_classes`], [`write_queries`] and [`write_bias`] store them;
//!   [`read_scores`], [`read_bias`], [`read_grid`], [`read_comparisons`] and [`read_queries`] read them back; [`occurrences()`] counts hubs.
//! - **tables**: [`write_tables`] lays [`Records`] out as the NNN paper does and draws histograms of hubs; [`draw_hubs`] draws
//!   one of them for a page.
//! - **terminal**: [`summary()`] prints scores.
//! - **check**: [`check()`] holds [`Records`] against [`Expectation`]s; [`format_check`] prints the result, [`write_check`]
//!   writes it.
//!
//! Records hold fractions; percent appears only in what people read. Every file is replaced whole or not at all, and equal
//! records give equal bytes.

mod check;
mod error;
mod number;
mod records;
mod tables;
mod terminal;
mod wording;

pub use check::{
    Check, CheckRow, Difference, Expectation, GridValue, Step, Verdict, check, format_check, tally,
    write_check,
};
pub use error::ReportError;
pub use records::{
    AbsentModel, CellId, ChoosingRow, ChoosingSeconds, ClassRow, ComparisonRow, Gain, GridRow,
    Interval, MethodId, OccurrenceRow, QueryColumn, QueryTable, Records, ScoreRow, SearchRow,
    occurrences, read_bias, read_comparisons, read_grid, read_queries, read_scores, write_bias,
    write_choosing, write_classes, write_comparisons, write_grid, write_queries, write_scores,
};
pub use tables::{draw_hubs, write_tables};
pub use terminal::{Style, summary};
