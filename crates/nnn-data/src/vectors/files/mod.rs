//! Readers for embeddings, indices, labels and relevance lists; each format has a file of its own.
//!
//! A matrix is streamed into one vector of f32 that is sized once, so that a file needs its own size in memory and a
//! few megabytes more. Nothing is allocated on the word of a header that the file's size contradicts.

mod asked;
mod columns;
mod mapped;
mod npy;
mod stream;
mod tensors;
mod text;

pub(super) use stream::Mask;

use crate::{FileError, FileProblem};
use nnn_core::{Embeddings, Relevance, SharedValues};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FLOATS: &str = "f16, bf16, f32 or f64";
const INTEGERS: &str = "integers";
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

/// Reads a two-dimensional float array as f32.
///
/// | extension | holds | `key` names |
/// |---|---|---|
/// | `.npy` | f16, f32, f64; C or Fortran order; little or big endian | nothing: must be `None` |
/// | `.npz` | the same, stored or deflated | the array; optional if there is one |
/// | `.safetensors` | f16, bf16, f32, f64 | the tensor; optional if there is one |
/// | `.parquet` | a column of lists (of any or fixed size) of f32 or f64 | the column; optional if one such exists |
///
/// # Errors
/// [`FileError`]: the file, what was found and what was expected. A finite f64 beyond f32 is an error; NaN and infinity
/// are left to [`read_embeddings`].
pub fn read_matrix(path: &Path, key: Option<&str>) -> Result<Matrix, FileError> {
    matrix(path, key).map_err(|problem| FileError::new(path, problem))
}

/// Reads a matrix and scales every row to unit length.
///
/// # Errors
/// As [`read_matrix`], and where a row is zero or not finite.
pub fn read_embeddings(path: &Path, key: Option<&str>) -> Result<Embeddings, FileError> {
    let Matrix { data, dim, .. } = read_matrix(path, key)?;
    Embeddings::normalize(data, dim)
        .map_err(|error| FileError::new(path, FileProblem::Embedding(error)))
}

/// Reads the blocks of a matrix of similarities, rows after rows, each as [`read_matrix`]. A single `.npy` file of little-endian
/// f32 in C order is mapped into memory instead of read. Gives the values and the number of columns.
///
/// # Errors
/// As [`read_matrix`]; the blocks have different numbers of columns, or there is none.
pub(super) fn read_shared(
    blocks: &[(PathBuf, Option<&str>)],
) -> Result<(SharedValues, usize), FileError> {
    let read = |(path, key): &(PathBuf, Option<&str>)| {
        mapped::shared(path, *key).map_err(|problem| FileError::new(path, problem))
    };
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
    let mask = match extension(path).as_str() {
        "npy" => npy::npy(path, key, &|layout, body, size| layout.mask(body, size)),
        "npz" => npy::npz(path, key, &|layout, body, size| layout.mask(body, size)),
        "safetensors" => {
            tensors::safetensors(path, key, &|layout, body, size| layout.mask(body, size))
        }
        _ => Err(unknown(path, ".npy, .npz or .safetensors")),
    };
    mask.map_err(|problem| FileError::new(path, problem))
}

/// Reads a one-dimensional array or column of integers, each from 0 to `u32::MAX`: `.npy`, `.npz`, `.safetensors`,
/// `.parquet`, `.csv` (with a header line) or `.json` (a list, or an object with lists). `key` as for [`read_matrix`].
///
/// # Errors
/// [`FileError`], naming the first row that is negative, too large or no integer.
pub fn read_indices(path: &Path, key: Option<&str>) -> Result<Vec<u32>, FileError> {
    indices(path, key).map_err(|problem| FileError::new(path, problem))
}

/// Reads strings, or integers as their decimal text: a column of a `.csv` (with a header line) or `.parquet` file, or a
/// list in a `.json` file. `key` as for [`read_matrix`]. In a `.csv` file of one column an empty value is written `""`.
///
/// # Errors
/// [`FileError`]: the file, what was found and what was expected. A blank line in a `.csv` file of one column is an error
/// too, unless nothing follows it.
pub fn read_labels(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileError> {
    labels(path, key).map_err(|problem| FileError::new(path, problem))
}

/// Reads texts: one per line of a `.txt` file (UTF-8; blank lines are left out), or as [`read_labels`]. A `.csv` or `.tsv` file of
/// one column may lack the header: a first line of several words is a text.
///
/// # Errors
/// [`FileError`], also where there is no text.
pub fn read_texts(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileError> {
    texts(path, key).map_err(|problem| FileError::new(path, problem))
}

/// Reads the relevant gallery items of every query: `.json` (a list of lists, at `key` if given), `.jsonl` (one list per
/// line) or `.csv` (one pair `query,gallery` per line, in any order).
///
/// # Errors
/// [`FileError`], also where the number of lists is not `queries` or an item is not below `gallery`.
pub fn read_relevance(
    path: &Path,
    key: Option<&str>,
    queries: usize,
    gallery: usize,
) -> Result<Relevance, FileError> {
    lists(path, key, queries)
        .and_then(|lists| text::relevance(&lists, queries, gallery))
        .map_err(|problem| FileError::new(path, problem))
}

fn matrix(path: &Path, key: Option<&str>) -> Result<Matrix, FileProblem> {
    match extension(path).as_str() {
        "npy" => npy::npy(path, key, &|layout, body, size| layout.matrix(body, size)),
        "npz" => npy::npz(path, key, &|layout, body, size| layout.matrix(body, size)),
        "safetensors" => {
            tensors::safetensors(path, key, &|layout, body, size| layout.matrix(body, size))
        }
        "parquet" => columns::matrix(path, key),
        _ => Err(unknown(path, ".npy, .npz, .safetensors or .parquet")),
    }
}

fn indices(path: &Path, key: Option<&str>) -> Result<Vec<u32>, FileProblem> {
    match extension(path).as_str() {
        "npy" => npy::npy(path, key, &|layout, body, size| layout.indices(body, size)),
        "npz" => npy::npz(path, key, &|layout, body, size| layout.indices(body, size)),
        "safetensors" => {
            tensors::safetensors(path, key, &|layout, body, size| layout.indices(body, size))
        }
        "parquet" => columns::indices(path, key),
        "csv" => text::csv_indices(path, key),
        "json" => text::json_indices(path, key),
        _ => Err(unknown(
            path,
            ".npy, .npz, .safetensors, .parquet, .csv or .json",
        )),
    }
}

fn labels(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileProblem> {
    match extension(path).as_str() {
        "csv" => text::csv_column(path, key),
        "json" => text::json_labels(path, key),
        "parquet" => columns::labels(path, key),
        _ => Err(unknown(path, ".csv, .json or .parquet")),
    }
}

fn texts(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileProblem> {
    let texts = match (extension(path).as_str(), key) {
        ("txt", None) => text::lines(path)?,
        ("txt", Some(key)) => {
            return Err(FileProblem::KeyNotUsed {
                key: key.to_owned(),
                format: ".txt",
            });
        }
        ("csv", _) => asked::table(path, key, ',')?,
        ("tsv", _) => asked::table(path, key, '\t')?,
        ("json" | "parquet", _) => labels(path, key)?,
        _ => return Err(unknown(path, ".txt, .csv, .tsv, .json or .parquet")),
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

fn lists(path: &Path, key: Option<&str>, queries: usize) -> Result<Vec<Vec<u32>>, FileProblem> {
    let format = match extension(path).as_str() {
        "json" => return text::json_lists(path, key),
        "jsonl" => ".jsonl",
        "csv" => ".csv",
        _ => return Err(unknown(path, ".json, .jsonl or .csv")),
    };
    match key {
        Some(key) => Err(FileProblem::KeyNotUsed {
            key: key.to_owned(),
            format,
        }),
        None if format == ".csv" => text::csv_pairs(path, queries),
        None => text::json_lines(path),
    }
}

fn extension(path: &Path) -> String {
    let extension = path.extension().unwrap_or_default();
    extension.to_string_lossy().to_ascii_lowercase()
}

fn unknown(path: &Path, expected: &'static str) -> FileProblem {
    FileProblem::UnknownFormat {
        found: extension(path),
        expected,
    }
}

/// The name asked for if it exists, or the only name if none was asked for.
fn choose(mut names: Vec<String>, key: Option<&str>) -> Result<String, FileProblem> {
    names.sort_unstable();
    names.dedup();
    match key {
        Some(key) if names.iter().any(|name| name == key) => Ok(key.to_owned()),
        Some(key) => Err(FileProblem::MissingKey {
            key: key.to_owned(),
            present: names,
        }),
        None if names.len() == 1 => Ok(names.remove(0)),
        None => Err(FileProblem::KeyNeeded { present: names }),
    }
}
