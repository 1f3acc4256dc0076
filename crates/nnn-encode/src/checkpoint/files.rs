//! The files of a checkpoint, wherever they lie.

use super::error::LoadError;
use crate::error::ReadError;
use nnn_files::{LFS_POINTER, read_text};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// A checkpoint: files by name, wherever they lie, and what its card says in place of JSON files that it lacks.
#[derive(Clone, Debug, Default)]
pub struct CheckpointFiles {
    files: BTreeMap<String, PathBuf>,
    /// Links to what is not there, by name.
    dangling: BTreeMap<String, PathBuf>,
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
            let name = entry.file_name().to_string_lossy().into_owned();
            // Follows links: a hub's cache holds links to its blobs.
            if entry.path().is_file() {
                files = files.with_file(&name, entry.path());
            } else if !entry.path().exists() && entry.path().is_symlink() {
                files.dangling.insert(name, entry.path());
            }
        }
        Ok(files)
    }

    /// The same with those files alone whose name `keep` accepts.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&str) -> bool) -> Self {
        let kept = |from: &BTreeMap<String, PathBuf>| {
            let kept = from.iter().filter(|(name, _)| keep(name));
            kept.map(|(name, path)| (name.clone(), path.clone()))
                .collect()
        };
        Self {
            files: kept(&self.files),
            dangling: kept(&self.dangling),
            inline: self.inline.clone(),
        }
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

    /// Whether open_clip's layout is the one to read: repositories may hold both, and then the one whose weights are there.
    #[must_use]
    pub fn is_open_clip(&self) -> bool {
        let only = !self.has("config.json");
        self.has(OPEN_CLIP_CONFIG) && (only || self.names().any(is_open_clip_weights))
    }

    /// The same without the weights of the other layout, where it holds both.
    #[must_use]
    pub fn weights_of_layout(&self) -> Self {
        let own = self.names().any(is_open_clip_weights);
        match self.has(OPEN_CLIP_CONFIG) && own {
            true => self.only(is_open_clip_weights),
            false => self.clone(),
        }
    }

    /// Whether the card gives the content of a file.
    #[must_use]
    pub fn is_on_card(&self, name: &str) -> bool {
        self.inline.contains_key(name)
    }

    /// The text of a file: what the card says, or else what the file holds.
    ///
    /// # Errors
    /// [`LoadError::Absent`] if there is neither, [`LoadError::Unusable`] for what stands in a file's place,
    /// [`LoadError::Read`].
    pub fn text(&self, name: &str) -> Result<String, LoadError> {
        if let Some(value) = self.inline.get(name) {
            return Ok(value.to_string());
        }
        let path = self.path(name).ok_or_else(|| self.absent(name))?;
        refuse_stand_in(path)?;
        Ok(read_text(path).map_err(|source| ReadError::new(path, source))?)
    }

    /// Why there is no file of a name: a link to nothing, an adapter in place of a model, or just no file.
    fn absent(&self, name: &str) -> LoadError {
        if let Some(dangling) = self.dangling(&|it| it == name) {
            return dangling;
        }
        if name == "config.json" && self.has(ADAPTER_CONFIG) {
            return LoadError::Unusable {
                file: self.origin(ADAPTER_CONFIG),
                reason: ADAPTER.into(),
            };
        }
        LoadError::Absent {
            name: name.to_owned(),
            files: self.to_string(),
        }
    }

    /// The error of the first link to nothing whose name `wanted` accepts.
    pub(super) fn dangling(&self, wanted: &dyn Fn(&str) -> bool) -> Option<LoadError> {
        let (_, link) = self.dangling.iter().find(|(name, _)| wanted(name))?;
        let target = fs::read_link(link).unwrap_or_default();
        Some(LoadError::Unusable {
            file: link.clone(),
            reason: format!("it is a link to {}, and nothing is there", target.display()),
        })
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
        }?;
        let links: Vec<&str> = self.dangling.keys().map(String::as_str).collect();
        match links.is_empty() {
            true => Ok(()),
            false => write!(f, ", with links to nothing: {}", links.join(", ")),
        }
    }
}

/// open_clip's description of a model and its preprocessing.
pub const OPEN_CLIP_CONFIG: &str = "open_clip_config.json";

/// Whether a file of weights, or an index of some, is named as open_clip names them.
fn is_open_clip_weights(name: &str) -> bool {
    name.starts_with("open_clip_") && name != OPEN_CLIP_CONFIG
}

/// What `peft` writes beside the weights of an adapter.
const ADAPTER_CONFIG: &str = "adapter_config.json";

/// What to do with the weights of an adapter.
pub(super) const ADAPTER: &str = "it is a LoRA adapter, which changes a model and is none: merge it into its base model \
     (`merge_and_unload()` of peft), save that, and give its folder";

/// The first bytes of a file; fewer where it is shorter.
pub(super) fn head(file: &Path) -> Result<Vec<u8>, ReadError> {
    let mut head = Vec::new();
    let opened = File::open(file).map_err(|source| ReadError::new(file, source))?;
    let read = opened.take(MOST).read_to_end(&mut head);
    read.map_err(|source| ReadError::new(file, source))?;
    Ok(head)
}

/// Longer than what stands in for a file ever is.
const MOST: u64 = 1024;

/// Why what stands in for a file cannot be used: a pointer of Git LFS, or a link that was copied as text; none for the file
/// itself.
pub(crate) fn stand_in(file: &Path) -> Result<Option<String>, ReadError> {
    let head = head(file)?;
    if head.starts_with(LFS_POINTER.as_bytes()) {
        return Ok(Some(POINTER.to_owned()));
    }
    let text = str::from_utf8(&head).unwrap_or_default().trim_end();
    let is_path = ["/", "./", "../"].iter().any(|it| text.starts_with(it));
    let whole = (head.len() as u64) < MOST && !text.contains(char::is_whitespace);
    Ok((is_path && whole).then(|| {
        format!(
            "it holds nothing but `{text}`, as a link does that was copied as text: copy the file that it leads to"
        )
    }))
}

const POINTER: &str = "it is a Git LFS pointer, a few lines that stand for the file itself: run `git lfs pull` where it was \
     cloned";

/// Refuses what stands in for a file.
pub(super) fn refuse_stand_in(file: &Path) -> Result<(), LoadError> {
    match stand_in(file)? {
        None => Ok(()),
        Some(reason) => Err(LoadError::Unusable {
            file: file.to_path_buf(),
            reason,
        }),
    }
}
