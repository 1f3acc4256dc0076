//! A check as people read it: printed, as Markdown, LaTeX and CSV.

use std::path::Path;

use polars::prelude::{Column as Values, DataFrame, PolarsResult};

use crate::check::{Check, CheckRow, Difference, Expectation, Verdict};
use crate::error::ReportError;
use crate::frame::{numbers, texts, write_bytes, write_csv};
use crate::lines::{Column, Entry, Style, lines};
use crate::number::{distinct, scale, shown, signed};
use crate::table::{Cell, Row, SCORES, Table, latex, markdown};

impl Expectation {
    /// `nnn(k=128,alpha=0.75) validation`, as far as it is given.
    fn method_text(&self) -> String {
        let params = self.params.as_ref().map(|params| format!("({params})"));
        let chosen = self.chosen.as_ref().map(|chosen| format!(" {chosen}"));
        format!(
            "{}{}{}",
            self.method,
            params.unwrap_or_default(),
            chosen.unwrap_or_default()
        )
    }

    /// `alpha=0.75,k=128`.
    fn paper_params_text(&self) -> Option<String> {
        let params = self.paper_params.as_ref()?.iter();
        let params = params.map(|(name, value)| format!("{name}={}", value.paper));
        Some(params.collect::<Vec<_>>().join(","))
    }

    /// What is wrong with its numbers, whatever is measured.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let numbers = || [self.paper, self.accepted].into_iter().flatten();
        if numbers().next().is_none() && self.paper_params.is_none() {
            return Some("no number to compare with".to_owned());
        }
        if self.is_in_percent() {
            return Some("expected numbers are fractions: 0.646, not 64.6".to_owned());
        }
        let finite = numbers().all(f64::is_finite);
        let usable = finite && self.tolerance >= 0.0 && self.tolerance.is_finite();
        (!usable).then(|| "expected finite numbers and a `tolerance` of at least 0".to_owned())
    }

    /// Whether a fraction was written in percent.
    fn is_in_percent(&self) -> bool {
        let mut numbers = [self.paper, self.accepted].into_iter().flatten();
        scale(&self.metric) > 1.0 && numbers.any(|number| number > 1.0)
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

    /// The number, or the parameters where those are expected.
    fn measured_text(&self) -> String {
        match (&self.expectation.paper_params, &self.measured_params) {
            (Some(_), Some(params)) => params.clone(),
            _ => self.number(self.measured),
        }
    }

    /// `64.60 (+0.12 ok)`, or `alpha=0.75,k=128 (k -1 steps)`.
    fn paper_text(&self) -> String {
        let Some(params) = self.expectation.paper_params_text() else {
            return self.compared(self.expectation.paper, self.paper);
        };
        let step = |step: &crate::check::Step| match step.steps {
            Some(steps) => format!("{} {steps:+}", step.name),
            None => format!("{} ?", step.name),
        };
        let differ = self.steps.iter().filter(|step| step.steps != Some(0.0));
        let differ: Vec<_> = differ.map(step).collect();
        match (self.steps.is_empty(), differ.is_empty()) {
            (true, _) => params,
            (false, true) => format!("{params} (same)"),
            (false, false) => format!("{params} (steps: {})", differ.join(", ")),
        }
    }

    /// What is wrong with the expectation itself, if anything.
    fn problem(&self) -> Option<String> {
        let expectation = &self.expectation;
        match self.matching {
            _ if self.verdict == Verdict::Absent => None,
            0 => Some("no row matches".to_owned()),
            1 => expectation.problem(),
            many => Some(format!(
                "{many} rows match: say which reference_set, params, chosen"
            )),
        }
    }

    fn remark(&self) -> String {
        let parts = [
            self.problem(),
            self.reason.clone(),
            self.expectation.note.clone(),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// What is said beside the numbers, each once: `[1]` in the lines, the text below.
struct Remarks(Vec<String>);

impl Remarks {
    fn of(rows: &[CheckRow]) -> Self {
        let remarks = rows.iter().map(CheckRow::remark);
        Self(distinct(remarks.filter(|remark| !remark.is_empty())))
    }

    fn mark(&self, row: &CheckRow) -> String {
        let remark = row.remark();
        let at = self.0.iter().position(|known| *known == remark);
        at.map_or(String::new(), |at| format!("[{}]", at + 1))
    }

    fn notes(&self) -> impl Iterator<Item = String> {
        let numbered = self.0.iter().enumerate();
        numbered.map(|(at, remark)| format!("[{}] {remark}", at + 1))
    }
}

/// A column of the printed and the written table.
struct Field {
    title: &'static str,
    text: fn(&CheckRow) -> String,
}

const NAMES: [Field; 6] = [
    Field {
        title: "Model",
        text: |row| row.expectation.model.clone(),
    },
    Field {
        title: "Data set",
        text: |row| row.expectation.dataset.clone(),
    },
    Field {
        title: "Task",
        text: |row| row.expectation.direction.clone(),
    },
    Field {
        title: "Reference set",
        text: |row| row.expectation.reference_set.clone().unwrap_or_default(),
    },
    Field {
        title: "Method",
        text: |row| row.expectation.method_text(),
    },
    Field {
        title: "Metric",
        text: |row| row.expectation.metric.clone(),
    },
];

/// Width below which a name is not shortened, in the order of [`NAMES`]; tasks and metrics never are.
const LEAST: [Option<usize>; 6] = [Some(8), Some(9), None, Some(8), Some(12), None];

const NUMBERS: [Field; 3] = [
    Field {
        title: "Measured",
        text: CheckRow::measured_text,
    },
    Field {
        title: "Paper",
        text: CheckRow::paper_text,
    },
    Field {
        title: "Accepted",
        text: |row| row.compared(row.expectation.accepted, row.accepted),
    },
];

/// The check as a table for a terminal, with a line that counts the verdicts; percent where the metric is shown so.
#[must_use]
pub fn format_check(rows: &[CheckRow], style: Style) -> String {
    let remarks = Remarks::of(rows);
    let mut text = Vec::new();
    if !rows.is_empty() {
        text.extend(lines(columns(rows, &remarks, style), style));
    }
    text.extend(remarks.notes());
    text.push(tally(rows));
    text.join("\n") + "\n"
}

fn columns(rows: &[CheckRow], remarks: &Remarks, style: Style) -> Vec<Column> {
    let verdicts = rows.iter().map(|row| Entry {
        text: row.verdict.to_string(),
        strong: style.color && row.verdict == Verdict::Fail,
    });
    let mut columns = vec![Column::words("", verdicts)];
    for (Field { title, text }, least) in NAMES.iter().zip(LEAST) {
        let entries = rows.iter().map(|row| Entry::from(text(row)));
        columns.push(match least {
            Some(least) => Column::names(title, least, entries),
            None => Column::words(title, entries),
        });
    }
    for Field { title, text } in &NUMBERS {
        columns.push(Column::numbers(
            title,
            rows.iter().map(|row| Entry::from(text(row))),
        ));
    }
    let marks = rows.iter().map(|row| Entry::from(remarks.mark(row)));
    columns.push(Column::words("Note", marks));
    columns
}

/// How many rows have which verdict; those that judge nothing only where there are any.
#[must_use]
pub fn tally<'a>(rows: impl IntoIterator<Item = &'a CheckRow>) -> String {
    let verdicts: Vec<_> = rows.into_iter().map(|row| row.verdict).collect();
    let count = |wanted| {
        verdicts
            .iter()
            .filter(|&&verdict| verdict == wanted)
            .count()
    };
    let always = [Verdict::Ok, Verdict::Close, Verdict::Fail];
    let perhaps = [Verdict::Info, Verdict::Absent, Verdict::Other];
    let perhaps = perhaps.into_iter().filter(|&verdict| count(verdict) > 0);
    let counts = always.into_iter().chain(perhaps);
    let counts = counts.map(|verdict| format!("{} {verdict}", count(verdict)));
    counts.collect::<Vec<_>>().join(", ")
}

/// Writes checks as `check.md`, `check.tex` (booktabs) and `check.csv` into a folder, a table an experiment.
///
/// Percent where the metric is shown so, but not in the CSV: there all numbers are as in the scores, and what is absent is
/// empty. In `results/NAME/tables` the next [`write_tables`](crate::write_tables) removes them, since they speak of scores
/// that are no more.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses, [`ReportError::Encode`] where polars does.
pub fn write_check(folder: &Path, checks: &[Check]) -> Result<(), ReportError> {
    let tables: Vec<_> = checks.iter().map(table).collect();
    let write = |name: &str, text: String| write_bytes(&folder.join(name), text.as_bytes());
    write("check.md", markdown(SCORES, &tables))?;
    write("check.tex", latex(SCORES, &tables))?;
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
    let words = TEXTS.map(|(name, text)| -> Values {
        let values: Vec<_> = rows.iter().map(|row| text(row)).collect();
        texts(name, values.iter().map(String::as_str))
    });
    let values = VALUES.map(|(name, get)| numbers(name, rows.iter().map(|row| get(row))));
    let mut columns = vec![texts("experiment", experiments)];
    columns.extend(words.into_iter().chain(values));
    DataFrame::new(rows.len(), columns)
}

fn line(row: &CheckRow, remarks: &Remarks) -> Row {
    let mut cells = vec![Cell {
        text: row.verdict.to_string(),
        bold: row.verdict == Verdict::Fail,
    }];
    cells.extend(NUMBERS.iter().map(|field| Cell::plain((field.text)(row))));
    cells.push(Cell::plain(remarks.mark(row)));
    Row {
        labels: NAMES.iter().map(|field| (field.text)(row)).collect(),
        cells,
    }
}
