//! What choosing parameters took and gave.

use crate::number::{distinct, grouped, scale, shown};
use crate::records::ChoosingRow;
use crate::records::trial::Place;
use crate::tables::formats::{Row, Table};
use crate::wording::{ABSENT, Entry, mark_notes, marks};

const LABELS: [&str; 5] = ["Model", "Data set", "Task", "Reference set", "Method"];

type Column = (&'static str, fn(&ChoosingRow) -> String);

const COLUMNS: [Column; 6] = [
    ("Points", |row| grouped(row.points)),
    ("Statistics, s", |row| {
        seconds(row.seconds.map(|s| s.statistics))
    }),
    ("Ranking, s", |row| seconds(row.seconds.map(|s| s.ranking))),
    ("Chosen", |row| row.cell.params.clone()),
    ("Held out", |row| value(row, row.validation)),
    ("Evaluated", |row| value(row, row.test)),
];

/// One table of all methods whose parameters were chosen; none without any.
pub(crate) fn tables(rows: &[ChoosingRow]) -> Vec<Table> {
    if rows.is_empty() {
        return Vec::new();
    }
    let table = Table {
        title: "Choosing parameters".to_owned(),
        notes: notes(rows),
        labels: LABELS.map(str::to_owned).to_vec(),
        header: vec![COLUMNS.map(|(title, _)| title.to_owned()).to_vec()],
        rows: rows.iter().map(line).collect(),
        ..Table::default()
    };
    vec![table]
}

fn notes(rows: &[ChoosingRow]) -> Vec<String> {
    let metrics = distinct(rows.iter().map(|row| row.metric.as_str())).join(", ");
    let percent = match rows.iter().all(|row| scale(&row.metric) > 1.0) {
        true => ", percent,",
        false => "",
    };
    let mut notes = vec![format!(
        "Points: settings of the parameters tried. Held out, evaluated: {metrics}{percent} of the chosen one on the held-out items and on the evaluated ones."
    )];
    if rows.iter().any(|row| row.seconds.is_some()) {
        notes.push("Seconds: choosing for this method by itself, sharing no pass with another method: statistics of the banks, then fitting and ranking of all points.".to_owned());
    }
    notes.extend(mark_notes(
        rows.iter().any(|row| row.cell.is_transductive()),
        rows.iter().any(|row| row.cell.chosen == "oracle"),
    ));
    notes
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or(ABSENT.to_owned(), |seconds| format!("{seconds:.2}"))
}

fn value(row: &ChoosingRow, value: Option<f64>) -> String {
    value.map_or(ABSENT.to_owned(), |value| shown(&row.metric, value))
}

fn line(row: &ChoosingRow) -> Row {
    let cell = &row.cell;
    let marks = marks(cell.is_transductive(), &cell.chosen);
    Row {
        labels: vec![
            cell.model.clone(),
            Place::of(cell).label(),
            cell.direction.clone(),
            cell.reference_set.clone(),
            format!("{}{marks}", cell.method),
        ],
        entries: COLUMNS
            .iter()
            .map(|(_, text)| Entry::plain(text(row)))
            .collect(),
    }
}
