//! CLIP checkpoints in the Hugging Face layout, through candle.
//!
//! A port of `CLIPModel` of `transformers` 5.23.0 (`models/clip/modeling_clip.py`), inference only, single precision.
//! See the README for what is supported.

mod config;
mod encoder;
mod model;

pub use encoder::load;
