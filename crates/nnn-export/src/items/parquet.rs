//! Parquet, with the vectors as lists of one length: Arrow's schema goes along, so that readers which know such lists have them.

use super::shape::{BLOCK, Shape, Take, Writer};
use crate::bias_file::Ids;
use crate::error::ExportError;
use arrow_array::cast::AsArray;
use arrow_array::types::Float32Type;
use arrow_array::{
    Array, ArrayRef, FixedSizeListArray, Float32Array, Int64Array, RecordBatch, StringArray,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use nnn_files::{CheckedParquet, WholeFile, contained};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Items in a row group, which is held in memory until it is full.
const GROUP: usize = 64 * BLOCK;

pub(super) struct ParquetWriter {
    path: PathBuf,
    file: ArrowWriter<WholeFile>,
    schema: SchemaRef,
}

/// The columns, and their names.
const ID: &str = "id";
const VECTOR: &str = "vector";

fn schema(shape: Shape) -> SchemaRef {
    let id = match shape.named {
        true => DataType::Utf8,
        false => DataType::Int64,
    };
    let vector = DataType::new_fixed_size_list(DataType::Float32, shape.dim as i32, true);
    let fields = [Field::new(ID, id, false), Field::new(VECTOR, vector, false)];
    Arc::new(Schema::new(Vec::from(fields)))
}

/// Vectors have no repeated values and no order, so neither a dictionary nor statistics, nor compression, gains anything.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_max_row_group_row_count(Some(GROUP))
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_compression(Compression::UNCOMPRESSED)
        .build()
}

impl ParquetWriter {
    pub(super) fn create(path: &Path, shape: Shape) -> Result<Self, ExportError> {
        let file = WholeFile::create(path).map_err(ExportError::io(path))?;
        let schema = schema(shape);
        let file = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties()));
        Ok(Self {
            path: path.to_owned(),
            file: file.map_err(|it| ExportError::unusable(path, it))?,
            schema,
        })
    }

    fn batch(&self, ids: &Ids, vectors: &[f32]) -> Result<RecordBatch, ArrowError> {
        let ids: ArrayRef = match ids {
            Ids::Rows(rows) => {
                let rows = rows.clone().map(|row| row as i64);
                Arc::new(Int64Array::from_iter_values(rows))
            }
            Ids::Named(names) => Arc::new(StringArray::from_iter_values(names)),
        };
        let DataType::FixedSizeList(field, dim) = self.schema.field(1).data_type() else {
            return Err(ArrowError::SchemaError("no list".to_owned()));
        };
        let values = Arc::new(Float32Array::from(vectors.to_vec()));
        let vectors = FixedSizeListArray::try_new(Arc::clone(field), *dim, values, None)?;
        RecordBatch::try_new(Arc::clone(&self.schema), vec![ids, Arc::new(vectors)])
    }
}

impl Writer for ParquetWriter {
    fn push(&mut self, ids: &Ids, vectors: &[f32]) -> Result<(), ExportError> {
        let batch = self.batch(ids, vectors);
        let batch = batch.map_err(|it| ExportError::unusable(&self.path, it))?;
        let written = self.file.write(&batch);
        written.map_err(|it| ExportError::unusable(&self.path, it))
    }

    fn finish(self: Box<Self>) -> Result<(), ExportError> {
        let file = self.file.into_inner();
        let file = file.map_err(|it| ExportError::unusable(&self.path, it))?;
        file.commit().map_err(ExportError::io(&self.path))
    }
}

pub(super) fn read(path: &Path, shape: Shape, take: Take<'_>) -> Result<(), ExportError> {
    let file = File::open(path).map_err(ExportError::io(path))?;
    let wrong = |problem: &dyn ToString| ExportError::unusable(path, problem.to_string());
    // The library panics at some damaged files.
    let panicked = |said: &str| wrong(&said);
    let open = || {
        let reader = CheckedParquet::new(file).and_then(ParquetRecordBatchReaderBuilder::try_new);
        reader.map_err(|it| wrong(&it))
    };
    let reader = contained(open, panicked)?;
    if *reader.schema() != schema(shape) {
        return Err(wrong(&"it is not of the shape that the manifest says"));
    }
    let mut first = 0;
    let build = || {
        let batches = reader.with_batch_size(BLOCK).build();
        batches.map_err(|it| wrong(&it))
    };
    let mut batches = contained(build, panicked)?;
    let mut next = || batches.next().transpose().map_err(|it| wrong(&it));
    while let Some(batch) = contained(&mut next, panicked)? {
        let vectors = batch.column(1).as_fixed_size_list().values();
        let vectors = vectors.as_primitive::<Float32Type>().values();
        take(&ids(batch.column(0), first), vectors)?;
        first += batch.num_rows();
    }
    Ok(())
}

/// The ids of a batch that begins at row `first`.
fn ids(column: &ArrayRef, first: usize) -> Ids {
    match column.as_string_opt::<i32>() {
        Some(names) => Ids::Named(names.iter().flatten().map(str::to_owned).collect()),
        None => Ids::Rows(first..first + column.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The library looks at a page's header before it reads on, where lists may go over from one page to the next: guards against a
    /// check of headers where there is none.
    #[test]
    fn vectors_over_several_pages_are_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("items.parquet");
        let (rows, dim) = (3 * BLOCK, 512);
        let shape = Shape {
            rows: rows as u64,
            dim,
            named: false,
        };
        let value = |at: usize| (at % 9973) as f32;
        let written: Vec<f32> = (0..rows * dim).map(value).collect();
        let mut writer = ParquetWriter::create(&path, shape).expect("a file");
        for (block, vectors) in written.chunks(BLOCK * dim).enumerate() {
            let ids = Ids::Rows(block * BLOCK..(block + 1) * BLOCK);
            writer.push(&ids, vectors).expect("a block");
        }
        Box::new(writer).finish().expect("a whole file");

        let mut found = Vec::new();
        let mut take = |_: &Ids, vectors: &[f32]| {
            found.extend_from_slice(vectors);
            Ok(())
        };
        read(&path, shape, &mut take).expect("items");
        assert_eq!(found, written);
    }
}
