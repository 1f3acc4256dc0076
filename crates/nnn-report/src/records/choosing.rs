//! `choosing.csv`: what choosing each method's parameters took and gave.

use std::path::Path;

use polars_core::prelude::*;

use crate::error::ReportError;
use crate::records::frame::{cell_columns, counts, numbers, texts, write_csv};
use crate::records::rows::{CellId, ChoosingRow};

const CSV: &str = "choosing.csv";

/// Writes `choosing.csv` into `folder`, the rows in the given order.
///
/// Columns: the eleven of a cell as in `scores.csv`, with the parameters chosen, then `metric, points,
/// statistics_seconds, ranking_seconds, validation, test`; what was not measured is empty. The file is replaced whole or
/// not at all.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses, [`ReportError::Encode`] where polars does.
pub fn write_choosing(folder: &Path, rows: &[ChoosingRow]) -> Result<(), ReportError> {
    let path = folder.join(CSV);
    let mut frame = frame(rows).map_err(ReportError::encode(&path))?;
    write_csv(&path, &mut frame)
}

fn frame(rows: &[ChoosingRow]) -> PolarsResult<DataFrame> {
    let cells: Vec<&CellId> = rows.iter().map(|row| &row.cell).collect();
    let mut columns = cell_columns(&cells, "");
    columns.push(texts("metric", rows.iter().map(|row| row.metric.as_str())));
    columns.push(counts("points", rows.iter().map(|row| row.points)));
    columns.extend(NUMBERS.map(|(name, get)| numbers(name, rows.iter().map(get))));
    DataFrame::new(rows.len(), columns)
}

type Number = (&'static str, fn(&ChoosingRow) -> Option<f64>);

const NUMBERS: [Number; 4] = [
    ("statistics_seconds", |row| {
        row.seconds.map(|s| s.statistics)
    }),
    ("ranking_seconds", |row| row.seconds.map(|s| s.ranking)),
    ("validation", |row| row.validation),
    ("test", |row| row.test),
];
