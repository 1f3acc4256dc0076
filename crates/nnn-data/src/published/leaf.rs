//! Columns of texts and of bytes in parquet files, read leaf by leaf.

use nnn_files::{CheckedParquet, contained};
use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, ByteArrayType, DataType};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;
use std::fs::File;
use std::path::Path;

/// Rows decoded at a time.
const BATCH: usize = 1024;

/// An open parquet file.
pub(crate) struct Leaves {
    file: SerializedFileReader<CheckedParquet>,
}

/// Runs one read; what the library panics at in a damaged file becomes an error.
pub(crate) fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    contained(read, str::to_owned)
}

impl Leaves {
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let file = CheckedParquet::new(file).and_then(SerializedFileReader::new);
        let file = file.map_err(|error| error.to_string())?;
        Ok(Self { file })
    }

    /// Names of the columns, without repetition.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.columns().map(|leaf| parts(leaf)[0].clone()).collect();
        names.dedup();
        names
    }

    fn columns(&self) -> impl Iterator<Item = &ColumnDescriptor> {
        let schema = self.file.metadata().file_metadata().schema_descr();
        schema.columns().iter().map(AsRef::as_ref)
    }

    /// The first leaf of byte strings that `fits` by its path and the depth of its lists.
    pub(crate) fn position(&self, fits: impl Fn(&[String], i16) -> bool) -> Option<usize> {
        self.columns().position(|leaf| {
            let depth = leaf.max_rep_level();
            leaf.physical_type() == Type::BYTE_ARRAY && fits(parts(leaf), depth)
        })
    }

    /// The first leaf of texts or whole numbers that is called so, a part of a struct by `a.b`.
    pub(crate) fn named(&self, name: &str) -> Option<usize> {
        let path: Vec<&str> = name.split('.').collect();
        let kinds = [Type::BYTE_ARRAY, Type::INT32, Type::INT64];
        self.columns().position(|leaf| {
            let called = parts(leaf) == path || parts(leaf) == [name];
            called && leaf.max_rep_level() == 0 && kinds.contains(&leaf.physical_type())
        })
    }

    /// A text in every row, or none; whole numbers in decimal.
    pub(crate) fn words(&self, leaf: usize) -> Result<Vec<Option<String>>, String> {
        let about = self.columns().nth(leaf).ok_or("no such column")?;
        if about.physical_type() == Type::BYTE_ARRAY {
            return self.texts(leaf);
        }
        let full = about.max_def_level();
        let mut rows = Vec::new();
        for group in 0..self.file.num_row_groups() {
            let group = self.file.get_row_group(group).map_err(in_words)?;
            match group.get_column_reader(leaf).map_err(in_words)? {
                ColumnReader::Int32ColumnReader(reader) => numbers(reader, full, &mut rows)?,
                ColumnReader::Int64ColumnReader(reader) => numbers(reader, full, &mut rows)?,
                _ => return Err("expected a column of texts or whole numbers".to_owned()),
            }
        }
        Ok(rows)
    }

    /// How many rows there are.
    pub(crate) fn rows(&self) -> usize {
        let rows = self.file.metadata().file_metadata().num_rows();
        usize::try_from(rows).unwrap_or(0)
    }

    /// Depth of a leaf's lists.
    pub(crate) fn depth(&self, leaf: usize) -> i16 {
        self.columns()
            .nth(leaf)
            .map_or(0, ColumnDescriptor::max_rep_level)
    }

    /// A text in every row, or none.
    pub(crate) fn texts(&self, leaf: usize) -> Result<Vec<Option<String>>, String> {
        let mut rows = Vec::new();
        self.each_level(leaf, |_, value| {
            rows.push(
                value
                    .flatten()
                    .map(|value| text(rows.len(), value))
                    .transpose()?,
            );
            Ok(())
        })?;
        Ok(rows)
    }

    /// A list of texts in every row; an absent list is an empty one.
    pub(crate) fn lists(&self, leaf: usize) -> Result<Vec<Vec<String>>, String> {
        let mut rows: Vec<Vec<String>> = Vec::new();
        self.each_level(leaf, |begins, value| {
            if begins {
                rows.push(Vec::new());
            }
            let row = rows.len().saturating_sub(1);
            let (Some(list), Some(value)) = (rows.last_mut(), value) else {
                return Ok(());
            };
            let value =
                value.ok_or_else(|| format!("row {row}: an element of the list is null"))?;
            list.push(text(row, value)?);
            Ok(())
        })?;
        Ok(rows)
    }

    /// Hands the bytes of some rows (ascending) to `take`.
    pub(crate) fn bytes(
        &self,
        leaf: usize,
        rows: &[u64],
        take: &mut dyn FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), String> {
        let mut rows = rows.iter().copied().peekable();
        let mut begin = 0;
        for group in 0..self.file.num_row_groups() {
            let count = self.file.metadata().row_group(group).num_rows();
            let end = begin + u64::try_from(count).unwrap_or(0);
            let mut reader = None;
            while let Some(row) = rows.next_if(|&row| row < end) {
                if reader.is_none() {
                    reader = Some((self.reader(group, leaf)?, begin));
                }
                let Some((reader, at)) = &mut reader else {
                    continue;
                };
                let value =
                    one(reader, row - *at).map_err(|error| format!("row {row}: {error}"))?;
                *at = row + 1;
                take(value.data())?;
            }
            begin = end;
        }
        Ok(())
    }

    fn reader(&self, group: usize, leaf: usize) -> Result<ColumnReaderImpl<ByteArrayType>, String> {
        let group = self
            .file
            .get_row_group(group)
            .map_err(|error| error.to_string())?;
        match group
            .get_column_reader(leaf)
            .map_err(|error| error.to_string())?
        {
            ColumnReader::ByteArrayColumnReader(reader) => Ok(reader),
            _ => Err("expected a column of byte strings".to_owned()),
        }
    }

    /// Calls `take` for every level of a leaf: whether a row begins there, and the value. The value is `None` where the
    /// list is empty or absent and `Some(None)` where the value itself is null.
    fn each_level(
        &self,
        leaf: usize,
        mut take: impl FnMut(bool, Option<Option<&ByteArray>>) -> Result<(), String>,
    ) -> Result<(), String> {
        let about = self.columns().nth(leaf).ok_or("no such column")?;
        let (full, lists) = (about.max_def_level(), about.max_rep_level() > 0);
        let null = full - i16::from(about.self_type().is_optional());
        let (mut defined, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for group in 0..self.file.num_row_groups() {
            let mut reader = self.reader(group, leaf)?;
            loop {
                defined.clear();
                repeated.clear();
                values.clear();
                let (records, _, levels) = reader
                    .read_records(BATCH, Some(&mut defined), Some(&mut repeated), &mut values)
                    .map_err(|error| error.to_string())?;
                if records == 0 && levels == 0 {
                    break;
                }
                let mut next = values.iter();
                for at in 0..levels {
                    let level = defined.get(at).copied().unwrap_or(full);
                    let begins = !lists || repeated.get(at).is_none_or(|&level| level == 0);
                    let value = match level {
                        _ if level == full => Some(Some(next.next().ok_or("values are missing")?)),
                        _ if level >= null || !lists => Some(None),
                        _ => None,
                    };
                    take(begins, value)?;
                }
            }
        }
        Ok(())
    }
}

fn in_words(error: impl ToString) -> String {
    error.to_string()
}

/// All numbers of one part of a column, in decimal; `full` is the level of a value that is there.
fn numbers<T>(
    mut reader: ColumnReaderImpl<T>,
    full: i16,
    rows: &mut Vec<Option<String>>,
) -> Result<(), String>
where
    T: DataType,
    T::T: ToString,
{
    let (mut defined, mut values) = (Vec::new(), Vec::new());
    loop {
        defined.clear();
        values.clear();
        let (records, _, levels) = reader
            .read_records(BATCH, Some(&mut defined), None, &mut values)
            .map_err(in_words)?;
        if records == 0 && levels == 0 {
            return Ok(());
        }
        let mut next = values.iter();
        for at in 0..records {
            // A column that cannot be null has no levels.
            let is_null = defined.get(at).is_some_and(|level| *level < full);
            let value = if is_null { None } else { next.next() };
            rows.push(value.map(ToString::to_string));
        }
    }
}

/// The value that comes `skip` rows further on.
fn one(reader: &mut ColumnReaderImpl<ByteArrayType>, skip: u64) -> Result<ByteArray, String> {
    let (mut defined, mut repeated, mut values) = (Vec::new(), Vec::new(), Vec::new());
    reader
        .skip_records(usize::try_from(skip).unwrap_or(usize::MAX))
        .and_then(|_| reader.read_records(1, Some(&mut defined), Some(&mut repeated), &mut values))
        .map_err(|error| error.to_string())?;
    values.pop().ok_or_else(|| "there are no bytes".to_owned())
}

fn text(row: usize, value: &ByteArray) -> Result<String, String> {
    let bytes = value.data().to_vec();
    String::from_utf8(bytes).map_err(|error| format!("row {row}: {error}"))
}

fn parts(leaf: &ColumnDescriptor) -> &[String] {
    leaf.path().parts()
}
