//! What of a data set is wanted, and what of it was found.

use super::Ledger;
use crate::plan::cards::DatasetEntry;
use crate::plan::needs::Needs;
use crate::spec::OnError;
use crate::warning::Warning;
use anyhow::{Result, bail};
use nnn_data::{
    AnnotationPart, DatasetSource, FilesSource, Finding, FoundFile, ImageStore, OnGap, Opening,
    Reading,
};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The files of a data set, as far as a config reads them.
#[derive(Debug, Default)]
pub(crate) struct DataFiles {
    /// By their names on the card.
    pub(crate) found: BTreeMap<String, FoundFile>,
    /// Where each comes from, or lies, and its SHA-256.
    pub(crate) origins: Vec<(String, String)>,
    /// Terms to meet, and choices that were not the card's first.
    pub(crate) warnings: Vec<Warning>,
    /// Images at addresses that did not load, and why.
    pub(crate) failed: BTreeMap<String, String>,
}

impl DataFiles {
    pub(super) fn warn(&mut self, warning: Option<Warning>, ledger: &mut Ledger) {
        if let Some(warning) = warning {
            ledger.warn(&warning);
            self.warnings.push(warning);
        }
    }
}

/// Where images are kept that were taken out of archives or fetched one by one.
pub(crate) fn images_in(cache: &Path) -> PathBuf {
    cache.join("images")
}

/// What of a data set is opened, and how.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) entry: &'a DatasetEntry,
    pub(crate) needs: &'a Needs,
    pub(crate) on_error: OnError,
    /// Where images are kept that were taken out of archives or fetched one by one.
    pub(crate) images: &'a Path,
}

impl<'a> Wanted<'a> {
    pub(crate) fn source(&self) -> Result<&'a FilesSource> {
        match &self.entry.card.source {
            DatasetSource::Files(source) => Ok(source),
            _ => bail!("data set `{}` is not made of files", self.entry.card.name),
        }
    }

    /// Reads the annotations of what is wanted and finds its images.
    pub(crate) fn store(&self, files: &DataFiles) -> Result<ImageStore> {
        let names = |names: &'a BTreeSet<String>| -> Vec<&'a str> {
            names.iter().map(String::as_str).collect()
        };
        let splits: Vec<&str> = self.entry.card.splits.keys().map(String::as_str).collect();
        let (wanted, images) = (names(&self.needs.splits), names(&self.needs.images));
        let opening = Opening {
            base: &self.entry.base,
            cache: self.images,
            reading: Reading {
                files: &files.found,
                splits: &splits,
                wanted: &wanted,
                on_gap: on_gap(self.on_error),
                groups: self.entry.card.groups.as_ref(),
            },
            images: &images,
        };
        Ok(ImageStore::open(self.source()?, &opening)?)
    }
}

/// Reads the annotations of a data set, finds its images and holds both against the card; with what was left out.
pub(crate) fn read(wanted: &Wanted<'_>, files: &DataFiles) -> Result<(ImageStore, Vec<Finding>)> {
    let store = wanted.store(files)?;
    let source = wanted.source()?;
    let findings = store.findings().iter();
    let findings: Vec<Finding> = findings
        .filter(|it| !is_read_elsewhere(it, source))
        .cloned()
        .collect();
    for (split, pairs) in store.splits() {
        if !findings.iter().any(|finding| leaves_out(finding, split)) {
            wanted.entry.card.check_counts(split, pairs)?;
        }
    }
    Ok((store, findings))
}

/// What a config's word on what cannot be loaded means for annotations.
pub(crate) fn on_gap(on_error: OnError) -> OnGap {
    match on_error {
        OnError::Fail => OnGap::Fail,
        OnError::Skip => OnGap::LeaveOut,
    }
}

/// A split of a file that another part of the card reads is not left out.
fn is_read_elsewhere(finding: &Finding, source: &FilesSource) -> bool {
    let Finding::OtherSplit { split, .. } = finding else {
        return false;
    };
    let mut parts = source
        .annotations
        .iter()
        .flat_map(AnnotationPart::alternatives);
    parts.any(|part| part.splits.contains_key(split))
}

/// Whether a split has fewer items than its card says because some were left out.
pub(crate) fn leaves_out(finding: &Finding, of: &str) -> bool {
    match finding {
        Finding::EmptyCaptions { split, .. }
        | Finding::NoCaption { split, .. }
        | Finding::MissingImages { split, .. } => split == of,
        Finding::UnknownImages { .. } => true,
        Finding::OtherSplit { .. } | Finding::Corrected { .. } => false,
    }
}
