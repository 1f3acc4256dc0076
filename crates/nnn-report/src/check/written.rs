//! A check as files: one in each format, and CSV.

use std::path::Path;

use polars_core::prelude::{Column, DataFrame, PolarsResult};

use crate::check::fields::{NAMES, NUMBERS, Remarks};
use crate::check::judge::{Check, CheckRow, Verdict, tally};
use crate::error::ReportError;
use crate::records::frame::{numbers, texts, write_bytes, write_csv};
use crate::tables::formats::{FORMATS, Row, SCORES, Table};
use crate::wording::Entry;

/// Writes checks as `check` in every format of tables and as `check.csv` into a folder, one table per experiment.
///
/// Percent where the metric is shown so, but not in the CSV: there all numbers are as in the scores, and what is absent is
/// empty. In `results/NAME/tables` the next [`write_tables`](crate::write_tables) removes them, since their scores are no
/// longer those of the folder.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses, [`ReportError::Encode`] where polars does.
pub fn write_check(folder: &Path, checks: &[Check]) -> Result<(), ReportError> {
    let tables: Vec<_> = checks.iter().map(table).collect();
    for format in FORMATS {
        let path = folder.join(format!("check.{}", format.extension));
        let text = (format.text)(SCORES, &tables);
        write_bytes(&path, text.as_bytes())?;
    }
    let csv = folder.join("check.csv");
    let mut frame = frame(checks).map_err(ReportError::encode(&csv))?;
    write_csv(&csv, &mut frame)
}

const CAPTION: &str = "Fractions in percent, differences in points (measured less expected); ok within the stated \
                       tolerance, close within twice, else FAIL.";

fn table(check: &Check) -> Table {
    let rows = &check.rows;
    let remarks = Remarks::of(rows);
    let names = NAMES.iter().map(|field| field.title);
    let numbers = NUMBERS.iter().map(|field| field.title);
    let header = std::iter::once("Verdict").chain(numbers).chain(["Note"]);
    Table {
        part: String::new(),
        title: format!(
            "{}: measured against expected: {}",
            check.experiment,
            tally(rows)
        ),
        notes: std::iter::once(CAPTION.to_owned())
            .chain(remarks.notes())
            .collect(),
        labels: names.map(str::to_owned).collect(),
        header: vec![header.map(str::to_owned).collect()],
        rows: rows.iter().map(|row| line(row, &remarks)).collect(),
    }
}

type Text = (&'static str, fn(&CheckRow) -> String);
type Number = (&'static str, fn(&CheckRow) -> Option<f64>);

const TEXTS: [Text; 13] = [
    ("verdict", |row| row.verdict.to_string()),
    ("model", |row| row.expectation.model.clone()),
    ("dataset", |row| row.expectation.dataset.clone()),
    ("direction", |row| row.expectation.direction.clone()),
    ("reference_set", |row| {
        row.expectation.reference_set.clone().unwrap_or_default()
    }),
    ("method", |row| row.expectation.method.clone()),
    ("params", |row| {
        row.expectation.params.clone().unwrap_or_default()
    }),
    ("chosen", |row| {
        row.expectation.chosen.clone().unwrap_or_default()
    }),
    ("metric", |row| row.expectation.metric.clone()),
    ("measured_params", |row| {
        row.measured_params.clone().unwrap_or_default()
    }),
    ("paper_params", |row| {
        row.expectation.paper_params_text().unwrap_or_default()
    }),
    ("candidate_for", |row| {
        row.expectation.candidate_for.clone().unwrap_or_default()
    }),
    ("note", CheckRow::remark),
];

const VALUES: [Number; 6] = [
    ("measured", |row| row.measured),
    ("paper", |row| row.expectation.paper),
    ("paper_difference", |row| row.paper.map(|d| d.difference)),
    ("accepted", |row| row.expectation.accepted),
    ("accepted_difference", |row| {
        row.accepted.map(|d| d.difference)
    }),
    ("tolerance", |row| Some(row.expectation.tolerance)),
];

fn frame(checks: &[Check]) -> PolarsResult<DataFrame> {
    let rows: Vec<_> = checks.iter().flat_map(|check| &check.rows).collect();
    let experiments = checks
        .iter()
        .flat_map(|check| check.rows.iter().map(|_| check.experiment.as_str()));
    let words = TEXTS.map(|(name, text)| -> Column {
        let values: Vec<_> = rows.iter().map(|row| text(row)).collect();
        texts(name, values.iter().map(String::as_str))
    });
    let values = VALUES.map(|(name, get)| numbers(name, rows.iter().map(|row| get(row))));
    let mut columns = vec![texts("experiment", experiments)];
    columns.extend(words.into_iter().chain(values));
    DataFrame::new(rows.len(), columns)
}

fn line(row: &CheckRow, remarks: &Remarks) -> Row {
    let mut entries = vec![Entry {
        text: row.verdict.to_string(),
        strong: row.verdict == Verdict::Fail,
    }];
    entries.extend(NUMBERS.iter().map(|field| Entry::plain((field.text)(row))));
    entries.push(Entry::plain(remarks.mark(row)));
    Row {
        labels: NAMES.iter().map(|field| (field.text)(row)).collect(),
        entries,
    }
}
