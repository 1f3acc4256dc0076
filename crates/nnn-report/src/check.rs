//! Measured numbers against published and accepted ones.

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::ReportError;
use crate::frame::write_bytes;
use crate::lines::{Column, Entry, Style, lines};
use crate::number::{distinct, shown, signed};
use crate::record::{CellId, ScoreRow};
use crate::table::{Cell, Row, Table, markdown};
use crate::tables::table_path;

/// A number that the results are held against: the paper's, the last one that was accepted here, or both.
///
/// All numbers are in the unit of the scores: fractions, not percent, for metrics that are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Name of the model.
    pub model: String,
    /// Name of the evaluated data set.
    pub dataset: String,
    /// `t2i` or `i2t`.
    pub direction: String,
    /// Name of the reference set; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_set: Option<String>,
    /// Name of the method family, such as `nnn`.
    pub method: String,
    /// Parameters as in the method's signature, such as `k=128,alpha=0.75`; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<String>,
    /// How the parameters came about: `fixed`, `validation` or `oracle`; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// Name of the metric, such as `R@1`.
    pub metric: String,
    /// The published number, a fraction: 0.646, not 64.6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<f64>,
    /// The last number accepted here, a fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<f64>,
    /// The largest difference that is ok, a fraction: 0.005 is half a point. Twice as much is close.
    pub tolerance: f64,
    /// Why the number may differ, or where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How a measured number compares; the worst is the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Within the tolerance.
    Ok,
    /// Within twice the tolerance.
    Close,
    /// Farther off, or nothing to compare.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ok => "ok",
            Self::Close => "close",
            Self::Fail => "FAIL",
        })
    }
}

/// The measured number less an expected one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// Measured less expected, in the unit of the scores.
    pub difference: f64,
    /// What the tolerance makes of it.
    pub verdict: Verdict,
}

/// An expectation with what was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckRow {
    /// What was expected.
    pub expectation: Expectation,
    /// Number of score rows that the expectation describes; anything but 1 is a failure.
    pub matching: usize,
    /// The measured number, in the unit of the scores; absent unless exactly one row matches.
    pub measured: Option<f64>,
    /// Against the published number, where there are both.
    pub paper: Option<Difference>,
    /// Against the accepted number, where there are both.
    pub accepted: Option<Difference>,
    /// The worse of the two; [`Verdict::Fail`] without any.
    pub verdict: Verdict,
}

/// Holds the scores against expectations, one row each, in their order.
///
/// ok within the tolerance, close within twice the tolerance, FAIL farther off, where no row or more than one row
/// matches, or where the expectation has no number. The published and the accepted number are judged separately; the
/// verdict is the worse.
#[must_use]
pub fn check(rows: &[ScoreRow], expectations: &[Expectation]) -> Vec<CheckRow> {
    let row = |expectation: &Expectation| check_one(rows, expectation);
    expectations.iter().map(row).collect()
}

fn check_one(rows: &[ScoreRow], expectation: &Expectation) -> CheckRow {
    let matching: Vec<_> = rows
        .iter()
        .filter(|row| expectation.describes(row))
        .collect();
    let measured = match matching.as_slice() {
        [row] => Some(row.value),
        _ => None,
    };
    let judge = |expected: Option<f64>| Some(judge(measured?, expected?, expectation.tolerance));
    let (paper, accepted) = (judge(expectation.paper), judge(expectation.accepted));
    let verdicts = [paper, accepted].into_iter().flatten().map(|d| d.verdict);
    CheckRow {
        expectation: expectation.clone(),
        matching: matching.len(),
        measured,
        paper,
        accepted,
        verdict: verdicts.max().unwrap_or(Verdict::Fail),
    }
}

/// Decimal fractions are not exact in binary: a difference of just the tolerance must not fail by a rounding error.
const ROUNDING: f64 = 1e-12;

fn judge(measured: f64, expected: f64, tolerance: f64) -> Difference {
    let difference = measured - expected;
    let verdict = if difference.abs() <= tolerance + ROUNDING {
        Verdict::Ok
    } else if difference.abs() <= 2.0 * tolerance + ROUNDING {
        Verdict::Close
    } else {
        Verdict::Fail
    };
    Difference {
        difference,
        verdict,
    }
}

impl Expectation {
    fn describes(&self, row: &ScoreRow) -> bool {
        let CellId {
            model,
            dataset,
            direction,
            method,
            ..
        } = &row.cell;
        let named = [
            (&self.model, model),
            (&self.dataset, dataset),
            (&self.direction, direction),
            (&self.method, method),
            (&self.metric, &row.metric),
        ];
        let perhaps = [
            (&self.reference_set, &row.cell.reference_set),
            (&self.params, &row.cell.params),
            (&self.chosen, &row.cell.chosen),
        ];
        named.iter().all(|(wanted, found)| wanted == found)
            && perhaps
                .iter()
                .all(|(wanted, found)| wanted.as_ref().is_none_or(|w| w == *found))
    }

    fn method_text(&self) -> String {
        let params = self.params.as_ref();
        let params = params.map_or(String::new(), |params| format!("({params})"));
        let chosen = self.chosen.as_ref();
        let chosen = chosen.map_or(String::new(), |chosen| format!(" {chosen}"));
        format!("{}{params}{chosen}", self.method)
    }
}

impl CheckRow {
    fn number(&self, value: Option<f64>) -> String {
        value.map_or(String::new(), |value| {
            shown(&self.expectation.metric, value)
        })
    }

    /// `64.60 (+0.12 ok)`.
    fn compared(&self, expected: Option<f64>, difference: Option<Difference>) -> String {
        let metric = &self.expectation.metric;
        let judged = difference.map_or(String::new(), |d| {
            format!(" ({} {})", signed(metric, d.difference), d.verdict)
        });
        self.number(expected) + &judged
    }

    /// What is wrong with the expectation itself, and its note.
    fn remark(&self) -> String {
        let expectation = &self.expectation;
        let nothing = expectation.paper.is_none() && expectation.accepted.is_none();
        let problem = match self.matching {
            0 => Some("no row matches".to_owned()),
            1 => nothing.then(|| "no number to compare with".to_owned()),
            many => Some(format!(
                "{many} rows match: say which reference set, params, chosen"
            )),
        };
        let parts = [problem, expectation.note.clone()];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// A column of the printed and the written table.
type Field = (&'static str, fn(&CheckRow) -> String);

const NAMES: [Field; 6] = [
    ("Model", |row| row.expectation.model.clone()),
    ("Data set", |row| row.expectation.dataset.clone()),
    ("Direction", |row| row.expectation.direction.clone()),
    ("Reference set", |row| {
        row.expectation.reference_set.clone().unwrap_or_default()
    }),
    ("Method", |row| row.expectation.method_text()),
    ("Metric", |row| row.expectation.metric.clone()),
];

const NUMBERS: [Field; 3] = [
    ("Measured", |row| row.number(row.measured)),
    ("Paper", |row| {
        row.compared(row.expectation.paper, row.paper)
    }),
    ("Accepted", |row| {
        row.compared(row.expectation.accepted, row.accepted)
    }),
];

/// The check as a table for a terminal, with a line that counts the verdicts; percent where the metric is shown so.
#[must_use]
pub fn format_check(rows: &[CheckRow], style: Style) -> String {
    let entries = |get: fn(&CheckRow) -> String| rows.iter().map(move |row| Entry::from(get(row)));
    let verdicts = rows.iter().map(|row| Entry {
        text: row.verdict.to_string(),
        strong: style.color && row.verdict == Verdict::Fail,
    });
    let mut columns = vec![Column::words("", verdicts)];
    columns.extend(NAMES.map(|(title, get)| Column::names(title, title.len(), entries(get))));
    columns.extend(NUMBERS.map(|(title, get)| Column::numbers(title, entries(get))));
    let remarks = distinct(
        rows.iter()
            .map(CheckRow::remark)
            .filter(|text| !text.is_empty()),
    );
    let marks = rows
        .iter()
        .map(|row| Entry::from(footnote(&remarks, &row.remark())));
    columns.push(Column::words("Note", marks));
    let mut text = if rows.is_empty() {
        Vec::new()
    } else {
        lines(columns, style)
    };
    text.extend(
        remarks
            .iter()
            .map(|remark| format!("{} {remark}", footnote(&remarks, remark))),
    );
    text.push(tally(rows));
    text.join("\n") + "\n"
}

/// The number of a remark, in brackets; nothing for none.
fn footnote(remarks: &[String], remark: &str) -> String {
    let at = remarks.iter().position(|known| known == remark);
    at.map_or(String::new(), |at| format!("[{}]", at + 1))
}

fn tally(rows: &[CheckRow]) -> String {
    let count = |verdict| {
        let found = rows.iter().filter(|row| row.verdict == verdict).count();
        format!("{found} {verdict}")
    };
    [Verdict::Ok, Verdict::Close, Verdict::Fail]
        .map(count)
        .join(", ")
}

/// Writes the check as `tables/check.md` into a results folder; percent where the metric is shown so.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses.
pub fn write_check(folder: &Path, rows: &[CheckRow]) -> Result<(), ReportError> {
    let text = markdown(&[table(rows)]);
    write_bytes(&table_path(folder, "check.md"), text.as_bytes())
}

fn table(rows: &[CheckRow]) -> Table {
    let line = |row: &CheckRow| {
        let mut cells = vec![Cell {
            text: row.verdict.to_string(),
            bold: row.verdict == Verdict::Fail,
        }];
        cells.extend(NUMBERS.map(|(_, get)| Cell::plain(get(row))));
        cells.push(Cell::plain(row.remark()));
        Row {
            labels: NAMES.map(|(_, get)| get(row)).to_vec(),
            cells,
        }
    };
    let numbers = NUMBERS.iter().map(|(title, _)| *title);
    let header = std::iter::once("Verdict").chain(numbers).chain(["Note"]);
    Table {
        title: format!("Measured against expected: {}", tally(rows)),
        notes: vec![
            "Fractions in percent, differences in points; ok within the stated tolerance, close within twice, else FAIL."
                .to_owned(),
        ],
        labels: NAMES.map(|(title, _)| title.to_owned()).to_vec(),
        header: vec![header.map(str::to_owned).collect()],
        rows: rows.iter().map(line).collect(),
    }
}
