//! Images that cannot be loaded, left out before anything is drawn from their data set.

use super::images::provide;
use crate::terminal::progress::Progress;
use crate::warning::{SkippedImages, Warning};
use anyhow::{Result, ensure};
use nnn_data::{DatasetCard, ImageStore};
use nnn_encode::{ImageLimits, unreadable_images};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Images decoded between two signs of progress.
const CHECKED_AT_ONCE: usize = 256;

/// Decodes every image of some splits and leaves out those that cannot be, and those that could not be fetched, with
/// their captions: one warning per split that has any.
pub(super) fn skip_unloadable<'a>(
    card: &DatasetCard,
    store: &mut ImageStore,
    splits: impl Iterator<Item = &'a String>,
    unfetched: &BTreeMap<String, String>,
) -> Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    for split in splits {
        let Some(pairs) = store.splits().get(split) else {
            continue;
        };
        let (of, texts) = (pairs.images().len(), pairs.texts().len());
        let label = format!("{}/{split}", card.name);
        let images = unloadable(&label, store, pairs.images(), unfetched)?;
        if images.is_empty() {
            continue;
        }
        ensure!(
            images.len() < of,
            "none of the {of} images of `{label}` can be decoded; the first: {}",
            images.values().next().map_or("", String::as_str)
        );
        store.retain(split, |image| !images.contains_key(image));
        let left = store.splits().get(split);
        warnings.push(Warning::ImagesSkipped(SkippedImages {
            dataset: card.name.clone(),
            split: split.clone(),
            images,
            of,
            captions: texts - left.map_or(0, |pairs| pairs.texts().len()),
        }));
    }
    Ok(warnings)
}

/// What is wrong with images that cannot be loaded, by image.
fn unloadable(
    label: &str,
    store: &ImageStore,
    images: &[String],
    unfetched: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut here = Vec::new();
    for image in images {
        match unfetched.get(image) {
            Some(reason) => {
                found.insert(image.clone(), reason.clone());
            }
            None => here.push(image.clone()),
        }
    }
    provide(label, store, &here)?;
    let progress = Progress::new(
        &format!("{label}: checking images"),
        here.len() as u64,
        "images",
    );
    for some in here.chunks(CHECKED_AT_ONCE) {
        let files: Vec<PathBuf> = some.iter().map(|image| store.image_path(image)).collect();
        let faults = unreadable_images(&files, ImageLimits::default()).into_iter();
        found.extend(faults.map(|(at, error)| {
            let origin = store.origin(error.file());
            let origin = origin.map_or_else(String::new, |it| format!("{it}: "));
            (some[at].clone(), format!("{origin}{error}"))
        }));
        progress.advance(some.len() as u64);
    }
    Ok(found)
}
