//! Rows of little-endian f32 behind a header, each behind the same few bytes: `.npy` and `.fvecs`.

use super::header::skip_header;
use super::ids_file::{IdsReader, IdsWriter};
use super::shape::{BLOCK, Shape, Take, Writer};
use crate::bias_file::Ids;
use crate::error::ExportError;
use nnn_files::WholeFile;
use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// Rows that are being written, and their ids.
pub(super) struct Binary {
    path: PathBuf,
    file: WholeFile,
    ids: IdsWriter,
    dim: usize,
    /// What stands before every row.
    before: Vec<u8>,
}

impl Binary {
    pub(super) fn create(
        path: &Path,
        shape: Shape,
        header: &[u8],
        before: &[u8],
    ) -> Result<Self, ExportError> {
        let failed = |problem| ExportError::io(path)(problem);
        let mut file = WholeFile::create(path).map_err(failed)?;
        file.write_all(header).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            ids: IdsWriter::create(path, shape)?,
            dim: shape.dim,
            before: before.to_vec(),
        })
    }
}

impl Writer for Binary {
    fn push(&mut self, ids: &Ids, vectors: &[f32]) -> Result<(), ExportError> {
        let mut bytes = Vec::with_capacity(vectors.len() * 4 + ids.len() * self.before.len());
        for row in vectors.chunks_exact(self.dim) {
            bytes.extend(&self.before);
            bytes.extend(row.iter().flat_map(|value| value.to_le_bytes()));
        }
        let written = self.file.write_all(&bytes);
        written.map_err(ExportError::io(&self.path))?;
        self.ids.push(ids)
    }

    fn finish(self: Box<Self>) -> Result<(), ExportError> {
        self.ids.finish()?;
        self.file.commit().map_err(ExportError::io(&self.path))
    }
}

/// Reads rows back.
pub(super) fn read_rows(
    path: &Path,
    shape: Shape,
    header: &[u8],
    before: &[u8],
    take: Take<'_>,
) -> Result<(), ExportError> {
    let file = File::open(path).map_err(ExportError::io(path))?;
    let mut file = BufReader::new(file);
    skip_header(path, &mut file, header)?;
    let mut ids = IdsReader::open(path, shape)?;
    let width = before.len() + shape.dim * 4;
    let mut left = shape.rows as usize;
    while left > 0 {
        let count = left.min(BLOCK);
        let mut bytes = vec![0; count * width];
        file.read_exact(&mut bytes).map_err(ExportError::io(path))?;
        let rows = bytes.chunks_exact(width);
        let vectors: Vec<f32> = rows.flat_map(|row| floats(&row[before.len()..])).collect();
        take(&ids.take(count)?, &vectors)?;
        left -= count;
    }
    Ok(())
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    let (values, _) = bytes.as_chunks::<4>();
    values.iter().map(|it| f32::from_le_bytes(*it))
}

/// Every row is preceded by its dimension.
fn dimension(shape: Shape) -> [u8; 4] {
    (shape.dim as i32).to_le_bytes()
}

pub(super) fn fvecs(path: &Path, shape: Shape) -> Result<Binary, ExportError> {
    Binary::create(path, shape, &[], &dimension(shape))
}

pub(super) fn read_fvecs(path: &Path, shape: Shape, take: Take<'_>) -> Result<(), ExportError> {
    read_rows(path, shape, &[], &dimension(shape), take)
}
