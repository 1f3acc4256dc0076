//! CLIP checkpoints in the Hugging Face layout and in open_clip's, through candle.
//!
//! A port of `CLIPModel` of `transformers` 5.23.0 (`models/clip/modeling_clip.py`), inference only; `CLIP` of open_clip
//! 3.3.0 is the same model under other names. See the README for what is supported.

mod config;
mod encoder;
mod model;
mod names;
mod open_clip;

pub use encoder::{check, load};
