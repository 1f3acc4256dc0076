//! Ids beside files that hold vectors only: `ids.npy` of i64 for rows, `ids.txt` with one id a line for texts.

use super::npy::header;
use super::Shape;
use crate::error::ExportError;
use crate::ids::Ids;
use nnn_files::WholeFile;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

pub(super) fn name(texts: bool) -> &'static str {
    match texts {
        true => "ids.txt",
        false => "ids.npy",
    }
}

/// Ids that are being written.
pub(super) struct IdsWriter {
    path: PathBuf,
    file: WholeFile,
}

impl IdsWriter {
    /// Begins the file beside `items`.
    pub(super) fn create(items: &Path, shape: Shape) -> Result<Self, ExportError> {
        let path = items.with_file_name(name(shape.texts));
        let mut file = WholeFile::create(&path).map_err(ExportError::io(&path))?;
        if !shape.texts {
            let header = header("<i8", &[shape.rows]);
            file.write_all(&header).map_err(ExportError::io(&path))?;
        }
        Ok(Self { path, file })
    }

    pub(super) fn push(&mut self, ids: &Ids) -> Result<(), ExportError> {
        let bytes = match ids {
            Ids::Rows(rows) => rows.iter().flat_map(|row| row.to_le_bytes()).collect(),
            Ids::Texts(texts) => self.lines(texts)?,
        };
        let written = self.file.write_all(&bytes);
        written.map_err(ExportError::io(&self.path))
    }

    fn lines(&self, texts: &[String]) -> Result<Vec<u8>, ExportError> {
        if let Some(broken) = texts.iter().find(|it| it.contains(['\n', '\r'])) {
            return Err(ExportError::unusable(
                &self.path,
                format!(
                    "the id {broken:?} has a line break, which a file of one id a line cannot hold; write parquet or jsonl"
                ),
            ));
        }
        let lines = texts.iter().flat_map(|text| [text, "\n"]);
        Ok(lines.collect::<String>().into_bytes())
    }

    pub(super) fn finish(self) -> Result<(), ExportError> {
        self.file.commit().map_err(ExportError::io(&self.path))
    }
}

/// Ids that are being read.
pub(super) struct IdsReader {
    path: PathBuf,
    file: BufReader<File>,
    texts: bool,
}

impl IdsReader {
    pub(super) fn open(items: &Path, shape: Shape) -> Result<Self, ExportError> {
        let path = items.with_file_name(name(shape.texts));
        let file = File::open(&path).map_err(ExportError::io(&path))?;
        let mut file = BufReader::new(file);
        if !shape.texts {
            let expected = header("<i8", &[shape.rows]);
            super::npy::skip_header(&path, &mut file, &expected)?;
        }
        let texts = shape.texts;
        Ok(Self { path, file, texts })
    }

    /// The next ids.
    pub(super) fn take(&mut self, count: usize) -> Result<Ids, ExportError> {
        match self.texts {
            true => self.texts(count),
            false => self.rows(count),
        }
    }

    fn rows(&mut self, count: usize) -> Result<Ids, ExportError> {
        let mut bytes = vec![0; count * 8];
        let read = self.file.read_exact(&mut bytes);
        read.map_err(ExportError::io(&self.path))?;
        let (rows, _) = bytes.as_chunks::<8>();
        Ok(Ids::Rows(
            rows.iter().map(|it| i64::from_le_bytes(*it)).collect(),
        ))
    }

    fn texts(&mut self, count: usize) -> Result<Ids, ExportError> {
        let lines = self.file.by_ref().lines().take(count);
        let texts = lines.collect::<Result<Vec<_>, _>>();
        let texts = texts.map_err(ExportError::io(&self.path))?;
        match texts.len() == count {
            true => Ok(Ids::Texts(texts)),
            false => Err(ExportError::unusable(&self.path, "it ends before the items do")),
        }
    }
}
