//! `classes.csv`: metrics of groups class by class.

use std::io::ErrorKind;
use std::path::Path;

use polars_core::prelude::*;

use crate::error::ReportError;
use crate::records::frame::{cell_columns, counts, numbers, texts, write_csv};
use crate::records::rows::{CellId, ClassRow};

const CSV: &str = "classes.csv";

/// Writes `classes.csv` into `folder`, the rows in the given order; without rows there is no such file, and that of an earlier
/// run is removed.
///
/// Columns: the eleven of a cell as in `scores.csv`, then `class, images, metric, value`. The file is replaced whole or not at
/// all.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses, [`ReportError::Encode`] where polars does.
pub fn write_classes(folder: &Path, rows: &[ClassRow]) -> Result<(), ReportError> {
    let path = folder.join(CSV);
    if rows.is_empty() {
        return match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(ReportError::write(&path)(error))
            }
            _ => Ok(()),
        };
    }
    let mut frame = frame(rows).map_err(ReportError::encode(&path))?;
    write_csv(&path, &mut frame)
}

fn frame(rows: &[ClassRow]) -> PolarsResult<DataFrame> {
    let cells: Vec<&CellId> = rows.iter().map(|row| &row.cell).collect();
    let mut columns = cell_columns(&cells, "");
    columns.push(texts("class", rows.iter().map(|row| row.class.as_str())));
    columns.push(counts("images", rows.iter().map(|row| row.images)));
    columns.push(texts("metric", rows.iter().map(|row| row.metric.as_str())));
    columns.push(numbers("value", rows.iter().map(|row| Some(row.value))));
    DataFrame::new(rows.len(), columns)
}
