//! Is one method better than another on the same queries?

use crate::clusters::Clusters;
use crate::error::MetricError;
use crate::interval::{Interval, check_probability, percentile_interval};
use crate::query::{QueryMetric, Statistic};
use crate::resample::{Resampled, Resampling, check, weighted_median};

/// A method against a baseline on the same queries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The metric of the method minus that of the baseline: a gain if higher is better.
    pub delta: f64,
    /// Percentile bootstrap interval of `delta`: both methods on the same resampled clusters.
    pub interval: Interval,
    /// Two-sided p-value of the paired randomisation test, see [`compare`].
    pub p_value: f64,
    /// Queries on which the method is better, in the direction of the metric.
    pub wins: usize,
    /// Queries on which the two are equal.
    pub ties: usize,
    /// Queries on which the method is worse.
    pub losses: usize,
}

/// Compares a method with a baseline from the per-query values of one metric.
///
/// The p-value is that of Fisher's randomisation test: under the null hypothesis the two methods may trade places in
/// any cluster, so each cluster trades or not by a fair coin (for a mean: its sum of differences changes sign). With `B`
/// such flips and `b` of them with `|delta|` at least the observed one, `p = (b + 1) / (B + 1)` (Phipson and Smyth,
/// 2010). Sums that differ by rounding alone count as equal.
///
/// # Errors
/// As [`bootstrap_interval`](crate::bootstrap_interval), for either list of values.
pub fn compare(
    metric: QueryMetric,
    method: &[f64],
    baseline: &[f64],
    clusters: &Clusters,
    resampling: &Resampling,
) -> Result<Comparison, MetricError> {
    check("values of the method", method, clusters)?;
    check("values of the baseline", baseline, clusters)?;
    let (wins, ties, losses) = tally(metric, method, baseline);
    Ok(Comparison {
        delta: metric.aggregate(method)? - metric.aggregate(baseline)?,
        interval: delta_interval(metric, method, baseline, clusters, resampling)?,
        p_value: p_value(metric, method, baseline, clusters, resampling),
        wins,
        ties,
        losses,
    })
}

/// Holm's step-down correction (1979) of the p-values of a family of comparisons, in the order given: the `i`-th
/// smallest of `m`, from 1, becomes the largest of `(m - j + 1) p_j` over `j <= i`, at most 1. Rejecting what stays
/// below `a` keeps the chance of any false rejection below `a`, whatever the dependence.
///
/// # Errors
/// [`MetricError::NotAProbability`] for a p-value outside `[0, 1]`.
pub fn holm(p_values: &[f64]) -> Result<Vec<f64>, MetricError> {
    for &p in p_values {
        check_probability("a p-value", p)?;
    }
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, &place) in order.iter().enumerate() {
        let factor = (p_values.len() - rank) as f64;
        largest = largest.max(factor * p_values[place]).min(1.0);
        adjusted[place] = largest;
    }
    Ok(adjusted)
}

fn tally(metric: QueryMetric, method: &[f64], baseline: &[f64]) -> (usize, usize, usize) {
    let pairs = || method.iter().zip(baseline);
    let above = pairs().filter(|(a, b)| a > b).count();
    let below = pairs().filter(|(a, b)| a < b).count();
    let ties = method.len() - above - below;
    if metric.info().higher_is_better {
        (above, ties, below)
    } else {
        (below, ties, above)
    }
}

fn delta_interval(
    metric: QueryMetric,
    method: &[f64],
    baseline: &[f64],
    clusters: &Clusters,
    resampling: &Resampling,
) -> Result<Interval, MetricError> {
    let [method, baseline] =
        [method, baseline].map(|values| Resampled::new(metric.statistic(), values, clusters));
    let delta = |counts: &[u32]| method.value(counts) - baseline.value(counts);
    percentile_interval(&resampling.bootstrap(clusters.count(), delta))
}

fn p_value(
    metric: QueryMetric,
    method: &[f64],
    baseline: &[f64],
    clusters: &Clusters,
    resampling: &Resampling,
) -> f64 {
    let extreme = match metric.statistic() {
        Statistic::Mean => extreme_means(method, baseline, clusters, resampling),
        Statistic::Median => extreme_medians(method, baseline, clusters, resampling),
    };
    (extreme + 1) as f64 / (resampling.permutations + 1) as f64
}

/// How many flips move the mean difference at least as far from zero as it is.
fn extreme_means(
    method: &[f64],
    baseline: &[f64],
    clusters: &Clusters,
    resampling: &Resampling,
) -> usize {
    let differences: Vec<f64> = method.iter().zip(baseline).map(|(a, b)| a - b).collect();
    let mut sums = clusters.sums(&differences);
    // A cluster without a difference stays as it is on either side of the coin.
    sums.retain(|&sum| sum != 0.0);
    // Rounding of a sum of n terms is at most n half units in the last place of their absolute sum, twice over here.
    let size: f64 = differences.iter().map(|difference| difference.abs()).sum();
    let rounding = size * differences.len() as f64 * f64::EPSILON;
    let observed = sums.iter().sum::<f64>().abs() - rounding;
    resampling.flips(sums.len(), |sides| {
        // A product where a branch would guess wrong half the time.
        let signed = sums.iter().zip(sides);
        let signed = signed.map(|(sum, &side)| sum * (1.0 - 2.0 * f64::from(side)));
        let flipped: f64 = signed.sum();
        flipped.abs() >= observed
    })
}

/// How many flips leave the two medians at least as far apart as they are.
fn extreme_medians(
    method: &[f64],
    baseline: &[f64],
    clusters: &Clusters,
    resampling: &Resampling,
) -> usize {
    let tagged = |values: &[f64], side: bool| -> Vec<(f64, u32, bool)> {
        let pairs = values.iter().zip(clusters.of());
        pairs
            .map(|(&value, &cluster)| (value, cluster, side))
            .collect()
    };
    let mut sorted = [tagged(method, true), tagged(baseline, false)].concat();
    sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let median = |wanted: bool, sides: &[bool]| {
        let weigh = |&(value, cluster, side): &(f64, u32, bool)| {
            (
                value,
                u32::from((side != sides[cluster as usize]) == wanted),
            )
        };
        weighted_median(sorted.iter().map(weigh), method.len() as u64)
    };
    let apart = |sides: &[bool]| (median(true, sides) - median(false, sides)).abs();
    let observed = apart(&vec![false; clusters.count()]);
    resampling.flips(clusters.count(), |sides| apart(sides) >= observed)
}
