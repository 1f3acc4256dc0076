//! A check as people read it: printed and as Markdown.

use std::path::Path;

use crate::check::{CheckRow, Difference, Expectation, Verdict};
use crate::error::ReportError;
use crate::frame::write_bytes;
use crate::lines::{Column, Entry, Style, lines};
use crate::number::{distinct, scale, shown, signed};
use crate::table::{Cell, Row, SCORES, Table, markdown};
use crate::tables::table_path;

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

    /// What is wrong with the expectation itself, if anything.
    fn problem(&self) -> Option<String> {
        let expectation = &self.expectation;
        let nothing = expectation.paper.is_none() && expectation.accepted.is_none();
        match self.matching {
            0 => Some("no row matches".to_owned()),
            1 if nothing => Some("no number to compare with".to_owned()),
            1 if expectation.is_in_percent() => {
                Some("expected numbers are fractions: 0.646, not 64.6".to_owned())
            }
            1 => None,
            many => Some(format!(
                "{many} rows match: say which reference_set, params, chosen"
            )),
        }
    }

    fn remark(&self) -> String {
        let parts = [self.problem(), self.expectation.note.clone()];
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
        text: |row| row.number(row.measured),
    },
    Field {
        title: "Paper",
        text: |row| row.compared(row.expectation.paper, row.paper),
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
/// The next [`write_tables`](crate::write_tables) removes it, since it speaks of scores that are no more.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses.
pub fn write_check(folder: &Path, rows: &[CheckRow]) -> Result<(), ReportError> {
    let text = markdown(SCORES, &[table(rows)]);
    write_bytes(&table_path(folder, "check.md"), text.as_bytes())
}

const CAPTION: &str = "Fractions in percent, differences in points (measured less expected); ok within the stated \
                       tolerance, close within twice, else FAIL.";

fn table(rows: &[CheckRow]) -> Table {
    let remarks = Remarks::of(rows);
    let names = NAMES.iter().map(|field| field.title);
    let numbers = NUMBERS.iter().map(|field| field.title);
    let header = std::iter::once("Verdict").chain(numbers).chain(["Note"]);
    Table {
        title: format!("Measured against expected: {}", tally(rows)),
        notes: std::iter::once(CAPTION.to_owned())
            .chain(remarks.notes())
            .collect(),
        labels: names.map(str::to_owned).collect(),
        header: vec![header.map(str::to_owned).collect()],
        rows: rows.iter().map(|row| line(row, &remarks)).collect(),
    }
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
