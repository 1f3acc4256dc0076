//! DisSimLocal: Hara et al., "Flattening the Density Gradient for Eliminating Spatial Centrality to Reduce Hubness",
//! AAAI 2016.
//!
//! The dissimilarity of a query and an item is `|q - g|^2 - |q - c_k(q)|^2 - |g - c_k(g)|^2`, where `c_k(x)` is the
//! centroid of the `k` nearest reference vectors of `x`. The query's own term is the same for all items, and
//! `|q - g|^2 = 2 - 2 s(q,g)` of unit vectors; so `s(q,g) + |g - c_k(g)|^2 / 2` orders a query's gallery as the
//! dissimilarity does, which is a bias per gallery item. With `t` the mean of the item's `k` largest similarities to the
//! query bank, `|g - c_k(g)|^2 = 1 - 2 t + |c_k(g)|^2`.

mod centroid;
mod local;

pub use centroid::CentroidNorm;
pub use local::{DisSimLocal, DisSimLocalFamily};
