//! One JSON object a line: what bulk loaders of document stores and command-line tools take.

use super::shape::{BLOCK, Shape, Take, Writer};
use crate::bias_file::Ids;
use crate::error::ExportError;
use crate::ids::Id;
use nnn_files::{WholeFile, open_text};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

/// A line. Numbers are the shortest that read back to the same bits.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    id: Id,
    vector: Cow<'a, [f32]>,
}

pub(super) struct JsonlWriter {
    path: PathBuf,
    file: WholeFile,
    dim: usize,
}

impl JsonlWriter {
    pub(super) fn create(path: &Path, shape: Shape) -> Result<Self, ExportError> {
        Ok(Self {
            path: path.to_owned(),
            file: WholeFile::create(path).map_err(ExportError::io(path))?,
            dim: shape.dim,
        })
    }
}

impl Writer for JsonlWriter {
    fn push(&mut self, ids: &Ids, vectors: &[f32]) -> Result<(), ExportError> {
        for (place, row) in vectors.chunks_exact(self.dim).enumerate() {
            let line = Line {
                id: ids.id(place),
                vector: row.into(),
            };
            let written = serde_json::to_writer(&mut self.file, &line);
            let written = written.map_err(Into::into);
            let written = written.and_then(|()| self.file.write_all(b"\n"));
            written.map_err(ExportError::io(&self.path))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<(), ExportError> {
        self.file.commit().map_err(ExportError::io(&self.path))
    }
}

pub(super) fn read(path: &Path, shape: Shape, take: Take<'_>) -> Result<(), ExportError> {
    let file = open_text(path).map_err(ExportError::io(path))?;
    let mut rows = 0;
    let (mut ids, mut vectors) = (Ids::none(shape.named, rows), Vec::new());
    for (number, text) in (1..).zip(file.lines()) {
        let text = text.map_err(ExportError::io(path))?;
        let wrong = |what: String| ExportError::unusable(path, format!("line {number}: {what}"));
        let line: Line<'_> = serde_json::from_str(&text).map_err(|it| wrong(it.to_string()))?;
        let found = line.vector.len();
        if found != shape.dim || matches!(line.id, Id::Text(_)) != shape.named {
            return Err(wrong(
                "it is not of the shape that the manifest says".to_owned(),
            ));
        }
        ids.push(line.id);
        vectors.extend_from_slice(&line.vector);
        if ids.len() == BLOCK {
            take(&ids, &vectors)?;
            rows += BLOCK;
            (ids, vectors) = (Ids::none(shape.named, rows), Vec::new());
        }
    }
    match ids.is_empty() {
        true => Ok(()),
        false => take(&ids, &vectors),
    }
}
