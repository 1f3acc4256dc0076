//! Readers for annotation files; each format has a file of its own. A reader pushes rows into one builder, which makes the splits and
//! holds the checks that all formats share.

mod builder;
mod columns;
mod error;
mod finding;
mod json;
mod labels;
mod lists;
mod names;
mod objects;
mod shards;
mod table;
mod visogender;

pub use builder::Annotations;
pub use error::{AnnotationError, AnnotationProblem, Place};
pub use finding::Finding;

use super::archive::{Archive, ArchiveError, ArchiveLimits};
use super::source::{AnnotationFormat, AnnotationPart, FoundFile, OnGap, file_and_member};
use crate::text::decoded;
use builder::{Builder, Rows};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What to read of a data set.
#[derive(Debug, Clone, Copy)]
pub struct Reading<'a> {
    /// The files, by their names on the card; those of archives for members of archives.
    pub files: &'a BTreeMap<String, FoundFile>,
    /// All the data set's splits.
    pub splits: &'a [&'a str],
    /// The splits to load.
    pub wanted: &'a [&'a str],
    /// What to do with what is incomplete.
    pub on_gap: OnGap,
    /// Names of the two groups that images are sorted into, if they are.
    pub groups: Option<&'a [String; 2]>,
}

/// Reads the splits that are wanted. Of parts with an alternative the first is read whose files are all there.
///
/// # Errors
/// [`AnnotationError`] names the file, the place, what was found and what was expected.
pub fn read_annotations(
    parts: &[AnnotationPart],
    reading: &Reading<'_>,
) -> Result<Annotations, AnnotationError> {
    let mut builder = Builder::new(reading.splits, reading.on_gap, reading.groups);
    for part in parts.iter().filter(|part| part.serves(reading.wanted)) {
        read_part(part.available(reading.files), reading.files, &mut builder)?;
    }
    builder.finish(reading.wanted)
}

fn read_part(
    part: &AnnotationPart,
    files: &BTreeMap<String, FoundFile>,
    builder: &mut Builder<'_>,
) -> Result<(), AnnotationError> {
    let mut seen = BTreeSet::new();
    for name in &part.files {
        let input = Input::find(name, files)?;
        let folder = |image: &str| input.folder_of(image);
        let mut rows = builder.file(part, input.shown(), &folder);
        read_file(&input, &mut rows)?;
        seen.extend(rows.into_seen());
    }
    let absent = part.splits.keys().find(|name| !seen.contains(*name));
    match (absent, &part.split) {
        (Some(wanted), None) => Err(AnnotationError {
            file: part.files.last().cloned().unwrap_or_default(),
            place: None,
            problem: Box::new(AnnotationProblem::AbsentSplit {
                wanted: wanted.clone(),
                found: seen.into_iter().collect(),
            }),
        }),
        _ => Ok(()),
    }
}

fn read_file(input: &Input, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    match rows.part().format {
        AnnotationFormat::Table => table::read(input, rows),
        AnnotationFormat::Parquet => columns::read(input, false, rows),
        AnnotationFormat::Karpathy => json::karpathy(input, rows),
        AnnotationFormat::List => objects::list(input, rows),
        AnnotationFormat::Coco => json::coco(input, rows),
        AnnotationFormat::ImageParquet => columns::read(input, true, rows),
        AnnotationFormat::Shards => shards::read(input, rows),
        AnnotationFormat::Visogender => visogender::read(input, rows),
    }
}

/// A file to read, or a member of an archive.
pub(crate) struct Input {
    path: PathBuf,
    /// The file's name on the card, which says its kind.
    name: String,
    member: Option<String>,
}

impl Input {
    fn find(name: &Path, files: &BTreeMap<String, FoundFile>) -> Result<Self, AnnotationError> {
        let (file, member) = file_and_member(name);
        match files.get(&file) {
            Some(found) => Ok(Self {
                path: found.path.clone(),
                name: file,
                member,
            }),
            None => Err(AnnotationError {
                file: name.to_path_buf(),
                place: None,
                problem: Box::new(AnnotationProblem::Unreadable(
                    "the file is not there".to_owned(),
                )),
            }),
        }
    }

    /// The file as messages call it.
    fn shown(&self) -> PathBuf {
        match &self.member {
            Some(member) => self.path.join(member),
            None => self.path.clone(),
        }
    }

    /// The extension in lower case.
    fn extension(&self) -> String {
        let name = Path::new(self.member.as_ref().unwrap_or(&self.name));
        let extension = name.extension().unwrap_or_default();
        extension.to_string_lossy().to_ascii_lowercase()
    }

    /// The file as the card calls it.
    fn name(&self) -> &str {
        &self.name
    }

    /// The folder, as the card names it, of an image folder's `metadata` file, whose images are named from there.
    fn folder_of(&self, image: &str) -> Option<PathBuf> {
        let name = Path::new(&self.name);
        let folder = name.parent().filter(|it| !it.as_os_str().is_empty())?;
        let is_metadata = self.member.is_none() && name.file_stem()? == "metadata";
        let beside = || self.path.parent().map(|it| it.join(image));
        (is_metadata && beside()?.is_file()).then(|| folder.to_path_buf())
    }

    /// The whole content, which must be text in UTF-8, or in UTF-16 behind its mark; the mark is taken off.
    fn text(&self, rows: &Rows<'_, '_>) -> Result<String, AnnotationError> {
        decoded(self.bytes(rows)?).map_err(|error| {
            let format = match error.encoding {
                "UTF-16" => "UTF-16 text",
                _ => "UTF-8 text",
            };
            let problem = AnnotationProblem::Malformed {
                format,
                problem: error.problem,
            };
            rows.error(Place::Line(error.line), problem)
        })
    }

    fn bytes(&self, rows: &Rows<'_, '_>) -> Result<Vec<u8>, AnnotationError> {
        let unreadable = |error| rows.error(None, AnnotationProblem::Unreadable(error));
        let Some(member) = &self.member else {
            return std::fs::read(&self.path).map_err(|error| unreadable(error.to_string()));
        };
        let member = || {
            let archive = self.archive(ArchiveLimits::TEXT)?;
            match archive.find(member)? {
                Some(at) => archive.read(at).map(Some),
                None => Ok(None),
            }
        };
        let content =
            member().map_err(|error: ArchiveError| unreadable(error.problem.to_string()))?;
        content.ok_or_else(|| unreadable("the archive has no such entry".to_owned()))
    }

    /// The file as an archive.
    fn archive(&self, limits: ArchiveLimits) -> Result<Archive, ArchiveError> {
        Archive::open(&self.path, &self.name, limits)
    }
}

/// `"a" or "b"`.
fn either(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{name:?}")).collect();
    quoted.join(" or ")
}
