//! How sure is a value, and is one method better than another on the same queries? Both from the same resamples.

use crate::clusters::Clusters;
use crate::error::MetricError;
use crate::interval::{Interval, check_probability, percentile_interval};
use crate::query::QueryMetric;
use crate::resample::{ClusterSums, Resampled, Resampling, check, weighted_median};
use rayon::prelude::*;

/// A method against a baseline on the same queries.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Comparison {
    /// The metric of the method minus that of the baseline: a gain if higher is better. Of a metric that is best at 0 it is the
    /// shift, not the gain in distance from 0.
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

/// Several methods on the same queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Contest {
    /// The interval of every method: to the bit that of [`bootstrap_interval`].
    pub intervals: Vec<Interval>,
    /// The comparison of every pair, in the order asked for: to the bit that of [`compare`].
    pub comparisons: Vec<Comparison>,
}

/// The percentile bootstrap interval of a metric from its per-query `values`: whole clusters are drawn with
/// replacement, as many as there are, and the interval runs from the 2.5 to the 97.5 percentile of the metric over the
/// resamples (linear between order statistics, as `np.quantile`).
///
/// A mean costs one step per cluster and resample. `MedR` costs one step per query and resample, and its interval is
/// coarse: a median of ranks moves in halves.
///
/// # Errors
/// [`MetricError::NoQueries`] without values, [`MetricError::Length`] where there are not as many as queries in `clusters`,
/// [`MetricError::NotFinite`] for a value that is not finite, [`MetricError::NoResamples`].
pub fn bootstrap_interval(
    metric: QueryMetric,
    values: &[f64],
    clusters: &Clusters,
    resampling: &Resampling,
) -> Result<Interval, MetricError> {
    Ok(compare_all(metric, &[values], &[], clusters, resampling)?.intervals[0])
}

/// Compares a method with a baseline from the per-query values of one metric.
///
/// The p-value is that of Fisher's randomisation test: under the null hypothesis the two methods may trade places in
/// any cluster, so each cluster trades or not by a fair coin (for a mean: its sum of differences changes sign). With `B`
/// such flips and `b` of them with `|delta|` at least the observed one, `p = (b + 1) / (B + 1)` (Phipson and Smyth,
/// 2010). Sums that differ by rounding alone count as equal.
///
/// # Errors
/// As [`bootstrap_interval`], for either list of values.
pub fn compare(
    metric: QueryMetric,
    method: &[f64],
    baseline: &[f64],
    clusters: &Clusters,
    resampling: &Resampling,
) -> Result<Comparison, MetricError> {
    let contest = compare_all(metric, &[method, baseline], &[(0, 1)], clusters, resampling)?;
    Ok(contest.comparisons[0])
}

/// The intervals of several `methods` and the comparisons of `pairs` of them (a method and its baseline, by their
/// places), each list holding the per-query values of one metric.
///
/// Resamples and flips are drawn once for all. For a mean, a flip costs one step per cluster and method and one per pair;
/// for the median one step per query and pair.
///
/// # Errors
/// As [`bootstrap_interval`], for any list of values.
///
/// # Panics
/// A pair names a place that `methods` does not have.
pub fn compare_all(
    metric: QueryMetric,
    methods: &[&[f64]],
    pairs: &[(usize, usize)],
    clusters: &Clusters,
    resampling: &Resampling,
) -> Result<Contest, MetricError> {
    for values in methods {
        check("values", values, clusters)?;
    }
    let resampled = Resampled::new(metric.statistic(), methods, clusters);
    let drawn = resampling.bootstrap(clusters.count(), |counts| resampled.values(counts));
    let interval = |method: usize| percentile_interval(drawn.iter().map(|v| v[method]).collect());
    let p_values = match &resampled {
        Resampled::Means(sums) => mean_p_values(sums, pairs, clusters, resampling),
        Resampled::Medians(_) => median_p_values(methods, pairs, clusters, resampling),
    };
    let comparison = |(&(a, b), p_value): (&(usize, usize), &f64)| {
        let (wins, ties, losses) = tally(metric, methods[a], methods[b]);
        Ok(Comparison {
            delta: metric.aggregate(methods[a])? - metric.aggregate(methods[b])?,
            interval: percentile_interval(drawn.iter().map(|v| v[a] - v[b]).collect())?,
            p_value: *p_value,
            wins,
            ties,
            losses,
        })
    };
    let comparisons = pairs.par_iter().zip(&p_values).map(comparison);
    Ok(Contest {
        comparisons: comparisons.collect::<Result<_, _>>()?,
        intervals: (0..methods.len()).map(interval).collect::<Result<_, _>>()?,
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
    let goal = metric.info().goal;
    let pairs = || {
        method
            .iter()
            .zip(baseline)
            .map(|(&a, &b)| (goal.merit(a), goal.merit(b)))
    };
    let wins = pairs().filter(|(a, b)| a > b).count();
    let losses = pairs().filter(|(a, b)| a < b).count();
    (wins, method.len() - wins - losses, losses)
}

fn p_value(extreme: usize, resampling: &Resampling) -> f64 {
    (extreme + 1) as f64 / (resampling.permutations + 1) as f64
}

/// Of every pair: how many flips move the difference of the sums at least as far from zero as it is.
fn mean_p_values(
    sums: &ClusterSums,
    pairs: &[(usize, usize)],
    clusters: &Clusters,
    resampling: &Resampling,
) -> Vec<f64> {
    if pairs.is_empty() {
        return Vec::new();
    }
    let apart = |totals: &[f64], (a, b): (usize, usize)| (totals[a] - totals[b]).abs();
    let totals = sums.weighted(std::iter::repeat(1.0));
    // Rounding of a sum of n terms is at most n half units in the last place of their absolute sum, twice over here.
    let unit = clusters.queries() as f64 * f64::EPSILON;
    let size: Vec<f64> = (0..totals.len()).map(|m| sums.absolute(m)).collect();
    let rounding = |(a, b): (usize, usize)| (size[a] + size[b]) * unit;
    let bound = |&pair: &(usize, usize)| apart(&totals, pair) - rounding(pair);
    let bounds: Vec<f64> = pairs.iter().map(bound).collect();
    let judge = |sides: &[bool], extreme: &mut [usize]| {
        // A product where a branch would guess wrong half the time.
        let signs = sides.iter().map(|&side| 1.0 - 2.0 * f64::from(side));
        let totals = sums.weighted(signs);
        for ((count, &pair), &bound) in extreme.iter_mut().zip(pairs).zip(&bounds) {
            *count += usize::from(apart(&totals, pair) >= bound);
        }
    };
    let extreme = resampling.flips(clusters.count(), pairs.len(), judge);
    extreme.iter().map(|&n| p_value(n, resampling)).collect()
}

fn median_p_values(
    methods: &[&[f64]],
    pairs: &[(usize, usize)],
    clusters: &Clusters,
    resampling: &Resampling,
) -> Vec<f64> {
    let extreme =
        |&(a, b): &(usize, usize)| extreme_medians(methods[a], methods[b], clusters, resampling);
    pairs
        .iter()
        .map(|pair| p_value(extreme(pair), resampling))
        .collect()
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
    let judge = |sides: &[bool], extreme: &mut [usize]| {
        extreme[0] += usize::from(apart(sides) >= observed);
    };
    resampling.flips(clusters.count(), 1, judge)[0]
}
