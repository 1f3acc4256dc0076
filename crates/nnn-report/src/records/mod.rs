//! What a sweep leaves behind: rows of plain values, and the files that they are stored in.
//!
//! | file | rows |
//! |---|---|
//! | `scores.csv`, `scores.parquet` | [`ScoreRow`]: one per cell and metric |
//! | `grid.parquet` | [`GridRow`]: one per point of a grid, evaluated split and metric |
//! | `comparisons.csv`, `comparisons.parquet` | [`ComparisonRow`]: one per two methods of a trial and metric |
//! | `choosing.csv` | [`ChoosingRow`]: one per method whose parameters were chosen |
//! | `classes.csv` | [`ClassRow`]: one per cell, class and metric of groups |
//! | `queries/*.parquet` | [`QueryTable`]: one row per method and query |
//! | `bias/*.npy` | the gallery bias of an additive method |
//! | `shown/*.json` | [`Shown`]: hubs and queries of a trial, for the page |
//!
//! [`SearchRow`]s and [`OccurrenceRow`]s have no file of their own: the former are recorded with their trial, the latter are
//! counted from a [`QueryTable`] by [`occurrences()`].

mod bias;
mod choosing;
mod classes;
mod comparisons;
pub(crate) mod frame;
mod grid;
mod occurrences;
pub(crate) mod params;
pub(crate) mod parquet;
mod queries;
mod rows;
mod scores;
mod shown;
pub(crate) mod trial;

use serde::{Deserialize, Serialize};

pub use bias::{read_bias, write_bias};
pub use choosing::write_choosing;
pub use classes::write_classes;
pub use comparisons::{read_comparisons, write_comparisons};
pub use grid::{read_grid, write_grid};
pub use occurrences::occurrences;
pub use queries::{QueryColumn, QueryTable, read_queries, write_queries};
pub use rows::{
    CellId, ChoosingRow, ChoosingSeconds, ClassRow, ComparisonRow, Gain, GridRow, Interval,
    MethodId, OccurrenceRow, ScoreRow, SearchRow,
};
pub use scores::{read_scores, write_scores};
pub use shown::{
    Changed, Hub, Picture, SelectedQuery, Selection, Shown, ShownItem, ShownQuery, read_shown,
    select_shown, write_shown,
};

/// All that was recorded: what tables and checks are made from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Records<'a> {
    /// Every number.
    pub scores: &'a [ScoreRow],
    /// Every pair of methods.
    pub comparisons: &'a [ComparisonRow],
    /// Every method whose parameters were chosen.
    pub choosing: &'a [ChoosingRow],
    /// Every method that read what an index found.
    pub searches: &'a [SearchRow],
    /// How often gallery items are found, for every method.
    pub occurrences: &'a [OccurrenceRow],
    /// Every metric of groups, class by class.
    pub classes: &'a [ClassRow],
    /// Models that have no row, and why: a note below every table with rows of models.
    pub absent_models: &'a [AbsentModel],
    /// Why what a config expects may not have been run, if it was narrowed on purpose.
    pub narrowed: Option<&'a str>,
    /// The metric whose comparisons are laid out.
    pub objective: &'a str,
}

/// A model of a sweep that was not measured, as there is no public checkpoint of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AbsentModel {
    /// Its name.
    pub name: String,
    /// Why there is none.
    pub reason: String,
}
