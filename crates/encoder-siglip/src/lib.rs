//! SigLIP and SigLIP 2 checkpoints of fixed resolution in the Hugging Face layout, through candle.
//!
//! A port of `SiglipModel` of `transformers` 5.23.0 (`models/siglip/modeling_siglip.py`), inference only.
//! See the README for what is supported.

mod config;
mod encoder;
mod model;

pub use encoder::{check, load};
