//! A family's towers behind the preprocessing that all families share: an [`Encoder`].

use crate::checkpoint::{Checkpoint, LoadError};
use crate::checksum::files_sha256;
use crate::compute::Compute;
use crate::encoder::{Encoder, EncoderInfo, IMAGE_BATCH, Reranker};
use crate::error::EncodeError;
use crate::pixels::PixelSpec;
use crate::tokens::TextTokenizer;
use image::RgbImage;
use serde::Serialize;
use std::fmt::Debug;

/// What a family brings: its two forward passes.
pub trait Towers: Send + Sync {
    /// Projected features, row-major (batch x dim), of `pixels` (batch, 3, side, side).
    ///
    /// # Errors
    /// The forward pass fails.
    fn images(&self, pixels: Vec<f32>, batch: usize) -> Result<Vec<f32>, EncodeError>;

    /// Projected features, row-major (batch x dim), of token ids (batch, sequence).
    ///
    /// # Errors
    /// The forward pass fails, or the ids are not what the family's tokenizer gives.
    fn texts(&self, ids: Vec<u32>, batch: usize) -> Result<Vec<f32>, EncodeError>;

    /// The head for pairs, if the family has one; see [`Encoder::reranker`].
    fn reranker(&self) -> Option<&dyn Reranker> {
        None
    }
}

/// What stands before the towers: how images and how texts become numbers.
pub type Prepare = (PixelSpec, TextTokenizer);

/// What the towers take and give.
#[derive(Clone, Debug)]
pub struct TowerSize {
    /// Side of an image in pixels.
    pub image: usize,
    /// Most token ids of a text.
    pub context: usize,
    /// Number of token embeddings.
    pub vocabulary: usize,
    /// Length of an embedding.
    pub dim: usize,
}

/// Bytes that the forward pass of one batch of images may take, by estimate.
const MEMORY: usize = 1 << 30;

impl TowerSize {
    /// Bytes of single precision that one image takes on its way, from above for the usual shapes: patches of 14 pixels,
    /// one and a half times as wide as an embedding is long; pixels, sixteen activations per patch while a layer is
    /// computed, and two square matrices of attention for every 64 of the width.
    fn image_bytes(&self) -> usize {
        let patches = (self.image / 14).pow(2) + 1;
        let width = self.dim + self.dim / 2;
        let values =
            3 * self.image.pow(2) + 16 * patches * width + 2 * patches.pow(2) * width.div_ceil(64);
        values * size_of::<f32>()
    }
}

/// An encoder made of a family's towers and what stands before them.
pub struct DualEncoder<T> {
    info: EncoderInfo,
    size: TowerSize,
    pixels: PixelSpec,
    tokenizer: TextTokenizer,
    towers: T,
}

/// What a family says of itself and its checkpoint.
pub struct Identity {
    family: &'static str,
    code: &'static str,
    architecture: String,
}

impl Identity {
    /// A family's name, such as `clip`, the crate that computes with its revision (see [`EncoderInfo::code`]), and all that
    /// the forward pass reads from the configuration.
    pub fn new(
        family: &'static str,
        code: &'static str,
        configuration: &(impl Serialize + Debug),
    ) -> Self {
        let json = serde_json::to_string(configuration);
        Self {
            family,
            code,
            architecture: json.unwrap_or_else(|_| format!("{configuration:?}")),
        }
    }
}

impl<T: Towers> DualEncoder<T> {
    /// Puts `towers`, made of the weights of `checkpoint`, behind preprocessing.
    ///
    /// # Errors
    /// A file of weights cannot be read.
    pub fn new(
        identity: Identity,
        size: TowerSize,
        (pixels, tokenizer): Prepare,
        towers: T,
        (checkpoint, compute): (&Checkpoint, &Compute),
    ) -> Result<Self, LoadError> {
        let info = EncoderInfo {
            family: identity.family.into(),
            dim: size.dim,
            architecture: identity.architecture,
            weights_sha256: files_sha256(checkpoint.files())?,
            preprocessing: pixels.canonical(),
            tokenizer_sha256: tokenizer.sha256().to_string(),
            dtype: compute.arithmetic().into(),
            code: identity.code.into(),
        };
        Ok(Self {
            info,
            size,
            pixels,
            tokenizer,
            towers,
        })
    }
}

impl<T: Towers> Encoder for DualEncoder<T> {
    fn info(&self) -> &EncoderInfo {
        &self.info
    }

    fn prepare_image(&self, image: &RgbImage) -> Result<Vec<f32>, EncodeError> {
        let pixels = self.pixels.apply(image);
        self.check_pixels(&pixels)?;
        Ok(pixels)
    }

    fn prepare_text(&self, text: &str) -> Result<Vec<u32>, EncodeError> {
        let ids = self.tokenizer.ids(text);
        let ids = ids.map_err(|error| EncodeError::Tokenizer {
            text: text.into(),
            reason: error.to_string(),
        })?;
        self.check_ids(&ids)?;
        Ok(ids)
    }

    fn image_batch(&self) -> usize {
        (MEMORY / self.size.image_bytes()).clamp(1, IMAGE_BATCH)
    }

    fn image_bytes(&self) -> usize {
        self.size.image_bytes()
    }

    fn encode_pixels(&self, batch: &[Vec<f32>]) -> Result<Vec<f32>, EncodeError> {
        batch.iter().try_for_each(|it| self.check_pixels(it))?;
        match batch.is_empty() {
            true => Ok(Vec::new()),
            false => self.towers.images(batch.concat(), batch.len()),
        }
    }

    fn encode_tokens(&self, batch: &[Vec<u32>]) -> Result<Vec<f32>, EncodeError> {
        let Some(expected) = batch.first().map(Vec::len) else {
            return Ok(Vec::new());
        };
        batch.iter().try_for_each(|ids| self.check_ids(ids))?;
        match batch.iter().map(Vec::len).find(|&it| it != expected) {
            Some(received) => Err(EncodeError::TokenCount { expected, received }),
            None => self.towers.texts(batch.concat(), batch.len()),
        }
    }

    fn reranker(&self) -> Option<&dyn Reranker> {
        self.towers.reranker()
    }
}

impl<T> DualEncoder<T> {
    fn check_pixels(&self, pixels: &[f32]) -> Result<(), EncodeError> {
        check_pixels(pixels, self.size.image)
    }

    fn check_ids(&self, ids: &[u32]) -> Result<(), EncodeError> {
        let expected = self.size.context;
        if ids.is_empty() || ids.len() > expected {
            let received = ids.len();
            return Err(EncodeError::TokenCount { expected, received });
        }
        check_known(ids, self.size.vocabulary)
    }
}

/// Refuses pixels that are not those of three channels of `side` x `side`.
pub(crate) fn check_pixels(pixels: &[f32], side: usize) -> Result<(), EncodeError> {
    let (expected, received) = (3 * side.pow(2), pixels.len());
    if expected == received {
        return Ok(());
    }
    Err(EncodeError::PixelCount { expected, received })
}

/// Refuses ids beyond a vocabulary.
pub(crate) fn check_known(ids: &[u32], vocabulary: usize) -> Result<(), EncodeError> {
    match ids.iter().find(|&&id| id as usize >= vocabulary) {
        Some(&id) => Err(EncodeError::TokenId { id, vocabulary }),
        None => Ok(()),
    }
}
