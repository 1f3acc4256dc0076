//! How a source names arrays.

use super::files::{Part, embeddings, parts, read_indices, read_labels};
use crate::FileError;
use nnn_core::Embeddings;
use schemars::JsonSchema;
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// One array, column or list in a file, or in several files with rows after rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArrayFile {
    /// The file, relative to the card or config that names it. A pattern (`part-*.npy`) or a folder stands for all its files,
    /// in the natural order of their numbers.
    pub file: PathBuf,
    /// Name of the array (`.npz`, `.safetensors`), column (`.parquet`, `.arrow`, `.csv`), data set (`.h5`) or member (`.json`,
    /// `.pt`, `.pkl`); of a member of a member `a.b`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl fmt::Display for ArrayFile {
    /// `file` or `file[key]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        self.key.iter().try_for_each(|key| write!(f, "[{key}]"))
    }
}

impl ArrayFile {
    /// Where the file lies; it is relative to `base`.
    pub(super) fn at(&self, base: &Path) -> PathBuf {
        base.join(&self.file)
    }

    /// The files that are meant, in the order of their rows.
    ///
    /// # Errors
    /// A pattern or folder has no file of data, or files of several formats.
    pub fn paths(&self, base: &Path) -> Result<Vec<PathBuf>, FileError> {
        parts(base, &self.file)
    }
}

/// One array, or several with rows after rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum ArrayFiles {
    /// One.
    One(ArrayFile),
    /// Several, in the order of their rows.
    Several(Vec<ArrayFile>),
}

impl From<ArrayFile> for ArrayFiles {
    fn from(file: ArrayFile) -> Self {
        Self::One(file)
    }
}

impl Default for ArrayFiles {
    /// None.
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl fmt::Display for ArrayFiles {
    /// The first, and how many there are beside it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.all() {
            [] => write!(f, "no file"),
            [only] => write!(f, "{only}"),
            [first, rest @ ..] => write!(f, "{first} and {} more", rest.len()),
        }
    }
}

impl ArrayFiles {
    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[ArrayFile] {
        match self {
            Self::One(file) => std::slice::from_ref(file),
            Self::Several(files) => files,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// The files that are meant, with their keys, in the order of their rows.
    pub(super) fn parts(&self, base: &Path) -> Result<Vec<Part<'_>>, FileError> {
        let mut all = Vec::new();
        for file in self.all() {
            let key = file.key.as_deref();
            all.extend(file.paths(base)?.into_iter().map(|path| (path, key)));
        }
        Ok(all)
    }

    /// The files that are meant, in the order of their rows.
    ///
    /// # Errors
    /// A pattern or folder has no file of data, or files of several formats.
    pub fn paths(&self, base: &Path) -> Result<Vec<PathBuf>, FileError> {
        let parts = self.parts(base)?;
        Ok(parts.into_iter().map(|(path, _)| path).collect())
    }

    /// Reads all rows, one file after the other into one matrix, and scales them to unit length.
    ///
    /// # Errors
    /// [`FileError`] names the file that cannot be read, or does not fit those before it.
    pub fn embeddings(&self, base: &Path) -> Result<Embeddings, FileError> {
        embeddings(&self.parts(base)?)
    }

    pub(super) fn indices(&self, base: &Path) -> Result<Vec<u32>, FileError> {
        self.each(base, read_indices)
    }

    pub(super) fn labels(&self, base: &Path) -> Result<Vec<String>, FileError> {
        self.each(base, read_labels)
    }

    fn each<T>(
        &self,
        base: &Path,
        read: impl Fn(&Path, Option<&str>) -> Result<Vec<T>, FileError>,
    ) -> Result<Vec<T>, FileError> {
        let mut all = Vec::new();
        for (path, key) in self.parts(base)? {
            all.append(&mut read(&path, key)?);
        }
        Ok(all)
    }
}

/// The files of several arrays.
pub(super) fn paths_of<'a>(
    arrays: impl Iterator<Item = &'a ArrayFiles>,
    base: &Path,
) -> Result<Vec<PathBuf>, FileError> {
    let each = arrays.map(|files| files.paths(base));
    Ok(each.collect::<Result<Vec<_>, _>>()?.concat())
}

/// By hand, so that an error within one of them says what is wrong with it, and not that no variant fits.
impl<'de> Deserialize<'de> for ArrayFiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(OneOrSeveral)
    }
}

struct OneOrSeveral;

impl<'de> Visitor<'de> for OneOrSeveral {
    type Value = ArrayFiles;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{file: NAME}, or a list of those")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ArrayFiles, A::Error> {
        ArrayFile::deserialize(MapAccessDeserializer::new(map)).map(ArrayFiles::One)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<ArrayFiles, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list)).map(ArrayFiles::Several)
    }
}
