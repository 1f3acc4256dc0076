//! A checkpoint folder as an [`Encoder`].

use crate::checkpoint::{Checkpoint, TensorFault};
use crate::config::ClipConfig;
use crate::model::ClipModel;
use nnn_encode::{
    EncodeError, Encoder, EncoderInfo, PixelSpec, PixelSpecError, ReadError, RgbImage,
    TextTokenizer, TokenizerError, files_sha256,
};
use std::fs;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Crate, version and revision of the arithmetic; raise the last when a number can move.
const CODE: &str = concat!("encoder-clip ", env!("CARGO_PKG_VERSION"), " r1");

/// Configurations written before transformers 4.31 carry this id whatever the tokenizer's is; pooling then goes by the
/// highest id, which in CLIP's vocabulary is the end token.
const LEGACY_EOS: u32 = 2;

/// Why a checkpoint does not load.
#[derive(Debug, Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// `config.json` is not that of a CLIP model that can be computed.
    #[error("{}: {reason}", file.display())]
    Config {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// `preprocessor_config.json` is refused.
    #[error("{}: {source}", file.display())]
    Preprocessor {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        source: PixelSpecError,
    },
    /// Preprocessing gives images of a size that the model does not take.
    #[error(
        "the model takes images of {expected} x {expected}, preprocessing gives (height, width) {received:?}"
    )]
    ImageSize {
        /// Side in pixels.
        expected: usize,
        /// Size after preprocessing; `None` if it depends on the image.
        received: Option<(u32, u32)>,
    },
    /// The tokenizer is missing or damaged.
    #[error(transparent)]
    Tokenizer(#[from] TokenizerError),
    /// There are no weights.
    #[error("{} holds neither model.safetensors nor its index nor pytorch_model.bin", folder.display())]
    NoWeights {
        /// The folder.
        folder: PathBuf,
    },
    /// A file of weights is damaged or of another format.
    #[error("cannot read weights from {}: {reason}", file.display())]
    Weights {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Weights do not fit the configuration.
    #[error("{} does not fit config.json:{}", file.display(), list(faults))]
    Tensors {
        /// The (first) file.
        file: PathBuf,
        /// Every tensor that is missing, unexpected or wrong.
        faults: Vec<TensorFault>,
    },
}

fn list(faults: &[TensorFault]) -> String {
    faults.iter().map(|it| format!("\n  {it}")).collect()
}

/// Loads a Hugging Face `CLIPModel` folder: `config.json`, `preprocessor_config.json`, weights and a tokenizer.
///
/// Weights may be `model.safetensors`, several files with `model.safetensors.index.json`, or `pytorch_model.bin`, in
/// single, half or bfloat16 precision; the forward pass is in single precision on the CPU.
///
/// # Errors
/// See [`LoadError`]; all tensors that do not fit are named together.
pub fn load(folder: &Path) -> Result<Box<dyn Encoder>, LoadError> {
    let config = read_config(&folder.join("config.json"))?;
    let pixels = read_preprocessor(&folder.join("preprocessor_config.json"), &config)?;
    let tokenizer = TextTokenizer::load(folder, config.text.max_position_embeddings)?;
    let checkpoint = Checkpoint::open(folder)?;
    let weights = checkpoint.load(&ClipModel::shapes(&config))?;
    let model = ClipModel::new(&weights, &config).map_err(|error| LoadError::Weights {
        file: checkpoint.files()[0].clone(),
        reason: error.to_string(),
    })?;
    let info = EncoderInfo {
        family: "clip".into(),
        dim: config.projection_dim,
        architecture: serde_json::to_string(&config).unwrap_or_else(|_| format!("{config:?}")),
        weights_sha256: files_sha256(checkpoint.files())?,
        preprocessing: pixels.canonical(),
        tokenizer_sha256: tokenizer.sha256().to_string(),
        dtype: "f32".into(),
        code: CODE.into(),
    };
    Ok(Box::new(ClipEncoder {
        info,
        config,
        pixels,
        tokenizer,
        model,
    }))
}

fn read_config(file: &Path) -> Result<ClipConfig, LoadError> {
    let text = fs::read_to_string(file).map_err(|source| ReadError {
        file: file.to_path_buf(),
        source,
    })?;
    ClipConfig::parse(&text).map_err(|reason| LoadError::Config {
        file: file.to_path_buf(),
        reason,
    })
}

fn read_preprocessor(file: &Path, config: &ClipConfig) -> Result<PixelSpec, LoadError> {
    let pixels = PixelSpec::load(file).map_err(|source| LoadError::Preprocessor {
        file: file.to_path_buf(),
        source,
    })?;
    let expected = config.vision.image_size;
    let received = pixels.fixed_size();
    match received {
        Some((height, width)) if [height, width].iter().all(|&it| it as usize == expected) => {
            Ok(pixels)
        }
        _ => Err(LoadError::ImageSize { expected, received }),
    }
}

struct ClipEncoder {
    info: EncoderInfo,
    config: ClipConfig,
    pixels: PixelSpec,
    tokenizer: TextTokenizer,
    model: ClipModel,
}

impl Encoder for ClipEncoder {
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

    fn encode_pixels(&self, batch: &[Vec<f32>]) -> Result<Vec<f32>, EncodeError> {
        batch.iter().try_for_each(|it| self.check_pixels(it))?;
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let features = self.model.images(batch.concat(), batch.len());
        features
            .and_then(|it| it.flatten_all()?.to_vec1())
            .map_err(forward)
    }

    fn encode_tokens(&self, batch: &[Vec<u32>]) -> Result<Vec<f32>, EncodeError> {
        let Some(expected) = batch.first().map(Vec::len) else {
            return Ok(Vec::new());
        };
        batch.iter().try_for_each(|ids| self.check_ids(ids))?;
        if let Some(received) = batch.iter().map(Vec::len).find(|&it| it != expected) {
            return Err(EncodeError::TokenCount { expected, received });
        }
        let ends: Result<Vec<usize>, _> = batch.iter().map(|ids| self.end(ids)).collect();
        let features = self.model.text(batch.concat(), &ends?);
        features
            .and_then(|it| it.flatten_all()?.to_vec1())
            .map_err(forward)
    }
}

impl ClipEncoder {
    fn check_pixels(&self, pixels: &[f32]) -> Result<(), EncodeError> {
        let (expected, received) = (3 * self.config.vision.image_size.pow(2), pixels.len());
        if expected == received {
            return Ok(());
        }
        Err(EncodeError::PixelCount { expected, received })
    }

    fn check_ids(&self, ids: &[u32]) -> Result<(), EncodeError> {
        let expected = self.config.text.max_position_embeddings;
        if ids.is_empty() || ids.len() > expected {
            let received = ids.len();
            return Err(EncodeError::TokenCount { expected, received });
        }
        let vocabulary = self.config.text.vocab_size;
        match ids.iter().find(|&&id| id as usize >= vocabulary) {
            Some(&id) => Err(EncodeError::TokenId { id, vocabulary }),
            None => Ok(()),
        }
    }

    /// Where the sequence is pooled: at its first end token, or by the legacy rule at its first highest id.
    fn end(&self, ids: &[u32]) -> Result<usize, EncodeError> {
        let configured = self.config.text.eos_token_id;
        let eos = match configured {
            LEGACY_EOS => ids.iter().copied().max().unwrap_or_default(),
            other => other,
        };
        let end = ids.iter().position(|&id| id == eos);
        end.ok_or_else(|| EncodeError::NoEndToken {
            eos,
            ids: ids.to_vec(),
        })
    }
}

fn forward(error: candle_core::Error) -> EncodeError {
    EncodeError::Forward(Box::new(error))
}
