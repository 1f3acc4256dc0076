//! `grid.parquet`: every point tried of the grids that parameters are chosen from.

use std::path::Path;

use polars_core::prelude::*;

use crate::error::ReportError;
use crate::records::frame::{Columns, cell_columns, counts, numbers, texts, write_parquet};
use crate::records::rows::{CellId, GridRow};

const GRID: &str = "grid.parquet";

/// Writes `grid.parquet` into `folder`, the rows in the given order, in one row group.
///
/// Columns: the eleven of a cell as in `scores.csv`, then `evaluated_on, metric, value, n_queries, selected`. Equal rows give
/// equal bytes. The file is replaced whole or not at all.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses, [`ReportError::Encode`] where polars does.
pub fn write_grid(folder: &Path, rows: &[GridRow]) -> Result<(), ReportError> {
    let path = folder.join(GRID);
    let frame = frame(rows).map_err(ReportError::encode(&path))?;
    write_parquet(&path, &frame)
}

/// Reads the `grid.parquet` of a results folder back, in the order written.
///
/// # Errors
/// [`ReportError::Read`], [`ReportError::Parse`] or [`ReportError::NoValue`] where the file is missing, is damaged or has
/// other columns.
pub fn read_grid(folder: &Path) -> Result<Vec<GridRow>, ReportError> {
    let path = folder.join(GRID);
    let table = Columns::parquet(&path)?;
    let evaluated_on = table.texts("evaluated_on")?;
    let metrics = table.texts("metric")?;
    let values = table.full_numbers("value")?;
    let n_queries = table.counts("n_queries")?;
    let selected = table.flags("selected")?;
    let row = |(at, cell): (usize, CellId)| GridRow {
        cell,
        evaluated_on: evaluated_on[at].clone(),
        metric: metrics[at].clone(),
        value: values[at],
        n_queries: n_queries[at],
        selected: selected[at],
    };
    Ok(table.cells("")?.into_iter().enumerate().map(row).collect())
}

fn frame(rows: &[GridRow]) -> PolarsResult<DataFrame> {
    let cells: Vec<&CellId> = rows.iter().map(|row| &row.cell).collect();
    let selected: Vec<bool> = rows.iter().map(|row| row.selected).collect();
    let mut columns = cell_columns(&cells, "");
    columns.push(texts(
        "evaluated_on",
        rows.iter().map(|row| row.evaluated_on.as_str()),
    ));
    columns.push(texts("metric", rows.iter().map(|row| row.metric.as_str())));
    columns.push(numbers("value", rows.iter().map(|row| Some(row.value))));
    columns.push(counts("n_queries", rows.iter().map(|row| row.n_queries)));
    columns.push(Column::new("selected".into(), selected));
    DataFrame::new(rows.len(), columns)
}
