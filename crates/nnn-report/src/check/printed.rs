//! A check on a terminal.

use crate::check::fields::{Field, NAMES, NUMBERS, Remarks};
use crate::check::judge::{CheckRow, Verdict, tally};
use crate::terminal::lines::{Column, Style, lines};
use crate::wording::Entry;

/// Width below which a name is not shortened, in the order of [`NAMES`]; tasks and metrics never are.
const LEAST: [Option<usize>; 6] = [Some(8), Some(9), None, Some(8), Some(12), None];

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
        let entries = rows.iter().map(|row| Entry::plain(text(row)));
        columns.push(match least {
            Some(least) => Column::names(title, least, entries),
            None => Column::words(title, entries),
        });
    }
    for Field { title, text } in &NUMBERS {
        columns.push(Column::numbers(
            title,
            rows.iter().map(|row| Entry::plain(text(row))),
        ));
    }
    let marks = rows.iter().map(|row| Entry::plain(remarks.mark(row)));
    columns.push(Column::words("Note", marks));
    columns
}
