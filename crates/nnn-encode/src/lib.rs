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
//! Nothing here knows a model; the `encoder-*` crates do.

mod cache;
mod checksum;
mod encoder;
mod extract;
mod files;
mod image_file;
mod journal;
mod jpeg;
mod layers;
mod load;
mod pickle;
mod pixels;
mod resize;
mod tokens;
mod weights;

pub use cache::{CacheFault, CacheWarning, EmbeddingCache};
pub use checksum::{ReadError, files_sha256, texts_sha256};
pub use encoder::{EncodeError, Encoder, EncoderInfo};
pub use extract::{ExtractError, ExtractOptions, Extracted, extract_images, extract_texts};
pub use files::CheckpointFiles;
pub use image::RgbImage;
pub use image_file::{ImageError, ImageLimits, load_image, unreadable_images};
pub use layers::{
    Activation, LayerNames, LayerSize, Linear, Norm, QkvNames, Transformer, attend, causal,
    features, indices, patches, project,
};
pub use load::{
    DualEncoder, Identity, LoadError, TowerSize, Towers, read_config, read_preprocessor,
};
pub use pickle::{PickleError, PickleFile};
pub use pixels::{PixelSpec, PixelSpecError, ResizeTo};
pub use resize::Filter;
pub use tokens::{TextTokenizer, TokenSettings, TokenizerError};
pub use weights::{Checkpoint, Compute, Shapes, TensorFault, Weights};
