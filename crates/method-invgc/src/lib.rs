//! InvGC: Jian and Wang, "InvGC: Robust Cross-Modal Retrieval by Inverse Graph Convolution", Findings of EMNLP 2023,
//! arXiv 2310.13276.
//!
//! Every gallery vector `g` moves away from the reference vectors `d_1..d_M` of a bank, the more the more similar they
//! are; `r` is the rate of the bank:
//! - `invgc`: `g - r (1/M) sum_i (s_i - m) d_i`, with `m` the mean of all similarities of the gallery to the bank;
//! - `localadj`: `g - r (1/p) sum s_i d_i` over the `p = max(1, floor(pool M))` nearest.
//!
//! Either is done for the gallery bank (rate `r_g`) and for the query bank (`r_q`); the results, each of unit length,
//! are averaged and the mean gets unit length. Queries stay as they are.

mod invgc;
mod localadj;
mod pooled;
mod step;

pub use invgc::{InvGc, InvGcFamily};
pub use localadj::{LocalAdj, LocalAdjFamily};
pub use pooled::Pooled;

use nnn_core::ParamInfo;

/// The rates were tuned for every data set and are not published, neither are a default and a grid: these are ours.
const fn rate(name: &'static str, doc: &'static str) -> ParamInfo {
    let rate = ParamInfo::number(name, doc).default(0.5);
    rate.grid(&[0.1, 0.2, 0.5, 1.0, 2.0])
}

const GALLERY_RATE: ParamInfo = rate("r_g", "rate at which items move away from the gallery bank");
const QUERY_RATE: ParamInfo = rate("r_q", "rate at which items move away from the query bank");
