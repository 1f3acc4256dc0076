//! Writing: rows arrive in any pieces, groups of rows are of one size.

use super::{
    BIAS, BiasHeader, BiasProblem, BiasRows, HEADER, ID, Ids, ROWS, RowSum, VECTOR, VERSION,
};
use arrow_array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray, UInt64Array};
use arrow_schema::{DataType, Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use std::io::Write;
use std::sync::Arc;

/// Rows of one group, so that equal rows give equal bytes however they came.
const GROUP: usize = 1 << 16;

/// Writes a file of biases.
pub struct BiasWriter<W: Write + Send> {
    out: ArrowWriter<W>,
    named: bool,
    waiting: BiasRows,
    sum: RowSum,
}

impl<W: Write + Send> BiasWriter<W> {
    /// Begins a file of items with ids of their own (`named`), or called by their rows.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn new(out: W, header: &BiasHeader, named: bool) -> Result<Self, BiasProblem> {
        let out = ArrowWriter::try_new(out, schema(named), Some(properties(header)))?;
        Ok(Self {
            out,
            named,
            waiting: BiasRows::empty(named),
            sum: RowSum::default(),
        })
    }

    /// Appends rows.
    ///
    /// # Errors
    /// The file cannot be written; ids are of the other kind.
    pub fn push(&mut self, rows: &BiasRows) -> Result<(), BiasProblem> {
        self.waiting.append(rows)?;
        self.sum.add(rows);
        while self.waiting.biases.len() >= GROUP {
            self.write_group(GROUP)?;
        }
        Ok(())
    }

    /// Ends the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> Result<(), BiasProblem> {
        if !self.waiting.biases.is_empty() {
            self.write_group(self.waiting.biases.len())?;
        }
        let sum = KeyValue::new(ROWS.to_owned(), self.sum.hex());
        self.out.append_key_value_metadata(sum);
        self.out.close()?;
        Ok(())
    }

    fn write_group(&mut self, rows: usize) -> Result<(), BiasProblem> {
        let waiting = &mut self.waiting;
        let ids: ArrayRef = match &mut waiting.ids {
            Ids::Named(names) => Arc::new(StringArray::from_iter_values(names.drain(..rows))),
            Ids::Rows(range) => {
                let first = range.start;
                range.start += rows;
                let numbers = (first..range.start).map(|row| row as i64);
                Arc::new(Int64Array::from_iter_values(numbers))
            }
        };
        let biases = Float32Array::from_iter_values(waiting.biases.drain(..rows));
        let vectors = UInt64Array::from_iter_values(waiting.vectors.drain(..rows));
        let columns = vec![ids, Arc::new(biases), Arc::new(vectors)];
        let batch = RecordBatch::try_new(schema(self.named), columns);
        let batch = batch.map_err(|error| BiasProblem::Malformed(error.to_string()))?;
        self.out.write(&batch)?;
        Ok(self.out.flush()?)
    }
}

fn schema(named: bool) -> Arc<Schema> {
    let id = match named {
        true => DataType::Utf8,
        false => DataType::Int64,
    };
    let columns = [
        (ID, id),
        (BIAS, DataType::Float32),
        (VECTOR, DataType::UInt64),
    ];
    let field = |(name, kind): (&str, DataType)| Field::new(name, kind, false);
    Arc::new(Schema::new(columns.map(field).to_vec()))
}

fn properties(header: &BiasHeader) -> WriterProperties {
    let text = serde_json::json!({ "version": VERSION, "header": header }).to_string();
    WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        // No two biases or marks are alike.
        .set_dictionary_enabled(false)
        .set_key_value_metadata(Some(vec![KeyValue::new(HEADER.to_owned(), text)]))
        .build()
}
