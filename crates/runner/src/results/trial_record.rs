//! What a finished trial leaves on disk.

use crate::results::seal::{sealed, unsealed};
use crate::warning::Warning;
use anyhow::{Context, Result, ensure};
use nnn_report::{
    ChoosingRow, ClassRow, ComparisonRow, GridRow, OccurrenceRow, ScoreRow, SearchRow,
};
use nnn_trial::{SEARCH_METRIC, SearchRecord};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// A finished trial on disk. Written last, so that whatever it names is there whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TrialRecord {
    /// What the record is called, by which it is not taken for that of another trial.
    pub(crate) key: String,
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
        let text = std::fs::read(path)
            .with_context(|| format!("{}: cannot be read; run its config again", path.display()))?;
        let key = path.file_stem().unwrap_or_default().to_string_lossy();
        Self::parse(&text, &key).with_context(|| {
            format!(
                "{}: not what the run wrote; run its config again",
                path.display()
            )
        })
    }

    /// A record as text: JSON with a checksum of itself.
    pub(crate) fn text(&self) -> Result<String> {
        sealed(self)
    }

    /// The record of a trial that a text is, if every byte is as it was written.
    pub(crate) fn parse(text: &[u8], key: &str) -> Result<Self> {
        let text = unsealed(std::str::from_utf8(text)?)?;
        let text = text.context("it has no checksum where it should have one")?;
        let record: Self = serde_json::from_str(&text)?;
        ensure!(record.key == key, "it is the record of {}", record.key);
        Ok(record)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> TrialRecord {
        TrialRecord {
            key: "abc".to_owned(),
            scores: Vec::new(),
            comparisons: Vec::new(),
            grid: Vec::new(),
            choosing: Vec::new(),
            classes: Vec::new(),
            files: vec![("queries/a.parquet".to_owned(), "0".repeat(64))],
            warnings: Vec::new(),
            seconds: vec![("ranking".to_owned(), 0.1 + 0.2)],
            bank_search: None,
            occurrences: Vec::new(),
        }
    }

    /// Guards against a flipped digit in a record that became a number in the tables.
    #[test]
    fn every_bit_of_a_record_counts() {
        let good = record().text().expect("a record").into_bytes();
        let read = TrialRecord::parse(&good, "abc").expect("a record");
        assert_eq!(read.seconds, record().seconds);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(TrialRecord::parse(&bad, "abc").is_err(), "bit {bit}");
        }
        for end in 0..good.len() {
            assert!(
                TrialRecord::parse(&good[..end], "abc").is_err(),
                "{end} bytes"
            );
        }
    }

    /// Guards against numbers of one trial in the tables' rows of another.
    #[test]
    fn a_record_is_that_of_its_trial() {
        let good = record().text().expect("a record");
        let error = TrialRecord::parse(good.as_bytes(), "abd").expect_err("another");
        assert_eq!(error.to_string(), "it is the record of abc");
    }

    #[test]
    fn a_record_is_json() {
        let text = record().text().expect("a record");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(value["record_sha256"].as_str().map(str::len), Some(64));
        assert_eq!(value["files"][0][0], "queries/a.parquet");
    }
}
