//! Data sets as they are published: annotation files in their own formats, images in archives, folders or at addresses.

use nnn_files::RemoteSource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

/// Annotation files, images, and where both are downloaded from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesSource {
    /// Files to download. Every other file that `annotations` and `images` name is a path relative to the card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub download: Vec<RemoteSource>,
    /// Which files say which texts belong to which image.
    pub annotations: Vec<AnnotationPart>,
    /// Where the images are.
    pub images: Vec<ImagePart>,
    /// Terms to tell whoever downloads it, such as a form to fill in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// Annotation files of one format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnotationPart {
    /// The files, in order.
    pub files: Vec<PathBuf>,
    /// How they are written.
    pub format: AnnotationFormat,
    /// The split that all their items belong to; without it the files say so themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// The card's name for each split that the files name; items of others are left out. Without it names are kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub splits: BTreeMap<String, String>,
    /// Names of columns, where they are not those of the format.
    #[serde(default)]
    pub columns: ColumnNames,
    /// What to take where these files cannot be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Box<AnnotationPart>>,
}

/// How annotation files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationFormat {
    /// A table with a header, separated by commas, tabs, semicolons or `|`. Each row holds one caption, or a list of captions
    /// written as JSON or as a Python literal, or several captions in as many columns. Or lines `name#n`, a tab and a caption,
    /// as Flickr8k and Flickr30k have them.
    Table,
    /// Parquet with one row per image: `filename`, `split`, and `sentences`, a list of texts.
    Parquet,
    /// Karpathy's JSON: `{"images": [{"filename", "filepath", "split", "sentences": [{"raw"}]}]}`.
    Karpathy,
    /// A JSON list of `{"image", "caption"}`, `caption` a text or a list of texts; or one such object a line, as the
    /// `metadata.jsonl` of an image folder has them.
    List,
    /// COCO's own JSON: `{"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}`.
    Coco,
    /// Parquet with the images inside: `image` (bytes and path) beside a caption or a list of captions.
    ImageParquet,
    /// Tar shards as webdataset has them: `key.jpg` beside `key.txt` or `key.json`.
    Shards,
    /// VisoGender's table of photographs by occupation and perceived gender.
    Visogender,
}

/// A column: by its name or, in a table without a header, by its number from 0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ColumnName {
    /// The number; the table then has no header.
    Number(usize),
    /// The name.
    Name(String),
}

impl From<&str> for ColumnName {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl fmt::Display for ColumnName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The column with captions, or several of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CaptionColumns {
    /// A caption or a list of captions.
    One(ColumnName),
    /// A caption each; empty ones are none. `caption_*` stands for all that begin so.
    Several(Vec<ColumnName>),
}

impl CaptionColumns {
    /// All of them.
    #[must_use]
    pub fn names(&self) -> &[ColumnName] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }
}

/// Names of columns; the format's own where absent. Numbers, from 0, are those of a table without a header.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnNames {
    /// The image's name; of shards the ending of its files, such as `input.jpg`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ColumnName>,
    /// The caption or the list of captions, or a list of columns; of shards the ending of the files, such as `output.txt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<CaptionColumns>,
    /// The split's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<ColumnName>,
    /// The image's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<ColumnName>,
    /// What the image shows, such as an occupation: all images of a caption's class answer it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<ColumnName>,
    /// Which of the card's two groups the image belongs to; a blank entry stands for neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<ColumnName>,
}

impl ColumnNames {
    /// The names or numbers of the columns of captions, if the card gives any.
    pub(crate) fn captions(&self) -> Option<Vec<String>> {
        let names = self.caption.as_ref()?.names();
        Some(names.iter().map(ToString::to_string).collect())
    }

    /// All names and numbers that are given.
    pub(crate) fn given(&self) -> impl Iterator<Item = &ColumnName> {
        let single = [
            &self.image,
            &self.split,
            &self.url,
            &self.class,
            &self.group,
        ];
        let captions = self.caption.iter().flat_map(|it| it.names());
        single.into_iter().flatten().chain(captions)
    }
}

/// What is done with an image without captions, an empty caption, and a caption whose image is missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnGap {
    /// The data set is refused; the message names the place.
    #[default]
    Fail,
    /// It is left out and named in a [`Finding`](crate::Finding).
    LeaveOut,
}

/// A file that a card names, on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundFile {
    /// Where it lies.
    pub path: PathBuf,
    /// SHA-256 of its content as 64 hexadecimal digits; what is extracted from it is kept under this.
    pub sha256: String,
}

/// Files that are needed: the first alternative that can be had as a whole is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// `annotations` or `images`.
    pub what: &'static str,
    /// Names of files (of archives, not of their members); an alternative may need none.
    pub alternatives: Vec<Vec<String>>,
}

/// A place with images. Exactly one of `archives`, `folder` and `addresses` is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImagePart {
    /// Zip or tar archives, or parquet files with images inside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archives: Vec<PathBuf>,
    /// The column of parquet files that names the images. Where absent it is the annotations' for the same file, else `filename`,
    /// else the path beside the bytes; a row without a path is called by file and row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// A folder, relative to the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Each image at the address that the annotations give.
    #[serde(default)]
    pub addresses: bool,
    /// The splits (of the card) whose images may be here; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<String>,
    /// What to take where these archives cannot be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Box<ImagePart>>,
}

/// Endings of archives that hold members.
const ARCHIVES: [&str; 4] = [".zip", ".tar", ".tar.gz", ".tgz"];

/// `archive.zip/member.json` as the archive's name and the member's; other names as they are.
pub(crate) fn file_and_member(name: &Path) -> (String, Option<String>) {
    let name = name.to_string_lossy();
    let is_archive = |part: &str| {
        let part = part.to_ascii_lowercase();
        ARCHIVES.iter().any(|ending| part.ends_with(ending))
    };
    let borders = name.match_indices('/').map(|(at, _)| at);
    let split = borders
        .map(|at| name.split_at(at))
        .find(|it| is_archive(it.0));
    match split {
        Some((archive, member)) => (archive.to_owned(), Some(member[1..].to_owned())),
        None => (name.into_owned(), None),
    }
}

impl AnnotationPart {
    /// This part, what is taken in its place, and so on.
    pub fn alternatives(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |part| part.otherwise.as_deref())
    }

    /// Names of its files; archives for their members.
    #[must_use]
    pub fn file_names(&self) -> Vec<String> {
        distinct(self.files.iter().map(|file| file_and_member(file).0))
    }

    /// Whether it may have items of one of `splits` (of the card).
    #[must_use]
    pub fn serves(&self, splits: &[&str]) -> bool {
        let named = |name: &String| splits.contains(&name.as_str());
        match &self.split {
            Some(split) => named(split),
            None if self.splits.is_empty() => !splits.is_empty(),
            None => self.splits.values().any(named),
        }
    }

    /// The first alternative whose files are all there, or this one.
    pub(crate) fn available(&self, files: &BTreeMap<String, FoundFile>) -> &Self {
        let there = |part: &&Self| part.file_names().iter().all(|it| files.contains_key(it));
        self.alternatives().find(there).unwrap_or(self)
    }
}

impl ImagePart {
    /// This part, what is taken in its place, and so on.
    pub fn alternatives(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |part| part.otherwise.as_deref())
    }

    /// Names of its archives.
    #[must_use]
    pub fn file_names(&self) -> Vec<String> {
        let names = self.archives.iter();
        distinct(names.map(|file| file.to_string_lossy().into_owned()))
    }

    /// Whether it may have images of one of `splits` (of the card).
    #[must_use]
    pub fn serves(&self, splits: &[&str]) -> bool {
        let named = |name: &String| splits.contains(&name.as_str());
        match self.splits.is_empty() {
            true => !splits.is_empty(),
            false => self.splits.iter().any(named),
        }
    }

    fn check_place(&self, base: &Path) -> Result<(), Wrong> {
        let places = [
            !self.archives.is_empty(),
            self.folder.is_some(),
            self.addresses,
        ];
        let given = places.iter().filter(|&&given| given).count();
        if given != 1 {
            let expected = "exactly one of `archives`, `folder` and `addresses: true`";
            return Err(("images", format!("{given} places"), expected.to_owned()));
        }
        match &self.folder {
            Some(folder) if !base.join(folder).is_dir() => {
                let folder = folder.display().to_string();
                Err((
                    "folder",
                    folder,
                    "a folder, relative to the card".to_owned(),
                ))
            }
            _ => Ok(()),
        }
    }

    /// The first alternative whose archives are all there, or this one.
    pub(crate) fn available(&self, files: &BTreeMap<String, FoundFile>) -> &Self {
        let there = |part: &&Self| part.file_names().iter().all(|it| files.contains_key(it));
        self.alternatives().find(there).unwrap_or(self)
    }
}

/// A key, its value, and what was expected.
type Wrong = (&'static str, String, String);

impl FilesSource {
    /// Names of all files that annotations and images are read from, alternatives included.
    #[must_use]
    pub fn file_names(&self) -> Vec<String> {
        let texts = self
            .annotations
            .iter()
            .flat_map(AnnotationPart::alternatives);
        let images = self.images.iter().flat_map(ImagePart::alternatives);
        let texts = texts.flat_map(AnnotationPart::file_names);
        distinct(texts.chain(images.flat_map(ImagePart::file_names)))
    }

    /// Names of the files that are downloaded, as far as the list is right.
    fn downloads(&self) -> Vec<String> {
        let none = BTreeMap::new();
        let files = nnn_files::remote_files(&self.download, &none, &BTreeMap::new());
        let files = files.unwrap_or_default().into_iter();
        files.map(|file| file.name).collect()
    }

    /// The splits that the annotations belong to; none if some of them say so only themselves.
    pub(crate) fn named_splits(&self) -> Option<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for part in &self.annotations {
            match &part.split {
                Some(split) => drop(names.insert(split.clone())),
                None if part.splits.is_empty() => return None,
                None => names.extend(part.splits.values().cloned()),
            }
        }
        Some(names)
    }

    pub(crate) fn check(&self, base: &Path, splits: &[&str]) -> Result<(), Wrong> {
        self.check_files(base)?;
        for part in self
            .annotations
            .iter()
            .flat_map(AnnotationPart::alternatives)
        {
            let named = part.split.iter().chain(part.splits.values());
            check_splits("annotations", named, splits)?;
        }
        for part in self.images.iter().flat_map(ImagePart::alternatives) {
            check_splits("images", part.splits.iter(), splits)?;
            part.check_place(base)?;
        }
        for split in splits {
            let lacks = |key, found: bool| match found {
                true => Ok(()),
                false => Err((key, String::new(), format!("a part with split {split:?}"))),
            };
            let texts = self.annotations.iter().any(|part| part.serves(&[split]));
            lacks("annotations", texts)?;
            lacks(
                "images",
                self.images.iter().any(|part| part.serves(&[split])),
            )?;
        }
        Ok(())
    }

    fn check_files(&self, base: &Path) -> Result<(), Wrong> {
        let downloads = self.downloads();
        let there = |name: &String| downloads.contains(name) || base.join(name).is_file();
        match self.file_names().into_iter().find(|name| !there(name)) {
            None => Ok(()),
            Some(name) => {
                let expected = match downloads.is_empty() {
                    true => "a file beside the card".to_owned(),
                    false => format!("a file beside the card, or one of {}", downloads.join(", ")),
                };
                Err(("files", name, expected))
            }
        }
    }

    /// The files that `splits` (of the card) need, in order: for every part its alternatives.
    #[must_use]
    pub fn needed(&self, splits: &[&str]) -> Vec<Needed> {
        let texts = self.annotations.iter().filter(|part| part.serves(splits));
        let texts = texts.map(|part| Needed {
            what: "annotations",
            alternatives: part
                .alternatives()
                .map(AnnotationPart::file_names)
                .collect(),
        });
        let images = self.images.iter().filter(|part| part.serves(splits));
        let images = images.map(|part| Needed {
            what: "images",
            alternatives: part.alternatives().map(ImagePart::file_names).collect(),
        });
        texts.chain(images).collect()
    }
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for name in names {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

fn check_splits<'a>(
    key: &'static str,
    mut named: impl Iterator<Item = &'a String>,
    splits: &[&str],
) -> Result<(), Wrong> {
    match named.find(|name| !splits.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let expected = format!("a split of the card: {}", splits.join(", "));
            Err((key, name.clone(), expected))
        }
    }
}
