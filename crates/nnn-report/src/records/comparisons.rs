//! `comparisons.csv` and `comparisons.parquet`: every two methods of a trial against one another.

use std::path::Path;

use polars_core::prelude::*;

use crate::error::ReportError;
use crate::records::frame::{
    Columns, METHOD_TEXTS, cell_columns, counts, full_intervals, numbers, texts, write_csv,
    write_parquet,
};
use crate::records::rows::{CellId, ComparisonRow, MethodId};

const CSV: &str = "comparisons.csv";
const PARQUET: &str = "comparisons.parquet";

/// Writes `comparisons.csv` and `comparisons.parquet` into `folder`, the rows in the given order.
///
/// Columns: those of a cell as in `scores.csv`, with `_a` behind `method, kind, params, chosen`; the same four of the other
/// method with `_b`; then `metric, delta, ci_low, ci_high, p_value, p_holm, wins, ties, losses, n_queries, n_clusters,
/// cluster`. Fractions, not percent. Equal rows give equal bytes. Each file is replaced whole or not at all.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses, [`ReportError::Encode`] where polars does.
pub fn write_comparisons(folder: &Path, rows: &[ComparisonRow]) -> Result<(), ReportError> {
    let csv = folder.join(CSV);
    let mut frame = frame(rows).map_err(ReportError::encode(&csv))?;
    write_csv(&csv, &mut frame)?;
    write_parquet(&folder.join(PARQUET), &frame)
}

/// Reads the `comparisons.parquet` of a results folder back, in the order written.
///
/// # Errors
/// [`ReportError::Read`], [`ReportError::Parse`] or [`ReportError::NoValue`] where the file is missing, is damaged or has
/// other columns.
pub fn read_comparisons(folder: &Path) -> Result<Vec<ComparisonRow>, ReportError> {
    let path = folder.join(PARQUET);
    let table = Columns::parquet(&path)?;
    let others = others(&table)?;
    let metrics = table.texts("metric")?;
    let deltas = table.full_numbers("delta")?;
    let intervals = full_intervals(&table, "ci_low", "ci_high")?;
    let [p_values, p_holm] = [
        table.full_numbers("p_value")?,
        table.full_numbers("p_holm")?,
    ];
    let clusters = table.texts("cluster")?;
    let [wins, ties, losses, n_queries, n_clusters] = [
        table.counts("wins")?,
        table.counts("ties")?,
        table.counts("losses")?,
        table.counts("n_queries")?,
        table.counts("n_clusters")?,
    ];
    let row = |(at, cell): (usize, CellId)| ComparisonRow {
        cell,
        other: others[at].clone(),
        metric: metrics[at].clone(),
        delta: deltas[at],
        interval: intervals[at],
        p_value: p_values[at],
        p_holm: p_holm[at],
        wins: wins[at],
        ties: ties[at],
        losses: losses[at],
        n_queries: n_queries[at],
        cluster: clusters[at].clone(),
        n_clusters: n_clusters[at],
    };
    let cells = table.cells("_a")?.into_iter();
    Ok(cells.enumerate().map(row).collect())
}

fn frame(rows: &[ComparisonRow]) -> PolarsResult<DataFrame> {
    let cells: Vec<&CellId> = rows.iter().map(|row| &row.cell).collect();
    let mut columns = cell_columns(&cells, "_a");
    for (at, name) in METHOD_TEXTS.iter().enumerate() {
        let text = rows.iter().map(|row| other_text(&row.other, at));
        columns.push(texts(&format!("{name}_b"), text));
    }
    columns.push(texts("metric", rows.iter().map(|row| row.metric.as_str())));
    columns.extend(NUMBERS.map(|(name, get)| numbers(name, rows.iter().map(|row| Some(get(row))))));
    columns.extend(COUNTS.map(|(name, get)| counts(name, rows.iter().map(get))));
    columns.push(texts(
        "cluster",
        rows.iter().map(|row| row.cluster.as_str()),
    ));
    DataFrame::new(rows.len(), columns)
}

/// Name of a column and what stands in it.
type Values<T> = (&'static str, fn(&ComparisonRow) -> T);

const NUMBERS: [Values<f64>; 5] = [
    ("delta", |row| row.delta),
    ("ci_low", |row| row.interval.low),
    ("ci_high", |row| row.interval.high),
    ("p_value", |row| row.p_value),
    ("p_holm", |row| row.p_holm),
];

const COUNTS: [Values<usize>; 5] = [
    ("wins", |row| row.wins),
    ("ties", |row| row.ties),
    ("losses", |row| row.losses),
    ("n_queries", |row| row.n_queries),
    ("n_clusters", |row| row.n_clusters),
];

/// In the order of [`METHOD_TEXTS`].
fn other_text(other: &MethodId, column: usize) -> &str {
    match column {
        0 => &other.method,
        1 => &other.kind,
        2 => &other.params,
        _ => &other.chosen,
    }
}

fn others(table: &Columns<'_>) -> Result<Vec<MethodId>, ReportError> {
    let text = |name: &&str| Ok(table.texts(&format!("{name}_b"))?.into_iter());
    let mut texts = METHOD_TEXTS
        .iter()
        .map(text)
        .collect::<Result<Vec<_>, ReportError>>()?;
    let mut next = |at: usize| texts[at].next().unwrap_or_default();
    let other = |_| MethodId {
        method: next(0),
        kind: next(1),
        params: next(2),
        chosen: next(3),
    };
    Ok((0..table.rows()).map(other).collect())
}
