//! Scores set in proportion to what an item, and the query, usually see.
//!
//! With `s = s(q,g)` a cosine, `d = sqrt(2 - 2 s)` the Euclidean distance of the two unit vectors, and a bank of `M`
//! reference queries:
//!
//! | name | distance or score as published | order within a query |
//! |---|---|---|
//! | `ls(k)` | `1 - exp(-d^2 / (sigma_q sigma_g))`, `sigma` the distance to the `k`-th neighbour | `-d^2 / sigma_g` |
//! | `nicdm(k)` | `d / sqrt(mu_q mu_g)`, `mu` the mean distance to `k` neighbours | `-d^2 / mu_g` |
//! | `mp_normal` | `P(X_q > d) P(X_g > d)`, each side normal | the logarithm of the product |
//! | `mp_gamma` | `P(X_q > d') P(X_g > d')`, `d' = 1 - s`, each side gamma | the logarithm of the product |
//! | `mp_empirical(depth)` | `P(X_q > d) P(X_g > d)`, each side as counted | the product of two counts, then `s` |
//! | `zscore` | `(s - m_g) / sd_g` | the same |
//!
//! An item's side is always taken from the query bank, a query's from the gallery.
//!
//! - LS: Zelnik-Manor, Perona, "Self-Tuning Spectral Clustering", NIPS 2004.
//! - NICDM: Jégou, Harzallah, Schmid, "A Contextual Dissimilarity Measure for Accurate and Efficient Image Search",
//!   CVPR 2007, in the form without iterations.
//! - Both as secondary distances against hubs, and MP: Schnitzer, Flexer, Schedl, Widmer, "Local and Global Scaling Reduce
//!   Hubs in Space", JMLR 13, 2012.
//! - z-score: the Z-norm of speaker verification, Auckenthaler, Carey, Lloyd-Thomas, "Score Normalization for
//!   Text-Independent Speaker Verification Systems", Digital Signal Processing 10, 2000.
//!
//! Two of a formula's factors never need computing. `sigma_q` and `mu_q` are one positive number for a whole row, and `exp`
//! and the root rise strictly, so that the order of a row is that of `d^2 / sigma_g` or `d^2 / mu_g`. This leaves LS, NICDM
//! and the z-score as `a_g s - b_g`: an inner-product engine could serve them from item vectors `(a_g g, b_g)` and query
//! vectors `(q, -1)`, one dimension more. Mutual proximity has no such form.

mod gamma;
mod linear;
mod ls;
mod mp_empirical;
mod mp_gamma;
mod mp_normal;
mod nicdm;
mod normal;
mod proximity;
mod zscore;

pub use ls::{Ls, LsFamily};
pub use mp_empirical::{MpEmpirical, MpEmpiricalFamily};
pub use mp_gamma::{MpGamma, MpGammaFamily};
pub use mp_normal::{MpNormal, MpNormalFamily};
pub use nicdm::{Nicdm, NicdmFamily};
pub use zscore::{Zscore, ZscoreFamily};

use nnn_core::ParamInfo;

/// Unit roundoff of f32: a cosine near one is known no better, and a deviation below it is rounding.
const ROUNDOFF: f64 = 1.0 / (1u64 << 24) as f64;

/// `k` of the published NNN grid (arXiv 2410.24114): no grid of the neighbourhood's size was published for LS or
/// NICDM, and with these values they are compared over the same neighbourhoods.
const K_GRID: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// `k` of `ls` and `nicdm`.
const fn neighbors(doc: &'static str) -> ParamInfo {
    ParamInfo::whole("k", doc).min(1.0).grid(K_GRID)
}

/// The f32 nearest to a score; one beyond its range becomes its largest value.
fn to_score(value: f64) -> f32 {
    value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}
