//! PostgreSQL's binary copy, with the vectors as pgvector's `vector` receives them: a count of coordinates, a zero, and the
//! coordinates, all big-endian.

use super::header::skip_header;
use super::shape::{BLOCK, Shape, Take, Writer};
use crate::bias_file::Ids;
use crate::error::ExportError;
use crate::ids::Id;
use nnn_files::WholeFile;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// Signature, no flags, no extension.
const HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A count of fields that ends the file.
const TRAILER: i16 = -1;

/// Id and vector.
const FIELDS: i16 = 2;

pub(super) struct PgcopyWriter {
    path: PathBuf,
    file: WholeFile,
    dim: usize,
}

impl PgcopyWriter {
    pub(super) fn create(path: &Path, shape: Shape) -> Result<Self, ExportError> {
        let failed = |problem| ExportError::io(path)(problem);
        let mut file = WholeFile::create(path).map_err(failed)?;
        file.write_all(HEADER).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            dim: shape.dim,
        })
    }
}

fn field(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend((bytes.len() as i32).to_be_bytes());
    out.extend(bytes);
}

fn vector(row: &[f32]) -> Vec<u8> {
    let mut bytes = (row.len() as i16).to_be_bytes().to_vec();
    bytes.extend(0i16.to_be_bytes());
    bytes.extend(row.iter().flat_map(|value| value.to_be_bytes()));
    bytes
}

impl Writer for PgcopyWriter {
    fn push(&mut self, ids: &Ids, vectors: &[f32]) -> Result<(), ExportError> {
        let mut bytes = Vec::new();
        for (place, row) in vectors.chunks_exact(self.dim).enumerate() {
            bytes.extend(FIELDS.to_be_bytes());
            match ids.id(place) {
                Id::Row(row) => field(&row.to_be_bytes(), &mut bytes),
                Id::Text(text) => field(text.as_bytes(), &mut bytes),
            }
            field(&vector(row), &mut bytes);
        }
        let written = self.file.write_all(&bytes);
        written.map_err(ExportError::io(&self.path))
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        let Self { path, file, .. } = &mut *self;
        let ended = file.write_all(&TRAILER.to_be_bytes());
        ended.map_err(ExportError::io(path))?;
        self.file.commit().map_err(ExportError::io(&self.path))
    }
}

pub(super) fn read(path: &Path, shape: Shape, take: Take<'_>) -> Result<(), ExportError> {
    let file = File::open(path).map_err(ExportError::io(path))?;
    let mut file = BufReader::new(file);
    skip_header(path, &mut file, HEADER)?;
    let all = shape.rows as usize;
    for first in (0..all).step_by(BLOCK) {
        let (mut ids, mut vectors) = (Ids::none(shape.named, first), Vec::new());
        for _ in first..all.min(first + BLOCK) {
            let id = row(&mut file, shape, &mut vectors).map_err(ExportError::io(path))?;
            ids.push(id);
        }
        take(&ids, &vectors)?;
    }
    Ok(())
}

/// Appends a row's vector and gives its id.
fn row(file: &mut impl Read, shape: Shape, vectors: &mut Vec<f32>) -> io::Result<Id> {
    let mut fields = [0; 2];
    file.read_exact(&mut fields)?;
    let id = bytes(file)?;
    let id = match shape.named {
        true => Id::Text(String::from_utf8(id).map_err(io::Error::other)?),
        false => Id::Row(i64::from_be_bytes(id.try_into().map_err(|_| wrong())?)),
    };
    let vector = bytes(file)?;
    if i16::from_be_bytes(fields) != FIELDS || vector.len() != 4 + shape.dim * 4 {
        return Err(wrong());
    }
    let (values, _) = vector[4..].as_chunks::<4>();
    vectors.extend(values.iter().map(|it| f32::from_be_bytes(*it)));
    Ok(id)
}

fn bytes(file: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    file.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length).into();
    let mut bytes = Vec::new();
    match file.take(length).read_to_end(&mut bytes)? as u64 == length {
        true => Ok(bytes),
        false => Err(wrong()),
    }
}

fn wrong() -> io::Error {
    io::Error::other("it is not of the shape that the manifest says")
}
