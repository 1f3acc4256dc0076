//! Columns of plain values, to and from polars, and the one way that results reach the disk.

use std::fs::File;
use std::path::Path;

use nnn_files::write_atomically;
use polars_core::prelude::*;
use polars_io::prelude::*;

use crate::error::ReportError;
use crate::records::parquet;
use crate::records::rows::{CellId, Interval};

/// A column of text; the empty text is stored as an absent value.
pub(crate) fn texts<'a>(name: &str, values: impl Iterator<Item = &'a str>) -> Column {
    let values: Vec<_> = values.map(|v| (!v.is_empty()).then_some(v)).collect();
    Column::new(name.into(), values)
}

/// A column of numbers, some perhaps absent.
pub(crate) fn numbers(name: &str, values: impl Iterator<Item = Option<f64>>) -> Column {
    Column::new(name.into(), values.collect::<Vec<_>>())
}

/// A column of counts.
pub(crate) fn counts(name: &str, values: impl Iterator<Item = usize>) -> Column {
    Column::new(name.into(), values.map(|n| n as u64).collect::<Vec<_>>())
}

/// Names of the text columns that say where a cell was measured, in the order of the files; [`cell_text`] reads them.
const PLACE_TEXTS: [&str; 6] = [
    "experiment",
    "model",
    "dataset",
    "split",
    "direction",
    "reference_set",
];

/// Names of the text columns that say which method was measured; the reference size stands before them.
pub(crate) const METHOD_TEXTS: [&str; 4] = ["method", "kind", "params", "chosen"];

/// The names of all text columns of a cell, with `suffix` behind those of the method.
fn cell_names(suffix: &str) -> impl Iterator<Item = String> {
    let method = METHOD_TEXTS.map(|name| format!("{name}{suffix}"));
    PLACE_TEXTS.map(str::to_owned).into_iter().chain(method)
}

fn cell_text(cell: &CellId, column: usize) -> &str {
    match column {
        0 => &cell.experiment,
        1 => &cell.model,
        2 => &cell.dataset,
        3 => &cell.split,
        4 => &cell.direction,
        5 => &cell.reference_set,
        6 => &cell.method,
        7 => &cell.kind,
        8 => &cell.params,
        _ => &cell.chosen,
    }
}

/// The eleven columns that say what a row is about; `suffix` stands behind the names of those of the method.
pub(crate) fn cell_columns(cells: &[&CellId], suffix: &str) -> Vec<Column> {
    let text =
        |(at, name): (usize, String)| texts(&name, cells.iter().map(move |c| cell_text(c, at)));
    let mut columns: Vec<_> = cell_names(suffix).enumerate().map(text).collect();
    let sizes = counts("reference_size", cells.iter().map(|c| c.reference_size));
    columns.insert(PLACE_TEXTS.len(), sizes);
    columns
}

/// Writes bytes to `path`, whole or not at all.
pub(crate) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), ReportError> {
    write_atomically(path, |out| out.write_all(bytes)).map_err(ReportError::write(path))
}

/// Writes columns as CSV on one thread, numbers in the shortest form that reads back.
pub(crate) fn write_csv(path: &Path, frame: &mut DataFrame) -> Result<(), ReportError> {
    let mut bytes = Vec::new();
    CsvWriter::new(&mut bytes)
        .n_threads(1)
        .finish(frame)
        .map_err(ReportError::encode(path))?;
    write_bytes(path, &bytes)
}

/// Writes columns as parquet; equal columns are equal files.
pub(crate) fn write_parquet(path: &Path, frame: &DataFrame) -> Result<(), ReportError> {
    let bytes = parquet::bytes(frame).map_err(ReportError::encode(path))?;
    write_bytes(path, &bytes)
}

/// Columns read from a file, with errors that name the file.
pub(crate) struct Columns<'a> {
    path: &'a Path,
    frame: DataFrame,
}

impl<'a> Columns<'a> {
    /// Reads a parquet file.
    pub(crate) fn parquet(path: &'a Path) -> Result<Self, ReportError> {
        let file = File::open(path).map_err(ReportError::read(path))?;
        let frame = parquet::frame(file).map_err(ReportError::parse(path))?;
        Ok(Self { path, frame })
    }

    /// Reads a CSV file whose columns have the types of `schema`.
    pub(crate) fn csv(path: &'a Path, schema: SchemaRef) -> Result<Self, ReportError> {
        let file = File::open(path).map_err(ReportError::read(path))?;
        let frame = CsvReadOptions::default()
            .with_schema_overwrite(Some(schema))
            .into_reader_with_file_handle(file)
            .finish()
            .map_err(ReportError::parse(path))?;
        Ok(Self { path, frame })
    }

    /// Number of rows.
    pub(crate) fn rows(&self) -> usize {
        self.frame.height()
    }

    /// A column as it is.
    pub(crate) fn column(&self, name: &str) -> Result<&Column, ReportError> {
        self.wrap(self.frame.column(name))
    }

    /// A column of text; absent values are empty.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, ReportError> {
        let values = self.wrap(self.column(name)?.str())?;
        Ok(values.iter().map(|v| v.unwrap_or("").to_owned()).collect())
    }

    /// A column of numbers, some perhaps absent.
    pub(crate) fn numbers(&self, name: &str) -> Result<Vec<Option<f64>>, ReportError> {
        Ok(self.wrap(self.column(name)?.f64())?.iter().collect())
    }

    /// A column of numbers, none absent.
    pub(crate) fn full_numbers(&self, name: &str) -> Result<Vec<f64>, ReportError> {
        self.full(name, self.numbers(name)?.into_iter())
    }

    /// A column of counts, none absent.
    pub(crate) fn counts(&self, name: &str) -> Result<Vec<usize>, ReportError> {
        let values = self.wrap(self.column(name)?.u64())?;
        self.full(name, values.iter().map(|v| v.map(|n| n as usize)))
    }

    /// A column of 32-bit numbers, none absent.
    pub(crate) fn indices(&self, name: &str) -> Result<Vec<u32>, ReportError> {
        let values = self.wrap(self.column(name)?.u32())?;
        self.full(name, values.iter())
    }

    /// A column of yes and no, none absent.
    pub(crate) fn flags(&self, name: &str) -> Result<Vec<bool>, ReportError> {
        let values = self.wrap(self.column(name)?.bool())?;
        self.full(name, values.iter())
    }

    /// A column of lists of 32-bit numbers; an absent list is empty.
    pub(crate) fn lists(&self, name: &str) -> Result<Vec<Vec<u32>>, ReportError> {
        let lists = self.wrap(self.column(name)?.list())?;
        let list = |series: Option<Series>| match series {
            Some(series) => Ok(self.wrap(series.u32())?.iter().flatten().collect()),
            None => Ok(Vec::new()),
        };
        lists.series_iter().map(list).collect()
    }

    /// The cells of all rows, in columns as [`cell_columns`] makes them.
    pub(crate) fn cells(&self, suffix: &str) -> Result<Vec<CellId>, ReportError> {
        let mut texts = cell_names(suffix)
            .map(|name| self.texts(&name).map(Vec::into_iter))
            .collect::<Result<Vec<_>, _>>()?;
        let mut next = |at: usize| texts[at].next().unwrap_or_default();
        let sizes = self.counts("reference_size")?.into_iter();
        let cell = |reference_size| CellId {
            experiment: next(0),
            model: next(1),
            dataset: next(2),
            split: next(3),
            direction: next(4),
            reference_set: next(5),
            reference_size,
            method: next(6),
            kind: next(7),
            params: next(8),
            chosen: next(9),
        };
        Ok(sizes.map(cell).collect())
    }

    fn full<T>(
        &self,
        name: &str,
        values: impl Iterator<Item = Option<T>>,
    ) -> Result<Vec<T>, ReportError> {
        let value = |(row, value): (usize, Option<T>)| {
            value.ok_or_else(|| ReportError::NoValue {
                path: self.path.to_owned(),
                column: name.to_owned(),
                row: row + 1,
            })
        };
        values.enumerate().map(value).collect()
    }

    fn wrap<T>(&self, result: PolarsResult<T>) -> Result<T, ReportError> {
        result.map_err(ReportError::parse(self.path))
    }
}

/// Two columns of bounds as intervals, absent where a bound is.
pub(crate) fn intervals(
    table: &Columns<'_>,
    low: &str,
    high: &str,
) -> Result<Vec<Option<Interval>>, ReportError> {
    let bounds = table.numbers(low)?.into_iter().zip(table.numbers(high)?);
    let interval = |(low, high): (Option<f64>, Option<f64>)| {
        Some(Interval {
            low: low?,
            high: high?,
        })
    };
    Ok(bounds.map(interval).collect())
}

/// Two columns of bounds as intervals, none absent.
pub(crate) fn full_intervals(
    table: &Columns<'_>,
    low: &str,
    high: &str,
) -> Result<Vec<Interval>, ReportError> {
    table.full(low, intervals(table, low, high)?.into_iter())
}
