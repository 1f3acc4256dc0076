//! Every two methods of a trial under the objective.

use crate::number::{distinct, grouped, p_value, scale, signed};
use crate::records::ComparisonRow;
use crate::records::trial::{Place, Trial};
use crate::tables::caption::retrieval;
use crate::tables::formats::{Row, Table};
use crate::wording::{Entry, mark_notes, marks, resampled};

/// Corrected p-values below this are called significant.
const LEVEL: f64 = 0.05;

/// One table per trial.
pub(crate) fn tables(rows: &[ComparisonRow], objective: &str) -> Vec<Table> {
    let rows: Vec<_> = rows.iter().filter(|row| row.metric == objective).collect();
    let trials = distinct(rows.iter().map(|row| Trial::of(&row.cell)));
    let of = |trial| {
        let own = rows.iter().filter(|row| Trial::of(&row.cell) == trial);
        own.copied().collect::<Vec<_>>()
    };
    trials.into_iter().map(|trial| table(&of(trial))).collect()
}

/// Whether every comparison is one with raw, as where there are too many settings to compare any two.
fn only_with_raw(rows: &[&ComparisonRow]) -> bool {
    rows.len() > 1 && rows.iter().all(|row| row.other.method == "raw")
}

/// `rows` are those of one trial, at least one.
fn table(rows: &[&ComparisonRow]) -> Table {
    let header = ["Δ", "95 %", "Wins", "Ties", "Losses", "p (Holm)"];
    let cell = &rows[0].cell;
    let part = [
        &cell.model,
        &Place::of(cell).label(),
        &cell.direction,
        &cell.reference_set,
    ];
    Table {
        part: part.map(String::as_str).join("--"),
        title: title(rows),
        notes: notes(rows),
        labels: ["Method", "Against"].map(str::to_owned).to_vec(),
        header: vec![header.map(str::to_owned).to_vec()],
        rows: rows.iter().map(|row| line(row)).collect(),
    }
}

fn title(rows: &[&ComparisonRow]) -> String {
    let cell = &rows[0].cell;
    let which = match only_with_raw(rows) {
        true => "every method against raw",
        false => "every two methods",
    };
    let set = match cell.reference_set.as_str() {
        "" => "no reference set",
        set => set,
    };
    let (retrieval, place) = (retrieval(&cell.direction), Place::of(cell).label());
    format!(
        "{retrieval}: {} on {place}, {set}: {}, {which}",
        cell.model, rows[0].metric
    )
}

fn notes(rows: &[&ComparisonRow]) -> Vec<String> {
    let metric = &rows[0].metric;
    let unit = if scale(metric) > 1.0 { ", points" } else { "" };
    let any = |chosen: &str| {
        rows.iter()
            .any(|r| r.cell.chosen == chosen || r.other.chosen == chosen)
    };
    let transductive =
        |row: &&ComparisonRow| row.cell.is_transductive() || row.other.is_transductive();
    let ComparisonRow {
        n_queries,
        cluster,
        n_clusters,
        ..
    } = rows[0];
    let (by, family) = (resampled(cluster, *n_clusters), rows.len());
    let mut notes = vec![
        format!("n = {} queries.", grouped(*n_queries)),
        format!(
            "Δ: {metric} of the method less that of the other{unit}, with its paired 95 % bootstrap interval, {by}, not corrected for the number of comparisons."
        ),
        "Wins, ties, losses: queries on which the method is better than the other, as good, worse."
            .to_owned(),
        format!(
            "p: two-sided paired randomisation test, both methods trading places by {cluster}, with Holm's correction; its family is {} of this table (one model, data set, task and reference set under {metric}); bold: below {LEVEL}.",
            match family {
                1 => "the one comparison".to_owned(),
                many => format!("the {many} comparisons"),
            }
        ),
    ];
    notes.extend(mark_notes(rows.iter().any(transductive), any("oracle")));
    notes
}

/// The method with all its parameters: two of one family may stand side by side.
fn label(method: &str, marks: &str, params: &str) -> String {
    match params {
        "" => format!("{method}{marks}"),
        params => format!("{method}{marks} ({params})"),
    }
}

fn line(row: &ComparisonRow) -> Row {
    let (cell, other) = (&row.cell, &row.other);
    let show = |difference| signed(&row.metric, difference);
    let interval = format!("[{}, {}]", show(row.interval.low), show(row.interval.high));
    let counts = [row.wins, row.ties, row.losses].map(grouped);
    let texts = [show(row.delta), interval].into_iter().chain(counts);
    let strong = row.p_holm < LEVEL;
    let marks_of = [
        marks(cell.is_transductive(), &cell.chosen),
        marks(other.is_transductive(), &other.chosen),
    ];
    Row {
        labels: vec![
            label(&cell.method, &marks_of[0], &cell.params),
            label(&other.method, &marks_of[1], &other.params),
        ],
        entries: texts
            .chain([p_value(row.p_holm)])
            .map(|text| Entry { text, strong })
            .collect(),
    }
}
