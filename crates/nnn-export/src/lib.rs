//! Corrections delivered: files of biases, and vectors for search engines in three exact forms.
//!
//! An additive correction ranks by `s(q, x) - b(x)`, where `s` is the product of unit vectors. An engine knows one number of an item and
//! a query: their inner product, their distance or their cosine. Each can be made to rank by `s - b`, with a coordinate or two appended to
//! the item's vector and as many to the query's ([`Form`], [`Constants`]). `c > 0` is any number:
//!
//! | form | item | query |
//! |---|---|---|
//! | inner product | `[x, c (b - m)]`, `m` the middle between the ends of the biases | `[q, -1/c]` |
//! | L2 | `[x, sqrt(2 (b - l))]`, `l` the least of them | `[q, 0]` |
//! | cosine | `[x, t, sqrt(r^2 - t^2)]` with `t = c (b - m)`, `r` the largest `abs(t)` | `[q, -1/c, 0]` |
//!
//! **Inner product.** `[x, c (b - m)] . [q, -1/c] = s - (b - m)`, and `m` is the same for all items.
//!
//! **L2.** `|[x, e] - [q, 0]|^2 = |x|^2 + e^2 + |q|^2 - 2 s = 2 + e^2 - 2 s` for unit vectors. With `e^2 = 2 (b - l)` that is
//! `2 - 2 l - 2 (s - b)`: the nearest item has the largest `s - b`. `b - l` is never below zero.
//!
//! **Cosine.** Every item has the length `M = sqrt(1 + t^2 + r^2 - t^2) = sqrt(1 + r^2)`, and `M^2 = max(1 + t^2)`. So the engine divides all
//! products by the same `M |[q, -1/c, 0]|`, and the product is `s - (b - m)` as in the first form. With one coordinate alone the lengths
//! would differ, and the engine would divide every item's score by another number. As the lengths are equal, these items rank alike by
//! inner product, by distance and by cosine.
//!
//! Any `m` and any `c` are exact; [`balanced_scale`] and the middle are those that cost engines with fewer bits least.
//!
//! What engines compute in f32 is off by no more than [`rounding`] derives. Engines that search approximately or store fewer bits are
//! outside these proofs; `tools/engines` measures them.
//!
//! [`Delivery`] writes an export: the items in a [`Format`], block by block, `queries.md` and the [`Manifest`]. [`Exact`] computes the
//! exact ranking from one and [`judge`] compares an engine's answers with it. [`BiasFile`] and [`BiasWriter`] are the biases before.

mod bias_file;
mod delivery;
mod error;
mod exact;
mod expect;
mod forms;
mod ids;
mod items;
mod manifest;
mod queries;
mod unique;

pub use bias_file::{
    BankMark, BiasFile, BiasFileError, BiasHeader, BiasProblem, BiasRows, BiasWriter, Ids,
    vector_marks,
};
pub use delivery::{About, Delivery};
pub use error::ExportError;
pub use exact::{Answer, Difference, Exact, Judged, List, Scored, judge, read_answers};
pub use expect::{PGVECTOR_LIMIT, pgvector_limit};
pub use forms::{Constants, Form, FormError, Spread, balanced_scale, rounding};
pub use ids::Id;
pub use items::{Format, Shape, Take, read_items};
pub use manifest::{BiasSummary, FileSum, Manifest, QueryMap};
