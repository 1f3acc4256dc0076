//! A table as CSV.

use crate::tables::formats::table::Table;
use crate::wording::ABSENT;

/// Between a value and half the width of its interval.
const HALF_WIDTH: &str = " ±";

/// A table as CSV: the labels, then the columns, each named by all levels of its header. Half-widths of intervals are
/// columns of their own; what does not exist is empty.
pub(crate) fn csv(table: &Table) -> String {
    let mut columns: Vec<Vec<String>> = Vec::new();
    for (at, name) in table.labels.iter().enumerate() {
        let labels = table.rows.iter().map(|row| row.labels[at].clone());
        columns.push(std::iter::once(name.clone()).chain(labels).collect());
    }
    for at in 0..table.header.first().map_or(0, Vec::len) {
        columns.extend(value_columns(table, at));
    }
    name_apart(&mut columns);
    let line = |at: usize| {
        let fields = columns.iter().map(|column| field(&column[at]));
        fields.collect::<Vec<_>>().join(",") + "\n"
    };
    (0..=table.rows.len()).map(line).collect()
}

/// Columns that share a name, such as several differences, get the name of the column before them in front: `bias@6 Δ`.
fn name_apart(columns: &mut [Vec<String>]) {
    let names: Vec<String> = columns.iter().map(|column| column[0].clone()).collect();
    let mut behind = String::new();
    for (column, name) in columns.iter_mut().zip(&names) {
        if names.iter().filter(|other| *other == name).count() > 1 {
            column[0] = format!("{behind} {name}");
        } else if !name.ends_with(HALF_WIDTH) {
            behind.clone_from(name);
        }
    }
}

/// A column with its name, and that of its half-widths where it has any.
fn value_columns(table: &Table, at: usize) -> Vec<Vec<String>> {
    let levels = table.header.iter().map(|level| level[at].as_str());
    let levels: Vec<_> = levels.filter(|text| !text.is_empty()).collect();
    let name = levels.join(" / ");
    let (mut values, mut halves) = (vec![name.clone()], vec![name + HALF_WIDTH]);
    for row in &table.rows {
        let text = match row.entries[at].text.as_str() {
            ABSENT => "",
            text => text,
        };
        let (value, half) = text.split_once(HALF_WIDTH).unwrap_or((text, ""));
        values.push(value.to_owned());
        halves.push(half.to_owned());
    }
    let any = halves[1..].iter().any(|half| !half.is_empty());
    std::iter::once(values)
        .chain(any.then_some(halves))
        .collect()
}

/// Quoted where it must be (RFC 4180).
fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}
