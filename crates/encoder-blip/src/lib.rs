//! BLIP's retrieval checkpoints: contrastive heads and the matching head, through candle.
//!
//! A port of `BlipForImageTextRetrieval` of `transformers` 5.23.0 (`models/blip/modeling_blip.py`), inference only, with
//! captions cleaned and pairs scored as in the authors' evaluation. See the README for what is supported.

mod config;
mod encoder;

pub use encoder::{check, load};
