//! Means of the largest similarities to a bank through an approximate index instead of all similarities.
//!
//! The index says which bank rows may be nearest to a gallery item; their similarities are then computed as everywhere in
//! this workspace. A mean is therefore the exact one wherever no neighbour was missed, and never above it.
//!
//! ```
//! use nnn_ann::{BankIndex, Ivf};
//! use nnn_core::Embeddings;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bank = Embeddings::normalize(vec![1.0, 0.0, 0.0, 1.0, -1.0, 0.0, 0.0, -1.0], 2)?;
//! let gallery = Embeddings::normalize(vec![0.6, 0.8], 2)?;
//! let index = BankIndex::build(&bank, Ivf { lists: 2, probes: 2, seed: 0 })?;
//! let nearest = index.nearest(gallery.rows(), 2)?;
//! assert!((nearest.top_mean(2)[0] - 0.7).abs() < 1e-6);
//! # Ok(())
//! # }
//! ```

mod index;
mod ivf;
mod lists;
mod nearest;

pub use index::BankIndex;
pub use ivf::{AnnError, Ivf};
pub use nearest::{Accuracy, Nearest};
