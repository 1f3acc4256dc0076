//! Files of item vectors with their ids, one file of code per format: written block by block, and read back.

mod binary;
mod header;
mod ids_file;
mod jsonl;
mod npy;
mod parquet;
mod pgcopy;
mod shape;

pub(crate) use npy::write_array;
pub(crate) use shape::{BLOCK, Writer};
pub use shape::{Shape, Take};

use crate::bias_file::Ids;
use crate::error::ExportError;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::str::FromStr;

/// A format of item vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `items.parquet`: the columns `id` and `vector`, lists of one length.
    Parquet,
    /// `items.npy`, a matrix of f32, and the ids beside it.
    Npy,
    /// `items.fvecs`, every row its dimension and its values, and the ids beside it.
    Fvecs,
    /// `items.jsonl`: `{"id": ..., "vector": [...]}` in every line.
    Jsonl,
    /// `items.copy`: what `COPY ... WITH (FORMAT binary)` of PostgreSQL reads into `(id, embedding vector)`.
    Pgcopy,
}

impl Format {
    /// The name in commands: `parquet`, `npy`, `fvecs`, `jsonl`, `pgcopy`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Npy => "npy",
            Self::Fvecs => "fvecs",
            Self::Jsonl => "jsonl",
            Self::Pgcopy => "pgcopy",
        }
    }

    /// The names of its files; `named` says whether items have ids of their own.
    #[must_use]
    pub fn files(self, named: bool) -> Vec<&'static str> {
        let ids = ids_file::name(named);
        match self {
            Self::Parquet => vec!["items.parquet"],
            Self::Npy => vec!["items.npy", ids],
            Self::Fvecs => vec!["items.fvecs", ids],
            Self::Jsonl => vec!["items.jsonl"],
            Self::Pgcopy => vec!["items.copy"],
        }
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let all = [
            Self::Parquet,
            Self::Npy,
            Self::Fvecs,
            Self::Jsonl,
            Self::Pgcopy,
        ];
        let found = all.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| "expected parquet, npy, fvecs, jsonl or pgcopy".to_owned())
    }
}

/// Begins the files of a format in a folder.
pub(crate) fn writer(
    format: Format,
    folder: &Path,
    shape: Shape,
) -> Result<Box<dyn Writer>, ExportError> {
    let path = folder.join(format.files(shape.named)[0]);
    Ok(match format {
        Format::Parquet => Box::new(parquet::ParquetWriter::create(&path, shape)?),
        Format::Npy => Box::new(npy::writer(&path, shape)?),
        Format::Fvecs => Box::new(binary::fvecs(&path, shape)?),
        Format::Jsonl => Box::new(jsonl::JsonlWriter::create(&path, shape)?),
        Format::Pgcopy => Box::new(pgcopy::PgcopyWriter::create(&path, shape)?),
    })
}

/// Reads items back, some at a time and in their order.
///
/// # Errors
/// A file cannot be read or is not of this shape, or whatever `take` reports.
pub fn read_items(
    format: Format,
    folder: &Path,
    shape: Shape,
    take: Take<'_>,
) -> Result<(), ExportError> {
    let path = folder.join(format.files(shape.named)[0]);
    let mut rows = 0;
    let mut counted = |ids: &Ids, vectors: &[f32]| {
        rows += ids.len() as u64;
        take(ids, vectors)
    };
    match format {
        Format::Parquet => parquet::read(&path, shape, &mut counted)?,
        Format::Npy => npy::read(&path, shape, &mut counted)?,
        Format::Fvecs => binary::read_fvecs(&path, shape, &mut counted)?,
        Format::Jsonl => jsonl::read(&path, shape, &mut counted)?,
        Format::Pgcopy => pgcopy::read(&path, shape, &mut counted)?,
    }
    match rows == shape.rows {
        true => Ok(()),
        false => Err(ExportError::unusable(
            &path,
            format!("{rows} items, expected {}", shape.rows),
        )),
    }
}
