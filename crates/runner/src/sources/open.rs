//! Makes or reads everything that a config names, and checks it against its cards.

use crate::plan::Plan;
use crate::progress::Progress;
use crate::registry;
use crate::sources::cards::DatasetEntry;
use crate::sources::checkpoint::Checkpoint;
use crate::sources::{Content, Source, Sources};
use crate::spec::EmbeddingsSpec;
use anyhow::{Context, Result, bail};
use nnn_data::{
    ArrayFile, DatasetCard, DatasetSource, Direction, ImageFolder, Sha256, sha256_file,
};
use nnn_encode::files_sha256;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

impl Sources {
    /// Opens every data set and every embedding file of a config. `data` is where generated data sets are kept.
    pub(crate) fn open(plan: &Plan, checkpoints: Vec<Checkpoint>, data: &Path) -> Result<Self> {
        let mut all = Vec::new();
        let evaluated = plan.datasets.iter().map(|entry| (entry, true));
        let referenced = plan.reference_datasets.iter().map(|entry| (entry, false));
        for (entry, evaluated) in evaluated.chain(referenced) {
            all.push(open_card(entry, all.len(), evaluated, data)?);
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
            serde_json::json!({"data": source.name, "sha256": source.sha256, "files": pairs(&source.files)})
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

fn open_card(entry: &DatasetEntry, index: usize, evaluated: bool, data: &Path) -> Result<Source> {
    let card = &entry.card;
    let mut source = match &card.source {
        DatasetSource::Generate(settings) => open_folder(card, &generate(card, settings, data)?)?,
        DatasetSource::Folder(folder) => open_folder(card, &entry.base.join(folder))?,
    };
    source.index = index;
    source.evaluated = evaluated;
    Ok(source)
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

fn open_folder(card: &DatasetCard, root: &Path) -> Result<Source> {
    let splits: Vec<&str> = card.splits.keys().map(String::as_str).collect();
    let folder =
        ImageFolder::open(root, &splits).with_context(|| format!("data set `{}`", card.name))?;
    card.check_files(root)
        .with_context(|| format!("data set `{}`", card.name))?;
    for (split, pairs) in folder.splits() {
        card.check_counts(split, pairs)?;
    }
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
    })
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
