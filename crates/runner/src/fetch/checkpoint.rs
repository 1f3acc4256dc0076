//! A checkpoint that is here: its files, checked against its card.

use crate::plan::registry::{self, ModelFamily};
use crate::plan::unlisted;
use crate::provenance::short;
use crate::warning::Warning;
use anyhow::{Context, Result};
use nnn_data::{CardError, ModelCard};
use nnn_encode::CheckpointFiles;
use nnn_files::{RemoteFile, Sha256, sha256_bytes, sha256_file};
use nnn_hub::Local;
use serde_json::{Value, json};
use std::path::Path;

/// A checkpoint that is here, and that its family can open as far as its headers say.
pub(crate) struct Checkpoint {
    name: String,
    pub(crate) family: &'static ModelFamily,
    pub(crate) files: CheckpointFiles,
    /// What a reader of the numbers should know of how its weights are read.
    note: Option<String>,
    /// The commit of the repository that it is of, where no card says one.
    commit: Option<String>,
    parts: Vec<Part>,
}

/// A file, or what the card says in place of one.
struct Part {
    name: String,
    /// Where it comes from, or lies.
    origin: String,
    sha256: String,
}

impl Checkpoint {
    /// The checkpoint of a folder.
    pub(crate) fn folder(card: &ModelCard, folder: &Path) -> Result<Self> {
        let mut checkpoint = Self::check(card, CheckpointFiles::folder(folder)?)?;
        let names: Vec<String> = checkpoint.files.names().map(str::to_owned).collect();
        let mut parts = Vec::new();
        for name in names {
            let path = folder.join(&name);
            let sha256 = sha256_file(&path).with_context(|| path.display().to_string())?;
            parts.push(Part::new(&name, path.display(), sha256));
        }
        check(card, folder, &parts)?;
        checkpoint.add(parts);
        Ok(checkpoint)
    }

    /// The checkpoint of downloaded files, whose content has been checked already.
    pub(crate) fn remote(card: &ModelCard, found: &[(RemoteFile, Local)]) -> Result<Self> {
        let mut files = CheckpointFiles::default();
        let mut parts = Vec::new();
        for (file, local) in found {
            files = files.with_file(&file.name, local.path.clone());
            parts.push(Part::new(&file.name, &file.place, local.sha256.clone()));
        }
        let mut checkpoint = Self::check(card, files)?;
        checkpoint.add(parts);
        Ok(checkpoint)
    }

    /// The same with the commit that a repository without a card is at.
    pub(crate) fn at(self, commit: String) -> Self {
        Self {
            commit: Some(commit),
            ..self
        }
    }

    /// Refuses a folder that a run would refuse, without reading it for its checksums.
    pub(crate) fn check_folder(card: &ModelCard, folder: &Path) -> Result<()> {
        Self::check(card, CheckpointFiles::folder(folder)?).map(drop)
    }

    /// Files and what the card gives in place of some, as far as the family can check them. Where no card says the family,
    /// the files do.
    fn check(card: &ModelCard, mut files: CheckpointFiles) -> Result<Self> {
        let mut parts = Vec::new();
        for (name, value) in card.inline_files() {
            let sha256 = sha256_bytes(value.to_string().as_bytes());
            parts.push(Part::new(name, format!("{name} (on the card)"), sha256));
            files = files.with_json(name, value);
        }
        let family = match card.family.as_str() {
            "" => unlisted::family(&files)?,
            family => family,
        };
        let family = registry::model_family(family)?;
        Ok(Self {
            name: card.name.clone(),
            family,
            note: (family.check)(&files)?,
            files,
            commit: None,
            parts,
        })
    }

    fn add(&mut self, parts: Vec<Part>) {
        self.parts.extend(parts);
        self.parts.sort_by(|a, b| a.name.cmp(&b.name));
    }

    /// What is worth a warning of how its weights are read.
    pub(crate) fn warning(&self) -> Option<Warning> {
        let (model, note) = (self.name.clone(), self.note.clone()?);
        Some(Warning::NamesOfTensors { model, note })
    }

    /// Name and signature of the model.
    pub(crate) fn labels(&self) -> (String, String) {
        let parts = self.parts.iter();
        let all = parts.fold(Sha256::new(), |all, part| all.part(&part.sha256));
        let signature = format!("{}#{}", self.name, short(&all.hex()));
        (self.name.clone(), signature)
    }

    /// For `run.json`: every part with its origin and its SHA-256.
    pub(crate) fn record(&self) -> Value {
        let pair = |part: &Part| (part.origin.clone(), Value::from(part.sha256.as_str()));
        let files: serde_json::Map<_, _> = self.parts.iter().map(pair).collect();
        match &self.commit {
            None => json!({"model": self.name, "files": files}),
            Some(commit) => json!({"model": self.name, "commit": commit, "files": files}),
        }
    }
}

impl Part {
    fn new(name: &str, origin: impl ToString, sha256: String) -> Self {
        Self {
            name: name.to_owned(),
            origin: origin.to_string(),
            sha256,
        }
    }
}

/// Compares the files of a folder with the sums on the card.
fn check(card: &ModelCard, folder: &Path, parts: &[Part]) -> Result<()> {
    for (name, expected) in &card.sha256 {
        let path = folder.join(name);
        let part = parts.iter().find(|part| part.name == *name);
        let part = part.with_context(|| format!("{} is missing", path.display()))?;
        if !part.sha256.eq_ignore_ascii_case(expected) {
            return Err(CardError::Checksum {
                path,
                found: part.sha256.clone(),
                expected: expected.clone(),
            }
            .into());
        }
    }
    Ok(())
}
