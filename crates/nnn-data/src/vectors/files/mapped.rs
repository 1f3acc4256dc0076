//! Matrices that are used where they lie: mapped into memory, so that a large one need not fit beside everything else.

use super::kind::extension;
use super::rows::Rows;
use super::{matrix, npy};
use crate::file_error::FileProblem;
use memmap2::Mmap;
use nnn_core::SharedValues;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

/// A row-major matrix, held or mapped.
pub(super) struct Shared {
    pub(super) values: SharedValues,
    pub(super) rows: usize,
    pub(super) dim: usize,
}

/// The values of a file from some byte on.
struct Mapped {
    file: Mmap,
    start: usize,
    end: usize,
}

impl AsRef<[f32]> for Mapped {
    fn as_ref(&self) -> &[f32] {
        // Whether they are aligned was checked when it was made.
        bytemuck::try_cast_slice(&self.file[self.start..self.end]).unwrap_or_default()
    }
}

/// Maps an `.npy` file of little-endian f32 in C order; reads anything else.
pub(super) fn shared(path: &Path, key: Option<&str>) -> Result<Shared, FileProblem> {
    if key.is_none()
        && extension(path) == "npy"
        && let Some(shared) = mapped(path)?
    {
        return Ok(shared);
    }
    let mut rows = Rows::default();
    rows.begin_part(path);
    matrix(path, key, &mut rows)?;
    let matrix = rows.finish();
    Ok(Shared {
        values: Arc::new(matrix.data),
        rows: matrix.rows,
        dim: matrix.dim,
    })
}

fn mapped(path: &Path) -> Result<Option<Shared>, FileProblem> {
    let Some((start, rows, dim)) = npy::as_it_lies(path)? else {
        return Ok(None);
    };
    let file = map(&File::open(path)?)?;
    // `as_it_lies` saw that the file holds all of them.
    let start = start as usize;
    let end = start + rows * dim * size_of::<f32>();
    let aligned = file
        .get(start..end)
        .is_some_and(|bytes| bytemuck::try_cast_slice::<u8, f32>(bytes).is_ok());
    let mapped = Mapped { file, start, end };
    Ok(aligned.then(|| Shared {
        values: Arc::new(mapped),
        rows,
        dim,
    }))
}

#[allow(unsafe_code)]
pub(super) fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is read only, and any bytes are valid values. Whoever shortens the file meanwhile ends the program, as
    // they would end any other that maps it.
    unsafe { Mmap::map(file) }
}
