//! CLIP checkpoints in the Hugging Face layout, through candle.
