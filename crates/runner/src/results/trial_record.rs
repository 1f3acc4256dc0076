//! What a finished trial leaves on disk.

use crate::run::bank_search::SearchRecord;
use crate::warning::Warning;
use nnn_report::{
    ChoosingRow, ClassRow, ComparisonRow, GridRow, OccurrenceRow, ScoreRow, SearchRow,
};
use serde::{Deserialize, Serialize};

/// A finished trial on disk. Written last, so that whatever it names is there whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TrialRecord {
    pub(crate) scores: Vec<ScoreRow>,
    pub(crate) comparisons: Vec<ComparisonRow>,
    pub(crate) grid: Vec<GridRow>,
    pub(crate) choosing: Vec<ChoosingRow>,
    pub(crate) classes: Vec<ClassRow>,
    /// Files of the trial, relative to the results folder, with their SHA-256.
    pub(crate) files: Vec<(String, String)>,
    /// What came up while the trial was computed.
    pub(crate) warnings: Vec<Warning>,
    /// Seconds that the trial took, by step.
    pub(crate) seconds: Vec<(String, f64)>,
    /// What the index over the query bank was worth, where one was used.
    pub(crate) bank_search: Option<SearchRecord>,
    /// How often gallery items are found first.
    pub(crate) occurrences: Vec<OccurrenceRow>,
}

impl TrialRecord {
    /// The methods that read what an index found.
    pub(crate) fn searches(&self) -> Vec<SearchRow> {
        let search = self.bank_search.as_ref();
        search.map_or(Vec::new(), |search| search.rows(&self.scores))
    }
}
