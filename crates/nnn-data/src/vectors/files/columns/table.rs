//! Tables of either format, open and not yet read.

use super::super::kind::Format;
use super::super::mapped::map;
use super::finding::Found;
use super::packed;
use crate::file_error::FileProblem;
use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_ipc::reader::{FileDecoder, StreamDecoder, StreamReader, read_footer_length};
use arrow_ipc::{Footer, root_as_footer};
use arrow_schema::{Schema, SchemaRef};
use bytes::Bytes;
use nnn_files::CheckedParquet;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use std::fs::File;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

/// Rows decoded at a time.
const BATCH: usize = 1024;

/// What an Arrow file begins with, and ends with, if it is no stream.
const FILE: &[u8] = b"ARROW1";

/// What the first version of Feather begins with.
const FEATHER_1: &[u8] = b"FEA1";

/// What is done with some rows.
type Take<'t> = &'t mut dyn FnMut(&RecordBatch) -> Result<(), FileProblem>;

/// An open table.
pub(super) enum Table {
    Parquet(Box<ParquetRecordBatchReaderBuilder<CheckedParquet>>),
    /// Mapped, so that batches are used where they lie.
    ArrowFile(Buffer, SchemaRef),
    ArrowStream(Buffer, SchemaRef),
}

impl Table {
    pub(super) fn open(format: Format, path: &Path) -> Result<Self, FileProblem> {
        let file = File::open(path)?;
        match format {
            Format::Parquet => {
                let file = CheckedParquet::new(file);
                let builder = file.and_then(ParquetRecordBatchReaderBuilder::try_new);
                let builder = builder.map_err(|error| Format::Parquet.bad(error))?;
                Ok(Self::Parquet(Box::new(builder)))
            }
            Format::Arrow => Self::arrow(&file),
        }
    }

    fn arrow(file: &File) -> Result<Self, FileProblem> {
        let bad = |error: &dyn ToString| Format::Arrow.bad(error.to_string());
        if file.metadata()?.len() == 0 {
            return Err(bad(&"the file is empty"));
        }
        let buffer = Buffer::from(Bytes::from_owner(map(file)?));
        if buffer.starts_with(FEATHER_1) {
            let said =
                "the first version of Feather; write it anew with pyarrow.feather.write_feather";
            return Err(bad(&said));
        }
        if buffer.starts_with(FILE) {
            let schema = footer(&buffer)?.schema().ok_or_else(|| bad(&"no schema"))?;
            let schema = arrow_ipc::convert::try_fb_to_schema(schema).map_err(|it| bad(&it))?;
            return Ok(Self::ArrowFile(buffer, Arc::new(schema)));
        }
        let schema =
            StreamReader::try_new(Cursor::new(buffer.as_slice()), None).map_err(|it| bad(&it))?;
        let schema = schema.schema();
        Ok(Self::ArrowStream(buffer, schema))
    }

    pub(super) fn schema(&self) -> Arc<Schema> {
        match self {
            Self::Parquet(builder) => Arc::clone(builder.schema()),
            Self::ArrowFile(_, schema) | Self::ArrowStream(_, schema) => Arc::clone(schema),
        }
    }

    /// Number of values of what was found, as the footer says.
    pub(super) fn values(&self, found: &Found) -> Option<usize> {
        let Self::Parquet(builder) = self else {
            return None;
        };
        let leaves = leaves(builder, found);
        let groups = builder.metadata().row_groups().iter();
        let counts =
            groups.flat_map(|group| leaves.iter().map(|&leaf| group.column(leaf).num_values()));
        let mut counts = counts.map(usize::try_from);
        counts.try_fold(0usize, |all, it| all.checked_add(it.ok()?))
    }

    /// Hands on what was found, some rows at a time.
    pub(super) fn each_batch(self, found: &Found, take: Take<'_>) -> Result<(), FileProblem> {
        match self {
            Self::Parquet(builder) => {
                let mask =
                    ProjectionMask::leaves(builder.parquet_schema(), leaves(&builder, found));
                let reader = builder.with_projection(mask).with_batch_size(BATCH).build();
                for batch in reader.map_err(|error| Format::Parquet.bad(error))? {
                    take(&batch.map_err(|error| Format::Parquet.bad(error))?)?;
                }
                Ok(())
            }
            Self::ArrowFile(buffer, schema) => file_batches(&buffer, schema, take),
            Self::ArrowStream(buffer, _) => stream_batches(buffer, take),
        }
    }
}

/// The leaf columns below what was found.
fn leaves(builder: &ParquetRecordBatchReaderBuilder<CheckedParquet>, found: &Found) -> Vec<usize> {
    let columns = builder.parquet_schema().columns().iter().enumerate();
    let below = |parts: &[String]| {
        let Some(rest) = parts.strip_prefix(found.path.as_slice()) else {
            return false;
        };
        found.columns.is_empty() || rest.first().is_some_and(|it| found.columns.contains(it))
    };
    let within = columns.filter(|(_, column)| below(column.path().parts()));
    within.map(|(leaf, _)| leaf).collect()
}

fn footer(buffer: &Buffer) -> Result<Footer<'_>, FileProblem> {
    let bad = |error: &dyn ToString| Format::Arrow.bad(error.to_string());
    let cut = || bad(&"it ends without a footer: it was cut short");
    let (rest, end) = buffer.split_last_chunk::<10>().ok_or_else(cut)?;
    let length = read_footer_length(*end).map_err(|_| cut())?;
    let start = rest.len().checked_sub(length).ok_or_else(cut)?;
    root_as_footer(&rest[start..]).map_err(|it| bad(&it))
}

fn file_batches(buffer: &Buffer, schema: SchemaRef, take: Take<'_>) -> Result<(), FileProblem> {
    let bad = |error: arrow_schema::ArrowError| Format::Arrow.bad(error);
    let footer = footer(buffer)?;
    let mut decoder = FileDecoder::new(schema, footer.version());
    for block in footer.dictionaries().iter().flatten() {
        let block_bytes = slice(buffer, block)?;
        packed::check_block(&block_bytes)?;
        decoder.read_dictionary(block, &block_bytes).map_err(bad)?;
    }
    for block in footer.recordBatches().iter().flatten() {
        let block_bytes = slice(buffer, block)?;
        packed::check_block(&block_bytes)?;
        if let Some(batch) = decoder
            .read_record_batch(block, &block_bytes)
            .map_err(bad)?
        {
            take(&batch)?;
        }
    }
    Ok(())
}

/// The bytes of a message.
fn slice(buffer: &Buffer, block: &arrow_ipc::Block) -> Result<Buffer, FileProblem> {
    let length = block
        .bodyLength()
        .checked_add(block.metaDataLength().into());
    let place = usize::try_from(block.offset()).ok();
    let place = place.zip(length.and_then(|it| usize::try_from(it).ok()));
    let within = |(start, length): &(usize, usize)| {
        start
            .checked_add(*length)
            .is_some_and(|end| end <= buffer.len())
    };
    match place.filter(within) {
        Some((start, length)) => Ok(buffer.slice_with_length(start, length)),
        None => Err(Format::Arrow.bad("a batch of rows lies outside the file")),
    }
}

fn stream_batches(mut buffer: Buffer, take: Take<'_>) -> Result<(), FileProblem> {
    let bad = |error: arrow_schema::ArrowError| Format::Arrow.bad(error);
    packed::check_stream(&buffer)?;
    let mut decoder = StreamDecoder::new();
    while !buffer.is_empty() {
        if let Some(batch) = decoder.decode(&mut buffer).map_err(bad)? {
            take(&batch)?;
        }
    }
    decoder.finish().map_err(bad)
}
