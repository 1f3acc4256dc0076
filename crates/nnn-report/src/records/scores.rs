//! `scores.csv` and `scores.parquet`: every number of a sweep.

use std::path::Path;
use std::sync::Arc;

use polars_core::prelude::*;

use crate::error::ReportError;
use crate::records::frame::{
    Columns, cell_columns, counts, intervals, numbers, texts, write_csv, write_parquet,
};
use crate::records::rows::{CellId, Gain, ScoreRow};

const CSV: &str = "scores.csv";
const PARQUET: &str = "scores.parquet";

/// Writes `scores.csv` and `scores.parquet` into `folder`, the rows in the given order.
///
/// Columns: `experiment, model, dataset, split, direction, reference_set, reference_size, method, kind, params, chosen,
/// metric, value, ci_low, ci_high, binomial_low, binomial_high, delta_raw, delta_low, delta_high, p_value, n_queries, cluster,
/// n_clusters, n_gallery, signature`. Values are fractions, not percent, in the shortest form that reads back to the same
/// number; absent values and empty texts are empty (null in parquet). Equal rows give equal bytes. Each file is replaced
/// whole or not at all.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses, [`ReportError::Encode`] where polars does.
pub fn write_scores(folder: &Path, rows: &[ScoreRow]) -> Result<(), ReportError> {
    let csv = folder.join(CSV);
    let mut frame = frame(rows).map_err(ReportError::encode(&csv))?;
    write_csv(&csv, &mut frame)?;
    write_parquet(&folder.join(PARQUET), &frame)
}

/// Reads the scores of a results folder back, in the order written: from `scores.parquet`, or from `scores.csv` where
/// that is missing.
///
/// # Errors
/// [`ReportError::NoScores`] where neither file exists; [`ReportError::Read`], [`ReportError::Parse`] or
/// [`ReportError::NoValue`] where the file is unreadable, is damaged or has other columns.
pub fn read_scores(folder: &Path) -> Result<Vec<ScoreRow>, ReportError> {
    let (parquet, csv) = (folder.join(PARQUET), folder.join(CSV));
    if parquet.exists() {
        return rows(&Columns::parquet(&parquet)?);
    }
    if !csv.exists() {
        return Err(ReportError::NoScores {
            folder: folder.to_owned(),
        });
    }
    let schema = frame(&[]).map_err(ReportError::parse(&csv))?;
    rows(&Columns::csv(&csv, Arc::clone(schema.schema()))?)
}

fn frame(rows: &[ScoreRow]) -> PolarsResult<DataFrame> {
    let cells: Vec<&CellId> = rows.iter().map(|row| &row.cell).collect();
    let mut columns = cell_columns(&cells, "");
    columns.push(texts("metric", rows.iter().map(|row| row.metric.as_str())));
    columns.extend(NUMBERS.map(|(name, get)| numbers(name, rows.iter().map(get))));
    columns.push(counts("n_queries", rows.iter().map(|row| row.n_queries)));
    columns.push(texts(
        "cluster",
        rows.iter().map(|row| row.cluster.as_str()),
    ));
    columns.push(counts("n_clusters", rows.iter().map(|row| row.n_clusters)));
    columns.push(counts("n_gallery", rows.iter().map(|row| row.n_gallery)));
    let signatures = rows.iter().map(|row| row.signature.as_str());
    columns.push(texts("signature", signatures));
    DataFrame::new(rows.len(), columns)
}

type Number = (&'static str, fn(&ScoreRow) -> Option<f64>);

const NUMBERS: [Number; 9] = [
    ("value", |row| Some(row.value)),
    ("ci_low", |row| row.ci.map(|i| i.low)),
    ("ci_high", |row| row.ci.map(|i| i.high)),
    ("binomial_low", |row| row.binomial.map(|i| i.low)),
    ("binomial_high", |row| row.binomial.map(|i| i.high)),
    ("delta_raw", |row| row.gain.map(|g| g.delta)),
    ("delta_low", |row| row.gain?.interval.map(|i| i.low)),
    ("delta_high", |row| row.gain?.interval.map(|i| i.high)),
    ("p_value", |row| row.gain?.p_value),
];

fn rows(table: &Columns<'_>) -> Result<Vec<ScoreRow>, ReportError> {
    let metrics = table.texts("metric")?;
    let values = table.full_numbers("value")?;
    let ci = intervals(table, "ci_low", "ci_high")?;
    let binomial = intervals(table, "binomial_low", "binomial_high")?;
    let gains = gains(table)?;
    let n_queries = table.counts("n_queries")?;
    let clusters = table.texts("cluster")?;
    let n_clusters = table.counts("n_clusters")?;
    let n_gallery = table.counts("n_gallery")?;
    let signatures = table.texts("signature")?;
    let row = |(at, cell): (usize, CellId)| ScoreRow {
        cell,
        metric: metrics[at].clone(),
        value: values[at],
        ci: ci[at],
        binomial: binomial[at],
        gain: gains[at],
        n_queries: n_queries[at],
        cluster: clusters[at].clone(),
        n_clusters: n_clusters[at],
        n_gallery: n_gallery[at],
        signature: signatures[at].clone(),
    };
    Ok(table.cells("")?.into_iter().enumerate().map(row).collect())
}

fn gains(table: &Columns<'_>) -> Result<Vec<Option<Gain>>, ReportError> {
    let deltas = table.numbers("delta_raw")?;
    let intervals = intervals(table, "delta_low", "delta_high")?;
    let p_values = table.numbers("p_value")?;
    let gain = |(at, delta): (usize, Option<f64>)| {
        Some(Gain {
            delta: delta?,
            interval: intervals[at],
            p_value: p_values[at],
        })
    };
    Ok(deltas.into_iter().enumerate().map(gain).collect())
}
