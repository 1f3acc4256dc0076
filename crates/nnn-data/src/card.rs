//! Cards: what a data set or a checkpoint is, where it comes from, and how to tell that it is the right one.

use crate::{CaptionColumns, FileError, FilesSource, Pairs, published};
use nnn_files::counted;
use nnn_files::{RemoteError, RemoteFile, RemoteSource, remote_files, sha256_file};
use schemars::JsonSchema;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// A data set's card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatasetCard {
    /// The name that configs use.
    pub name: String,
    /// What it is, in a sentence or two.
    pub description: String,
    /// Its licence or terms.
    pub licence: String,
    /// Where it comes from.
    pub source: DatasetSource,
    /// Every split, with the numbers of items that it must have where the card gives them: `{train: {images: 12, texts: 24}}`. Also a
    /// list of names, or nothing where the source says which splits there are. What is then found is recorded.
    #[serde(default, deserialize_with = "splits")]
    pub splits: BTreeMap<String, SplitCounts>,
    /// SHA-256 (64 hexadecimal digits) of files, by path relative to the source's folder.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sha256: BTreeMap<String, String>,
    /// Sizes of downloaded files in bytes, by name; as on a [`ModelCard`].
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bytes: BTreeMap<String, u64>,
    /// Names of the two groups that images are sorted into, where they are: the first is the one that a positive bias favours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<[String; 2]>,
    /// Anything a reader of the numbers should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Where a data set comes from; paths are relative to the card.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DatasetSource {
    /// Drawn by a generator, whose settings these are; the generator's crate reads them.
    Generate(Map<String, Value>),
    /// A folder of images with `captions.csv`.
    Folder(PathBuf),
    /// Annotations and images in the formats in which they are published, downloaded or here.
    Files(FilesSource),
}

/// How many items a split has, as far as the card says it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SplitCounts {
    /// Number of images.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub images: Option<usize>,
    /// Number of texts; that of rows will do where captions are in several columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<usize>,
}

/// Splits with their numbers, or a list of their names.
fn splits<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, SplitCounts>, D::Error> {
    deserializer.deserialize_any(Splits)
}

struct Splits;

impl<'de> Visitor<'de> for Splits {
    type Value = BTreeMap<String, SplitCounts>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("splits with their numbers of items, as `{train: {images: 12, texts: 24}}`, or a list of names")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = BTreeMap::new();
        while let Some(name) = list.next_element::<String>()? {
            all.insert(name, SplitCounts::default());
        }
        Ok(all)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all = BTreeMap::new();
        while let Some((name, counts)) = map.next_entry::<String, Option<SplitCounts>>()? {
            if all.contains_key(&name) {
                return Err(de::Error::custom(format_args!(
                    "split {name:?} is there twice"
                )));
            }
            all.insert(name, counts.unwrap_or_default());
        }
        Ok(all)
    }
}

/// A checkpoint's card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelCard {
    /// The name that configs use.
    pub name: String,
    /// The encoder that loads it, such as `clip`.
    pub family: String,
    /// Where its files are.
    pub source: ModelSource,
    /// SHA-256 (64 hexadecimal digits) of files, by name. What a downloaded file without one has at its first download
    /// is recorded and expected from then on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sha256: BTreeMap<String, String>,
    /// Sizes of files in bytes, by name. A file at a plain address is held to it; of a file of the hub, which says its
    /// exact size itself, it may be a round figure for lists made without a network.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bytes: BTreeMap<String, u64>,
    /// What stands in for `config.json` where the checkpoint has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Map<String, Value>>,
    /// What stands in for `preprocessor_config.json` where the checkpoint has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preprocessor: Option<Map<String, Value>>,
    /// The row of published tables that it stands for, by publication (a folder in `experiments/`): `nnn-emnlp2024: CLIP`.
    /// Several cards may stand for one row, where it is not known which of them it is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub published_rows: BTreeMap<String, String>,
    /// Data sets that it was trained on, by the names of their cards: evaluating on one of them is flagged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trained_on: Vec<String>,
    /// What is not certain about it, such as whether it is the checkpoint that a table means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncertain: Vec<String>,
    /// Anything a reader of the numbers should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Where a checkpoint's files are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelSource {
    /// A folder, relative to the card.
    Path(PathBuf),
    /// Files that are downloaded.
    Files(Vec<RemoteSource>),
    /// Nowhere: why there is no public checkpoint.
    Unavailable(String),
}

/// What is on disk is not what the card describes.
#[derive(Debug, Error)]
pub enum CardError {
    /// A split has other numbers of items.
    #[error(
        "data set {dataset:?}, split {split:?}: found {} and {}, \
         expected {expected_images} and {expected_texts}",
        counted(*found_images, "image"), counted(*found_texts, "text")
    )]
    Counts {
        /// The card's name.
        dataset: String,
        /// The split.
        split: String,
        /// Images loaded.
        found_images: usize,
        /// Texts loaded.
        found_texts: usize,
        /// Images on the card.
        expected_images: usize,
        /// Texts on the card.
        expected_texts: usize,
    },
    /// The card has no such split.
    #[error("data set {dataset:?} has no split {split:?}, expected one of {}", .expected.join(", "))]
    UnknownSplit {
        /// The card's name.
        dataset: String,
        /// The split asked for.
        split: String,
        /// The splits on the card.
        expected: Vec<String>,
    },
    /// A file has another content.
    #[error("{}: SHA-256 {found}, expected {expected}", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Its checksum.
        found: String,
        /// The card's.
        expected: String,
    },
    /// A value of the source has another form.
    #[error("data set {dataset:?}: `{key}` is {value:?}, expected {expected}")]
    Source {
        /// The card's name.
        dataset: String,
        /// The key under `source`.
        key: &'static str,
        /// The value received.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

impl DatasetCard {
    /// Names the splits where the card does not: those that its annotations belong to, or that a folder's `captions.csv` names.
    /// `base` is the card's folder.
    ///
    /// # Errors
    /// [`CardError::Source`] where nothing names them.
    pub fn name_splits(&mut self, base: &Path) -> Result<(), CardError> {
        if !self.splits.is_empty() {
            return Ok(());
        }
        let names = match &self.source {
            DatasetSource::Generate(_) => None,
            DatasetSource::Folder(folder) => published::split_names(&base.join(folder)),
            DatasetSource::Files(source) => source.named_splits(),
        };
        let names = names.ok_or_else(|| CardError::Source {
            dataset: self.name.clone(),
            key: "splits",
            value: String::new(),
            expected: "the names of the splits, such as `splits: [train, test]`: nothing else on the card gives them".to_owned(),
        })?;
        let counts = |name| (name, SplitCounts::default());
        self.splits = names.into_iter().map(counts).collect();
        Ok(())
    }

    /// Compares a loaded split with the card, as far as that gives numbers.
    ///
    /// # Errors
    /// [`CardError::UnknownSplit`], [`CardError::Counts`].
    pub fn check_counts(&self, split: &str, pairs: &Pairs) -> Result<(), CardError> {
        let Some(&SplitCounts { images, texts }) = self.splits.get(split) else {
            return Err(CardError::UnknownSplit {
                dataset: self.name.clone(),
                split: split.to_owned(),
                expected: self.splits.keys().cloned().collect(),
            });
        };
        let (found_images, found_texts) = (pairs.images().len(), pairs.texts().len());
        let (images, mut texts) = (images.unwrap_or(found_images), texts.unwrap_or(found_texts));
        // Whoever has a row per image, with several captions in it, may have counted rows.
        if texts == found_images && self.has_columns_of_captions(split) {
            texts = found_texts;
        }
        if (found_images, found_texts) == (images, texts) {
            return Ok(());
        }
        Err(CardError::Counts {
            dataset: self.name.clone(),
            split: split.to_owned(),
            found_images,
            found_texts,
            expected_images: images,
            expected_texts: texts,
        })
    }

    /// Whether several columns hold the captions of a split.
    fn has_columns_of_captions(&self, split: &str) -> bool {
        let DatasetSource::Files(source) = &self.source else {
            return false;
        };
        let parts = source.annotations.iter().filter(|it| it.serves(&[split]));
        let mut columns = parts.filter_map(|it| it.columns.caption.as_ref());
        columns.any(|it| matches!(it, CaptionColumns::Several(_)))
    }

    /// The files to download, in the card's order; none unless the data set is published as files.
    ///
    /// # Errors
    /// [`RemoteError`] where the card's list cannot be right.
    pub fn remote_files(&self) -> Result<Vec<RemoteFile>, RemoteError> {
        let DatasetSource::Files(source) = &self.source else {
            return Ok(Vec::new());
        };
        // Of files that lie beside the card the checksums are known too.
        let local = source.file_names();
        let listed = remote_files(&source.download, &BTreeMap::new(), &BTreeMap::new())?;
        let here =
            |name: &String| local.contains(name) && !listed.iter().any(|file| file.name == *name);
        let away = |sums: &BTreeMap<String, String>| {
            let mut sums = sums.clone();
            sums.retain(|name, _| !here(name));
            sums
        };
        remote_files(&source.download, &away(&self.sha256), &self.bytes)
    }

    /// Checks what a source of files says against itself, before anything is downloaded: every file that is named is
    /// downloaded or lies below `base` (the card's folder), every split is the card's, every place for images is one.
    ///
    /// # Errors
    /// [`CardError::Source`] names the key, the value and what was expected.
    pub fn check_source(&self, base: &Path) -> Result<(), CardError> {
        let DatasetSource::Files(source) = &self.source else {
            return Ok(());
        };
        let names: Vec<&str> = self.splits.keys().map(String::as_str).collect();
        source
            .check(base, &names)
            .map_err(|(key, value, expected)| CardError::Source {
                dataset: self.name.clone(),
                key,
                value,
                expected,
            })
    }

    /// Compares the files named under `sha256` with what lies below `folder`.
    ///
    /// # Errors
    /// [`CardError::Checksum`], [`CardError::File`].
    pub fn check_files(&self, folder: &Path) -> Result<(), CardError> {
        self.sha256
            .iter()
            .try_for_each(|(name, expected)| check_file(&folder.join(name), expected))
    }
}

impl ModelCard {
    /// The files to download, in the card's order; none for a folder.
    ///
    /// # Errors
    /// [`RemoteError`] where the card's list cannot be right.
    pub fn remote_files(&self) -> Result<Vec<RemoteFile>, RemoteError> {
        match &self.source {
            ModelSource::Files(sources) => remote_files(sources, &self.sha256, &self.bytes),
            ModelSource::Path(_) | ModelSource::Unavailable(_) => Ok(Vec::new()),
        }
    }

    /// JSON files that the card stands in for, by name.
    pub fn inline_files(&self) -> impl Iterator<Item = (&'static str, Value)> {
        let named = [
            ("config.json", &self.config),
            ("preprocessor_config.json", &self.preprocessor),
        ];
        let given = named.into_iter();
        given.filter_map(|(name, map)| Some((name, Value::Object(map.clone()?))))
    }
}

fn check_file(path: &Path, expected: &str) -> Result<(), CardError> {
    let found = sha256_file(path).map_err(|error| FileError::new(path, error))?;
    if found.eq_ignore_ascii_case(expected) {
        return Ok(());
    }
    Err(CardError::Checksum {
        path: path.to_path_buf(),
        found,
        expected: expected.to_owned(),
    })
}
