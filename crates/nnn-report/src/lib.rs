//! Result records and what is made of them: files, tables, a printed summary and the check against published numbers.
//!
//! A sweep yields [`ScoreRow`]s, [`GridRow`]s, [`ComparisonRow`]s, [`ChoosingRow`]s and [`ClassRow`]s. [`write_scores`],
//! [`write_grid`], [`write_comparisons`], [`write_choosing`], [`write_classes`], [`write_queries`] and [`write_bias`] store them, [`read_scores`],
//! [`read_grid`], [`read_comparisons`] and [`read_queries`] read them back; [`write_tables`] lays them out as the NNN paper
//! does and draws the histogram of hubs from [`occurrences()`], [`summary()`] prints them, [`check()`] holds them against [`Expectation`]s. Records hold fractions; percent appears only
//! in what people read. Every file is replaced whole or not at all, and equal records give equal bytes.

mod bias;
mod bias_table;
mod check;
mod check_table;
mod choosing;
mod choosing_table;
mod classes;
mod comparisons;
mod comparisons_table;
mod error;
mod frame;
mod grid;
mod histogram;
mod hubness_table;
mod intervals;
mod layout;
mod lines;
mod number;
mod occurrences;
mod params_table;
mod queries;
mod recall_table;
mod record;
mod scores;
mod search_table;
mod series_table;
mod summary;
mod table;
mod tables;

pub use bias::write_bias;
pub use check::{Check, CheckRow, Difference, Expectation, GridValue, Step, Verdict, check};
pub use check_table::{format_check, tally, write_check};
pub use choosing::write_choosing;
pub use classes::write_classes;
pub use comparisons::{read_comparisons, write_comparisons};
pub use error::ReportError;
pub use grid::{read_grid, write_grid};
pub use lines::Style;
pub use occurrences::occurrences;
pub use queries::{QueryColumn, QueryTable, read_queries, write_queries};
pub use record::{
    CellId, ChoosingRow, ChoosingSeconds, ClassRow, ComparisonRow, Gain, GridRow, Interval,
    MethodId, OccurrenceRow, ScoreRow, SearchRow,
};
pub use scores::{read_scores, write_scores};
pub use summary::summary;
pub use tables::{AbsentModel, Records, write_tables};
