//! What a finished trial leaves on disk.

use crate::warning::Warning;
use anyhow::{Context, Result};
use nnn_report::{
    ChoosingRow, ClassRow, ComparisonRow, GridRow, OccurrenceRow, ScoreRow, SearchRow,
};
use nnn_trial::{SEARCH_METRIC, SearchRecord};
use serde::{Deserialize, Serialize};
use std::path::Path;

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
    /// Reads a record.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{}: cannot be read; run its config again", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{}: not a trial's record of this version", path.display()))
    }

    /// What the index was worth for every reported method that read it, where that was measured.
    pub(crate) fn searches(&self) -> Vec<SearchRow> {
        let Some(record) = &self.bank_search else {
            return Vec::new();
        };
        let Some(check) = &record.check else {
            return Vec::new();
        };
        let first = self.scores.first().map(|row| &row.metric);
        let measured = self.scores.iter().filter(|row| Some(&row.metric) == first);
        let row = |score: &ScoreRow| {
            let signature = score.cell.method_signature();
            let changes = check.recall_at_1.iter();
            let change = changes.into_iter().find(|it| it.method == signature)?;
            Some(SearchRow {
                cell: score.cell.clone(),
                index: record.index.clone(),
                metric: SEARCH_METRIC.to_owned(),
                exact: change.exact,
                approximate: change.approximate,
                exact_seconds: check.exact_seconds,
                build_seconds: record.build_seconds,
                search_seconds: record.search_seconds,
            })
        };
        measured.filter_map(row).collect()
    }
}
