//! From sides to vectors: through an encoder and its cache, or from the matrices that were given.

use crate::memory::taken;
use crate::open::images::named;
use crate::open::trials::TrialPlan;
use crate::open::{Content, Side, Source, Sources, Table};
use crate::plan::Plan;
use crate::terminal::progress::Progress;
use crate::warning::Warning;
use anyhow::{Context, Result, bail};
use nnn_core::Embeddings;
use nnn_encode::{
    EmbeddingCache, Encoder, ExtractOptions, Extracted, ImageLimits, Pair, extract_images,
    extract_texts, texts_sha256,
};
use nnn_files::Sha256;
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Makes and remembers the vectors of sides, for one model at a time.
pub(crate) struct Embedder<'a> {
    pub(super) plan: &'a Plan,
    pub(super) sources: &'a Sources,
    cache: EmbeddingCache,
    pub(super) encoder: Option<(usize, Box<dyn Encoder>)>,
    /// Bytes by which the process grew when the encoder was loaded.
    encoder_bytes: u64,
    made: Vec<(Option<usize>, Side, Arc<Embeddings>)>,
    pub(super) known: Known,
    pub(super) measured: Vec<Measured>,
    pub(crate) warnings: Vec<Warning>,
    /// Most images that may share a forward pass, where memory is bounded.
    pub(super) image_batch: Option<usize>,
}

/// Logits that are known of one model's pairs of one split: trials that differ in the reference set or the direction ask for
/// many of them again.
#[derive(Default)]
pub(super) struct Known {
    pub(super) of: Option<(usize, usize, Table)>,
    pub(super) logits: HashMap<Pair, f32>,
}

/// What was measured of one side of a model's items.
pub(super) struct Measured {
    pub(super) model: usize,
    pub(super) side: Side,
    /// The largest `1 - cos` to single precision.
    pub(super) distance: f64,
}

impl<'a> Embedder<'a> {
    pub(crate) fn new(plan: &'a Plan, sources: &'a Sources, cache: &Path) -> Self {
        Self {
            plan,
            sources,
            cache: EmbeddingCache::new(cache.join("embeddings")),
            encoder: None,
            encoder_bytes: 0,
            made: Vec::new(),
            known: Known::default(),
            measured: Vec::new(),
            warnings: Vec::new(),
            image_batch: None,
        }
    }

    /// The vectors of a side under a model (none: the vectors come from files).
    pub(crate) fn embed(&mut self, model: Option<usize>, side: &Side) -> Result<Arc<Embeddings>> {
        // What another model made is not needed again: trials are ordered by model.
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

    /// Length of a trial's vectors, and bytes of an image's way through its model; 0 without one.
    pub(super) fn sizes(&mut self, trial: &TrialPlan) -> Result<(usize, u64)> {
        if let Some(model) = trial.model {
            self.load(model)?;
        }
        Ok(match &self.encoder {
            Some((_, encoder)) if trial.model.is_some() => {
                (encoder.info().dim, encoder.image_bytes() as u64)
            }
            _ => (self.sources.all()[trial.test.gallery.source].dim(), 0),
        })
    }

    /// Bytes of the loaded model in single precision, which stands beside it while the distance to it is measured. Its numbers are at most
    /// twice as wide.
    pub(super) fn single_bytes(&self) -> u64 {
        let beside = self.plan.settings.encoders.in_single();
        beside.map_or(0, |_| 2 * self.encoder_bytes)
    }

    fn images_at_once(&self, encoder: &dyn Encoder) -> Option<usize> {
        let asked = self.plan.spec.compute.image_batch;
        let batch = asked.unwrap_or(encoder.image_batch());
        self.image_batch.map(|most| batch.min(most)).or(asked)
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
            image_batch: self.images_at_once(&**encoder),
            progress: Some(&advance),
        };
        let extracted = extract(&**encoder, source, split, side, &options)
            .with_context(|| format!("encoding {what} of `{}/{split}`", source.name))?;
        self.warnings.extend(source.take_rebuilt());
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
        let checkpoint = &self.sources.checkpoints[model];
        let before = taken();
        let encoder = (checkpoint.family.load)(&checkpoint.files, &self.plan.settings.encoders)
            .with_context(|| format!("{}: model `{}`", entry.file.display(), entry.card.name))?;
        self.encoder_bytes = taken().saturating_sub(before);
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

pub(super) fn extract(
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
