//! Makes or reads everything that a config names, and checks it against its cards.

use crate::plan::Plan;
use crate::progress::Progress;
use crate::registry;
use crate::sources::cards::DatasetEntry;
use crate::sources::checkpoint::Checkpoint;
use crate::sources::{Content, Source, Sources};
use crate::spec::{EmbeddingsSpec, OnError};
use crate::warning::{SkippedImages, Warning};
use anyhow::{Context, Result, bail, ensure};
use nnn_data::{ArrayFile, DatasetCard, DatasetSource, Direction, ImageStore, Sha256, sha256_file};
use nnn_encode::{ImageLimits, files_sha256, unreadable_images};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Images decoded between two signs of progress.
const CHECKED_AT_ONCE: usize = 256;

impl Sources {
    /// Opens every data set and every embedding file of a config. `data` is where generated data sets are kept.
    pub(crate) fn open(plan: &Plan, checkpoints: Vec<Checkpoint>, data: &Path) -> Result<Self> {
        let mut all = Vec::new();
        let evaluated = plan.datasets.iter().map(|entry| (entry, true));
        let referenced = plan.reference_datasets.iter().map(|entry| (entry, false));
        for (entry, evaluated) in evaluated.chain(referenced) {
            let mut source = open_card(entry, plan.spec.compute.on_error, data)?;
            source.index = all.len();
            source.evaluated = evaluated;
            all.push(source);
        }
        let base = plan.config.parent().unwrap_or(Path::new(""));
        for spec in &plan.spec.embeddings {
            all.push(open_embeddings(spec, all.len(), base)?);
        }
        Ok(Self { all, checkpoints })
    }

    /// Checksums of every input: data sets, embedding files, checkpoints.
    pub(crate) fn checksums(&self) -> serde_json::Value {
        let data = self.all.iter().map(|source| {
            serde_json::json!({"data": source.name, "sha256": source.sha256, "files": pairs(&source.files),
                "labels": source.labels()})
        });
        let models = self.checkpoints.iter().map(Checkpoint::record);
        data.chain(models).collect()
    }
}

fn pairs(files: &[(String, String)]) -> serde_json::Value {
    files
        .iter()
        .map(|(file, sum)| (file.clone(), serde_json::Value::from(sum.as_str())))
        .collect()
}

fn open_card(entry: &DatasetEntry, on_error: OnError, data: &Path) -> Result<Source> {
    let card = &entry.card;
    let root = match &card.source {
        DatasetSource::Generate(settings) => generate(card, settings, data)?,
        DatasetSource::Folder(folder) => entry.base.join(folder),
        DatasetSource::Files(_) => bail!("data set `{}`: not opened yet", card.name),
    };
    open_folder(card, &root, on_error)
}

/// Draws a data set that the project ships as a seed; a finished one is recognised.
fn generate(
    card: &DatasetCard,
    settings: &serde_json::Map<String, serde_json::Value>,
    data: &Path,
) -> Result<PathBuf> {
    let folder = data.join(&card.name);
    let images: usize = card.splits.values().map(|counts| counts.images).sum();
    let progress = Progress::new(&format!("drawing {}", card.name), images as u64, "images");
    let splits: Vec<(String, u64)> = card
        .splits
        .iter()
        .map(|(name, counts)| (name.clone(), counts.images as u64))
        .collect();
    registry::generate(settings, &splits, &folder, &|images| {
        progress.advance(images)
    })
    .with_context(|| format!("data set `{}`", card.name))?;
    Ok(folder)
}

fn open_folder(card: &DatasetCard, root: &Path, on_error: OnError) -> Result<Source> {
    let splits: Vec<&str> = card.splits.keys().map(String::as_str).collect();
    let mut folder = ImageStore::folder(root, &splits, card.groups.as_ref())
        .with_context(|| format!("data set `{}`", card.name))?;
    card.check_files(root)
        .with_context(|| format!("data set `{}`", card.name))?;
    for (split, pairs) in folder.splits() {
        card.check_counts(split, pairs)?;
    }
    let warnings = match on_error {
        OnError::Fail => Vec::new(),
        OnError::Skip => skip_unreadable(card, &mut folder)?,
    };
    let table = root.join("captions.csv");
    let captions = sha256_file(&table).with_context(|| table.display().to_string())?;
    let images = folder.splits().values().flat_map(|pairs| pairs.images());
    let images: Vec<PathBuf> = images.map(|image| folder.image_path(image)).collect();
    Ok(Source {
        index: 0,
        name: card.name.clone(),
        sha256: Sha256::new()
            .part(&captions)
            .part(files_sha256(&images)?)
            .hex(),
        files: vec![(table.display().to_string(), captions)],
        evaluated: false,
        content: Content::Items(folder),
        warnings,
    })
}

/// Decodes every image and leaves out those that cannot be, with their captions: a warning a split that has any.
fn skip_unreadable(card: &DatasetCard, folder: &mut ImageStore) -> Result<Vec<Warning>> {
    let mut warnings = Vec::new();
    for split in card.splits.keys() {
        let Some(pairs) = folder.splits().get(split) else {
            continue;
        };
        let (of, texts) = (pairs.images().len(), pairs.texts().len());
        let images = unreadable(&format!("{}/{split}", card.name), folder, pairs.images());
        if images.is_empty() {
            continue;
        }
        ensure!(
            images.len() < of,
            "none of the {of} images of `{}/{split}` can be decoded; the first: {}",
            card.name,
            images.values().next().map_or("", String::as_str)
        );
        folder.retain(split, |image| !images.contains_key(image));
        let left = folder.splits().get(split);
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

/// What is wrong with images that cannot be decoded, by image.
fn unreadable(label: &str, folder: &ImageStore, images: &[String]) -> BTreeMap<String, String> {
    let label = format!("{label}: checking images");
    let progress = Progress::new(&label, images.len() as u64, "images");
    let mut found = BTreeMap::new();
    for some in images.chunks(CHECKED_AT_ONCE) {
        let files: Vec<PathBuf> = some.iter().map(|image| folder.image_path(image)).collect();
        let faults = unreadable_images(&files, ImageLimits::default()).into_iter();
        found.extend(faults.map(|(at, error)| (some[at].clone(), error.to_string())));
        progress.advance(some.len() as u64);
    }
    found
}

fn open_embeddings(spec: &EmbeddingsSpec, index: usize, base: &Path) -> Result<Source> {
    open_vectors(spec, index, base).with_context(|| format!("embeddings `{}`", spec.name))
}

fn open_vectors(spec: &EmbeddingsSpec, index: usize, base: &Path) -> Result<Source> {
    let model = spec.model.clone().unwrap_or_else(|| spec.name.clone());
    let (content, arrays) = match (&spec.by_dataset, &spec.by_role) {
        (Some(files), None) => {
            let ids = [files.image_ids.as_ref(), files.text_ids.as_ref()];
            let arrays = [
                &files.images,
                &files.texts,
                &files.text_to_image,
                &files.split,
            ];
            let arrays = arrays.into_iter().chain(ids.into_iter().flatten());
            (
                Content::Vectors(model, Box::new(files.load(base)?)),
                paths(arrays, base),
            )
        }
        (None, Some(files)) => {
            let optional = [
                &files.query_to_gallery,
                &files.relevance,
                &files.gallery_classes,
                &files.query_classes,
                &files.groups,
                &files.reference_to_gallery,
                &files.reference_gallery,
            ];
            let arrays = [&files.gallery, &files.queries, &files.reference_queries];
            let arrays = arrays.into_iter().chain(optional.into_iter().flatten());
            let direction = spec.direction.unwrap_or(Direction::T2i);
            (
                Content::Roles(model, direction, Box::new(files.load(base)?)),
                paths(arrays, base),
            )
        }
        _ => bail!("expected exactly one of `by_dataset` and `by_role`"),
    };
    let files = sums(arrays)?;
    Ok(Source {
        index,
        name: spec.name.clone(),
        sha256: files
            .iter()
            .fold(Sha256::new(), |all, file| all.part(&file.1))
            .hex(),
        files,
        evaluated: true,
        content,
        warnings: Vec::new(),
    })
}

fn paths<'a>(arrays: impl Iterator<Item = &'a ArrayFile>, base: &Path) -> BTreeSet<PathBuf> {
    arrays.map(|array| base.join(&array.file)).collect()
}

fn sums(files: BTreeSet<PathBuf>) -> Result<Vec<(String, String)>> {
    let sum = |file: PathBuf| {
        let sum =
            sha256_file(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
        Ok((file.display().to_string(), sum))
    };
    files.into_iter().map(sum).collect()
}
