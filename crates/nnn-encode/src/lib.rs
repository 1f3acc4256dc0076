//! The encoder trait, preprocessing, batched extraction and the embedding cache.
