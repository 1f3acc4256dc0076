//! Embeddings, score kernels, bank statistics, ranking and the normaliser traits; the methods raw and NNN.

mod embeddings;
mod rankings;
mod relevance;
mod ties;

pub use embeddings::{EmbeddingError, Embeddings, Rows};
pub use rankings::Rankings;
pub use relevance::{Relevance, RelevanceError};
pub use ties::TieRule;
