//! The encoder trait, preprocessing, batched extraction and the embedding cache.
//!
//! An [`Encoder`] turns images and texts into vectors of one space, in two stages: *prepare* (pixels, token ids; one
//! item, any thread) and *encode* (the forward pass; one batch). [`extract_images`] and [`extract_texts`] run the two
//! stages side by side, normalise, and keep what is done in an [`EmbeddingCache`]. Preprocessing is `transformers`':
//! [`PixelSpec`] for images, [`TextTokenizer`] for texts.
//!
//! [`CheckpointFiles`] are opened by a family into [`Towers`] made of the [`layers`](Transformer) here, and put behind
//! preprocessing as a [`DualEncoder`].
//!
//! What two families share lies here too: [`VisionTransformer`], [`Bert`] and the [`FusionModel`] of ALBEF and BLIP, whose
//! [`Reranker`] scores image-text pairs ([`match_pairs`]). Nothing here knows a checkpoint; the `encoder-*` crates do.

mod bert;
mod cache;
mod checksum;
mod config_checks;
mod encoder;
mod extract;
mod files;
mod fusion;
mod image_file;
mod journal;
mod jpeg;
mod layers;
mod load;
mod load_error;
mod pickle;
mod pixels;
mod rerank;
mod resize;
mod tokens;
mod vit;
mod weights;

pub use bert::{Bert, BertSize, ImageStates};
pub use cache::{CacheFault, CacheWarning, EmbeddingCache};
pub use checksum::{ReadError, files_sha256, texts_sha256};
pub use config_checks::{at_least_one, epsilon, heads};
pub use encoder::{EncodeError, Encoder, EncoderInfo, Reranker};
pub use extract::{ExtractError, ExtractOptions, Extracted, extract_images, extract_texts};
pub use files::CheckpointFiles;
pub use fusion::{FusionModel, FusionSpec};
pub use image::RgbImage;
pub use image_file::{ImageError, ImageLimits, load_image, unreadable_images};
pub use layers::{
    Activation, LayerNames, LayerSize, Linear, Norm, QkvNames, SubNorms, Transformer, attend,
    causal, features, indices, patches, project,
};
pub use load::{DualEncoder, Identity, TowerSize, Towers, read_config, read_preprocessor};
pub use load_error::LoadError;
pub use pickle::{PickleError, PickleFile};
pub use pixels::{PixelSpec, PixelSpecError, ResizeTo};
pub use rerank::{Pair, match_pairs};
pub use resize::Filter;
pub use tokens::{PieceFrame, TextTokenizer, TokenSettings, TokenizerError, squeezed};
pub use vit::{VisionTransformer, VitNames, VitSize, resized_positions};
pub use weights::{Checkpoint, Compute, ComputeError, Shapes, TensorFault, Weights};
