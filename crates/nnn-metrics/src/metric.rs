//! Every metric under one name.

use std::fmt;
use std::num::NonZeroUsize;
use std::str::FromStr;

use crate::clusters::Clusters;
use crate::error::{MetricError, ParseMetricError};
use crate::groups::{GroupMetric, Ranked};
use crate::hubness::{HubnessMetric, HubnessStatistic};
use crate::info::{Goal, MetricInfo, Needs, Reads};
use crate::interval::{Measurement, binomial_interval};
use crate::paired::bootstrap_interval;
use crate::query::QueryMetric;
use crate::resample::Resampling;

/// A metric; it parses from its own name and prints back to it.
///
/// ```
/// let metric: nnn_metrics::Metric = "k_skewness@10".parse().unwrap();
/// assert_eq!(metric.to_string(), "k_skewness@10");
/// assert_eq!(metric.needs().top, 10);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Metric {
    /// One with a value for every query.
    Query(QueryMetric),
    /// One of a whole run.
    Hubness(HubnessMetric),
    /// `sd(M)`: the standard deviation over queries of a metric that is a mean over them, with `n - 1` below the sum of
    /// squares, as the authors of VisoGender give it beside each of their means.
    Spread(QueryMetric),
}

const SPREAD: MetricInfo = MetricInfo {
    pattern: "sd(M)",
    doc: "standard deviation over queries (n - 1 degrees of freedom) of M, any metric that is a mean over queries, such as sd(bias@10)",
    reads: Reads::Metric,
    goal: Goal::Lower,
};

/// Which interval a measurement carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum IntervalKind {
    /// For proportions (`R@K`) [`binomial_interval`], the paper's. It fits no other metric: those get the bootstrap.
    #[default]
    Binomial,
    /// [`bootstrap_interval`], by cluster.
    Bootstrap,
}

/// What other libraries call a metric with a cutoff, for suggestions only.
const ELSEWHERE: [(&str, &str); 6] = [
    ("recall", "R@K"),
    ("success", "R@K"),
    ("hit_rate", "R@K"),
    ("precision", "P@K"),
    ("hub_occurrence", "hub_share@K"),
    ("maxskew", "max_skew@K"),
];

/// How many similar names an error suggests.
const SUGGESTIONS: usize = 3;

impl Metric {
    /// Its line in the list of metrics.
    #[must_use]
    pub fn info(self) -> &'static MetricInfo {
        match self {
            Self::Query(metric) => metric.info(),
            Self::Hubness(metric) => metric.statistic.info(),
            Self::Spread(_) => &SPREAD,
        }
    }

    /// What a ranking pass has to keep for it.
    #[must_use]
    pub fn needs(self) -> Needs {
        match self {
            Self::Query(metric) | Self::Spread(metric) => metric.needs(),
            Self::Hubness(metric) => metric.needs(),
        }
    }

    /// Whether it reads groups of gallery items.
    #[must_use]
    pub fn reads_groups(self) -> bool {
        match self {
            Self::Query(metric) | Self::Spread(metric) => metric.info().reads.groups(),
            Self::Hubness(_) => false,
        }
    }

    /// The value over a run, without interval.
    ///
    /// # Errors
    /// [`MetricError::NoQueries`]; [`MetricError::TopTooShort`] of a hubness metric; as [`QueryMetric::check`];
    /// [`MetricError::OneQuery`] of a spread.
    pub fn value<'a>(self, ranked: impl Into<Ranked<'a>>) -> Result<f64, MetricError> {
        let ranked = ranked.into();
        match self {
            Self::Query(metric) => metric.aggregate(&checked_values(metric, ranked)?),
            Self::Hubness(metric) => metric.measure(ranked.rankings),
            Self::Spread(metric) => deviation(&checked_values(metric, ranked)?),
        }
    }

    /// The value over a run with its interval; hubness metrics and spreads have none and ignore `kind`, `clusters` and
    /// `resampling`.
    ///
    /// # Errors
    /// As [`Metric::value`] and [`bootstrap_interval`].
    pub fn measure<'a>(
        self,
        ranked: impl Into<Ranked<'a>>,
        kind: IntervalKind,
        clusters: &Clusters,
        resampling: &Resampling,
    ) -> Result<Measurement, MetricError> {
        let ranked = ranked.into();
        let (value, interval) = match self {
            Self::Hubness(_) | Self::Spread(_) => (self.value(ranked)?, None),
            Self::Query(metric) => {
                let values = checked_values(metric, ranked)?;
                let value = metric.aggregate(&values)?;
                let interval = match kind {
                    IntervalKind::Binomial if metric.is_proportion() => {
                        binomial_interval(value, values.len())?
                    }
                    _ => bootstrap_interval(metric, &values, clusters, resampling)?,
                };
                (value, Some(interval))
            }
        };
        Ok(Measurement {
            value,
            interval,
            n: ranked.rankings.queries(),
        })
    }
}

impl From<QueryMetric> for Metric {
    fn from(metric: QueryMetric) -> Self {
        Self::Query(metric)
    }
}

impl From<HubnessMetric> for Metric {
    fn from(metric: HubnessMetric) -> Self {
        Self::Hubness(metric)
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query(metric) => metric.fmt(f),
            Self::Hubness(metric) => metric.fmt(f),
            Self::Spread(metric) => write!(f, "sd({metric})"),
        }
    }
}

impl FromStr for Metric {
    type Err = ParseMetricError;

    fn from_str(text: &str) -> Result<Self, ParseMetricError> {
        if let Some(inner) = text.strip_prefix("sd(") {
            return spread_of(text, inner);
        }
        let k = cutoff_of(text).unwrap_or(NonZeroUsize::MIN);
        let named = with_cutoff(k).find(|metric| metric.to_string() == text);
        named.ok_or_else(|| match list().into_iter().find(|info| is_of(text, info)) {
            Some(info) => ParseMetricError::Cutoff {
                name: text.to_owned(),
                pattern: info.pattern,
            },
            None => unknown(text),
        })
    }
}

/// Every metric with what is known about it, in a fixed order.
#[must_use]
pub fn list() -> Vec<&'static MetricInfo> {
    let plain = with_cutoff(NonZeroUsize::MIN).map(Metric::info);
    plain.chain([&SPREAD]).collect()
}

/// The spread of the metric inside the parentheses.
fn spread_of(text: &str, inner: &str) -> Result<Metric, ParseMetricError> {
    let refused = || ParseMetricError::Spread {
        name: text.to_owned(),
    };
    match inner.strip_suffix(')').ok_or_else(refused)?.parse()? {
        Metric::Query(metric) if metric.is_mean() => Ok(Metric::Spread(metric)),
        _ => Err(refused()),
    }
}

/// The values of rankings that hold what the metric reads.
fn checked_values(metric: QueryMetric, ranked: Ranked<'_>) -> Result<Vec<f64>, MetricError> {
    metric.check(ranked)?;
    Ok(metric.values(ranked))
}

fn deviation(values: &[f64]) -> Result<f64, MetricError> {
    let n = match values.len() {
        0 => return Err(MetricError::NoQueries),
        1 => return Err(MetricError::OneQuery),
        n => n as f64,
    };
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Ok((squares / (n - 1.0)).sqrt())
}

/// Every metric but spreads, those with a cutoff at `k`.
fn with_cutoff(k: NonZeroUsize) -> impl Iterator<Item = Metric> {
    let query = [
        QueryMetric::HitRate(k),
        QueryMetric::MedR,
        QueryMetric::MeanR,
        QueryMetric::Mrr,
        QueryMetric::Ndcg(k),
        QueryMetric::NdcgExp(k),
        QueryMetric::MapAtR,
        QueryMetric::Precision(k),
    ];
    let groups = [
        GroupMetric::Bias(k),
        GroupMetric::AbsBias(k),
        GroupMetric::ClassBias(k),
        GroupMetric::Skew(k),
        GroupMetric::MaxSkew(k),
        GroupMetric::Ndkl,
    ];
    let hubness = HubnessStatistic::ALL.map(|statistic| HubnessMetric { statistic, k });
    let query = query.into_iter().chain(groups.map(QueryMetric::Group));
    let hubness = hubness.into_iter().map(Metric::Hubness);
    query.map(Metric::Query).chain(hubness)
}

/// Whether a text is a pattern with something for its cutoff.
fn is_of(text: &str, info: &MetricInfo) -> bool {
    let stem = info.pattern.strip_suffix('K');
    stem.is_some_and(|stem| text.starts_with(stem))
}

fn cutoff_of(text: &str) -> Option<NonZeroUsize> {
    text.rsplit_once('@')?.1.parse().ok()
}

fn unknown(name: &str) -> ParseMetricError {
    let k = cutoff_of(name).map_or_else(|| "K".to_owned(), |k| k.to_string());
    let mut infos = list();
    infos.sort_by(|a, b| {
        let [a, b] = [a, b].map(|info| similarity(name, info, &k));
        b.total_cmp(&a)
    });
    let nearest = infos.iter().take(SUGGESTIONS).map(|info| info.name(&k));
    ParseMetricError::Unknown {
        name: name.to_owned(),
        nearest: nearest.collect(),
    }
}

/// How near a text is to the name of a metric, or to a name that others use for it; from 0 to 1.
fn similarity(text: &str, info: &MetricInfo, k: &str) -> f64 {
    let other = ELSEWHERE
        .iter()
        .filter(|(_, pattern)| *pattern == info.pattern);
    let other = other.map(|(stem, _)| format!("{stem}@{k}"));
    let names = other.chain([info.name(k).to_lowercase()]);
    let similarities = names.map(|name| strsim::jaro_winkler(&text.to_lowercase(), &name));
    similarities.fold(0.0, f64::max)
}
