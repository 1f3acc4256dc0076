//! `manifest.json`: what an export is, and all that is needed to ask it and to add to it.

use crate::error::ExportError;
use crate::forms::{Constants, Form, Spread};
use crate::items::{Format, Shape};
use nnn_files::{nearby, read_text, sha256_file, write_atomically};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// The name of the file.
const FILE: &str = "manifest.json";

/// Its name while the files that it names are removed.
const ASIDE: &str = "earlier.json";

/// The version that this code writes, and the only one that it reads.
const VERSION: u32 = 1;

/// A description of an export; the last of its files to be written, so that all the others are there whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file's layout.
    pub version: u32,
    /// The form.
    pub form: Form,
    /// What the engine has to rank by, in words.
    pub metric: String,
    /// Format of the item vectors.
    pub items: Format,
    /// How many items there are.
    pub count: u64,
    /// Coordinates of a query as it arrives.
    pub dim: usize,
    /// Coordinates of an item, and of a query as the engine gets it.
    pub dim_out: usize,
    /// Whether items have ids of their own; if not, their ids are their rows.
    pub named_ids: bool,
    /// The method with its parameters.
    pub method: String,
    /// `c`, by which the appended coordinate is longer and the query's shorter; absent, as the next three, where vectors were moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub c: Option<f64>,
    /// What was subtracted from every bias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offset: Option<f64>,
    /// The largest size of the first appended coordinate; in the cosine form only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reach: Option<f64>,
    /// Length of every item; in the cosine form only.
    #[serde(default, rename = "M", skip_serializing_if = "Option::is_none")]
    pub length: Option<f64>,
    /// What every query gets appended, once it has unit length.
    pub query_suffix: Vec<f32>,
    /// What is done to every query before, where vectors were moved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query_map: Option<QueryMap>,
    /// The largest size of a coordinate of the items' own vectors.
    pub largest: f32,
    /// How many times larger the steps of an index are that stores all coordinates in fewer bits by one scale, beside those of the plain
    /// vectors: the largest appended coordinate, the query's included, over `largest`, at least 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step_ratio: Option<f64>,
    /// How the biases spread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias: Option<BiasSummary>,
    /// What to expect of engines, in sentences.
    pub expect: Vec<String>,
    /// What it was made from.
    pub inputs: Vec<FileSum>,
    /// What was written, beside this file.
    pub files: Vec<FileSum>,
    /// Version of the program.
    pub program: String,
}

/// `q -> (q - shift) matrix^T`, then to unit length if `normalize`: files of f32.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryMap {
    /// A file with a row, `(1, dim)`; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shift: Option<String>,
    /// A file with a matrix, `(dim_out, dim)`; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<String>,
    /// Whether the result gets unit length.
    pub normalize: bool,
}

/// How biases spread, in units of similarity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BiasSummary {
    /// The least.
    pub min: f32,
    /// The mean.
    pub mean: f64,
    /// The largest.
    pub max: f32,
    /// The standard deviation.
    pub deviation: f64,
}

impl From<&Spread> for BiasSummary {
    fn from(spread: &Spread) -> Self {
        Self {
            min: spread.least(),
            mean: spread.mean(),
            max: spread.most(),
            deviation: spread.deviation(),
        }
    }
}

/// A file and its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSum {
    /// The file: inputs as they were named, outputs relative to the export.
    pub file: String,
    /// 64 hexadecimal digits.
    pub sha256: String,
}

impl FileSum {
    /// Reads a file for its checksum; `base` is what its name is relative to.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(base: &Path, file: &str) -> Result<Self, ExportError> {
        let path = base.join(file);
        Ok(Self {
            file: file.to_owned(),
            sha256: sha256_file(&path).map_err(ExportError::io(&path))?,
        })
    }
}

impl Manifest {
    /// The constants of its form; none where vectors were moved.
    #[must_use]
    pub fn constants(&self) -> Option<Constants> {
        Some(Constants {
            form: self.form,
            scale: self.c?,
            offset: self.offset?,
            reach: self.reach,
        })
    }

    /// The shape of its items' files.
    #[must_use]
    pub fn shape(&self) -> Shape {
        Shape {
            rows: self.count,
            dim: self.dim_out,
            named: self.named_ids,
        }
    }

    /// Reads the manifest of an export.
    ///
    /// # Errors
    /// There is none, or it is of another version.
    pub fn read(folder: &Path) -> Result<Self, ExportError> {
        let path = folder.join(FILE);
        let text = read_text(&path).map_err(|problem| {
            let near = nearby(folder);
            let said = format!("{problem}; expected a folder that `runner export` wrote{near}");
            ExportError::unusable(&path, said)
        })?;
        Self::parse(&path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, ExportError> {
        let found: Self =
            serde_json::from_str(text).map_err(|it| ExportError::unusable(path, it))?;
        let consistent = match found.constants() {
            Some(constants) => {
                found.dim_out == found.dim + constants.extra()
                    && found.query_suffix == constants.query_suffix()
                    && constants.reach.is_some() == (found.form == Form::Cosine)
            }
            None => found.query_suffix.is_empty(),
        };
        match (found.version, consistent) {
            (VERSION, true) => Ok(found),
            (VERSION, false) => Err(ExportError::unusable(
                path,
                "its dimensions, constants and query_suffix do not fit together; export anew",
            )),
            (other, _) => Err(ExportError::unusable(
                path,
                format!("version {other}, expected {VERSION}; export anew with this program"),
            )),
        }
    }

    /// Compares the files with their checksums.
    ///
    /// # Errors
    /// One cannot be read or is another; it is named.
    pub fn check_files(&self, folder: &Path) -> Result<(), ExportError> {
        for expected in &self.files {
            let found = FileSum::of(folder, &expected.file)?;
            if found != *expected {
                let said = format!(
                    "its SHA-256 is {}, but manifest.json says {}: it was changed after it was exported",
                    found.sha256, expected.sha256
                );
                return Err(ExportError::unusable(&folder.join(&expected.file), said));
            }
        }
        Ok(())
    }

    pub(crate) fn version() -> u32 {
        VERSION
    }

    pub(crate) fn write(&self, folder: &Path) -> Result<(), ExportError> {
        let path = folder.join(FILE);
        let text = serde_json::to_string_pretty(self);
        let text = text.map_err(|it| ExportError::unusable(&path, it))?;
        let written = write_atomically(&path, |out| writeln!(out, "{text}"));
        written.map_err(ExportError::io(&path))
    }

    /// Takes an earlier export out of the way: its manifest first, so that no manifest ever names what is not there. Until all is
    /// gone it lies under another name, so that the next export goes on where one was killed here.
    pub(crate) fn remove(folder: &Path) -> Result<(), ExportError> {
        let (manifest, aside) = (folder.join(FILE), folder.join(ASIDE));
        unless_absent(&manifest, std::fs::rename(&manifest, &aside))?;
        let earlier = std::fs::read_to_string(&aside).unwrap_or_default();
        let files = Self::parse(&aside, &earlier).map_or_else(|_| Vec::new(), |it| it.files);
        let mut gone = files.iter().map(|it| folder.join(&it.file)).chain([aside]);
        gone.try_for_each(|path| unless_absent(&path, std::fs::remove_file(&path)))
    }
}

/// What is not there need not be taken away.
fn unless_absent(path: &Path, done: std::io::Result<()>) -> Result<(), ExportError> {
    match done {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        done => done.map_err(ExportError::io(path)),
    }
}
