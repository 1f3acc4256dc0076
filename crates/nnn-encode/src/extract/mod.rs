//! Batched extraction: from files or texts to unit rows, through the cache.

mod cache;
mod journal;
mod rerank;

pub use cache::{CacheFault, CacheWarning, EmbeddingCache};
pub use rerank::{Pair, match_pairs};

use crate::encoder::{Encoder, batches_by_length, encode_batch, exact};
use crate::error::EncodeError;
use crate::pixels::{ImageError, ImageLimits, load_image};
use journal::{Journal, Resumed, Row};
use nnn_files::Sha256;
use rayon::prelude::*;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;
use thiserror::Error;

/// Revision of the steps between an encoder and a cached row; raise it when a number can move.
const REVISION: &str = "extract 2";

/// Items a shard holds when nothing is cached; progress and memory only.
const UNCACHED_SHARD: usize = 2048;

/// How to extract; the default has no cache, the default limits, and reports no progress.
#[derive(Clone, Copy, Default)]
pub struct ExtractOptions<'a> {
    /// Where finished shards are kept and looked up.
    pub cache: Option<&'a EmbeddingCache>,
    /// What an image may measure.
    pub limits: ImageLimits,
    /// Images that share one forward pass; [`Encoder::image_batch`] if `None`. No result depends on it.
    pub image_batch: Option<usize>,
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
    /// Cached files that were bad, or journals that were from some place on, and have been replaced.
    pub warnings: Vec<CacheWarning>,
}

/// Why an extraction stopped; batches finished before stay cached.
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
    /// A finished shard or batch could not be stored.
    #[error("cannot write {}: {source}", file.display())]
    Store {
        /// The shard, or the journal of its batches.
        file: PathBuf,
        /// What the system reported.
        source: io::Error,
    },
}

/// Embeds image files: unit rows in the order of `files`.
///
/// Decoding and resizing run beside the forward pass, at most three batches ahead of it: memory is that of four batches,
/// whatever the number of files. Where there is a cache, a finished batch is not encoded again after a kill. `data_sha256` stands for the
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
    let batch = options.image_batch.unwrap_or(encoder.image_batch()).max(1);
    job.run(|items, done| image_shard(encoder, files, items, (batch, options.limits), done))
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
    job.run(|items, done| text_shard(encoder, texts, items, done))
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

    /// `encode` takes the items that are wanted, in order, and hands over the raw rows of each batch of them.
    fn run(
        &self,
        mut encode: impl FnMut(&[usize], Done<'_>) -> Result<(), ExtractError>,
    ) -> Result<Extracted, ExtractError> {
        let mut out = Extracted {
            rows: Vec::with_capacity(self.count * self.dim),
            dim: self.dim,
            reused: 0,
            warnings: Vec::new(),
        };
        if let Some(cache) = self.options.cache {
            cache.clean(&self.key);
        }
        for start in (0..self.count).step_by(self.shard_items) {
            let items = start..self.count.min(start + self.shard_items);
            if let Some(rows) = self.cached(&items, &mut out.warnings) {
                out.reused += items.len();
                out.rows.extend(rows);
                self.report(items.end);
                continue;
            }
            self.shard(&items, &mut out, &mut encode)?;
        }
        Ok(out)
    }

    /// Appends a shard's rows: those that a killed run left, and the rest encoded.
    fn shard(
        &self,
        items: &Range<usize>,
        out: &mut Extracted,
        encode: &mut impl FnMut(&[usize], Done<'_>) -> Result<(), ExtractError>,
    ) -> Result<(), ExtractError> {
        let mut shard = Shard::new(items, self.dim);
        let (mut journal, left) = self.resume(items, &mut out.warnings)?;
        for (item, row) in left {
            shard.put(&[item], &row);
        }
        out.reused += shard.done;
        let wanted: Vec<usize> = items.clone().filter(|&item| !shard.has(item)).collect();
        encode(&wanted, &mut |batch: &[usize], mut rows: Vec<f32>| {
            normalize(&mut rows, self.dim, batch)?;
            if let Some(journal) = &mut journal {
                let kept = journal.append(batch, &rows);
                kept.map_err(|source| unstored(journal.path(), source))?;
            }
            shard.put(batch, &rows);
            self.report(items.start + shard.done);
            Ok(())
        })?;
        self.store(items, &shard.rows)?;
        if let Some(journal) = journal {
            let path = journal.path().to_path_buf();
            journal.finish().map_err(|source| unstored(&path, source))?;
        }
        out.rows.extend(shard.rows);
        Ok(())
    }

    fn resume(
        &self,
        items: &Range<usize>,
        warnings: &mut Vec<CacheWarning>,
    ) -> Result<(Option<Journal>, Vec<Row>), ExtractError> {
        let Some(cache) = self.options.cache else {
            return Ok((None, Vec::new()));
        };
        let resumed = cache.resume(&self.key, items, self.dim);
        let Resumed {
            journal,
            rows,
            damaged_at,
        } = resumed.map_err(|(file, source)| unstored(&file, source))?;
        warnings.extend(damaged_at.map(|at| CacheWarning {
            file: journal.path().to_path_buf(),
            reason: CacheFault::Batch { at },
        }));
        Ok((Some(journal), rows))
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
        stored.map_err(|(file, source)| unstored(&file, source))
    }

    fn report(&self, done: usize) {
        if let Some(progress) = self.options.progress {
            progress(done);
        }
    }
}

fn unstored(file: &Path, source: io::Error) -> ExtractError {
    let file = file.to_path_buf();
    ExtractError::Store { file, source }
}

/// Takes a batch: its items and their raw rows.
type Done<'a> = &'a mut dyn FnMut(&[usize], Vec<f32>) -> Result<(), ExtractError>;

/// The rows of a shard that are there so far.
struct Shard {
    first: usize,
    dim: usize,
    rows: Vec<f32>,
    has: Vec<bool>,
    done: usize,
}

impl Shard {
    fn new(items: &Range<usize>, dim: usize) -> Self {
        Self {
            first: items.start,
            dim,
            rows: vec![0.0; items.len() * dim],
            has: vec![false; items.len()],
            done: 0,
        }
    }

    fn has(&self, item: usize) -> bool {
        self.has[item - self.first]
    }

    fn put(&mut self, items: &[usize], rows: &[f32]) {
        for (&item, row) in items.iter().zip(rows.chunks_exact(self.dim)) {
            let at = item - self.first;
            self.rows[at * self.dim..(at + 1) * self.dim].copy_from_slice(row);
            self.done += usize::from(!self.has[at]);
            self.has[at] = true;
        }
    }
}

/// Divides the row of every item by its L2 norm, summed in double precision.
fn normalize(rows: &mut [f32], dim: usize, items: &[usize]) -> Result<(), ExtractError> {
    for (row, &item) in rows.chunks_exact_mut(dim).zip(items) {
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

/// An encoder's error and the items among which it came up.
fn failed(items: &[usize], source: EncodeError) -> ExtractError {
    let (first, last) = (items.first().copied(), items.last().copied());
    let items = first.unwrap_or(0)..last.map_or(0, |last| last + 1);
    ExtractError::Encode { items, source }
}

fn text_shard<S: AsRef<str> + Sync>(
    encoder: &dyn Encoder,
    texts: &[S],
    items: &[usize],
    done: Done<'_>,
) -> Result<(), ExtractError> {
    let ids: Vec<Result<Vec<u32>, _>> = items
        .par_iter()
        .map(|&item| encoder.prepare_text(texts[item].as_ref()))
        .collect();
    let ids: Result<Vec<Vec<u32>>, _> = ids.into_iter().collect();
    let ids = ids.map_err(|source| failed(items, source))?;
    for batch in batches_by_length(&ids) {
        let encode = |tokens: &[Vec<u32>]| encoder.encode_tokens(tokens);
        let encoded = encode_batch(encoder.info().dim, &ids, &batch, encode);
        let (places, rows) = encoded.map_err(|source| failed(items, source))?;
        let batch: Vec<usize> = places.into_iter().map(|place| items[place]).collect();
        done(&batch, rows)?;
    }
    Ok(())
}

/// Pixels of one batch, ready for the forward pass, or the first failure in order.
type Prepared<'a> = Result<(&'a [usize], Vec<Vec<f32>>), ExtractError>;

/// A thread prepares batches in order and waits when one is ready and not yet taken; this one encodes them.
///
/// Either end owns its half of the channel, so whichever stops first stops the other.
fn image_shard(
    encoder: &dyn Encoder,
    files: &[PathBuf],
    items: &[usize],
    (batch, limits): (usize, ImageLimits),
    done: Done<'_>,
) -> Result<(), ExtractError> {
    let (send, receive) = sync_channel(1);
    thread::scope(|scope| {
        let ahead = move || {
            for batch in items.chunks(batch) {
                let prepared = prepare_batch(encoder, files, batch, limits);
                let failed = prepared.is_err();
                // The other side is gone after an error of its own; there is nothing left to do.
                if send.send(prepared).is_err() || failed {
                    return;
                }
            }
        };
        match thread::Builder::new().spawn_scoped(scope, ahead) {
            Ok(_) => (receive.into_iter())
                .try_for_each(|prepared| encode_prepared(encoder, prepared, &mut *done)),
            // The system gives no more threads: this one prepares them in between.
            Err(_) => items.chunks(batch).try_for_each(|batch| {
                let prepared = prepare_batch(encoder, files, batch, limits);
                encode_prepared(encoder, prepared, &mut *done)
            }),
        }
    })
}

fn prepare_batch<'a>(
    encoder: &dyn Encoder,
    files: &[PathBuf],
    batch: &'a [usize],
    limits: ImageLimits,
) -> Prepared<'a> {
    let prepare = |&item: &usize| {
        let image = load_image(&files[item], limits)?;
        let pixels = encoder.prepare_image(&image);
        pixels.map_err(|source| failed(&[item], source))
    };
    let pixels: Vec<Result<_, _>> = batch.par_iter().map(prepare).collect();
    let pixels: Result<Vec<_>, _> = pixels.into_iter().collect();
    Ok((batch, pixels?))
}

fn encode_prepared(
    encoder: &dyn Encoder,
    prepared: Prepared<'_>,
    done: Done<'_>,
) -> Result<(), ExtractError> {
    let (items, pixels) = prepared?;
    let encoded = encoder.encode_pixels(&pixels);
    let encoded = encoded.and_then(|it| exact(it, items.len() * encoder.info().dim));
    done(items, encoded.map_err(|source| failed(items, source))?)
}
