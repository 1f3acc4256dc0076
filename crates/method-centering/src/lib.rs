//! Corrections by the mean, and by the covariance, of the reference vectors.
//!
//! Queries and gallery are vectors of one space, and the papers know one set of reference vectors. Here it is the union
//! of the query bank and the gallery bank, each with half of the weight, whatever their sizes: with `m_Q`, `m_G` the
//! means and `C_Q`, `C_G` the second moments `(1/M) sum d d^T` of the banks, the centroid is `mu = (m_Q + m_G) / 2` and
//! the covariance `S = (C_Q + C_G) / 2 - mu mu^T`.
//!
//! - `centering`: `(q - mu) . (g - mu)`: Suzuki et al., "Centering Similarity Measures to Reduce Hubs", EMNLP 2013,
//!   D13-1058.
//! - `gr_clip`: `q - m_Q` and `g - m_G`, each to unit length: Li et al., "Closing the Modality Gap for Mixed Modality
//!   Search", arXiv 2507.19054.
//! - `abtt`: `x - mu` without its part in the `d` principal components of largest variance, to unit length: Mu and
//!   Viswanath, "All-but-the-Top", ICLR 2018, arXiv 1702.01417.
//! - `whitening`: `(x - mu) U L^(-1/2)` with `S = U L U^T`, to unit length: Su et al., "Whitening Sentence
//!   Representations for Better Semantics and Faster Retrieval", arXiv 2103.15316.
//! - `spectral_tempering`: `(x - mu) U L^(-gamma/2)`, to unit length, with a `gamma` from 0 to 1 that follows from the variances: Li,
//!   Eustratiadis, Kanoulas, "Spectral Tempering for Embedding Compression in Dense Passage Retrieval", arXiv 2603.19339.

mod abtt;
mod centering;
mod gr_clip;
mod knee;
mod space;
mod tempering;
mod whitening;

pub use abtt::{Abtt, AbttFamily};
pub use centering::{Centering, CenteringFamily};
pub use gr_clip::{GrClip, GrClipFamily};
pub use tempering::{SpectralTempering, SpectralTemperingFamily};
pub use whitening::{Whitening, WhiteningFamily};
