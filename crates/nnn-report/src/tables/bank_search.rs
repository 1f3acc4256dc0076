//! The search of the reference set through an index beside the exact one, as in Table A5 of the NNN paper.

use crate::number::{distinct, shown};
use crate::records::SearchRow;
use crate::records::trial::Place;
use crate::tables::formats::{Row, Table};
use crate::wording::Entry;

const LABELS: [&str; 5] = ["Model", "Data set", "Task", "Reference set", "Method"];

/// One table of all searches; none without any.
pub(crate) fn tables(rows: &[SearchRow]) -> Vec<Table> {
    if rows.is_empty() {
        return Vec::new();
    }
    let metrics = distinct(rows.iter().map(|row| row.metric.as_str())).join(", ");
    let indices = distinct(rows.iter().map(|row| row.index.as_str())).join(", ");
    let seconds = ["Exact, s", "Build, s", "Search, s", "Factor"].map(str::to_owned);
    let values = ["exact", "index"].map(|way| format!("{metrics}, {way}"));
    let table = Table {
        title: format!("Searching the reference set through an index: {indices}"),
        notes: vec![
            "Seconds of finding the largest similarities of all gallery items; the factor is exact by search, building the index not counted.".to_owned(),
            format!("{metrics} in percent."),
        ],
        labels: LABELS.map(str::to_owned).to_vec(),
        header: vec![seconds.into_iter().chain(values).collect()],
        rows: rows.iter().map(line).collect(),
        ..Table::default()
    };
    vec![table]
}

fn line(row: &SearchRow) -> Row {
    let cell = &row.cell;
    let seconds = [
        row.exact_seconds,
        row.build_seconds,
        row.search_seconds,
        row.factor(),
    ];
    let seconds = seconds.map(|value| format!("{value:.2}"));
    let values = [row.exact, row.approximate].map(|value| shown(&row.metric, value));
    Row {
        labels: vec![
            cell.model.clone(),
            Place::of(cell).label(),
            cell.direction.clone(),
            cell.reference_set.clone(),
            cell.method_signature(),
        ],
        entries: seconds
            .into_iter()
            .chain(values)
            .map(Entry::plain)
            .collect(),
    }
}
