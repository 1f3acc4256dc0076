//! The rows, before they become files.

use serde::{Deserialize, Serialize};

/// What a row is about: one model, data set, direction, reference set and method with its parameters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CellId {
    /// Name of the experiment.
    pub experiment: String,
    /// Name of the model.
    pub model: String,
    /// Name of the evaluated data set.
    pub dataset: String,
    /// Evaluated split.
    pub split: String,
    /// `t2i` or `i2t`.
    pub direction: String,
    /// Name of the reference set; empty for a method that reads none.
    pub reference_set: String,
    /// Items in the query bank; 0 without one.
    pub reference_size: usize,
    /// Name of the method family.
    pub method: String,
    /// What the method does: `additive`, `gated`, `rescaling` or `vector-moving`; `rescaling, transductive` where it
    /// reads the evaluated queries as a whole.
    pub kind: String,
    /// Parameters as in the method's signature: `k=128,alpha=0.75`; empty without parameters.
    pub params: String,
    /// How the parameters came about: `fixed`, `validation` or `oracle`; empty without parameters.
    pub chosen: String,
}

impl CellId {
    /// Whether an answer depends on what else was asked, so that the method is of a class of its own.
    #[must_use]
    pub fn is_transductive(&self) -> bool {
        is_transductive(&self.kind)
    }

    /// Whether a matching head ranked its lists again, so that its gain over raw is not a correction's alone.
    #[must_use]
    pub fn is_reranked(&self) -> bool {
        self.kind.split(", ").any(|word| word == "re-ranked")
    }

    /// Whether it may be the best: neither chosen on the evaluated queries nor reading them as a whole.
    #[must_use]
    pub fn competes(&self) -> bool {
        self.chosen != "oracle" && !self.is_transductive()
    }

    /// Whether its gain over raw is told as a correction's: it competes, and no matching head ranked its lists again.
    #[must_use]
    pub fn is_counted(&self) -> bool {
        self.competes() && !self.is_reranked()
    }

    /// The method as it writes itself: `nnn(k=128,alpha=0.75)`.
    #[must_use]
    pub fn method_signature(&self) -> String {
        match self.params.as_str() {
            "" => self.method.clone(),
            params => format!("{}({params})", self.method),
        }
    }
}

fn is_transductive(kind: &str) -> bool {
    kind.split(", ").any(|word| word == "transductive")
}

/// A value with a lower and an upper bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Lower bound.
    pub low: f64,
    /// Upper bound.
    pub high: f64,
}

/// The gain over raw on the same queries.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    /// Value less the raw value.
    pub delta: f64,
    /// Paired bootstrap interval of the difference, resampled by cluster.
    pub interval: Option<Interval>,
    /// Two-sided paired randomisation test, signs flipped by cluster.
    pub p_value: Option<f64>,
}

/// One measured number: one metric of one cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    /// What was measured.
    pub cell: CellId,
    /// Name of the metric, such as `R@1`.
    pub metric: String,
    /// The value; a fraction where the metric is one.
    pub value: f64,
    /// Percentile bootstrap interval, resampled by cluster; absent for metrics that are no mean over queries.
    pub ci: Option<Interval>,
    /// Normal interval of a proportion; absent for metrics that are none.
    pub binomial: Option<Interval>,
    /// Gain over raw; absent for raw itself.
    pub gain: Option<Gain>,
    /// Number of queries.
    pub n_queries: usize,
    /// What queries share that are not independent, such as `image`; `query` where nothing is known to be shared.
    pub cluster: String,
    /// Number of clusters, which a bootstrap resamples.
    pub n_clusters: usize,
    /// Number of gallery items.
    pub n_gallery: usize,
    /// Everything the number depends on, in one line.
    pub signature: String,
}

/// One point of a grid, tried on one evaluated split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridRow {
    /// Method and parameters tried, and for which model, data set, direction and reference set.
    pub cell: CellId,
    /// `validation` for the held-out training items that choose, `test` for the items that report.
    pub evaluated_on: String,
    /// Name of the metric.
    pub metric: String,
    /// Its value.
    pub value: f64,
    /// Number of queries behind it.
    pub n_queries: usize,
    /// Whether this point was the one chosen.
    pub selected: bool,
}

/// A metric of groups over the queries of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRow {
    /// What was measured.
    pub cell: CellId,
    /// The class, such as an occupation.
    pub class: String,
    /// Gallery items of the class.
    pub images: usize,
    /// Name of the metric, such as `bias@6`.
    pub metric: String,
    /// Its mean over the queries of the class.
    pub value: f64,
}

/// A method with its parameters, as in a [`CellId`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodId {
    /// Name of the method family.
    pub method: String,
    /// What the method does.
    pub kind: String,
    /// Parameters as in the method's signature.
    pub params: String,
    /// How the parameters came about.
    pub chosen: String,
}

impl MethodId {
    /// As [`CellId::is_transductive`].
    #[must_use]
    pub fn is_transductive(&self) -> bool {
        is_transductive(&self.kind)
    }
}

impl From<CellId> for MethodId {
    fn from(cell: CellId) -> Self {
        Self {
            method: cell.method,
            kind: cell.kind,
            params: cell.params,
            chosen: cell.chosen,
        }
    }
}

/// Two methods on the same queries.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ComparisonRow {
    /// The method, and where both were measured.
    pub cell: CellId,
    /// What it is compared with, on the same queries and with the same reference set, if it reads one.
    pub other: MethodId,
    /// Name of the metric.
    pub metric: String,
    /// Value of the method less that of the other.
    pub delta: f64,
    /// Paired bootstrap interval of `delta`, resampled by cluster.
    pub interval: Interval,
    /// Two-sided paired randomisation test, signs flipped by cluster.
    pub p_value: f64,
    /// The p-value by Holm's correction over all rows of the trial under the metric.
    pub p_holm: f64,
    /// Queries on which the method is better, in the direction of the metric.
    pub wins: usize,
    /// Queries on which the two are equal.
    pub ties: usize,
    /// Queries on which the method is worse.
    pub losses: usize,
    /// Number of queries.
    pub n_queries: usize,
    /// As [`ScoreRow::cluster`].
    pub cluster: String,
    /// As [`ScoreRow::n_clusters`].
    pub n_clusters: usize,
}

/// What choosing one method's parameters took and gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChoosingRow {
    /// The method with the parameters chosen.
    pub cell: CellId,
    /// Points tried.
    pub points: usize,
    /// What choosing takes by itself, sharing no pass with another method; absent unless asked for.
    pub seconds: Option<ChoosingSeconds>,
    /// Name of the objective.
    pub metric: String,
    /// Its value at the chosen point on the held-out items; absent where it was not measured there.
    pub validation: Option<f64>,
    /// Its value at the chosen point on the evaluated items.
    pub test: Option<f64>,
}

/// Seconds of choosing a method's parameters, by step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChoosingSeconds {
    /// Passes over the banks for all points.
    pub statistics: f64,
    /// Fitting and ranking of all points.
    pub ranking: f64,
}

/// The search of the reference set through an index beside the exact one, for one method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchRow {
    /// The method that read what the index found.
    pub cell: CellId,
    /// The index with its settings.
    pub index: String,
    /// Name of the metric that was compared.
    pub metric: String,
    /// Its value with the exact search.
    pub exact: f64,
    /// Its value with the index.
    pub approximate: f64,
    /// Seconds of the exact search.
    pub exact_seconds: f64,
    /// Seconds of building the index.
    pub build_seconds: f64,
    /// Seconds of searching it.
    pub search_seconds: f64,
}

impl SearchRow {
    /// Seconds of the exact search over those of searching the index; building it is not counted.
    #[must_use]
    pub fn factor(&self) -> f64 {
        self.exact_seconds / self.search_seconds
    }

    /// A number by its name in an expectation.
    pub(crate) fn value(&self, name: &str) -> Option<f64> {
        match name.split_once(':')? {
            ("exact_search", "seconds") => Some(self.exact_seconds),
            ("exact_search", metric) if metric == self.metric => Some(self.exact),
            ("index_search", "seconds") => Some(self.search_seconds),
            ("index_search", "factor") => Some(self.factor()),
            _ => None,
        }
    }
}

/// How often the items of a gallery are found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OccurrenceRow {
    /// The method that ranked.
    pub cell: CellId,
    /// How many of the best items of each query are counted.
    pub k: usize,
    /// Number of queries.
    pub n_queries: usize,
    /// How many items are found how often: `(occurrences, items)`, ascending, items never found included.
    pub counts: Vec<(usize, usize)>,
}
