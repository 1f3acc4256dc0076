//! Tables of results, as Arrow.

use crate::error::wrong;
use arrow_array::cast::AsArray;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, RecordBatchIterator,
    StringArray,
};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use arrow_select::concat::concat_batches;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::{PyKeyError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyList};
use std::sync::Arc;

/// Rows that a text shows of a longer table, from its start.
const SHOWN: usize = 20;

/// A table of results. ``polars.DataFrame(table)``, ``pyarrow.table(table)`` and ``pandas.DataFrame(table.rows())`` read it: it is an
/// Arrow table (``__arrow_c_stream__``).
///
/// Examples
/// --------
/// >>> table.columns
/// ['method', 'metric', 'value']
/// >>> table["value"]
/// [0.52, 0.61]
/// >>> table.rows()[0]
/// {'method': 'raw', 'metric': 'R@1', 'value': 0.52}
#[pyclass(frozen, module = "nnn_bench")]
pub(crate) struct Table(RecordBatch);

impl Table {
    /// Columns of one length, in their order.
    pub(crate) fn new(columns: Vec<(&str, ArrayRef)>) -> PyResult<Self> {
        let batch = RecordBatch::try_from_iter_with_nullable(
            columns
                .into_iter()
                .map(|(name, values)| (name, values, true)),
        );
        Ok(Self(batch.map_err(|error| failed(&error))?))
    }

    fn column(&self, name: &str) -> PyResult<&ArrayRef> {
        self.0.column_by_name(name).ok_or_else(|| {
            let known = self.columns().join(", ");
            PyKeyError::new_err(format!("no column `{name}`; there are {known}"))
        })
    }
}

/// Name, kind and values.
type Column<'py> = (String, String, Bound<'py, PyList>);

/// What pickle makes a table of.
type Reduced<'py> = (Bound<'py, PyAny>, (Vec<Column<'py>>,));

fn failed(error: &ArrowError) -> PyErr {
    PyRuntimeError::new_err(error.to_string())
}

#[pymethods]
impl Table {
    /// The names of the columns, in their order.
    #[getter]
    fn columns(&self) -> Vec<String> {
        let schema = self.0.schema();
        let names = schema.fields().iter().map(|field| field.name().clone());
        names.collect()
    }

    fn __len__(&self) -> usize {
        self.0.num_rows()
    }

    /// The values of a column, None where there is none.
    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyList>> {
        list(py, self.column(name)?)
    }

    /// Every row as a dict.
    fn rows<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let names = self.columns();
        let row = |row: usize| {
            let values = PyDict::new(py);
            for (name, column) in names.iter().zip(self.0.columns()) {
                values.set_item(name, value(py, column, row)?)?;
            }
            Ok(values)
        };
        (0..self.0.num_rows()).map(row).collect()
    }

    fn __repr__(&self) -> String {
        let shown = self.0.num_rows().min(SHOWN);
        let names = self.columns();
        let texts = names.iter().zip(self.0.columns()).map(|(name, column)| {
            let values = (0..shown).map(|row| text(column, row));
            let cells: Vec<String> = [name.clone()].into_iter().chain(values).collect();
            aligned(&cells, *column.data_type() == DataType::Utf8)
        });
        let texts: Vec<Vec<String>> = texts.collect();
        let line = |at: usize| {
            let cells: Vec<&str> = texts.iter().map(|column| column[at].as_str()).collect();
            cells.join("  ").trim_end().to_owned()
        };
        let mut lines: Vec<String> = (0..=shown).map(line).collect();
        if shown < self.0.num_rows() {
            lines.push(format!("... {} rows", self.0.num_rows()));
        }
        lines.join("\n")
    }

    /// The table for readers of Arrow; what they ask for in `requested_schema` need not be heeded and is not.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        drop(requested_schema);
        let batches = [Ok(self.0.clone())];
        let reader = RecordBatchIterator::new(batches, self.0.schema());
        let stream = FFI_ArrowArrayStream::new(Box::new(reader));
        PyCapsule::new_with_value(py, stream, c"arrow_array_stream")
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let (py, table) = (slf.py(), &slf.get().0);
        let schema = table.schema();
        let columns = schema.fields().iter().zip(table.columns());
        let columns = columns.map(|(field, column)| {
            let kind = kind_of(field.data_type()).to_owned();
            Ok((field.name().clone(), kind, list(py, column)?))
        });
        let columns = columns.collect::<PyResult<_>>()?;
        Ok((slf.get_type().getattr("_restored")?, (columns,)))
    }

    /// Tables of the same columns as one, with a first column that has the name of the table that each row is of.
    #[staticmethod]
    fn _joined(column: &str, tables: Vec<(String, Bound<'_, Self>)>) -> PyResult<Self> {
        let rows = tables.iter().map(|(_, table)| table.get().0.num_rows());
        let names = tables.iter().zip(rows);
        let names = names.flat_map(|((name, _), rows)| std::iter::repeat_n(name.as_str(), rows));
        let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
        let batches: Vec<&RecordBatch> = tables.iter().map(|(_, table)| &table.get().0).collect();
        let Some(first) = batches.first() else {
            return Self::new(vec![(column, names)]);
        };
        let schema = first.schema();
        let all = concat_batches(&schema, batches).map_err(|error| failed(&error))?;
        let mut fields = vec![Arc::new(Field::new(column, DataType::Utf8, true))];
        fields.extend(schema.fields().iter().cloned());
        let columns = [names].into_iter().chain(all.columns().iter().cloned());
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.collect());
        Ok(Self(batch.map_err(|error| failed(&error))?))
    }

    /// What was pickled.
    #[staticmethod]
    fn _restored(columns: Vec<Column<'_>>) -> PyResult<Self> {
        let mut fields = Vec::new();
        let mut arrays = Vec::new();
        for (name, kind, values) in columns {
            let array = array(&kind, &values)?;
            fields.push(Field::new(name, array.data_type().clone(), true));
            arrays.push(array);
        }
        let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays);
        Ok(Self(batch.map_err(|error| failed(&error))?))
    }
}

fn kind_of(kind: &DataType) -> &'static str {
    match kind {
        DataType::Boolean => "bool",
        DataType::Int64 => "int",
        DataType::Float64 => "float",
        _ => "str",
    }
}

fn array(kind: &str, values: &Bound<'_, PyList>) -> PyResult<ArrayRef> {
    Ok(match kind {
        "bool" => Arc::new(BooleanArray::from(values.extract::<Vec<Option<bool>>>()?)),
        "int" => Arc::new(Int64Array::from(values.extract::<Vec<Option<i64>>>()?)),
        "float" => Arc::new(Float64Array::from(values.extract::<Vec<Option<f64>>>()?)),
        "str" => Arc::new(StringArray::from(values.extract::<Vec<Option<String>>>()?)),
        _ => return Err(wrong("columns", format!("no kind `{kind}`"))),
    })
}

fn list<'py>(py: Python<'py>, column: &ArrayRef) -> PyResult<Bound<'py, PyList>> {
    let values = (0..column.len()).map(|row| value(py, column, row));
    PyList::new(py, values.collect::<PyResult<Vec<_>>>()?)
}

fn value<'py>(py: Python<'py>, column: &ArrayRef, row: usize) -> PyResult<Bound<'py, PyAny>> {
    if column.is_null(row) {
        return Ok(py.None().into_bound(py));
    }
    match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).into_bound_py_any(py),
        DataType::Int64 => column
            .as_primitive::<Int64Type>()
            .value(row)
            .into_bound_py_any(py),
        DataType::Float64 => column
            .as_primitive::<Float64Type>()
            .value(row)
            .into_bound_py_any(py),
        _ => column.as_string::<i32>().value(row).into_bound_py_any(py),
    }
}

/// A value for people: four decimals where more would not be read.
fn text(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) {
        return String::new();
    }
    match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => {
            let value = column.as_primitive::<Float64Type>().value(row);
            match value == 0.0 || value.abs() >= 1e-3 {
                true => format!("{value:.4}"),
                false => format!("{value:.2e}"),
            }
        }
        _ => column.as_string::<i32>().value(row).to_owned(),
    }
}

/// Cells of one width: texts from the left, numbers from the right.
fn aligned(cells: &[String], left: bool) -> Vec<String> {
    let width = cells.iter().map(|cell| cell.chars().count()).max();
    let width = width.unwrap_or(0);
    let cell = |cell: &String| match left {
        true => format!("{cell:<width$}"),
        false => format!("{cell:>width$}"),
    };
    cells.iter().map(cell).collect()
}
