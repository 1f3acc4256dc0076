//! One trial on vectors: all methods on the queries, the gallery and the banks of one model, data set, direction and reference set.
//!
//! Nothing here knows a file, a data set's name or an encoder. The runner makes vectors and hands them over, and so does whoever has
//! vectors already.
//!
//! - [`METHODS`] are all methods that exist. A [`Method`] is one of them with the points of its parameters, and how they are chosen.
//! - A [`Task`] is who asks and who answers, [`BankVectors`] what corrections learn from.
//! - [`Trial::run`] collects the statistics of all points in one pass over the banks, chooses, ranks in one pass over the queries, measures,
//!   and compares; an [`Outcome`] is all of it.
//! - A [`Fitting`] is one method at one point with its banks, for who wants corrections and no measurement.
//!
//! ```
//! use nnn_core::{Embeddings, PassOptions, Relevance, TieRule};
//! use nnn_metrics::{Clusters, Metric, Resampling};
//! use nnn_trial::{BankVectors, Choose, Measures, Method, Metrics, Objective, Task, Trial, method};
//! use std::sync::Arc;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let vectors = |values: Vec<f32>| Embeddings::normalize(values, 2).map(Arc::new);
//! let task = Task {
//!     queries: vectors(vec![0.9, 0.1, 0.2, 0.8])?,
//!     gallery: vectors(vec![1.0, 0.0, 0.6, 0.8])?,
//!     relevance: Relevance::one_each(&[0, 1], 2)?,
//!     clusters: Clusters::from_ids(&["a", "b"]),
//!     groups: None,
//! };
//! let banks = BankVectors { query: Some(vectors(vec![0.0, 1.0, 0.5, 0.5])?), gallery: None };
//! let raw = Method::new(method("raw")?, &Default::default(), Choose::Fixed)?;
//! let nnn = Method::new(method("nnn")?, &[("k".to_owned(), vec![1.0].into())].into(), Choose::Fixed)?;
//! let recall: Metric = "R@1".parse()?;
//! let trial = Trial {
//!     methods: &[&raw, &nnn],
//!     test: &task,
//!     validation: None,
//!     banks: &banks,
//!     measures: &Measures {
//!         metrics: Metrics::new(vec![recall], Objective(recall), Resampling::default()),
//!         objective: Objective(recall),
//!         ties: TieRule::Index,
//!         top: 1,
//!         bank_search: None,
//!         time_methods: false,
//!     },
//!     pass: PassOptions::default(),
//!     reranking: None,
//! };
//! let outcome = trial.run()?;
//! assert_eq!(outcome.numbers[1][0].value, 1.0);
//! # Ok(())
//! # }
//! ```

mod choose;
mod clock;
mod error;
mod fitting;
mod measuring;
mod method;
mod metrics;
mod registry;
mod search;
mod task;
mod trial;

pub use choose::{Choose, Values};
pub use clock::timed;
pub use error::TrialError;
pub use fitting::{Fitting, servable, unservable};
pub use measuring::{Gain, Number, Pair};
pub use method::{Beyond, Method, check_point, from_signature, kind, left_out};
pub use metrics::{MOST_COMPARED, Metrics, Objective};
pub use registry::{METHODS, method};
pub use search::{
    BankSearch, Change, MeanCheck, SEARCH_METRIC, SearchCheck, SearchRecord, top_means,
};
pub use task::{BankVectors, Task};
pub use trial::{
    Chosen, ChosenPoint, Listed, Matched, Measures, Outcome, PairMatcher, QueryItem, Reranking,
    Seconds, Trial, own_points,
};
