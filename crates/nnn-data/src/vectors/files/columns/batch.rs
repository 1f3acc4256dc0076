//! Columns of a batch of rows.

use crate::file_error::FileProblem;
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};

/// A column of a batch, or a member of a struct in it; `row` is the batch's first.
pub(super) fn column(
    batch: &RecordBatch,
    path: &[String],
    row: usize,
) -> Result<ArrayRef, FileProblem> {
    let lost = || FileProblem::Unusable("a batch of rows lacks a column of the schema".to_owned());
    let (root, members) = path.split_first().ok_or_else(lost)?;
    let mut array = batch.column_by_name(root).cloned().ok_or_else(lost)?;
    for member in members {
        present(&array, row)?;
        let group = array.as_any().downcast_ref::<StructArray>();
        array = group
            .and_then(|it| it.column_by_name(member).cloned())
            .ok_or_else(lost)?;
    }
    Ok(array)
}

/// Refuses an array with nulls, naming the first; `row` is the array's first row.
pub(super) fn present(array: &dyn Array, row: usize) -> Result<(), FileProblem> {
    match (0..array.len()).find(|&at| array.is_null(at)) {
        Some(at) if array.null_count() > 0 => Err(FileProblem::Null {
            row: row + at,
            expected: "a value",
        }),
        _ => Ok(()),
    }
}
