//! From a checkpoint and files to embeddings: what every model family shares.
//!
//! An [`Encoder`] turns images and texts into vectors of one space, in two stages: *prepare* (pixels, token ids; one
//! item, any thread) and *encode* (the forward pass; one batch). Five folders, in the order in which data flows:
//!
//! 1. `checkpoint`: [`CheckpointFiles`] are found by name, their configuration is read and checked ([`checks`]), and their
//!    [`Weights`] are read from safetensors or pickles ([`Checkpoint`]).
//! 2. `pixels`: an image file becomes RGB ([`load_image`]), and RGB becomes the numbers that a model takes ([`PixelSpec`]).
//! 3. `tokens`: a text becomes token ids ([`TextTokenizer`]).
//! 4. `layers`: rows of activations pass through the layers of a tower ([`Transformer`], [`VisionTransformer`], [`Bert`]).
//! 5. `extract`: all items become unit rows, batch by batch, with finished rows kept in an [`EmbeddingCache`]
//!    ([`extract_images`], [`extract_texts`]); a [`Reranker`] scores pairs ([`match_pairs`]).
//!
//! A family brings [`Towers`] made of layers; a [`DualEncoder`] puts them behind preprocessing. The [`FusionModel`] is the
//! model that ALBEF and BLIP share. Nothing here knows a checkpoint; the `encoder-*` crates do.

mod checkpoint;
mod checksum;
mod compute;
mod dual_encoder;
mod encoder;
mod error;
mod extract;
mod fusion;
mod layers;
mod pixels;
mod tokens;

pub use checkpoint::{
    Checkpoint, CheckpointFiles, LoadError, OPEN_CLIP_CONFIG, Shapes, TensorFault, Weights, checks,
    files_to_fetch, read_config, read_preprocessor,
};
pub use checksum::{files_sha256, texts_sha256};
pub use compute::{Compute, ComputeError};
pub use dual_encoder::{DualEncoder, Identity, Prepare, TowerSize, Towers};
pub use encoder::{Encoder, EncoderInfo, Reranker};
pub use error::{EncodeError, ReadError, TokenizerError};
pub use extract::{
    CacheFault, CacheWarning, EmbeddingCache, ExtractError, ExtractOptions, Extracted, Pair,
    extract_images, extract_texts, match_pairs,
};
pub use fusion::{FusionModel, FusionSpec};
pub use image::RgbImage;
pub use layers::{
    Activation, Bert, BertSize, ImageStates, LayerNames, LayerSize, Linear, Norm, QkvNames,
    SubNorms, Transformer, VisionTransformer, VitNames, VitSize, attend, bf16_instructions,
    bf16_refused, causal, features, indices, patches, resized_positions,
};
pub use pixels::{
    Filter, ImageError, ImageLimits, PixelSpec, PixelSpecError, ResizeTo, Thumbnail, load_image,
    thumbnail, unreadable_images,
};
pub use tokens::{OpenClipCleaning, PieceFrame, TextTokenizer, TokenSettings, squeezed};
