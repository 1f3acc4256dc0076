//! How unevenly the gallery items share the places at the top.

use std::fmt;
use std::num::NonZeroUsize;

use nnn_core::Rankings;

use crate::error::MetricError;
use crate::info::{Goal, MetricInfo, Needs, Reads};

/// An item is a hub if its k-occurrence is at least this many times the mean.
pub const HUB_SIZE: f64 = 2.0;

/// A statistic of the k-occurrences `N_k` of the gallery items (zeros included), of which there are `n` with mean
/// `m = queries * k / n`. All are lower for less hubness, and all are defined where every item occurs equally often.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HubnessStatistic {
    /// Population skewness `m3 / m2^1.5` of the central moments (Radovanović, Nanopoulos and Ivanović, 2010;
    /// `scipy.stats.skew`). Equal occurrences have no skewness: 0 by definition here, where scipy gives NaN.
    Skewness,
    /// Population **excess** kurtosis `m4 / m2^2 - 3` (`scipy.stats.kurtosis`); 0 for equal occurrences.
    ///
    /// The NNN paper's Table 3 prints excess kurtosis at k = 1: a plain one of 1.1 cannot go with its maximum of 15 and
    /// mean absolute error of 1.7 over 5,000 captions of 1,000 images (together they force at least 1.4).
    Kurtosis,
    /// Mean absolute error from uniform, `sum |N_k - m| / n`, in occurrences (NNN paper, Table 3).
    Mae,
    /// The largest occurrence (NNN paper, Table 3).
    Max,
    /// Gini coefficient `sum_i sum_j |N_i - N_j| / (2 n^2 m)`, 0 to 1.
    Gini,
    /// Robin Hood (Hoover) index `sum |N_k - m| / (2 n m)`: the share of places to take from some items and give to
    /// others until all are equal, 0 to 1.
    RobinHood,
    /// The share of items with `N_k = 0`, 0 to 1.
    Antihub,
    /// The share of places taken by hubs, items with `N_k >= 2 m`, 0 to 1.
    ///
    /// scikit-hubness puts the bound at `2 k`, which is the same where there are as many queries as items, as there;
    /// with five queries per item `2 k` would call less than half the mean a hub.
    HubShare,
}

/// A statistic of the k-occurrences of a whole run; it has no value for single queries and hence no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct HubnessMetric {
    /// What is computed from the occurrences.
    pub statistic: HubnessStatistic,
    /// How many of the best items of each query are counted.
    pub k: NonZeroUsize,
}

const fn line(pattern: &'static str, doc: &'static str) -> MetricInfo {
    MetricInfo {
        pattern,
        doc,
        reads: Reads::TopItems,
        goal: Goal::Lower,
    }
}

const SKEWNESS: MetricInfo = line("k_skewness@K", "skewness of the K-occurrences, population");
const KURTOSIS: MetricInfo = line(
    "k_kurtosis@K",
    "excess kurtosis of the K-occurrences, population",
);
const MAE: MetricInfo = line(
    "k_mae@K",
    "mean absolute distance of the K-occurrences from their mean",
);
const MAX: MetricInfo = line("k_max@K", "largest K-occurrence");
const GINI: MetricInfo = line("gini@K", "Gini coefficient of the K-occurrences, 0 to 1");
const ROBIN_HOOD: MetricInfo = line(
    "robin_hood@K",
    "Robin Hood index of the K-occurrences, 0 to 1",
);
const ANTIHUB: MetricInfo = line(
    "antihub@K",
    "share of gallery items that are never among the first K, 0 to 1",
);
const HUB_SHARE: MetricInfo = line(
    "hub_share@K",
    "share of the first K places taken by items of at least twice the mean occurrence, 0 to 1",
);

impl HubnessStatistic {
    /// All statistics, in the order of the list of metrics.
    pub const ALL: [Self; 8] = [
        Self::Skewness,
        Self::Kurtosis,
        Self::Mae,
        Self::Max,
        Self::Gini,
        Self::RobinHood,
        Self::Antihub,
        Self::HubShare,
    ];

    /// Its line in the list of metrics.
    #[must_use]
    pub fn info(self) -> &'static MetricInfo {
        match self {
            Self::Skewness => &SKEWNESS,
            Self::Kurtosis => &KURTOSIS,
            Self::Mae => &MAE,
            Self::Max => &MAX,
            Self::Gini => &GINI,
            Self::RobinHood => &ROBIN_HOOD,
            Self::Antihub => &ANTIHUB,
            Self::HubShare => &HUB_SHARE,
        }
    }

    /// The statistic of the occurrences of all gallery items; 0 for no items or no occurrences at all, except that then
    /// every item is an anti-hub.
    #[must_use]
    pub fn of(self, occurrences: &[u32]) -> f64 {
        match self {
            Self::Skewness => standardised_moment(occurrences, 3),
            Self::Kurtosis if is_constant(occurrences) => 0.0,
            Self::Kurtosis => standardised_moment(occurrences, 4) - 3.0,
            Self::Mae => absolute_deviations(occurrences) / occurrences.len().max(1) as f64,
            Self::Max => f64::from(occurrences.iter().copied().max().unwrap_or(0)),
            Self::Gini => gini(occurrences),
            Self::RobinHood => share(absolute_deviations(occurrences) / 2.0, total(occurrences)),
            Self::Antihub => antihub_share(occurrences),
            Self::HubShare => hub_share(occurrences),
        }
    }
}

impl HubnessMetric {
    /// What a ranking pass has to keep for it.
    #[must_use]
    pub fn needs(self) -> Needs {
        Needs {
            all_relevant: false,
            top: self.k.get(),
        }
    }

    /// The value over a whole run.
    ///
    /// # Errors
    /// As [`k_occurrence`].
    pub fn measure(self, rankings: &Rankings) -> Result<f64, MetricError> {
        Ok(self.statistic.of(&k_occurrence(rankings, self.k)?))
    }
}

impl fmt::Display for HubnessMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.statistic.info().name(self.k))
    }
}

/// `N_k` of every gallery item, zeros included: for how many queries it is among the first `k`. The sum is
/// `queries * k`.
///
/// # Errors
/// [`MetricError::NoQueries`]; [`MetricError::TopTooShort`] if the rankings keep fewer than `k` items per query, even
/// where the gallery has no more.
pub fn k_occurrence(rankings: &Rankings, k: NonZeroUsize) -> Result<Vec<u32>, MetricError> {
    let (k, width, gallery) = (k.get(), rankings.top_width(), rankings.gallery());
    if rankings.queries() == 0 {
        return Err(MetricError::NoQueries);
    }
    if k > width {
        return Err(MetricError::TopTooShort { k, width, gallery });
    }
    let mut occurrences = vec![0; gallery];
    for query in 0..rankings.queries() {
        for &item in &rankings.top(query)[..k] {
            occurrences[item as usize] += 1;
        }
    }
    Ok(occurrences)
}

fn total(occurrences: &[u32]) -> f64 {
    occurrences.iter().map(|&n| u64::from(n)).sum::<u64>() as f64
}

fn mean(occurrences: &[u32]) -> f64 {
    share(total(occurrences), occurrences.len() as f64)
}

/// `part / whole`, and 0 of nothing.
fn share(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

fn is_constant(occurrences: &[u32]) -> bool {
    occurrences.windows(2).all(|pair| pair[0] == pair[1])
}

/// Sum of the `power`-th powers of the distances from the mean, divided by `n` and by the standard deviation to that
/// power; 0 for equal occurrences.
fn standardised_moment(occurrences: &[u32], power: i32) -> f64 {
    // Asked of the integers: the mean of equal occurrences may miss them by a rounding error.
    if is_constant(occurrences) {
        return 0.0;
    }
    let (mean, n) = (mean(occurrences), occurrences.len() as f64);
    let moment = |power: i32| {
        let distances = occurrences.iter().map(|&count| f64::from(count) - mean);
        distances.map(|d| d.powi(power)).sum::<f64>() / n
    };
    moment(power) / moment(2).powf(f64::from(power) / 2.0)
}

fn absolute_deviations(occurrences: &[u32]) -> f64 {
    let mean = mean(occurrences);
    let distances = occurrences.iter().map(|&n| (f64::from(n) - mean).abs());
    distances.sum()
}

/// With ascending occurrences the double sum of absolute differences is `2 sum_i (2 i - n - 1) N_i`, `i` from 1.
fn gini(occurrences: &[u32]) -> f64 {
    let mut sorted = occurrences.to_vec();
    sorted.sort_unstable();
    let n = sorted.len() as f64;
    let places = (1..).map(|i: u32| 2.0 * f64::from(i) - n - 1.0);
    let differences: f64 = places.zip(&sorted).map(|(w, &x)| w * f64::from(x)).sum();
    share(differences, n * total(occurrences))
}

fn antihub_share(occurrences: &[u32]) -> f64 {
    let never = occurrences.iter().filter(|&&n| n == 0).count();
    share(never as f64, occurrences.len() as f64)
}

fn hub_share(occurrences: &[u32]) -> f64 {
    let bound = HUB_SIZE * mean(occurrences);
    let hubs = occurrences.iter().filter(|&&n| f64::from(n) >= bound);
    let taken: u64 = hubs.map(|&n| u64::from(n)).sum();
    share(taken as f64, total(occurrences))
}
