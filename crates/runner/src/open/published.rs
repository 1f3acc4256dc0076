//! Data sets as they are published: opened from the files that were found or fetched, and checked against their cards.

use super::skip::skip_unloadable;
use super::{Content, Source};
use crate::fetch::wanted::{DataFiles, Wanted, read};
use crate::spec::OnError;
use crate::warning::Warning;
use anyhow::{Context, Result};
use nnn_data::{FilesSource, FoundFile, ImagePart};
use nnn_files::Sha256;
use std::collections::BTreeMap;

/// Opens a data set whose files are here.
pub(crate) fn open(wanted: &Wanted<'_>, files: DataFiles) -> Result<Source> {
    let card = &wanted.entry.card;
    let (mut store, findings) = read(wanted, &files)?;
    let source = wanted.source()?;
    let mut warnings = files.warnings;
    warnings.extend(Warning::left_out(&card.name, &findings));
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
