//! BEiT-3 checkpoints for retrieval, from the authors' files, through candle.
//!
//! A port of `BEiT3ForRetrieval` of microsoft/unilm (`beit3/modeling_finetune.py`) on torchscale's `BEiT3`, inference only.
//! See the README for what is supported.

mod config;
mod encoder;
mod model;

pub use encoder::{check, load};
