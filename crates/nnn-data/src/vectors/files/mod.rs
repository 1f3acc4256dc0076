//! Readers for embeddings, indices and labels; each format has a file of its own.
//!
//! A matrix is streamed into one vector of f32 that is sized once, so that a file needs its own size in memory and a
//! few megabytes more; of several files one is read after the other into it. Nothing is allocated on the word of a header
//! that the file's size contradicts.

mod asked;
mod blocks;
mod columns;
mod hdf5;
mod kind;
mod mapped;
mod near;
mod npy;
mod parts;
mod pickled;
mod rows;
mod stream;
mod tensors;
mod text;

pub use blocks::{count_rows, each_block};
pub(super) use kind::extension;
pub(super) use parts::{Part, parts};
pub(super) use stream::Mask;
pub(super) use text::{kind as json_kind, member as json_member};

use crate::file_error::Held;
use crate::{FileError, FileProblem};
use kind::{Kind, OF_ENTRIES, OF_VECTORS};
use nnn_core::{EmbeddingError, Embeddings, SharedValues};
use npy::Take;
use rows::Rows;
use std::path::Path;
use std::sync::Arc;

const NUMBERS: &str = "numbers";
const INTEGERS: &str = "integers";
const STRINGS: &str = "strings or integers";
const MATRIX: &str = "two dimensions (items, dim)";
const VECTOR: &str = "one dimension (items,)";

/// A row-major matrix as it lies in a file: neither checked nor normalised; `data.len() == rows * dim`.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    /// The values, row after row.
    pub data: Vec<f32>,
    /// Number of rows.
    pub rows: usize,
    /// Length of each row; 0 for a parquet column without rows.
    pub dim: usize,
}

/// Reads a two-dimensional array of numbers as f32.
///
/// | extension | holds | `key` names |
/// |---|---|---|
/// | `.npy` | floats, bfloat16, integers; C or Fortran order; little or big endian | nothing: must be `None` |
/// | `.npz` | the same, stored or deflated | the array; optional if there is one |
/// | `.safetensors` | the same | the tensor; optional if there is one |
/// | `.parquet`, `.arrow`, `.feather`, `.ipc` | a column of lists of numbers, in lists of one item or not; Spark's vectors; one column per dimension | the column, a member of a struct by `a.b`, or the stem of the columns; optional if one such exists |
/// | `.pt`, `.pth`, `.pkl`, `.pickle` | a tensor or array; vectors in a list or by id | an entry, below others by `a.b`; optional if one serves |
/// | `.h5`, `.hdf5` | a data set; vectors by id in a group | the data set, in groups by `a/b`; optional if there is one |
///
/// # Errors
/// [`FileError`]: the file, what was found and what was expected. A finite f64 beyond f32 is an error; NaN and infinity
/// are left to [`read_embeddings`].
pub fn read_matrix(path: &Path, key: Option<&str>) -> Result<Matrix, FileError> {
    Ok(read_rows(&[(path.to_path_buf(), key)])?.finish())
}

/// Reads a matrix and scales every row to unit length.
///
/// # Errors
/// As [`read_matrix`], and where a row is zero or not finite.
pub fn read_embeddings(path: &Path, key: Option<&str>) -> Result<Embeddings, FileError> {
    embeddings(&[(path.to_path_buf(), key)])
}

/// Reads the rows of several files, one after the other.
///
/// # Errors
/// As [`read_embeddings`], naming the file; vectors of two files have different dimensions.
pub(super) fn embeddings(parts: &[Part<'_>]) -> Result<Embeddings, FileError> {
    let rows = read_rows(parts)?;
    let starts = rows.starts().to_vec();
    let Matrix { data, dim, .. } = rows.finish();
    Embeddings::normalize(data, dim).map_err(|mut error| {
        let part = in_part(&mut error, &starts);
        FileError::new(&parts[part].0, FileProblem::Embedding(error))
    })
}

/// The part that an error is in; the error's row becomes the part's.
fn in_part(error: &mut EmbeddingError, starts: &[usize]) -> usize {
    let (EmbeddingError::NotFinite { row, .. } | EmbeddingError::ZeroVector { row }) = error else {
        return 0;
    };
    let part = starts
        .partition_point(|start| start <= row)
        .saturating_sub(1);
    *row -= starts.get(part).copied().unwrap_or(0);
    part
}

fn read_rows(parts: &[Part<'_>]) -> Result<Rows<'static>, FileError> {
    let mut rows = Rows::default();
    if let [_, _, ..] = parts {
        let sizes = parts
            .iter()
            .map(|(path, key)| at(path, || count(path, *key)));
        let total = sizes.sum::<Result<Option<usize>, _>>()?;
        at(&parts[0].0, || rows.room(total.unwrap_or(0)))?;
    }
    for (path, key) in parts {
        rows.begin_part(path);
        at(path, || matrix(path, *key, &mut rows))?;
    }
    Ok(rows)
}

/// Does something with a file, which an error then names.
pub(super) fn at<T>(
    path: &Path,
    read: impl FnOnce() -> Result<T, FileProblem>,
) -> Result<T, FileError> {
    let read = near::look(path).and_then(|()| read());
    read.map_err(|problem| FileError::new(path, problem))
}

/// Reads the blocks of a matrix of similarities, rows after rows, each as [`read_matrix`]. A single `.npy` file of little-endian
/// f32 in C order is mapped into memory instead of read. Gives the values and the number of columns.
///
/// # Errors
/// As [`read_matrix`]; the blocks have different numbers of columns, or there is none.
pub(super) fn read_shared(blocks: &[Part<'_>]) -> Result<(SharedValues, usize), FileError> {
    let read = |(path, key): &Part<'_>| at(path, || mapped::shared(path, *key));
    let mut parts = blocks.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let dim = parts.first().map_or(0, |part| part.dim);
    for ((path, _), part) in blocks.iter().zip(&parts) {
        if part.dim != dim {
            let problem = FileProblem::Count {
                what: "columns",
                found: part.dim,
                expected: dim,
            };
            return Err(FileError::new(path, problem));
        }
    }
    if let [_] = parts.as_slice() {
        return Ok((parts.remove(0).values, dim));
    }
    let mut all = Vec::with_capacity(parts.iter().map(|part| part.rows * dim).sum());
    for part in &parts {
        all.extend_from_slice((*part.values).as_ref());
    }
    Ok((Arc::new(all), dim))
}

/// Reads an array of zeros and ones of any shape (`.npy`, `.npz` or `.safetensors`), row after row.
///
/// # Errors
/// [`FileError`]: the file, what was found and what was expected.
pub(super) fn read_mask(path: &Path, key: Option<&str>) -> Result<Mask, FileError> {
    at(path, || {
        let expected = ".npy, .npz or .safetensors";
        let kind = Kind::of(path, expected)?;
        let mut take =
            |layout: &stream::Layout, body: &mut dyn std::io::Read, size| layout.mask(body, size);
        array(kind, path, key, &mut take).unwrap_or_else(|| Err(unknown(path, expected)))
    })
}

/// Reads a one-dimensional array or column of integers, each from 0 to `u32::MAX`: the formats of
/// [`read_matrix`], `.csv` or `.tsv` (with a header line), `.json` (a list, or an object with lists) or `.jsonl`. `key` as for
/// [`read_matrix`]. Whole numbers in a type of fractions serve too.
///
/// # Errors
/// [`FileError`], naming the first row that is negative, too large or no integer.
pub fn read_indices(path: &Path, key: Option<&str>) -> Result<Vec<u32>, FileError> {
    at(path, || indices(path, key))
}

/// Reads strings, or integers as their decimal text: the formats of [`read_indices`], or the lines of a `.txt` file. `key`
/// as for [`read_matrix`]. In a `.csv` file of one column an empty value is written `""`. Of vectors by id in a pickle or
/// HDF5 file the ids are read.
///
/// # Errors
/// [`FileError`]: the file, what was found and what was expected. A blank line in a `.csv` file of one column is an error
/// too, unless nothing follows it.
pub fn read_labels(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileError> {
    at(path, || labels(path, key))
}

/// Reads texts: one per line of a `.txt` file (UTF-8; blank lines are left out), or as [`read_labels`]. A `.csv` or `.tsv` file of
/// one column may lack the header: a first line of several words is a text.
///
/// # Errors
/// [`FileError`], also where there is no text.
pub fn read_texts(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileError> {
    at(path, || texts(path, key))
}

/// Opens an array of a format that holds plain arrays; `None` for others.
fn array<T>(
    kind: Kind,
    path: &Path,
    key: Option<&str>,
    take: Take<'_, T>,
) -> Option<Result<T, FileProblem>> {
    match kind {
        Kind::Npy => Some(npy::npy(path, key, take)),
        Kind::Npz => Some(npy::npz(path, key, take)),
        Kind::Safetensors => Some(tensors::safetensors(path, key, take)),
        _ => None,
    }
}

/// Appends the vectors of a file.
fn matrix(path: &Path, key: Option<&str>, rows: &mut Rows) -> Result<(), FileProblem> {
    let kind = Kind::of(path, OF_VECTORS)?;
    match kind {
        Kind::Table(format) => columns::matrix(format, path, key, rows),
        Kind::Pickle => pickled::matrix(path, key, rows),
        Kind::Hdf5 => hdf5::matrix(path, key, rows),
        _ => array(kind, path, key, &mut |layout, body, size| {
            layout.matrix(body, size, rows)
        })
        .unwrap_or_else(|| Err(near::text(path))),
    }
}

/// How many values the vectors of a file have, where it says so before they are read.
fn count(path: &Path, key: Option<&str>) -> Result<Option<usize>, FileProblem> {
    let kind = Kind::of(path, OF_VECTORS)?;
    match kind {
        Kind::Table(format) => columns::count(format, path, key),
        Kind::Pickle => pickled::count(path, key).map(Some),
        Kind::Hdf5 => hdf5::count(path, key).map(Some),
        _ => array(kind, path, key, &mut |layout, _, size| {
            layout.count(size).map(Some)
        })
        .unwrap_or_else(|| Err(near::text(path))),
    }
}

fn indices(path: &Path, key: Option<&str>) -> Result<Vec<u32>, FileProblem> {
    let kind = Kind::of(path, OF_ENTRIES)?;
    match kind {
        Kind::Table(format) => columns::indices(format, path, key),
        Kind::Pickle => pickled::indices(path, key),
        Kind::Hdf5 => hdf5::indices(path, key),
        Kind::Columns(separator) => text::csv_indices(path, separator, key),
        Kind::Json => text::json_indices(path, key),
        Kind::JsonLines => text::json_line_indices(path, key),
        Kind::Lines => text::line_indices(path, key),
        _ => array(kind, path, key, &mut |layout, body, size| {
            layout.indices(body, size)
        })
        .unwrap_or_else(|| Err(unknown(path, OF_ENTRIES))),
    }
}

fn labels(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileProblem> {
    let kind = Kind::of(path, OF_ENTRIES)?;
    match kind {
        Kind::Table(format) => columns::labels(format, path, key),
        Kind::Pickle => pickled::labels(path, key),
        Kind::Hdf5 => hdf5::labels(path, key),
        Kind::Columns(separator) => text::csv_column(path, separator, key),
        Kind::Json => text::json_labels(path, key),
        Kind::JsonLines => text::json_line_labels(path, key),
        Kind::Lines => text::all_lines(path, key),
        _ => array(kind, path, key, &mut |layout, body, size| {
            layout.labels(body, size)
        })
        .unwrap_or_else(|| Err(unknown(path, OF_ENTRIES))),
    }
}

fn texts(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileProblem> {
    let texts = match (Kind::of(path, OF_ENTRIES)?, key) {
        (Kind::Lines, None) => text::lines(path)?,
        (Kind::Columns(separator), _) => asked::table(path, key, separator)?,
        _ => labels(path, key)?,
    };
    match texts.is_empty() {
        true => Err(FileProblem::Count {
            what: "texts",
            found: 0,
            expected: 1,
        }),
        false => Ok(texts),
    }
}

/// The names of the columns of a table in columns; `None` for files of other formats.
pub(super) fn columns_of(path: &Path) -> Option<Result<Vec<String>, FileProblem>> {
    match Kind::of(path, OF_ENTRIES) {
        Ok(Kind::Table(format)) => Some(columns::names(format, path)),
        _ => None,
    }
}

/// A column of ids: strings, or whole numbers as text.
pub(super) fn column_ids(path: &Path, name: &str) -> Result<Vec<String>, FileProblem> {
    labels(path, Some(name)).or_else(|problem| match problem {
        FileProblem::WrongType { .. } => {
            let rows = indices(path, Some(name))?;
            Ok(rows.iter().map(u32::to_string).collect())
        }
        other => Err(other),
    })
}

/// A column of numbers.
pub(super) fn column_numbers(path: &Path, name: &str) -> Result<Vec<f64>, FileProblem> {
    match Kind::of(path, OF_ENTRIES)? {
        Kind::Table(format) => columns::numbers(format, path, name),
        _ => Err(unknown(path, ".parquet, .arrow or .feather")),
    }
}

pub(super) fn unknown(path: &Path, expected: &'static str) -> FileProblem {
    FileProblem::UnknownFormat {
        found: kind::extension(path),
        expected,
    }
}

/// The name asked for if it exists, or the only name if none was asked for.
pub(super) fn choose(mut present: Vec<Held>, key: Option<&str>) -> Result<String, FileProblem> {
    present.sort();
    present.dedup_by(|a, b| a.name == b.name);
    match key {
        Some(key) if present.iter().any(|it| it.name == key) => Ok(key.to_owned()),
        Some(key) => Err(FileProblem::MissingKey {
            key: key.to_owned(),
            present,
        }),
        None if present.len() == 1 => Ok(present.remove(0).name),
        None => Err(FileProblem::KeyNeeded { present }),
    }
}
