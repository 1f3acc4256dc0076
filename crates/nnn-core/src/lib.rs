//! Embeddings, score kernels, bank statistics, ranking and the normaliser traits; the methods raw and NNN.

mod embeddings;
mod kernel;
mod rankings;
mod relevance;
mod score;
mod ties;

pub use embeddings::{EmbeddingError, Embeddings, Rows};
pub use kernel::Kernel;
pub use rankings::Rankings;
pub use relevance::{Relevance, RelevanceError};
pub use score::{Blocking, Delivery, DimensionMismatch, DotScorer, RowSink, Scorer};
pub use ties::TieRule;
