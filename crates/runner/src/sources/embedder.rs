//! From sides to vectors: through an encoder and its cache, or from the matrices that were given.

use super::images::named;
use crate::cli::RunArgs;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::registry;
use crate::sources::matcher::Known;
use crate::sources::{Content, Side, Source, Sources, Table};
use crate::warning::Warning;
use anyhow::{Context, Result, bail};
use nnn_core::Embeddings;
use nnn_encode::{
    EmbeddingCache, Encoder, ExtractOptions, Extracted, ImageLimits, extract_images, extract_texts,
    texts_sha256,
};
use nnn_files::Sha256;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes and remembers the vectors of sides, for one model at a time.
pub(crate) struct Embedder<'a> {
    pub(super) plan: &'a Plan,
    pub(super) sources: &'a Sources,
    cache: EmbeddingCache,
    pub(super) encoder: Option<(usize, Box<dyn Encoder>)>,
    made: Vec<(Option<usize>, Side, Arc<Embeddings>)>,
    pub(super) known: Known,
    pub(crate) warnings: Vec<Warning>,
}

impl<'a> Embedder<'a> {
    pub(crate) fn new(plan: &'a Plan, sources: &'a Sources, arguments: &RunArgs) -> Self {
        Self {
            plan,
            sources,
            cache: EmbeddingCache::new(arguments.cache().join("embeddings")),
            encoder: None,
            made: Vec::new(),
            known: Known::default(),
            warnings: Vec::new(),
        }
    }

    /// The vectors of a side under a model (none: the vectors come from files).
    pub(crate) fn embed(&mut self, model: Option<usize>, side: &Side) -> Result<Arc<Embeddings>> {
        // What another model made is not needed again: groups are ordered by model.
        self.made.retain(|made| made.0 == model);
        if let Some(found) = self.made.iter().find(|made| made.1 == *side) {
            return Ok(Arc::clone(&found.2));
        }
        let source = &self.sources.all()[side.source];
        let vectors = match model {
            None => Arc::new(source.vectors(side)?),
            Some(model) => Arc::new(self.encode(model, source, side)?),
        };
        self.made.push((model, side.clone(), Arc::clone(&vectors)));
        Ok(vectors)
    }

    fn encode(&mut self, model: usize, source: &Source, side: &Side) -> Result<Embeddings> {
        self.load(model)?;
        let Some((_, encoder)) = &self.encoder else {
            bail!("no encoder is loaded");
        };
        let (Table::Images(split) | Table::Texts(split)) = &side.table else {
            bail!("`{}` is given by role and cannot be encoded", source.name);
        };
        let what = if matches!(side.table, Table::Images(_)) {
            "images"
        } else {
            "captions"
        };
        let label = format!(
            "{}: {what} of {}/{split}",
            self.plan.models[model].card.name, source.name
        );
        let progress = Progress::new(&label, side.len() as u64, what);
        let done = AtomicUsize::new(0);
        let advance = |items: usize| {
            progress.advance((items - done.swap(items, Ordering::Relaxed).min(items)) as u64)
        };
        let options = ExtractOptions {
            cache: Some(&self.cache),
            limits: ImageLimits::default(),
            image_batch: self.plan.spec.compute.image_batch,
            progress: Some(&advance),
        };
        let extracted = extract(&**encoder, source, split, side, &options)
            .with_context(|| format!("encoding {what} of `{}/{split}`", source.name))?;
        self.note(&extracted);
        Embeddings::from_unit(extracted.rows, extracted.dim)
            .with_context(|| format!("{what} of `{}/{split}`", source.name))
    }

    pub(super) fn load(&mut self, model: usize) -> Result<()> {
        if self
            .encoder
            .as_ref()
            .is_some_and(|loaded| loaded.0 == model)
        {
            return Ok(());
        }
        self.encoder = None;
        let entry = &self.plan.models[model];
        let family = registry::model_family(&entry.card.family)?;
        let files = &self.sources.checkpoints[model].files;
        let encoder = (family.load)(files, &self.plan.settings.encoders)
            .with_context(|| format!("{}: model `{}`", entry.file.display(), entry.card.name))?;
        self.encoder = Some((model, encoder));
        Ok(())
    }

    fn note(&mut self, extracted: &Extracted) {
        let rebuilt = extracted
            .warnings
            .iter()
            .map(|warning| Warning::CacheRebuilt {
                file: warning.file.display().to_string(),
                reason: warning.reason.to_string(),
            });
        self.warnings.extend(rebuilt);
    }
}

fn extract(
    encoder: &dyn Encoder,
    source: &Source,
    split: &str,
    side: &Side,
    options: &ExtractOptions<'_>,
) -> Result<Extracted> {
    if !matches!(source.content, Content::Items(_) | Content::Texts(_)) {
        bail!("`{}` holds vectors, not items to encode", source.name);
    }
    let pairs = source.pairs(split)?;
    if matches!(side.table, Table::Images(_)) {
        let files = source.image_files(side)?;
        let sums = source.image_sums(side)?;
        let sha256 = sums.iter().fold(Sha256::new(), |all, sum| all.part(sum));
        let extracted = extract_images(encoder, &files, &sha256.hex(), options);
        return extracted.map_err(|error| match &source.content {
            Content::Items(store) => named(store, error),
            _ => error.into(),
        });
    }
    let texts: Vec<&str> = side
        .rows
        .iter()
        .map(|&row| pairs.texts()[row as usize].as_str())
        .collect();
    Ok(extract_texts(
        encoder,
        &texts,
        &texts_sha256(&texts),
        options,
    )?)
}

impl Source {
    /// Rows of the matrices that were given.
    pub(crate) fn vectors(&self, side: &Side) -> Result<Embeddings> {
        let rows = &side.rows;
        let found = match (&self.content, &side.table) {
            (Content::Vectors(_, data), Table::Images(split)) => data
                .splits
                .get(split)
                .map(|split| data.images.select(&pick(&split.rows.images, rows))),
            (Content::Vectors(_, data), Table::Texts(split)) => data
                .splits
                .get(split)
                .map(|split| data.texts.select(&pick(&split.rows.texts, rows))),
            (Content::Roles(_, _, data), Table::Gallery) => Some(data.gallery.select(rows)),
            (Content::Roles(_, _, data), Table::Queries) => Some(data.queries.select(rows)),
            (Content::Roles(_, _, data), Table::ReferenceQueries) => {
                Some(data.reference_queries.select(rows))
            }
            (Content::Roles(_, _, data), Table::ReferenceGallery) => data
                .reference_gallery
                .as_ref()
                .map(|vectors| vectors.select(rows)),
            _ => None,
        };
        found.with_context(|| format!("`{}` has no vectors for {:?}", self.name, side.table))
    }
}

fn pick(rows: &[u32], places: &[u32]) -> Vec<u32> {
    places.iter().map(|&place| rows[place as usize]).collect()
}
