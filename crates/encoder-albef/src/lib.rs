//! ALBEF's checkpoints as their authors published them: contrastive heads and the matching head, through candle.
//!
//! A port of the authors' `models/model_retrieval.py` with `models/vit.py` and `models/xbert.py`, inference only, with
//! captions cleaned and pairs scored as in their evaluation. See the README for what is supported.

mod config;
mod encoder;

pub use encoder::{check, load};
