//! Vectors of a file some rows at a time, so that memory does not grow with the file.

use super::rows::Rows;
use super::{at, count, matrix};
use crate::{FileError, FileProblem};
use nnn_core::{EmbeddingError, Embeddings};
use std::path::Path;

/// Hands on the vectors of a file in blocks of `rows` rows (the last may have fewer), each with its first row: as
/// [`read_embeddings`](super::read_embeddings) would give them, bit for bit.
///
/// Memory grows with a block, except where a file has to be held whole: arrays in Fortran order, and pickles, which are mapped.
///
/// # Errors
/// As [`read_embeddings`](super::read_embeddings), and what `take` gives.
pub fn each_block<E: From<FileError>>(
    path: &Path,
    key: Option<&str>,
    rows: usize,
    mut take: impl FnMut(usize, Embeddings) -> Result<(), E>,
) -> Result<(), E> {
    let (mut first, mut stopped) = (0, None);
    let mut one = |values: Vec<f32>, dim: usize| {
        let block = unit_vectors(values, dim, first)?;
        let length = block.len();
        if let Err(error) = take(first, block) {
            stopped = Some(error);
            // Nobody sees this one.
            return Err(FileProblem::Unusable("stopped".to_owned()));
        }
        first += length;
        Ok(())
    };
    let read = at(path, || {
        let mut drained = Rows::drained(rows, &mut one);
        drained.begin_part(path);
        matrix(path, key, &mut drained)?;
        drained.drain_rest()
    });
    match stopped {
        Some(error) => Err(error),
        None => Ok(read?),
    }
}

/// How many vectors of dimension `dim` a file has, where it says so before they are read.
///
/// # Errors
/// As [`read_matrix`](super::read_matrix).
pub fn count_rows(path: &Path, key: Option<&str>, dim: usize) -> Result<Option<usize>, FileError> {
    let values = at(path, || count(path, key))?;
    Ok(values.map(|values| values / dim.max(1)))
}

/// The rows from `first` on, scaled to unit length.
fn unit_vectors(values: Vec<f32>, dim: usize, first: usize) -> Result<Embeddings, FileProblem> {
    Embeddings::normalize(values, dim).map_err(|mut error| {
        if let EmbeddingError::NotFinite { row, .. } | EmbeddingError::ZeroVector { row } =
            &mut error
        {
            *row += first;
        }
        FileProblem::Embedding(error)
    })
}
