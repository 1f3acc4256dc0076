//! Columns of `.parquet` and Arrow files, decoded into Arrow's arrays some rows at a time: vectors, integers, strings.

mod batch;
mod finding;
mod packed;
mod plain;
mod table;
mod types;
mod values;
mod wide;

use super::kind::Format;
use super::rows::Rows;
use crate::file_error::FileProblem;
use arrow_array::Array;
use batch::column;
use finding::{Wanted, find};
use std::path::Path;
use table::Table;

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
