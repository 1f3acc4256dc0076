//! Columns of `.parquet` and Arrow files, decoded into Arrow's arrays some rows at a time: vectors, integers, strings.

mod finding;
mod packed;
mod table;
mod types;
mod values;
mod wide;

use super::rows::Rows;
use crate::file_error::FileProblem;
use crate::panics::contained;
use arrow_array::{Array, ArrayRef, RecordBatch};
use finding::{Wanted, find};
use std::path::Path;
use table::Table;

/// The formats of tables.
#[derive(Clone, Copy)]
pub(super) enum Format {
    Parquet,
    Arrow,
}

impl Format {
    /// The format's usual extension.
    fn name(self) -> &'static str {
        match self {
            Self::Parquet => ".parquet",
            Self::Arrow => ".arrow",
        }
    }

    fn bad(self, error: impl ToString) -> FileProblem {
        FileProblem::malformed(self.name(), error)
    }

    /// Runs one read; a panic of the libraries at a damaged file becomes an error.
    fn contained<T>(self, read: impl FnOnce() -> Result<T, FileProblem>) -> Result<T, FileProblem> {
        contained(read, |said| self.bad(said))
    }
}

/// Appends a column of vectors.
pub(super) fn matrix(
    format: Format,
    path: &Path,
    key: Option<&str>,
    rows: &mut Rows,
) -> Result<(), FileProblem> {
    format.contained(|| {
        let table = Table::open(format, path)?;
        let found = find(&table.schema(), key, Wanted::Vectors)?;
        rows.room(table.values(&found).unwrap_or(0))?;
        table.each_batch(&found, &mut |batch| values::append(batch, &found, rows))
    })
}

/// How many values of vectors there are, where the file says so before they are read.
pub(super) fn count(
    format: Format,
    path: &Path,
    key: Option<&str>,
) -> Result<Option<usize>, FileProblem> {
    format.contained(|| {
        let table = Table::open(format, path)?;
        let found = find(&table.schema(), key, Wanted::Vectors)?;
        Ok(table.values(&found))
    })
}

/// A column of integers, or of whole numbers in a type of fractions, as indices.
pub(super) fn indices(
    format: Format,
    path: &Path,
    key: Option<&str>,
) -> Result<Vec<u32>, FileProblem> {
    let mut out = Vec::new();
    each_array(format, path, key, Wanted::Indices, &mut |array| {
        values::indices(array, &mut out)
    })?;
    Ok(out)
}

/// A column of strings or integers as text.
pub(super) fn labels(
    format: Format,
    path: &Path,
    key: Option<&str>,
) -> Result<Vec<String>, FileProblem> {
    let mut out = Vec::new();
    each_array(format, path, key, Wanted::Labels, &mut |array| {
        values::labels(format, array, &mut out)
    })?;
    Ok(out)
}

/// The names of all columns.
pub(super) fn names(format: Format, path: &Path) -> Result<Vec<String>, FileProblem> {
    format.contained(|| {
        let schema = Table::open(format, path)?.schema();
        let names = schema.fields.iter().map(|field| field.name().clone());
        Ok(names.collect())
    })
}

/// A column of numbers of any type.
pub(super) fn numbers(format: Format, path: &Path, name: &str) -> Result<Vec<f64>, FileProblem> {
    let mut out = Vec::new();
    each_array(format, path, Some(name), Wanted::Numbers, &mut |array| {
        values::plain_numbers(array, &mut out)
    })?;
    Ok(out)
}

fn each_array(
    format: Format,
    path: &Path,
    key: Option<&str>,
    wanted: Wanted,
    take: &mut dyn FnMut(&dyn Array) -> Result<(), FileProblem>,
) -> Result<(), FileProblem> {
    format.contained(|| {
        let table = Table::open(format, path)?;
        let found = find(&table.schema(), key, wanted)?;
        let mut row = 0;
        table.each_batch(&found, &mut |batch| {
            let array = column(batch, &found.path, row)?;
            row += array.len();
            take(&array)
        })
    })
}

/// A column of a batch, or a member of a struct in it; `row` is the batch's first.
fn column(batch: &RecordBatch, path: &[String], row: usize) -> Result<ArrayRef, FileProblem> {
    let lost = || FileProblem::Unusable("a batch of rows lacks a column of the schema".to_owned());
    let (root, members) = path.split_first().ok_or_else(lost)?;
    let mut array = batch.column_by_name(root).cloned().ok_or_else(lost)?;
    for member in members {
        present(&array, row)?;
        let group = array.as_any().downcast_ref::<arrow_array::StructArray>();
        array = group
            .and_then(|it| it.column_by_name(member).cloned())
            .ok_or_else(lost)?;
    }
    Ok(array)
}

/// Refuses an array with nulls, naming the first; `row` is the array's first row.
fn present(array: &dyn Array, row: usize) -> Result<(), FileProblem> {
    match (0..array.len()).find(|&at| array.is_null(at)) {
        Some(at) if array.null_count() > 0 => Err(FileProblem::Null {
            row: row + at,
            expected: "a value",
        }),
        _ => Ok(()),
    }
}
