//! NumPy's `.npy`.

use super::binary::{Binary, read_rows};
use super::header::header;
use super::shape::{Shape, Take};
use crate::error::ExportError;
use nnn_files::write_atomically;
use std::path::Path;

fn header_of(shape: Shape) -> Vec<u8> {
    header("<f4", &[shape.rows, shape.dim as u64])
}

pub(super) fn writer(path: &Path, shape: Shape) -> Result<Binary, ExportError> {
    Binary::create(path, shape, &header_of(shape), &[])
}

pub(super) fn read(path: &Path, shape: Shape, take: Take<'_>) -> Result<(), ExportError> {
    read_rows(path, shape, &header_of(shape), &[], take)
}

/// Writes a whole array of f32.
pub(crate) fn write_array(path: &Path, shape: &[u64], values: &[f32]) -> Result<(), ExportError> {
    let written = write_atomically(path, |out| {
        out.write_all(&header("<f4", shape))?;
        values
            .iter()
            .try_for_each(|it| out.write_all(&it.to_le_bytes()))
    });
    written.map_err(ExportError::io(path))
}
