//! How a source names an array.

use super::files::{read_embeddings, read_indices, read_labels};
use crate::FileError;
use nnn_core::Embeddings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};

/// One array, column or list in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArrayFile {
    /// The file, relative to the card or config that names it.
    pub file: PathBuf,
    /// Name of the array (`.npz`, `.safetensors`), column (`.parquet`, `.csv`) or member (`.json`).
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

    pub(super) fn embeddings(&self, base: &Path) -> Result<Embeddings, FileError> {
        read_embeddings(&self.at(base), self.key.as_deref())
    }

    pub(super) fn indices(&self, base: &Path) -> Result<Vec<u32>, FileError> {
        read_indices(&self.at(base), self.key.as_deref())
    }

    pub(super) fn labels(&self, base: &Path) -> Result<Vec<String>, FileError> {
        read_labels(&self.at(base), self.key.as_deref())
    }
}
