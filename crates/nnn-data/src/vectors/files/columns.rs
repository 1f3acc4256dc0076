//! Columns of `.parquet` files, read some rows at a time: lists of floats, integers, strings.
//!
//! A list column is stored as its values with two small numbers each: a repetition level, zero where a new row begins,
//! and a definition level, below its maximum where a value or a list is absent. Lists of fixed size are stored alike.

use super::choose;
use super::stream::{index, narrow, reserve};
use super::{FLOATS, INTEGERS, Matrix};
use crate::file_error::FileProblem;
use crate::panics::contained;
use parquet::basic::{ConvertedType, Type};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// Rows decoded at a time.
const BATCH: usize = 1024;

const VECTORS: &str = "a list of f32 or f64 in every row";
const LABELS: &str = "strings or integers";

fn bad(error: ParquetError) -> FileProblem {
    FileProblem::malformed(".parquet", error)
}

fn malformed(said: &str) -> FileProblem {
    FileProblem::malformed(".parquet", said)
}

/// A column of lists of floats as a matrix.
pub(super) fn matrix(path: &Path, key: Option<&str>) -> Result<Matrix, FileProblem> {
    contained(|| read_matrix(path, key), malformed)
}

fn read_matrix(path: &Path, key: Option<&str>) -> Result<Matrix, FileProblem> {
    let column = Column::open(path, key, is_vectors)?;
    column.expect(
        is_vectors(&column.about),
        if is_float(&column.about) {
            VECTORS
        } else {
            FLOATS
        },
    )?;
    let mut rows = RowsBuilder::new(column.values()?);
    column.each_group(|reader| match reader {
        ColumnReader::FloatColumnReader(reader) => {
            column.lists(reader, &mut rows, |value, _| Ok(value))
        }
        ColumnReader::DoubleColumnReader(reader) => column.lists(reader, &mut rows, narrow_at),
        _ => Err(column.wrong_type(VECTORS)),
    })?;
    rows.finish()
}

/// A column of integers as indices.
pub(super) fn indices(path: &Path, key: Option<&str>) -> Result<Vec<u32>, FileProblem> {
    contained(|| read_indices(path, key), malformed)
}

fn read_indices(path: &Path, key: Option<&str>) -> Result<Vec<u32>, FileProblem> {
    let column = Column::open(path, key, is_integers)?;
    column.expect(is_integers(&column.about), INTEGERS)?;
    let mut out = Vec::new();
    column.each_group(|reader| {
        column.integers(reader, &mut |value| {
            out.push(index(out.len(), value)?);
            Ok(())
        })
    })?;
    Ok(out)
}

/// A column of strings or integers as text.
pub(super) fn labels(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileProblem> {
    contained(|| read_labels(path, key), malformed)
}

fn read_labels(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileProblem> {
    let column = Column::open(path, key, is_labels)?;
    column.expect(is_labels(&column.about), LABELS)?;
    let mut out = Vec::new();
    column.each_group(|reader| match reader {
        ColumnReader::ByteArrayColumnReader(reader) => column.flat(reader, &mut |value| {
            out.push(text(out.len(), &value)?);
            Ok(())
        }),
        other => column.integers(other, &mut |value| {
            out.push(value.to_string());
            Ok(())
        }),
    })?;
    Ok(out)
}

fn text(row: usize, value: &ByteArray) -> Result<String, FileProblem> {
    String::from_utf8(value.data().to_vec())
        .map_err(|error| FileProblem::malformed(".parquet", format!("row {row}: {error}")))
}

fn narrow_at(value: f64, place: (usize, usize)) -> Result<f32, FileProblem> {
    narrow(value, || place)
}

fn is_float(column: &ColumnDescriptor) -> bool {
    matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE)
}

fn is_vectors(column: &ColumnDescriptor) -> bool {
    column.max_rep_level() == 1 && is_float(column)
}

fn is_integers(column: &ColumnDescriptor) -> bool {
    column.max_rep_level() == 0 && matches!(column.physical_type(), Type::INT32 | Type::INT64)
}

fn is_labels(column: &ColumnDescriptor) -> bool {
    let string = column.max_rep_level() == 0 && column.physical_type() == Type::BYTE_ARRAY;
    string || is_integers(column)
}

/// One leaf column of an open file.
struct Column {
    file: SerializedFileReader<File>,
    leaf: usize,
    about: Arc<ColumnDescriptor>,
}

impl Column {
    /// Finds the column named `key` or, without a key, the only one that `fits`.
    fn open(
        path: &Path,
        key: Option<&str>,
        fits: impl Fn(&ColumnDescriptor) -> bool,
    ) -> Result<Self, FileProblem> {
        let file = SerializedFileReader::new(File::open(path)?).map_err(bad)?;
        let columns = file.metadata().file_metadata().schema_descr().columns();
        let names = columns
            .iter()
            .filter(|column| key.is_some() || fits(column))
            .map(|column| root(column))
            .collect();
        let name = choose(names, key)?;
        // Of a group the first leaf; its type or its nesting is then refused if it does not fit.
        let leaf = columns.iter().position(|column| root(column) == name);
        let leaf = leaf.unwrap_or_default();
        let about = Arc::clone(&columns[leaf]);
        Ok(Self { file, leaf, about })
    }

    fn expect(&self, fits: bool, expected: &'static str) -> Result<(), FileProblem> {
        if fits {
            Ok(())
        } else {
            Err(self.wrong_type(expected))
        }
    }

    fn wrong_type(&self, expected: &'static str) -> FileProblem {
        let lists = "lists of ".repeat(usize::try_from(self.about.max_rep_level()).unwrap_or(0));
        FileProblem::WrongType {
            found: format!("{lists}{}", self.about.physical_type()),
            expected,
        }
    }

    /// Number of values in all row groups, as the footer says.
    fn values(&self) -> Result<usize, FileProblem> {
        let groups = self.file.metadata().row_groups().iter();
        let total = groups
            .map(|group| group.column(self.leaf).num_values())
            .try_fold(0i64, i64::checked_add);
        total
            .and_then(|n| usize::try_from(n).ok())
            .ok_or_else(|| FileProblem::malformed(".parquet", "impossible number of values"))
    }

    fn each_group(
        &self,
        mut take: impl FnMut(ColumnReader) -> Result<(), FileProblem>,
    ) -> Result<(), FileProblem> {
        for group in 0..self.file.num_row_groups() {
            let group = self.file.get_row_group(group).map_err(bad)?;
            take(group.get_column_reader(self.leaf).map_err(bad)?)?;
        }
        Ok(())
    }

    fn lists<D: DataType>(
        &self,
        mut reader: ColumnReaderImpl<D>,
        rows: &mut RowsBuilder,
        convert: impl Fn(D::T, (usize, usize)) -> Result<f32, FileProblem>,
    ) -> Result<(), FileProblem>
    where
        D::T: Copy,
    {
        let (mut defined, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            defined.clear();
            repeated.clear();
            values.clear();
            let (records, _, levels) = reader
                .read_records(BATCH, Some(&mut defined), Some(&mut repeated), &mut values)
                .map_err(bad)?;
            if records == 0 && levels == 0 {
                return Ok(());
            }
            let mut next = values.iter();
            for (&defined, &repeated) in defined.iter().zip(&repeated) {
                if repeated == 0 {
                    rows.start()?;
                }
                let present = defined == self.about.max_def_level();
                let value = if present { next.next() } else { None };
                let value = *value.ok_or_else(|| rows.null())?;
                rows.push(convert(value, rows.place())?);
            }
        }
    }

    fn flat<D: DataType>(
        &self,
        mut reader: ColumnReaderImpl<D>,
        take: &mut dyn FnMut(D::T) -> Result<(), FileProblem>,
    ) -> Result<(), FileProblem> {
        let (mut defined, mut values, mut row) = (Vec::new(), Vec::new(), 0);
        loop {
            defined.clear();
            values.clear();
            let (records, _, _) = reader
                .read_records(BATCH, Some(&mut defined), None, &mut values)
                .map_err(bad)?;
            if records == 0 {
                return Ok(());
            }
            let full = self.about.max_def_level();
            if let Some(at) = defined.iter().position(|&level| level != full) {
                return Err(FileProblem::Null {
                    row: row + at,
                    expected: "a value",
                });
            }
            values.drain(..).try_for_each(&mut *take)?;
            row += records;
        }
    }

    fn integers(
        &self,
        reader: ColumnReader,
        take: &mut dyn FnMut(i128) -> Result<(), FileProblem>,
    ) -> Result<(), FileProblem> {
        // Unsigned integers are stored in signed ones of the same width.
        let unsigned = matches!(
            self.about.converted_type(),
            ConvertedType::UINT_8
                | ConvertedType::UINT_16
                | ConvertedType::UINT_32
                | ConvertedType::UINT_64
        );
        match reader {
            ColumnReader::Int32ColumnReader(reader) => self.flat(reader, &mut |value| {
                take(if unsigned {
                    i128::from(value as u32)
                } else {
                    value.into()
                })
            }),
            ColumnReader::Int64ColumnReader(reader) => self.flat(reader, &mut |value| {
                take(if unsigned {
                    i128::from(value as u64)
                } else {
                    value.into()
                })
            }),
            _ => Err(self.wrong_type(INTEGERS)),
        }
    }
}

fn root(column: &ColumnDescriptor) -> String {
    column.path().parts().first().cloned().unwrap_or_default()
}

/// Rows of equal length, in one vector that is sized once.
struct RowsBuilder {
    data: Vec<f32>,
    /// Values to make room for when the first one arrives.
    expected: usize,
    rows: usize,
    /// Where the present row begins.
    begin: usize,
    dim: Option<usize>,
}

impl RowsBuilder {
    fn new(expected: usize) -> Self {
        Self {
            data: Vec::new(),
            expected,
            rows: 0,
            begin: 0,
            dim: None,
        }
    }

    /// Ends the present row, if there is one, and begins the next.
    fn start(&mut self) -> Result<(), FileProblem> {
        if self.rows == 0 {
            self.data = reserve(self.expected)?;
        } else {
            self.close()?;
        }
        self.rows += 1;
        self.begin = self.data.len();
        Ok(())
    }

    fn close(&mut self) -> Result<(), FileProblem> {
        let found = self.data.len() - self.begin;
        let expected = *self.dim.get_or_insert(found);
        if found != expected {
            return Err(FileProblem::Ragged {
                row: self.rows - 1,
                found,
                expected,
            });
        }
        Ok(())
    }

    /// Row and column of the next value.
    fn place(&self) -> (usize, usize) {
        (self.rows.saturating_sub(1), self.data.len() - self.begin)
    }

    fn null(&self) -> FileProblem {
        FileProblem::Null {
            row: self.rows.saturating_sub(1),
            expected: VECTORS,
        }
    }

    fn push(&mut self, value: f32) {
        self.data.push(value);
    }

    fn finish(mut self) -> Result<Matrix, FileProblem> {
        if self.rows > 0 {
            self.close()?;
        }
        Ok(Matrix {
            data: self.data,
            rows: self.rows,
            dim: self.dim.unwrap_or(0),
        })
    }
}
