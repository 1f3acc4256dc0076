//! Scores by shared neighbours: a query and an item are alike if the same gallery items are nearest to both.
//!
//! `N_k(q)` are the `k` gallery items nearest to the query, read from its row of scores. `N_k(g)` are the `k` gallery items nearest to the
//! item, itself left out. Both are sets of gallery items, so that they can be compared, whatever modalities the sides have. A query's
//! neighbours in a bank of queries would be the other choice; a rule over a row of the gallery's scores does not see them.
//!
//! - `snn`: `|N_k(q) & N_k(g)|`, then `s`: Jarvis, Patrick, "Clustering Using a Similarity Measure Based on Shared Near Neighbors", IEEE
//!   Transactions on Computers 22, 1973; against hubs: Flexer, Schnitzer, "Can Shared Nearest Neighbors Reduce Hubness in
//!   High-Dimensional Spaces?", ICDM Workshops 2013.
//! - `simhub_in`: the sum of `ln(n / (N_k(x) + 1))` over the shared `x`, then `s`, with `N_k(x)` the number of items in whose lists `x`
//!   is: Tomašev, Mladenić, "Hubness-aware shared neighbor distances for high-dimensional k-nearest neighbor classification", Knowledge and
//!   Information Systems 39, 2014 (online 2012).

mod shared;
mod simhub;
mod snn;

pub use simhub::{SimhubIn, SimhubInFamily};
pub use snn::{Snn, SnnFamily};

use nnn_core::ParamInfo;

/// `k` of both. No grid was published for this use: these are values around the usual 10 and 50.
const fn neighbors(default: f64) -> ParamInfo {
    ParamInfo::whole(
        "k",
        "how many nearest gallery items make a query's and an item's neighbourhood; all of a smaller gallery",
    )
    .min(1.0)
    .default(default)
    .grid(&[5.0, 10.0, 20.0, 50.0, 100.0, 200.0])
}
