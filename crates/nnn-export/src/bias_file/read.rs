//! Reading, some rows at a time.

use super::{
    BIAS, BiasFileError, BiasHeader, BiasProblem, BiasRows, HEADER, ID, Ids, ROWS, RowSum, VECTOR,
    VERSION,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int64Type, UInt64Type};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use nnn_files::{CheckedParquet, contained};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use serde::Deserialize;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Rows read at a time.
const BATCH: usize = 1 << 14;

/// An open file of biases.
pub struct BiasFile {
    path: PathBuf,
    header: BiasHeader,
    rows: usize,
    named: bool,
    /// Checksum of all rows, where the file says one.
    sum: Option<String>,
    builder: ParquetRecordBatchReaderBuilder<CheckedParquet>,
}

/// What the footer says.
#[derive(Deserialize)]
struct Footer {
    header: BiasHeader,
}

impl BiasFile {
    /// Opens a file; no row is read yet.
    ///
    /// # Errors
    /// It cannot be read, or is no file of biases.
    pub fn open(path: &Path) -> Result<Self, BiasFileError> {
        let opened = contained(|| Self::opened(path), panicked);
        opened.map_err(|problem| BiasFileError::new(path, problem))
    }

    fn opened(path: &Path) -> Result<Self, BiasProblem> {
        let builder =
            ParquetRecordBatchReaderBuilder::try_new(CheckedParquet::new(File::open(path)?)?)?;
        let header = header(&builder)?;
        let named = check_columns(&builder)?;
        let rows = builder.metadata().file_metadata().num_rows();
        Ok(Self {
            path: path.to_path_buf(),
            header,
            rows: usize::try_from(rows).unwrap_or(0),
            named,
            sum: entry(&builder, ROWS).map(str::to_owned),
            builder,
        })
    }

    /// What all its biases have in common.
    #[must_use]
    pub fn header(&self) -> &BiasHeader {
        &self.header
    }

    /// Number of items.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether items have ids of their own.
    #[must_use]
    pub fn is_named(&self) -> bool {
        self.named
    }

    /// All rows, some at a time. Whether they are those that were written is known at the end.
    ///
    /// # Errors
    /// The file cannot be read; the last item is an error where the rows do not have the checksum that the file says.
    pub fn blocks(
        self,
    ) -> Result<impl Iterator<Item = Result<BiasRows, BiasFileError>>, BiasFileError> {
        let Self {
            path, builder, sum, ..
        } = self;
        let build = || Ok(builder.with_batch_size(BATCH).build()?);
        let batches = contained(build, panicked);
        let batches = batches.map_err(|problem| BiasFileError::new(&path, problem))?;
        Ok(Blocks {
            path,
            batches: Some(batches),
            next: 0,
            expected: sum,
            sum: RowSum::default(),
        })
    }
}

struct Blocks {
    path: PathBuf,
    /// Nothing behind an error.
    batches: Option<ParquetRecordBatchReader>,
    next: usize,
    /// What the checksum of all rows is to be, until it has been compared.
    expected: Option<String>,
    sum: RowSum,
}

impl Iterator for Blocks {
    type Item = Result<BiasRows, BiasFileError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batches = self.batches.as_mut()?;
        let read = || match batches.next() {
            Some(batch) => rows(&batch.map_err(malformed)?, self.next).map(Some),
            None => Ok(None),
        };
        match contained(read, panicked) {
            Ok(Some(rows)) => {
                self.next += rows.biases.len();
                self.sum.add(&rows);
                Some(Ok(rows))
            }
            Ok(None) => self.ended().map(Err),
            Err(problem) => {
                self.batches = None;
                Some(Err(BiasFileError::new(&self.path, problem)))
            }
        }
    }
}

impl Blocks {
    /// What is wrong with the rows that were read, once.
    fn ended(&mut self) -> Option<BiasFileError> {
        let expected = self.expected.take()?;
        let found = std::mem::take(&mut self.sum).hex();
        let damaged = || BiasProblem::Damaged {
            expected: expected.clone(),
            found: found.clone(),
        };
        (expected != found).then(|| BiasFileError::new(&self.path, damaged()))
    }
}

fn malformed(error: impl ToString) -> BiasProblem {
    BiasProblem::Malformed(error.to_string())
}

/// A panic of the library at a damaged file.
fn panicked(said: &str) -> BiasProblem {
    malformed(said)
}

/// What the footer says under a key.
fn entry<'a>(
    builder: &'a ParquetRecordBatchReaderBuilder<CheckedParquet>,
    key: &str,
) -> Option<&'a str> {
    let pairs = builder.metadata().file_metadata().key_value_metadata();
    let pair = pairs.into_iter().flatten().find(|pair| pair.key == key);
    pair.and_then(|pair| pair.value.as_deref())
}

fn header(
    builder: &ParquetRecordBatchReaderBuilder<CheckedParquet>,
) -> Result<BiasHeader, BiasProblem> {
    let Some(text) = entry(builder, HEADER) else {
        let said = format!("its footer has no entry {HEADER:?}");
        return Err(BiasProblem::Foreign(said));
    };
    let foreign = |error: serde_json::Error| BiasProblem::Foreign(error.to_string());
    let value: serde_json::Value = serde_json::from_str(text).map_err(foreign)?;
    if value["version"] != VERSION {
        let found = value["version"].to_string();
        return Err(BiasProblem::Version { found });
    }
    let footer: Footer = serde_json::from_value(value).map_err(foreign)?;
    Ok(footer.header)
}

/// Whether items have ids of their own, once the columns are those of a file of biases.
fn check_columns(
    builder: &ParquetRecordBatchReaderBuilder<CheckedParquet>,
) -> Result<bool, BiasProblem> {
    let fields = builder.schema().fields();
    let found = fields
        .iter()
        .map(|field| (field.name().as_str(), field.data_type()));
    match found.collect::<Vec<_>>().as_slice() {
        [
            (ID, id @ (DataType::Utf8 | DataType::Int64)),
            (BIAS, DataType::Float32),
            (VECTOR, DataType::UInt64),
        ] => Ok(**id == DataType::Utf8),
        other => Err(BiasProblem::Foreign(format!("its columns are {other:?}"))),
    }
}

/// The rows of a batch that begins at row `first`.
fn rows(batch: &RecordBatch, first: usize) -> Result<BiasRows, BiasProblem> {
    let columns = batch.columns();
    if columns.iter().any(|column| column.null_count() > 0) {
        return Err(BiasProblem::Foreign("it has empty entries".to_owned()));
    }
    let ids = match columns[0].as_string_opt::<i32>() {
        Some(names) => Ids::Named(names.iter().flatten().map(str::to_owned).collect()),
        None => numbered(columns[0].as_primitive::<Int64Type>().values(), first)?,
    };
    let biases = columns[1].as_primitive::<Float32Type>().values().to_vec();
    if let Some(at) = biases.iter().position(|bias| !bias.is_finite()) {
        return Err(BiasProblem::NotFinite {
            row: first + at,
            id: ids.text(at),
            value: biases[at],
        });
    }
    Ok(BiasRows {
        ids,
        biases,
        vectors: columns[2].as_primitive::<UInt64Type>().values().to_vec(),
    })
}

/// Rows by number, which must be their places.
fn numbered(numbers: &[i64], first: usize) -> Result<Ids, BiasProblem> {
    let places = first as i64..;
    match numbers
        .iter()
        .zip(places)
        .find(|(found, place)| *found != place)
    {
        None => Ok(Ids::Rows(first..first + numbers.len())),
        Some((found, place)) => Err(BiasProblem::Foreign(format!(
            "row {place} has number {found}: rows were removed or sorted; give the items ids to do that"
        ))),
    }
}
