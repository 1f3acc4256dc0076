//! Batched extraction: from files or texts to unit rows, through the cache.

use crate::cache::{CacheWarning, EmbeddingCache};
use crate::encoder::{EncodeError, Encoder, encode_by_length, exact};
use crate::image_file::{ImageError, ImageLimits, load_image};
use nnn_data::Sha256;
use rayon::prelude::*;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use thiserror::Error;

/// Revision of the steps between an encoder and a cached row; raise it when a number can move.
const REVISION: &str = "extract 1";

/// Images that share one forward pass.
const IMAGE_BATCH: usize = 32;

/// Items a shard holds when nothing is cached; progress and memory only.
const UNCACHED_SHARD: usize = 2048;

/// How to extract; the default has no cache, the default limits, and reports no progress.
#[derive(Clone, Copy, Default)]
pub struct ExtractOptions<'a> {
    /// Where finished shards are kept and looked up.
    pub cache: Option<&'a EmbeddingCache>,
    /// What an image may measure.
    pub limits: ImageLimits,
    /// Told the number of items done so far, cached ones included; rises to the number of items.
    pub progress: Option<&'a (dyn Fn(usize) + Sync)>,
}

/// Embeddings of all items.
#[derive(Clone, Debug, PartialEq)]
pub struct Extracted {
    /// Unit rows, row-major (items x dim).
    pub rows: Vec<f32>,
    /// Length of a row.
    pub dim: usize,
    /// Items that came from the cache.
    pub reused: usize,
    /// Cached files that were bad and have been replaced.
    pub warnings: Vec<CacheWarning>,
}

/// Why an extraction stopped; shards finished before stay cached.
#[derive(Debug, Error)]
pub enum ExtractError {
    /// An image could not be loaded.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The encoder refused an item or failed.
    #[error("items {} to {}: {source}", items.start, items.end.saturating_sub(1))]
    Encode {
        /// The items in question, counted from 0.
        items: Range<usize>,
        /// What the encoder reported.
        source: EncodeError,
    },
    /// Features have no direction: all are zero, or one is infinite or not a number.
    #[error("item {item} has features of norm {norm}, which cannot be normalised")]
    Norm {
        /// The item, counted from 0.
        item: usize,
        /// Its norm.
        norm: f64,
    },
    /// A finished shard could not be stored.
    #[error("cannot write {}: {source}", file.display())]
    Store {
        /// The shard.
        file: PathBuf,
        /// What the system reported.
        source: io::Error,
    },
}

/// Embeds image files: unit rows in the order of `files`.
///
/// Decoding and resizing run beside the forward pass, at most three batches ahead of it. `data_sha256` stands for the
/// files' content in the cache key; [`files_sha256`](crate::files_sha256) computes it. Batch boundaries depend on an
/// item's place alone, so neither threads nor what was cached can change a result. (Another processor's vector
/// instructions can, in the last bits.)
///
/// # Errors
/// The first file in order that is no image; a failing encoder; features without direction; a cache that cannot be
/// written. A cache that cannot be *read* is a warning.
pub fn extract_images(
    encoder: &dyn Encoder,
    files: &[PathBuf],
    data_sha256: &str,
    options: &ExtractOptions<'_>,
) -> Result<Extracted, ExtractError> {
    let job = Job::new(encoder, "image", files.len(), data_sha256, options);
    job.run(|items, done| image_shard(encoder, files, items, options.limits, done))
}

/// Embeds texts: unit rows in the order of `texts`.
///
/// Within a shard equal texts are encoded once, and texts of equal length share a forward pass. `data_sha256` stands
/// for the texts in the cache key; [`texts_sha256`](crate::texts_sha256) computes it.
///
/// # Errors
/// A text that the encoder refuses; a failing encoder; features without direction; a cache that cannot be written.
pub fn extract_texts<S: AsRef<str> + Sync>(
    encoder: &dyn Encoder,
    texts: &[S],
    data_sha256: &str,
    options: &ExtractOptions<'_>,
) -> Result<Extracted, ExtractError> {
    let job = Job::new(encoder, "text", texts.len(), data_sha256, options);
    job.run(|items, done| {
        text_shard(encoder, &texts[items.clone()], done)
            .map_err(|source| ExtractError::Encode { items, source })
    })
}

/// One extraction: shards in order, each from the cache or else encoded, normalised and stored.
struct Job<'a> {
    dim: usize,
    count: usize,
    shard_items: usize,
    key: String,
    options: &'a ExtractOptions<'a>,
}

impl<'a> Job<'a> {
    fn new(
        encoder: &dyn Encoder,
        modality: &str,
        count: usize,
        data_sha256: &str,
        options: &'a ExtractOptions<'a>,
    ) -> Self {
        let info = encoder.info();
        let shard_items = options
            .cache
            .map_or(UNCACHED_SHARD, EmbeddingCache::shard_items);
        let key = [
            REVISION,
            &info.code,
            &info.family,
            &info.architecture,
            &info.weights_sha256,
            &info.preprocessing,
            &info.tokenizer_sha256,
            &info.dtype,
            modality,
            data_sha256,
        ];
        let key = key.iter().fold(Sha256::new(), |key, part| key.part(part));
        let numbers = [info.dim, count, shard_items].map(|it| (it as u64).to_le_bytes());
        Self {
            dim: info.dim,
            count,
            shard_items,
            key: key.part(numbers.concat()).hex(),
            options,
        }
    }

    /// `encode` gives the raw rows of a range of items and calls back with the number of items each batch settled.
    fn run(
        &self,
        mut encode: impl FnMut(Range<usize>, &mut dyn FnMut(usize)) -> Result<Vec<f32>, ExtractError>,
    ) -> Result<Extracted, ExtractError> {
        let mut out = Extracted {
            rows: Vec::with_capacity(self.count * self.dim),
            dim: self.dim,
            reused: 0,
            warnings: Vec::new(),
        };
        for start in (0..self.count).step_by(self.shard_items) {
            let items = start..self.count.min(start + self.shard_items);
            if let Some(rows) = self.cached(&items, &mut out.warnings) {
                out.reused += items.len();
                out.rows.extend(rows);
                self.report(items.end);
                continue;
            }
            let mut done = start;
            let mut rows = encode(items.clone(), &mut |settled| {
                done += settled;
                self.report(done);
            })?;
            normalize(&mut rows, self.dim, start)?;
            self.store(&items, &rows)?;
            out.rows.extend(rows);
        }
        Ok(out)
    }

    fn cached(&self, items: &Range<usize>, warnings: &mut Vec<CacheWarning>) -> Option<Vec<f32>> {
        let cached = self.options.cache?.read(&self.key, items, self.dim);
        cached.unwrap_or_else(|warning| {
            warnings.push(warning);
            None
        })
    }

    fn store(&self, items: &Range<usize>, rows: &[f32]) -> Result<(), ExtractError> {
        let Some(cache) = self.options.cache else {
            return Ok(());
        };
        let stored = cache.write(&self.key, items, rows);
        stored.map_err(|(file, source)| ExtractError::Store { file, source })
    }

    fn report(&self, done: usize) {
        if let Some(progress) = self.options.progress {
            progress(done);
        }
    }
}

/// Divides every row by its L2 norm, summed in double precision; `first` is the first row's item.
fn normalize(rows: &mut [f32], dim: usize, first: usize) -> Result<(), ExtractError> {
    for (row, item) in rows.chunks_exact_mut(dim).zip(first..) {
        let norm = row.iter().map(|&it| f64::from(it).powi(2)).sum::<f64>();
        let norm = norm.sqrt();
        if !norm.is_normal() {
            return Err(ExtractError::Norm { item, norm });
        }
        for value in row {
            *value = (f64::from(*value) / norm) as f32;
        }
    }
    Ok(())
}

fn text_shard<S: AsRef<str> + Sync>(
    encoder: &dyn Encoder,
    texts: &[S],
    done: &mut dyn FnMut(usize),
) -> Result<Vec<f32>, EncodeError> {
    let ids: Vec<Result<Vec<u32>, _>> = texts
        .par_iter()
        .map(|text| encoder.prepare_text(text.as_ref()))
        .collect();
    let ids: Vec<Vec<u32>> = ids.into_iter().collect::<Result<_, _>>()?;
    let dim = encoder.info().dim;
    encode_by_length(dim, &ids, |batch| encoder.encode_tokens(batch), done)
}

/// Pixels of one batch, ready for the forward pass, or the first failure in order.
type Prepared = Result<(Range<usize>, Vec<Vec<f32>>), ExtractError>;

/// A thread prepares batches in order and waits when one is ready and not yet taken; this one encodes them.
///
/// Either end owns its half of the channel, so whichever stops first stops the other.
fn image_shard(
    encoder: &dyn Encoder,
    files: &[PathBuf],
    items: Range<usize>,
    limits: ImageLimits,
    done: &mut dyn FnMut(usize),
) -> Result<Vec<f32>, ExtractError> {
    let (send, receive) = sync_channel(1);
    thread::scope(|scope| {
        scope.spawn(move || prepare_batches(encoder, files, items, limits, send));
        encode_batches(encoder, receive, done)
    })
}

fn prepare_batches(
    encoder: &dyn Encoder,
    files: &[PathBuf],
    items: Range<usize>,
    limits: ImageLimits,
    send: SyncSender<Prepared>,
) {
    for start in items.clone().step_by(IMAGE_BATCH) {
        let batch = start..items.end.min(start + IMAGE_BATCH);
        let prepared = prepare_batch(encoder, files, batch, limits);
        let failed = prepared.is_err();
        // The other side is gone after an error of its own; there is nothing left to do.
        if send.send(prepared).is_err() || failed {
            return;
        }
    }
}

fn prepare_batch(
    encoder: &dyn Encoder,
    files: &[PathBuf],
    batch: Range<usize>,
    limits: ImageLimits,
) -> Prepared {
    let prepare = |item: usize| {
        let image = load_image(&files[item], limits)?;
        let pixels = encoder.prepare_image(&image);
        pixels.map_err(|source| ExtractError::Encode {
            items: item..item + 1,
            source,
        })
    };
    let pixels: Vec<Result<_, _>> = batch.clone().into_par_iter().map(prepare).collect();
    let pixels: Result<Vec<_>, _> = pixels.into_iter().collect();
    Ok((batch, pixels?))
}

fn encode_batches(
    encoder: &dyn Encoder,
    receive: Receiver<Prepared>,
    done: &mut dyn FnMut(usize),
) -> Result<Vec<f32>, ExtractError> {
    let mut rows = Vec::new();
    for prepared in receive {
        let (items, pixels) = prepared?;
        let encoded = encoder.encode_pixels(&pixels);
        let encoded = encoded.and_then(|it| exact(it, items.len() * encoder.info().dim));
        let settled = items.len();
        rows.extend(encoded.map_err(|source| ExtractError::Encode { items, source })?);
        done(settled);
    }
    Ok(rows)
}
