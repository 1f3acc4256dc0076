//! The files of a checkpoint, wherever they lie.

use super::error::LoadError;
use crate::error::ReadError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A checkpoint: files by name, wherever they lie, and what its card says in place of JSON files that it lacks.
#[derive(Clone, Debug, Default)]
pub struct CheckpointFiles {
    files: BTreeMap<String, PathBuf>,
    inline: BTreeMap<String, Value>,
}

impl CheckpointFiles {
    /// All files of one folder; folders within it do not count.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn folder(folder: &Path) -> Result<Self, ReadError> {
        let failed = |source| ReadError::new(folder, source);
        let mut files = Self::default();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // Follows links: a hub's cache holds links to its blobs.
            if entry.path().is_file() {
                let name = entry.file_name().to_string_lossy().into_owned();
                files = files.with_file(&name, entry.path());
            }
        }
        Ok(files)
    }

    /// The same with one more file, or another in its place.
    #[must_use]
    pub fn with_file(mut self, name: &str, path: PathBuf) -> Self {
        self.files.insert(name.to_owned(), path);
        self
    }

    /// The same with the content of a JSON file given by the card; it goes before a file of that name.
    #[must_use]
    pub fn with_json(mut self, name: &str, value: Value) -> Self {
        self.inline.insert(name.to_owned(), value);
        self
    }

    /// Where a file lies.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<&Path> {
        self.files.get(name).map(PathBuf::as_path)
    }

    /// The first of several names that there is.
    #[must_use]
    pub fn first<'a>(&'a self, names: &[&str]) -> Option<&'a Path> {
        names.iter().find_map(|name| self.path(name))
    }

    /// Names of all files, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Whether the text of a file can be had: from the card or the file.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.inline.contains_key(name) || self.files.contains_key(name)
    }

    /// The text of a file: what the card says, or else what the file holds.
    ///
    /// # Errors
    /// [`LoadError::Absent`] if there is neither, [`LoadError::Read`].
    pub fn text(&self, name: &str) -> Result<String, LoadError> {
        if let Some(value) = self.inline.get(name) {
            return Ok(value.to_string());
        }
        let path = self.path(name).ok_or_else(|| LoadError::Absent {
            name: name.to_owned(),
            files: self.to_string(),
        })?;
        Ok(fs::read_to_string(path).map_err(|source| ReadError::new(path, source))?)
    }

    /// Where the text of a file comes from, for messages.
    #[must_use]
    pub fn origin(&self, name: &str) -> PathBuf {
        match (self.inline.contains_key(name), self.path(name)) {
            (false, Some(path)) => path.to_path_buf(),
            _ => PathBuf::from(format!("{name} (on the card)")),
        }
    }
}

impl fmt::Display for CheckpointFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.names().collect();
        match (
            self.files.values().next().and_then(|it| it.parent()),
            names.is_empty(),
        ) {
            (Some(folder), false) => write!(f, "{} ({})", folder.display(), names.join(", ")),
            _ => write!(f, "no files"),
        }
    }
}
