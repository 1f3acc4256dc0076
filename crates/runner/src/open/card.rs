//! Makes or reads everything that a config names, and checks it against its cards.

use super::published;
use super::skip::skip_unloadable;
use crate::fetch::Ready;
use crate::fetch::checkpoint::Checkpoint;
use crate::fetch::wanted::{DataFiles, Wanted, images_in, leaves_out, on_gap};
use crate::memory::check_files;
use crate::open::{Content, Source, Sources};
use crate::plan::Plan;
use crate::plan::cards::DatasetEntry;
use crate::plan::generators::Generated;
use crate::plan::needs::Needs;
use crate::plan::registry;
use crate::spec::{EmbeddingsSpec, OnError};
use crate::terminal::progress::Progress;
use crate::warning::Warning;
use anyhow::{Context, Result, bail, ensure};
use nnn_data::{
    ArrayFile, DatasetCard, DatasetSource, Direction, Finding, ImageStore, Pairs, read_texts,
};
use nnn_files::{Sha256, nearby, sha256_file};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

impl Sources {
    /// Opens every data set and every embedding file of a config. Generated data sets and images out of archives are kept
    /// in `cache`.
    pub(crate) fn open(plan: &Plan, ready: Ready, cache: &Path) -> Result<Self> {
        let mut all = Vec::new();
        for ((entry, evaluated), files) in plan.all_datasets().zip(ready.data) {
            let wanted = Wanted {
                entry,
                needs: &Needs::of(plan, &entry.card, evaluated),
                on_error: plan.spec.compute.on_error,
                images: &images_in(cache),
            };
            let mut source = open_card(&wanted, files, cache)?;
            source.index = all.len();
            source.evaluated = evaluated;
            all.push(source);
        }
        let base = plan.config.parent().unwrap_or(Path::new(""));
        for (file, texts) in own_texts(plan) {
            let (paths, pairs) = texts?;
            all.push(open_texts(file, paths, pairs, all.len())?);
        }
        for spec in &plan.spec.embeddings {
            let (content, arrays) = own_vectors(plan, spec, base)?;
            all.push(open_vectors(spec, content, arrays, all.len())?);
        }
        Ok(Self {
            all,
            checkpoints: ready.checkpoints,
        })
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

fn open_card(wanted: &Wanted<'_>, files: DataFiles, cache: &Path) -> Result<Source> {
    let DatasetEntry { card, base, .. } = wanted.entry;
    match &card.source {
        DatasetSource::Generate(settings) => {
            let (root, drawn) = generate(card, settings, &cache.join("data"))?;
            let rebuilt = drawn
                .rebuilt
                .into_iter()
                .map(|(file, reason)| Warning::CacheRebuilt {
                    file: file.display().to_string(),
                    reason,
                });
            let mut source = open_folder(card, &root, wanted.on_error, drawn.sums)?;
            drop(source.warnings.splice(0..0, rebuilt));
            Ok(source)
        }
        DatasetSource::Folder(folder) => {
            open_folder(card, &base.join(folder), wanted.on_error, HashMap::new())
        }
        DatasetSource::Files(_) => {
            published::open(wanted, files).with_context(|| wanted.entry.title())
        }
    }
}

/// Draws a data set that the project ships as a seed; a finished one is recognised.
fn generate(
    card: &DatasetCard,
    settings: &serde_json::Map<String, serde_json::Value>,
    data: &Path,
) -> Result<(PathBuf, Generated)> {
    let folder = data.join(&card.name);
    let splits = card.splits.iter().map(|(name, counts)| {
        let images = counts.images.with_context(|| {
            format!(
                "data set `{}`: `splits.{name}` needs `images`, the number to draw",
                card.name
            )
        })?;
        anyhow::Ok((name.clone(), images as u64))
    });
    let splits: Vec<(String, u64)> = splits.collect::<Result<_>>()?;
    let images = splits.iter().map(|split| split.1).sum();
    let progress = Progress::new(&format!("drawing {}", card.name), images, "images");
    let drawn = registry::generate(settings, &splits, &folder, &|images| {
        progress.advance(images)
    })
    .with_context(|| format!("data set `{}`", card.name))?;
    Ok((folder, drawn))
}

/// The table of a folder of images.
const CAPTIONS: &str = "captions.csv";

/// Reads the captions of a folder, finds its images and holds both against the card; with what was left out.
pub(crate) fn read_folder(
    card: &DatasetCard,
    root: &Path,
    on_error: OnError,
) -> Result<(ImageStore, Vec<Finding>)> {
    let table = root.join(CAPTIONS);
    ensure!(
        table.is_file(),
        "data set `{}`: {}: no such file{}; a table of another name or form is named under `source: {{files: {{annotations: [...], \
         images: [{{folder: ...}}]}}}}`",
        card.name,
        table.display(),
        nearby(&table)
    );
    let splits: Vec<&str> = card.splits.keys().map(String::as_str).collect();
    let folder = ImageStore::folder(root, &splits, on_gap(on_error), card.groups.as_ref())
        .with_context(|| format!("data set `{}`", card.name))?;
    card.check_files(root)
        .with_context(|| format!("data set `{}`", card.name))?;
    let findings: Vec<Finding> = (folder.findings().iter())
        .filter(|it| splits.iter().any(|split| leaves_out(it, split)))
        .cloned()
        .collect();
    for (split, pairs) in folder.splits() {
        if !findings.iter().any(|it| leaves_out(it, split)) {
            card.check_counts(split, pairs)?;
        }
    }
    Ok((folder, findings))
}

/// Opens a folder of images; `sums` are the checksums of those of its files that have been read already.
fn open_folder(
    card: &DatasetCard,
    root: &Path,
    on_error: OnError,
    sums: HashMap<PathBuf, String>,
) -> Result<Source> {
    let (mut folder, findings) = read_folder(card, root, on_error)?;
    let mut warnings = Warning::left_out(&card.name, &findings);
    if on_error == OnError::Skip {
        let splits = card.splits.keys();
        warnings.extend(skip_unloadable(
            card,
            &mut folder,
            splits,
            &BTreeMap::new(),
        )?);
    }
    let table = root.join(CAPTIONS);
    let captions = sha256_file(&table).with_context(|| table.display().to_string())?;
    let mut source = Source::new(&card.name, Content::Items(folder));
    source.warnings = warnings;
    source.sums = Mutex::new(sums);
    let mut images = Sha256::new();
    for split in card.splits.keys() {
        let sums = source.image_sums(&source.all_images(split)?)?;
        images = sums.iter().fold(images, |all, sum| all.part(sum));
    }
    source.sha256 = Sha256::new().part(&captions).part(images.hex()).hex();
    source.files = vec![(table.display().to_string(), captions)];
    Ok(source)
}

/// Reads the queries of the user's own that are reference sets.
pub(crate) fn own_texts(
    plan: &Plan,
) -> impl Iterator<Item = (&ArrayFile, Result<(Vec<PathBuf>, Pairs)>)> {
    let base = plan.config.parent().unwrap_or(Path::new(""));
    plan.spec
        .reference_sets
        .iter()
        .filter_map(move |reference| {
            let file = reference.texts.as_ref()?;
            let label = || format!("reference set `{}`", reference.label());
            Some((file, read_own_texts(file, base).with_context(label)))
        })
}

fn read_own_texts(file: &ArrayFile, base: &Path) -> Result<(Vec<PathBuf>, Pairs)> {
    let paths = file.paths(base)?;
    let mut texts = Vec::new();
    for path in &paths {
        texts.append(&mut read_texts(path, file.key.as_deref())?);
    }
    let names = (0..texts.len()).map(|text| text.to_string()).collect();
    let own = (0..texts.len() as u32).collect();
    Ok((paths, Pairs::new(names, texts, own)?))
}

fn open_texts(file: &ArrayFile, paths: Vec<PathBuf>, pairs: Pairs, index: usize) -> Result<Source> {
    let content = Content::Texts(pairs);
    let files = sums(paths)?;
    let sha256 = match files.as_slice() {
        [only] => only.1.clone(),
        several => together(several),
    };
    Ok(Source {
        index,
        sha256,
        files,
        evaluated: false,
        ..Source::new(&file.to_string(), content)
    })
}

/// Files that embeddings were read from, in the order of their rows.
type Arrays = Vec<PathBuf>;

/// Reads embeddings or similarities of the user's own, if they can fit the memory that the plan allows.
pub(crate) fn own_vectors(
    plan: &Plan,
    spec: &EmbeddingsSpec,
    base: &Path,
) -> Result<(Content, Arrays)> {
    let arrays = arrays(spec, base).and_then(|arrays| {
        check_files(&arrays, plan.spec.compute.memory)?;
        Ok((read_own_vectors(spec, base)?, arrays))
    });
    arrays.with_context(|| format!("embeddings `{}`", spec.name))
}

fn arrays(spec: &EmbeddingsSpec, base: &Path) -> Result<Arrays> {
    Ok(
        match (&spec.by_dataset, &spec.by_role, &spec.by_similarity) {
            (Some(files), None, None) => files.files(base)?,
            (None, Some(files), None) => files.files(base)?,
            (None, None, Some(files)) => files.files(base)?,
            _ => bail!("expected exactly one of `by_dataset`, `by_role` and `by_similarity`"),
        },
    )
}

fn read_own_vectors(spec: &EmbeddingsSpec, base: &Path) -> Result<Content> {
    let model = spec.model.clone().unwrap_or_else(|| spec.name.clone());
    let direction = spec.direction.unwrap_or(Direction::T2i);
    if let Some(files) = &spec.by_dataset {
        return Ok(Content::Vectors(model, Box::new(files.load(base)?)));
    }
    let roles = match (&spec.by_role, &spec.by_similarity) {
        (Some(files), _) => files.load(base)?,
        (_, Some(files)) => files.load(base, direction)?,
        _ => bail!("no files are named"),
    };
    Ok(Content::Roles(model, direction, Box::new(roles)))
}

fn open_vectors(
    spec: &EmbeddingsSpec,
    content: Content,
    arrays: Arrays,
    index: usize,
) -> Result<Source> {
    let files = sums(arrays).with_context(|| format!("embeddings `{}`", spec.name))?;
    let mut source = Source::new(&spec.name, content);
    source.index = index;
    source.sha256 = together(&files);
    source.files = files;
    if let Content::Roles(_, _, data) = &source.content {
        let answers = |finding: &String| Warning::Answers {
            dataset: spec.name.clone(),
            finding: finding.clone(),
        };
        source.warnings = data.findings.iter().map(answers).collect();
    }
    Ok(source)
}

/// One checksum of several files, in their order.
fn together(files: &[(String, String)]) -> String {
    let all = files
        .iter()
        .fold(Sha256::new(), |all, file| all.part(&file.1));
    all.hex()
}

/// The checksum of every file, each once.
fn sums(files: Vec<PathBuf>) -> Result<Vec<(String, String)>> {
    let mut seen = BTreeSet::new();
    let sum = |file: PathBuf| {
        let sum =
            sha256_file(&file).with_context(|| format!("{}: cannot be read", file.display()))?;
        Ok((file.display().to_string(), sum))
    };
    let once = files.into_iter().filter(|file| seen.insert(file.clone()));
    once.map(sum).collect()
}
