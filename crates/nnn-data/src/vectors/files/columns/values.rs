//! From Arrow's arrays to rows, indices and labels.

use super::super::kind::Format;
use super::super::rows::Rows;
use super::super::stream::{index, whole};
use super::batch::{column, present};
use super::finding::Found;
use super::plain::{bytes, fractions, integers};
use super::types;
use crate::file_error::FileProblem;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type, Int8Type, Int32Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;

/// Values of a sparse vector at most: longer ones are none that anybody has.
const MOST_DIMENSIONS: usize = 1 << 24;

/// Appends the vectors of a batch.
pub(super) fn append(
    batch: &RecordBatch,
    found: &Found,
    rows: &mut Rows,
) -> Result<(), FileProblem> {
    let row = rows.place().0;
    if found.columns.is_empty() {
        let array = column(batch, &found.path, row)?;
        return match array.data_type() {
            it if types::is_spark_vector(it) => spark(&array, rows),
            _ => (0..array.len()).try_for_each(|at| one(&array, at, rows)),
        };
    }
    let of = |name: &String| {
        let path: Vec<String> = found.path.iter().chain([name]).cloned().collect();
        let array = column(batch, &path, row)?;
        present(&array, row)?;
        fractions(&array)
    };
    let columns = found
        .columns
        .iter()
        .map(of)
        .collect::<Result<Vec<_>, _>>()?;
    across(&columns, batch.num_rows(), rows)
}

/// Rows across columns of one dimension each.
fn across(columns: &[Vec<f64>], count: usize, rows: &mut Rows) -> Result<(), FileProblem> {
    for row in 0..count {
        rows.start();
        rows.extend_wide(columns.iter().map(|it| it[row]))?;
        rows.end()?;
    }
    Ok(())
}

/// The list in a row; lists of one list each are as good as that list.
fn one(array: &dyn Array, row: usize, rows: &mut Rows) -> Result<(), FileProblem> {
    rows.start();
    let mut items = item(array, row).ok_or_else(|| rows.null())?;
    while types::item(items.data_type()).is_some() {
        if items.len() != 1 {
            return Err(FileProblem::Unusable(format!(
                "row {} holds {} lists, expected one list of numbers",
                rows.place().0,
                items.len()
            )));
        }
        items = item(&items, 0).ok_or_else(|| rows.null())?;
    }
    if items.is_empty() || items.null_count() > 0 {
        return Err(rows.null());
    }
    numbers(&items, rows)?;
    rows.end()
}

/// What a list holds in a row; `None` where the list is absent.
fn item(array: &dyn Array, row: usize) -> Option<ArrayRef> {
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::List(_) => Some(array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Some(array.as_list::<i64>().value(row)),
        DataType::ListView(_) => Some(array.as_list_view::<i32>().value(row)),
        DataType::LargeListView(_) => Some(array.as_list_view::<i64>().value(row)),
        DataType::FixedSizeList(..) => Some(array.as_fixed_size_list().value(row)),
        _ => None,
    }
}

/// Appends numbers of any type.
fn numbers(array: &dyn Array, rows: &mut Rows) -> Result<(), FileProblem> {
    match array.data_type() {
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>().values();
            rows.extend(values.iter().copied());
        }
        DataType::Float16 => {
            let values = array.as_primitive::<Float16Type>().values();
            rows.extend(values.iter().map(|it| it.to_f32()));
        }
        _ => rows.extend_wide(fractions(array)?)?,
    }
    Ok(())
}

/// Spark's vectors: type 1 is dense, 0 has its length and the places of what is not zero.
fn spark(array: &dyn Array, rows: &mut Rows) -> Result<(), FileProblem> {
    let vectors = array.as_struct();
    let of = |name: &str| vectors.column_by_name(name).ok_or_else(|| rows.null());
    let (kind, size) = (of("type")?, of("size")?);
    let (indices, values) = (of("indices")?, of("values")?);
    for at in 0..array.len() {
        if vectors.is_null(at) || kind.is_null(at) {
            return Err(rows.null());
        }
        if kind.as_primitive::<Int8Type>().value(at) == 1 {
            one(values, at, rows)?;
            continue;
        }
        let size = (!size.is_null(at)).then(|| size.as_primitive::<Int32Type>().value(at));
        sparse(size, item(indices, at), item(values, at), rows)?;
    }
    Ok(())
}

fn sparse(
    size: Option<i32>,
    indices: Option<ArrayRef>,
    values: Option<ArrayRef>,
    rows: &mut Rows,
) -> Result<(), FileProblem> {
    let (Some(size), Some(indices), Some(values)) = (size, indices, values) else {
        return Err(rows.null());
    };
    let size = usize::try_from(size)
        .ok()
        .filter(|it| *it <= MOST_DIMENSIONS);
    let fits = indices.len() == values.len() && indices.null_count() + values.null_count() == 0;
    let bad = || {
        FileProblem::Unusable(format!(
            "row {} is no sparse vector of Spark: its size, indices and values contradict each other",
            rows.place().0
        ))
    };
    let size = size.filter(|_| fits).ok_or_else(bad)?;
    let mut dense = vec![0.0; size];
    let places = indices.as_primitive::<Int32Type>().values();
    for (place, value) in places
        .iter()
        .zip(values.as_primitive::<Float64Type>().values())
    {
        let place = usize::try_from(*place).ok();
        *place.and_then(|it| dense.get_mut(it)).ok_or_else(bad)? = *value;
    }
    rows.start();
    rows.extend_wide(dense)?;
    rows.end()
}

/// Appends integers, which may be stored as fractions: tables turn a column that once had a gap into those.
pub(super) fn indices(array: &dyn Array, out: &mut Vec<u32>) -> Result<(), FileProblem> {
    present(array, out.len())?;
    if types::is_fraction(array.data_type()) {
        for value in fractions(array)? {
            out.push(whole(out.len(), value)?);
        }
        return Ok(());
    }
    for value in integers(array)? {
        out.push(index(out.len(), value)?);
    }
    Ok(())
}

/// Appends numbers of any type.
pub(super) fn plain_numbers(array: &dyn Array, out: &mut Vec<f64>) -> Result<(), FileProblem> {
    present(array, out.len())?;
    out.extend(fractions(array)?);
    Ok(())
}

/// Appends strings, or integers as text.
pub(super) fn labels(
    format: Format,
    array: &dyn Array,
    out: &mut Vec<String>,
) -> Result<(), FileProblem> {
    present(array, out.len())?;
    bytes(array, &mut |value| {
        let row = out.len();
        let expected = "a value";
        let value = value.ok_or(FileProblem::Null { row, expected })?;
        let text = str::from_utf8(value);
        let bad = |error| format.bad(format!("row {row}: {error}"));
        out.push(text.map_err(bad)?.to_owned());
        Ok(())
    })
}
