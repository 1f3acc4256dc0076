//! An export as it is written: items block by block, then everything about them.

use crate::bias_file::Ids;
use crate::error::ExportError;
use crate::expect::{PGVECTOR_LIMIT, expectations};
use crate::forms::{Constants, Form, Spread};
use crate::items::{BLOCK, Format, Shape, Writer, write_array, writer};
use crate::manifest::{FileSum, Manifest, QueryMap};
use crate::queries;
use nnn_core::{VectorMap, Vectors};
use nnn_files::{is_temporary, write_atomically};
use std::fs;
use std::path::{Path, PathBuf};

/// The vectors of an export that is being written. Its files have their names, and its manifest exists, once
/// [`Delivery::finish`] is through; what was written before a kill goes unnamed.
pub struct Delivery {
    folder: PathBuf,
    form: Form,
    format: Format,
    /// Of the items as they are written.
    shape: Shape,
    constants: Option<Constants>,
    writer: Box<dyn Writer>,
    ids: Ids,
    vectors: Vec<f32>,
    rows: u64,
    /// The largest sizes of a coordinate that arrived and of one that was appended.
    largest: f32,
    appended: f32,
}

/// What a manifest says beside what the items themselves tell.
pub struct About<'a> {
    /// The method with its parameters.
    pub method: String,
    /// How biases spread, where there are any.
    pub spread: Option<&'a Spread>,
    /// What is done to queries, where vectors were moved.
    pub query_map: Option<&'a VectorMap>,
    /// What it was made from.
    pub inputs: Vec<FileSum>,
    /// Version of the program.
    pub program: String,
}

impl Delivery {
    /// Begins an export of items whose vectors have the shape `shape` before anything is appended; `constants` are those of the
    /// form, and none where the vectors were moved.
    ///
    /// # Errors
    /// The vectors are too long for pgvector and are to go there; or the folder or its files cannot be made.
    pub fn begin(
        folder: &Path,
        (form, format): (Form, Format),
        shape: Shape,
        constants: Option<Constants>,
    ) -> Result<Self, ExportError> {
        let dim = shape.dim + constants.as_ref().map_or(0, Constants::extra);
        if format == Format::Pgcopy && dim > PGVECTOR_LIMIT {
            return Err(ExportError::BeyondPgvector {
                dim,
                limit: PGVECTOR_LIMIT,
            });
        }
        remove_leftovers(folder)?;
        let shape = Shape { dim, ..shape };
        Ok(Self {
            folder: folder.to_owned(),
            form,
            format,
            shape,
            constants,
            writer: writer(format, folder, shape)?,
            ids: Ids::none(shape.named, 0),
            vectors: Vec::new(),
            rows: 0,
            largest: 0.0,
            appended: 0.0,
        })
    }

    /// Adds items: their ids, their vectors, and their biases, which are none where the vectors were moved.
    ///
    /// # Errors
    /// A bias or a moved vector has no place in the form, or a file cannot be written.
    ///
    /// # Panics
    /// There are not as many vectors or biases as ids.
    pub fn push(&mut self, ids: &Ids, vectors: &[f32], biases: &[f32]) -> Result<(), ExportError> {
        let dim = self.dim();
        assert_eq!(vectors.len(), ids.len() * dim, "one vector for every id");
        let biased = self.constants.is_some();
        assert_eq!(
            biases.len(),
            ids.len() * usize::from(biased),
            "one bias for every id"
        );
        for (place, row) in vectors.chunks_exact(dim).enumerate() {
            self.vectors.extend_from_slice(row);
            self.largest = largest(row).max(self.largest);
            self.append(ids, place, biases)?;
            self.ids.push(ids.id(place));
            self.rows += 1;
            // In pieces of one size, so that bytes do not depend on how the items arrived.
            if self.ids.len() == BLOCK {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn append(&mut self, ids: &Ids, place: usize, biases: &[f32]) -> Result<(), ExportError> {
        let Some(constants) = &self.constants else {
            return self.check_direction(ids, place);
        };
        let before = self.vectors.len();
        let appended = constants.append(biases[place], &mut self.vectors);
        self.appended = largest(&self.vectors[before..]).max(self.appended);
        appended.map_err(|problem| ExportError::Bias {
            row: self.rows,
            id: ids.id(place),
            problem,
        })
    }

    /// Refuses the moved vector that arrived last if it has no direction and the form needs one.
    fn check_direction(&self, ids: &Ids, place: usize) -> Result<(), ExportError> {
        let row = &self.vectors[self.vectors.len() - self.dim()..];
        match self.form == Form::Ip || row.iter().any(|value| *value != 0.0) {
            true => Ok(()),
            false => Err(ExportError::NoDirection {
                row: self.rows,
                id: ids.id(place),
                form: self.form,
            }),
        }
    }

    /// Coordinates of the vectors that arrive.
    fn dim(&self) -> usize {
        self.shape.dim - self.constants.as_ref().map_or(0, Constants::extra)
    }

    fn flush(&mut self) -> Result<(), ExportError> {
        self.writer.push(&self.ids, &self.vectors)?;
        self.ids = Ids::none(self.shape.named, self.rows as usize);
        self.vectors.clear();
        Ok(())
    }

    /// Ends the export: the items' files get their names, then `queries.md` and at last `manifest.json` are written. What an
    /// earlier export left in the folder goes.
    ///
    /// # Errors
    /// Not all items arrived, or a file cannot be written.
    pub fn finish(mut self, about: About<'_>) -> Result<Manifest, ExportError> {
        if self.rows != self.shape.rows {
            return Err(ExportError::Count {
                found: self.rows,
                expected: self.shape.rows,
            });
        }
        self.flush()?;
        let mut manifest = self.manifest(about.method, about.inputs, about.program);
        manifest.bias = about.spread.map(Into::into);
        Manifest::remove(&self.folder)?;
        self.writer.finish()?;
        let mut files = self.format.files(self.shape.named);
        if let Some(map) = about.query_map {
            let taken = map.matrix.as_ref().map(Vectors::dim);
            manifest.dim = taken.unwrap_or(manifest.dim);
            manifest.query_map = Some(write_map(map, &self.folder, &mut files)?);
        }
        manifest.expect = expectations(&manifest);
        let path = self.folder.join(queries::FILE);
        let text = queries::text(&manifest);
        let written = write_atomically(&path, |out| out.write_all(text.as_bytes()));
        written.map_err(ExportError::io(&path))?;
        files.push(queries::FILE);
        for file in files {
            manifest.files.push(FileSum::of(&self.folder, file)?);
        }
        manifest.write(&self.folder)?;
        Ok(manifest)
    }

    fn step_ratio(&self, constants: &Constants) -> f64 {
        let appended = largest(&constants.query_suffix()).max(self.appended);
        (f64::from(appended) / f64::from(self.largest)).max(1.0)
    }

    /// All that the items tell.
    fn manifest(&self, method: String, inputs: Vec<FileSum>, program: String) -> Manifest {
        let constants = self.constants.as_ref();
        Manifest {
            version: Manifest::version(),
            form: self.form,
            metric: self.form.metric().to_owned(),
            items: self.format,
            count: self.rows,
            dim: self.dim(),
            dim_out: self.shape.dim,
            named_ids: self.shape.named,
            method,
            c: constants.map(|it| it.scale),
            offset: constants.map(|it| it.offset),
            reach: constants.and_then(|it| it.reach),
            length: constants.and_then(Constants::length),
            query_suffix: constants.map_or_else(Vec::new, Constants::query_suffix),
            query_map: None,
            largest: self.largest,
            step_ratio: constants.map(|it| self.step_ratio(it)),
            bias: None,
            expect: Vec::new(),
            inputs,
            files: Vec::new(),
            program,
        }
    }
}

/// Removes what killed exports left half written.
fn remove_leftovers(folder: &Path) -> Result<(), ExportError> {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if is_temporary(&path) {
            fs::remove_file(&path).map_err(ExportError::io(&path))?;
        }
    }
    Ok(())
}

/// The largest size of a coordinate.
fn largest(row: &[f32]) -> f32 {
    row.iter()
        .fold(0.0, |largest, value| value.abs().max(largest))
}

/// Files of a map over queries.
const SHIFT: &str = "query_shift.npy";
const MATRIX: &str = "query_matrix.npy";

/// Writes what is done to queries, and adds the files to `files`.
fn write_map(
    map: &VectorMap,
    folder: &Path,
    files: &mut Vec<&'static str>,
) -> Result<QueryMap, ExportError> {
    let mut written = QueryMap {
        shift: None,
        matrix: None,
        normalize: map.normalize,
    };
    if !map.shift.is_empty() {
        write_array(
            &folder.join(SHIFT),
            &[1, map.shift.len() as u64],
            &map.shift,
        )?;
        written.shift = Some(SHIFT.to_owned());
        files.push(SHIFT);
    }
    if let Some(matrix) = &map.matrix {
        let rows = matrix.data().len() / matrix.dim();
        let shape = [rows, matrix.dim()].map(|it| it as u64);
        write_array(&folder.join(MATRIX), &shape, matrix.data())?;
        written.matrix = Some(MATRIX.to_owned());
        files.push(MATRIX);
    }
    Ok(written)
}
