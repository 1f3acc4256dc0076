//! Result records and what is made of them: files, tables, a printed summary and the check against published numbers.
//!
//! A record flows through five folders:
//!
//! - **records**: what a sweep yields, [`ScoreRow`]s, [`GridRow`]s, [`ComparisonRow`]s, [`ChoosingRow`]s, [`ClassRow`]s,
//!   [`SearchRow`]s, [`QueryTable`]s and what is [`Shown`] of a trial, and the files that hold them. [`write_scores`], [`write_grid`],
//!   [`write_comparisons`], [`write_choosing`], [`write_classes`], [`write_queries`], [`write_bias`] and [`write_shown`] store them;
//!   [`read_scores`], [`read_bias`], [`read_grid`], [`read_comparisons`], [`read_queries`] and [`read_shown`] read them back; [`occurrences()`] counts
//!   hubs, and [`select_shown`] selects what is shown.
//! - **tables**: [`write_tables`] lays [`Records`] out as the NNN paper does and draws histograms of hubs.
//! - **terminal**: [`summary()`] prints scores.
//! - **page**: [`page()`] is all of it as one page to look at, which [`answer()`] heads in one sentence.
//! - **check**: [`check()`] holds [`Records`] against [`Expectation`]s; [`format_check`] prints the result, [`write_check`]
//!   writes it.
//!
//! Records hold fractions; percent appears only in what people read. Every file is replaced whole or not at all, and equal
//! records give equal bytes.

mod answer;
mod check;
mod error;
mod number;
mod page;
mod records;
mod tables;
mod terminal;
mod wording;

pub use answer::answer;
pub use check::{
    Check, CheckRow, Difference, Expectation, GridValue, Step, Verdict, check, format_check, tally,
    write_check,
};
pub use error::ReportError;
pub use page::{Code, Experiment, Input, Provenance, TrialTimes, page, write_page};
pub use records::{
    AbsentModel, CellId, Changed, ChoosingRow, ChoosingSeconds, ClassRow, ComparisonRow, Gain,
    GridRow, Hub, Interval, MethodId, OccurrenceRow, Picture, QueryColumn, QueryTable, Records,
    ScoreRow, SearchRow, SelectedQuery, Selection, Shown, ShownItem, ShownQuery, occurrences,
    read_bias, read_comparisons, read_grid, read_queries, read_scores, read_shown, select_shown,
    write_bias, write_choosing, write_classes, write_comparisons, write_grid, write_queries,
    write_scores, write_shown,
};
pub use tables::write_tables;
pub use terminal::{Style, summary};
