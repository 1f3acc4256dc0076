//! Frames to and from parquet, by the library that reads everything else here: polars brings a second one, with a second copy of every
//! compression.

use std::error::Error;
use std::fs::File;
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use ::parquet::basic::{Compression, ZstdLevel};
use ::parquet::file::properties::WriterProperties;
use arrow_array::builder::{ListBuilder, PrimitiveBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{ArrowPrimitiveType, Float64Type, UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, BooleanArray, LargeStringArray, PrimitiveArray, RecordBatch};
use nnn_files::{CheckedParquet, contained};
use polars_core::prelude::{
    Column, DataFrame, DataType, IntoColumn, IntoSeries, ListChunked, NamedFrom, Series,
};

type Failure = Box<dyn Error + Send + Sync>;

/// A frame as a file: one group of rows, every column compressed by zstd.
///
/// # Errors
/// A column is of a type that no table here has.
pub(crate) fn bytes(frame: &DataFrame) -> Result<Vec<u8>, Failure> {
    let column = |it: &Column| Ok((it.name().to_string(), array(it)?, true));
    let columns = frame.columns().iter().map(column);
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.collect::<Result<Vec<_>, Failure>>()?)?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(frame.height().max(1)))
        .build();
    let mut out = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties))?;
    out.write(&batch)?;
    Ok(out.into_inner()?)
}

fn array(column: &Column) -> Result<ArrayRef, Failure> {
    Ok(match column.dtype() {
        DataType::String => Arc::new(LargeStringArray::from_iter(column.str()?.iter())),
        DataType::Float64 => Arc::new(PrimitiveArray::<Float64Type>::from_iter(
            column.f64()?.iter(),
        )),
        DataType::UInt64 => Arc::new(PrimitiveArray::<UInt64Type>::from_iter(
            column.u64()?.iter(),
        )),
        DataType::UInt32 => Arc::new(PrimitiveArray::<UInt32Type>::from_iter(
            column.u32()?.iter(),
        )),
        DataType::Boolean => Arc::new(BooleanArray::from_iter(column.bool()?.iter())),
        DataType::List(_) => lists(column.list()?)?,
        other => {
            return Err(format!("column `{}`: no table here has {other}", column.name()).into());
        }
    })
}

fn lists(column: &ListChunked) -> Result<ArrayRef, Failure> {
    let mut builder = ListBuilder::new(PrimitiveBuilder::<UInt32Type>::new());
    for list in column.series_iter() {
        match &list {
            Some(list) => builder.append_value(list.u32()?.iter()),
            None => builder.append_null(),
        }
    }
    Ok(Arc::new(builder.finish()))
}

/// A file as a frame.
///
/// # Errors
/// The file is damaged, or holds columns of types that no table here has.
pub(crate) fn frame(file: File) -> Result<DataFrame, Failure> {
    contained(|| read(file), |said| said.into())
}

fn read(file: File) -> Result<DataFrame, Failure> {
    // Types as parquet has them, whatever library wrote the file.
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let file = CheckedParquet::new(file)?;
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options)?;
    let schema = Arc::clone(builder.schema());
    let batches = builder.build()?.collect::<Result<Vec<_>, _>>()?;
    let rows = batches.iter().map(RecordBatch::num_rows).sum();
    let column = |(at, field): (usize, &Arc<arrow_schema::Field>)| {
        let parts: Vec<_> = batches.iter().map(|it| it.column(at)).collect();
        column(field.name(), field.data_type(), &parts)
    };
    let columns = schema.fields().iter().enumerate().map(column);
    Ok(DataFrame::new(
        rows,
        columns.collect::<Result<Vec<_>, _>>()?,
    )?)
}

fn column(
    name: &str,
    kind: &arrow_schema::DataType,
    parts: &[&ArrayRef],
) -> Result<Column, Failure> {
    use arrow_schema::DataType as Arrow;
    let series = match kind {
        Arrow::Utf8 => {
            let values = parts.iter().flat_map(|it| it.as_string::<i32>().iter());
            Series::new(name.into(), values.collect::<Vec<_>>())
        }
        Arrow::Boolean => {
            let values = parts.iter().flat_map(|it| it.as_boolean().iter());
            Series::new(name.into(), values.collect::<Vec<_>>())
        }
        Arrow::Float64 => Series::new(name.into(), values::<Float64Type>(parts)),
        Arrow::UInt64 => Series::new(name.into(), values::<UInt64Type>(parts)),
        Arrow::UInt32 => Series::new(name.into(), values::<UInt32Type>(parts)),
        Arrow::List(item) if *item.data_type() == Arrow::UInt32 => {
            let list = |it: ArrayRef| Series::new("".into(), values::<UInt32Type>(&[&it]));
            let lists = parts.iter().flat_map(|it| it.as_list::<i32>().iter());
            let lists: ListChunked = lists.map(|it| it.map(list)).collect();
            lists.with_name(name.into()).into_series()
        }
        other => return Err(format!("column `{name}`: no table here has {other}").into()),
    };
    Ok(series.into_column())
}

fn values<T: ArrowPrimitiveType>(parts: &[&ArrayRef]) -> Vec<Option<T::Native>> {
    let values = parts.iter().flat_map(|it| it.as_primitive::<T>().iter());
    values.collect()
}
