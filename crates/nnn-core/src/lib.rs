//! The core of hubness correction: embeddings, score kernels, bank statistics, ranking, the traits of a method, and the
//! methods `raw` and `nnn`.
//!
//! Everything is a function of one whole row of scores: a bank statistic reduces an item's row over a reference set, a
//! method rewrites a query's row over the gallery, a rank reads one. Rows are streamed and never gathered into a matrix.
//!
//! ```
//! use nnn_core::{
//!     BankStats, Banks, DotScorer, Embeddings, Nnn, Normalizer, Param, PassOptions, RankOptions, Relevance, StatPlan,
//!     TieRule, rank,
//! };
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let gallery = Embeddings::normalize(vec![1.0, 0.0, 0.6, 0.8], 2)?;
//! let reference = Embeddings::normalize(vec![0.0, 1.0, 0.5, 0.5], 2)?;
//! let queries = Embeddings::normalize(vec![0.9, 0.1], 2)?;
//! let nnn = Nnn { k: 1, alpha: Param::new(0.75).ok_or("not finite")? };
//!
//! let plan = StatPlan::of([&nnn as &dyn Normalizer]);
//! let banks = Banks { query: Some(reference.rows()), ..Banks::default() };
//! let stats = BankStats::collect(&plan, gallery.rows(), banks, PassOptions::default())?;
//! let fitted = nnn.fit(&stats, gallery.rows())?;
//!
//! let scorer = DotScorer::new(queries.rows(), gallery.rows())?;
//! let relevance = Relevance::one_each(&[0], gallery.len())?;
//! let options = RankOptions { ties: TieRule::Index, top: 1, all_relevant: false, depth: None };
//! let rankings = rank(&scorer, &relevance, &[&fitted], options);
//! assert_eq!(rankings[0].first_rank(0), 1.0);
//! # Ok(())
//! # }
//! ```
//!
//! A gallery may come in any number of parts, since a statistic of an item depends on that item and the bank; a bank may,
//! too, and on several machines: see [`Partial`].

mod bounded;
mod device;
mod dispatch;
mod embeddings;
mod exp;
mod groups;
mod kernel;
pub mod memory;
mod method;
mod moved;
mod nnn;
mod order;
mod others;
mod param;
mod rank;
mod rankings;
mod raw;
mod relevance;
mod score;
mod screen;
mod stats;
mod ties;
mod topk;

pub use device::Device;
pub use embeddings::{EmbeddingError, Embeddings, Rows, SharedValues};
pub use groups::{Group, GroupError, Groups};
pub use kernel::Kernel;
pub use method::{Fitted, GalleryBias, GatedBias, MethodFamily, MethodKind, Normalizer, RowRule};
pub use moved::{MovedVectors, VectorMap, Vectors};
pub use nnn::{Nnn, NnnFamily};
pub use order::{rewrite_by_key, weighted_key};
pub use others::nearest_others;
pub use param::{Param, ParamError, ParamGrid, ParamInfo, parse_signature, signature};
pub use rank::{Best, Counts, RankOptions, Shard, ShardError, Thresholds, best, rank, rank_each};
pub use rankings::Rankings;
pub use raw::{Raw, RawFamily};
pub use relevance::{Judged, Relevance, RelevanceError};
pub use score::{Blocking, Delivery, DimensionMismatch, DotScorer, RowSink, Scorer};
pub use stats::{
    Bank, BankPart, BankSizes, BankStats, Banks, FitError, LargestLists, NeighborStat, Neighbors,
    OwnStat, Partial, PartialError, PassOptions, Stat, StatPlan,
};
pub use ties::TieRule;
pub use topk::{LargestScores, best_items};
