//! Data sets as they are published: opened from the files that were found or fetched, and checked against their cards.

use super::skip::skip_unloadable;
use super::{Content, Source};
use crate::fetch::DataFiles;
use crate::needs::Needs;
use crate::sources::cards::DatasetEntry;
use crate::spec::OnError;
use crate::warning::Warning;
use anyhow::{Context, Result, bail};
use nnn_data::{
    AnnotationPart, DatasetSource, FilesSource, Finding, FoundFile, ImagePart, ImageStore, OnGap,
    Opening, Reading,
};
use nnn_files::Sha256;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

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
    fn source(&self) -> Result<&'a FilesSource> {
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
                on_gap: match self.on_error {
                    OnError::Fail => OnGap::Fail,
                    OnError::Skip => OnGap::LeaveOut,
                },
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

/// Opens a data set whose files are here.
pub(crate) fn open(wanted: &Wanted<'_>, files: DataFiles) -> Result<Source> {
    let card = &wanted.entry.card;
    let (mut store, findings) = read(wanted, &files)?;
    let source = wanted.source()?;
    let mut warnings = files.warnings;
    warnings.extend(findings.into_iter().map(|finding| Warning::LeftOut {
        dataset: card.name.clone(),
        finding: finding.to_string(),
    }));
    if wanted.on_error == OnError::Skip {
        let splits = wanted.needs.images.iter();
        warnings.extend(skip_unloadable(card, &mut store, splits, &files.failed)?);
    }
    let mut opened = Source::new(&card.name, Content::Items(store));
    opened.warnings = warnings;
    opened.files = files.origins;
    opened.images = Some(wanted.needs.images.clone());
    for split in &wanted.needs.splits {
        let identity = identity(&opened, source, split, &files.found)
            .with_context(|| format!("data set `{}`", card.name))?;
        opened.splits.insert(split.clone(), identity);
    }
    let identities = opened.splits.values();
    opened.sha256 = identities.fold(Sha256::new(), |all, it| all.part(it)).hex();
    Ok(opened)
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
fn leaves_out(finding: &Finding, of: &str) -> bool {
    match finding {
        Finding::EmptyCaptions { split, .. }
        | Finding::NoCaption { split, .. }
        | Finding::MissingImages { split, .. } => split == of,
        Finding::UnknownImages { .. } => true,
        Finding::OtherSplit { .. } | Finding::Corrected { .. } => false,
    }
}

/// What a split's content is known by: the checksums of its annotation files and archives, and of the images that are in
/// neither. Archives are not read for it again.
fn identity(
    opened: &Source,
    source: &FilesSource,
    split: &str,
    found: &BTreeMap<String, FoundFile>,
) -> Result<String> {
    let mut all = Sha256::new();
    let here = |names: &&Vec<String>| names.iter().all(|name| found.contains_key(name));
    for needed in source.needed(&[split]) {
        let taken = needed.alternatives.iter().find(here);
        for name in taken.into_iter().flatten() {
            all = all.part(&found[name].sha256);
        }
    }
    let parts = source.images.iter().filter(|part| part.serves(&[split]));
    let loose = parts
        .flat_map(ImagePart::alternatives)
        .any(|part| part.archives.is_empty());
    if loose && opened.reads_images(split) {
        let side = opened.all_images(split)?;
        let sums = opened.image_sums(&side)?;
        all = sums.iter().fold(all, |all, sum| all.part(sum));
    }
    Ok(all.hex())
}
