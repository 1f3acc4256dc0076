//! Ids beside files that hold vectors only: `ids.npy` of i64 for items that are called by their rows, `ids.txt` with one id a line for ids of their own.

use super::header::header;
use super::shape::Shape;
use crate::bias_file::Ids;
use crate::error::ExportError;
use nnn_files::{WholeFile, open_text};
use std::fs::File;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};

pub(super) fn name(named: bool) -> &'static str {
    match named {
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
        let path = items.with_file_name(name(shape.named));
        let mut file = WholeFile::create(&path).map_err(ExportError::io(&path))?;
        if !shape.named {
            let header = header("<i8", &[shape.rows]);
            file.write_all(&header).map_err(ExportError::io(&path))?;
        }
        Ok(Self { path, file })
    }

    pub(super) fn push(&mut self, ids: &Ids) -> Result<(), ExportError> {
        let bytes = match ids {
            Ids::Rows(rows) => rows
                .clone()
                .flat_map(|row| (row as i64).to_le_bytes())
                .collect(),
            Ids::Named(names) => self.lines(names)?,
        };
        let written = self.file.write_all(&bytes);
        written.map_err(ExportError::io(&self.path))
    }

    fn lines(&self, names: &[String]) -> Result<Vec<u8>, ExportError> {
        if let Some(broken) = names.iter().find(|it| it.contains(['\n', '\r'])) {
            return Err(ExportError::unusable(
                &self.path,
                format!(
                    "the id {broken:?} has a line break, which a file of one id a line cannot hold; write parquet or jsonl"
                ),
            ));
        }
        let lines = names.iter().flat_map(|text| [text, "\n"]);
        Ok(lines.collect::<String>().into_bytes())
    }

    pub(super) fn finish(self) -> Result<(), ExportError> {
        self.file.commit().map_err(ExportError::io(&self.path))
    }
}

/// Ids that are being read; rows are known without a look.
pub(super) struct IdsReader {
    path: PathBuf,
    lines: Option<Lines<BufReader<File>>>,
    rows: usize,
}

impl IdsReader {
    pub(super) fn open(items: &Path, shape: Shape) -> Result<Self, ExportError> {
        let path = items.with_file_name(name(shape.named));
        let lines = match shape.named {
            true => {
                let file = open_text(&path).map_err(ExportError::io(&path))?;
                Some(file.lines())
            }
            false => None,
        };
        let rows = 0;
        Ok(Self { path, lines, rows })
    }

    /// The next ids.
    pub(super) fn take(&mut self, count: usize) -> Result<Ids, ExportError> {
        let first = self.rows;
        self.rows += count;
        let Some(lines) = &mut self.lines else {
            return Ok(Ids::Rows(first..self.rows));
        };
        let names = lines.take(count).collect::<Result<Vec<_>, _>>();
        let names = names.map_err(ExportError::io(&self.path))?;
        match names.len() == count {
            true => Ok(Ids::Named(names)),
            false => Err(ExportError::unusable(
                &self.path,
                "it ends before the items do",
            )),
        }
    }
}
