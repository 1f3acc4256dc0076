//! Resamples of clusters, and statistics on them.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::clusters::Clusters;
use crate::error::MetricError;

/// How many resamples and sign flips, and from which seed. The same seed and clusters give the same resamples to every
/// metric and method, on any number of threads: resample `i` reads stream `i` of the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Resampling {
    /// Seed of the ChaCha generator (8 rounds).
    pub seed: u64,
    /// Resamples of a bootstrap interval, at least 1.
    pub bootstraps: usize,
    /// Sign flips of a randomisation test; the smallest p-value is `1 / (permutations + 1)`.
    pub permutations: usize,
}

impl Default for Resampling {
    /// Seed 0, 2,000 resamples, 10,000 sign flips.
    fn default() -> Self {
        Self {
            seed: 0,
            bootstraps: 2_000,
            permutations: 10_000,
        }
    }
}

/// Streams from here on belong to sign flips, those below to resamples.
const FLIPS: u64 = 1 << 63;

impl Resampling {
    /// Draws as many clusters as there are, with replacement, `bootstraps` times; `statistics` sees how often each
    /// cluster was drawn. Returns its values, resample by resample.
    pub(crate) fn bootstrap(
        &self,
        clusters: usize,
        statistics: impl Fn(&[u32]) -> Vec<f64> + Sync,
    ) -> Vec<Vec<f64>> {
        let one = |counts: &mut Vec<u32>, resample| {
            draw(&mut self.stream(resample), counts);
            statistics(counts)
        };
        (0..self.bootstraps as u64)
            .into_par_iter()
            .map_init(|| vec![0; clusters], one)
            .collect()
    }

    /// Flips `coins` fair coins `permutations` times; `judge` sees them and adds one to each of `tests` that it finds
    /// as extreme. Returns how often that was.
    pub(crate) fn flips(
        &self,
        coins: usize,
        tests: usize,
        judge: impl Fn(&[bool], &mut [usize]) + Sync,
    ) -> Vec<usize> {
        let start = || (vec![false; coins], vec![0; tests]);
        let one = |(mut sides, mut extreme): (Vec<bool>, Vec<usize>), permutation| {
            flip(&mut self.stream(FLIPS | permutation), &mut sides);
            judge(&sides, &mut extreme);
            (sides, extreme)
        };
        let add = |a: Vec<usize>, b: Vec<usize>| a.iter().zip(b).map(|(a, b)| a + b).collect();
        (0..self.permutations as u64)
            .into_par_iter()
            .fold(start, one)
            .map(|(_, extreme)| extreme)
            .reduce(|| vec![0; tests], add)
    }

    fn stream(&self, number: u64) -> ChaCha8Rng {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        rng.set_stream(number);
        rng
    }
}

fn draw(rng: &mut impl Rng, counts: &mut [u32]) {
    counts.fill(0);
    // A 32-bit range: half the random words of a `usize` one, and the same draws on every machine.
    let clusters = counts.len() as u32;
    for _ in 0..clusters {
        counts[rng.random_range(0..clusters) as usize] += 1;
    }
}

fn flip(rng: &mut impl Rng, sides: &mut [bool]) {
    for chunk in sides.chunks_mut(64) {
        let bits = rng.next_u64();
        for (place, side) in chunk.iter_mut().enumerate() {
            *side = bits >> place & 1 == 1;
        }
    }
}

/// How the values of the queries become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statistic {
    /// The arithmetic mean.
    Mean,
    /// The median; of an even number of values the mean of the two middle ones.
    Median,
}

/// Per-query values of several methods, reduced to what resamples of clusters are computed from.
pub(crate) enum Resampled {
    /// A mean costs one step per cluster.
    Means(ClusterSums),
    /// For each method its values ascending, each with its cluster: a median costs one step per query, in order and
    /// without sorting again.
    Medians(Vec<Vec<(f64, u32)>>),
}

impl Resampled {
    pub(crate) fn new(statistic: Statistic, methods: &[&[f64]], clusters: &Clusters) -> Self {
        let sorted = |values: &&[f64]| {
            let of = clusters.of().iter().copied();
            let mut sorted: Vec<_> = values.iter().copied().zip(of).collect();
            sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            sorted
        };
        match statistic {
            Statistic::Mean => Self::Means(ClusterSums::new(methods, clusters)),
            Statistic::Median => Self::Medians(methods.iter().map(sorted).collect()),
        }
    }

    /// The statistic of every method on the sample that holds cluster `c` `counts[c]` times.
    pub(crate) fn values(&self, counts: &[u32]) -> Vec<f64> {
        match self {
            Self::Means(sums) => sums.means(counts),
            Self::Medians(methods) => {
                let total = |sorted: &[(f64, u32)]| {
                    let counted = sorted.iter().map(|&(_, c)| u64::from(counts[c as usize]));
                    counted.sum()
                };
                let median = |sorted: &Vec<(f64, u32)>| {
                    let weighted = sorted.iter().map(|&(value, c)| (value, counts[c as usize]));
                    weighted_median(weighted, total(sorted))
                };
                methods.iter().map(median).collect()
            }
        }
    }
}

/// Sums of several methods' values over each cluster, side by side: `(cluster, method)`, the cluster's size behind them.
pub(crate) struct ClusterSums {
    width: usize,
    sums: Vec<f64>,
}

impl ClusterSums {
    fn new(methods: &[&[f64]], clusters: &Clusters) -> Self {
        let width = methods.len() + 1;
        let mut sums = vec![0.0; clusters.count() * width];
        for (query, &cluster) in clusters.of().iter().enumerate() {
            let row = &mut sums[cluster as usize * width..][..width];
            for (sum, values) in row.iter_mut().zip(methods) {
                *sum += values[query];
            }
            row[width - 1] += 1.0;
        }
        Self { width, sums }
    }

    /// The sum over clusters of the weight of each times its row, cluster after cluster: one number per method, then that
    /// of the sizes. A method's number is the same whatever stands beside it.
    pub(crate) fn weighted(&self, weights: impl Iterator<Item = f64>) -> Vec<f64> {
        let mut totals = vec![0.0; self.width];
        for (row, weight) in self.sums.chunks_exact(self.width).zip(weights) {
            for (total, sum) in totals.iter_mut().zip(row) {
                *total += weight * sum;
            }
        }
        totals
    }

    fn means(&self, counts: &[u32]) -> Vec<f64> {
        let mut totals = self.weighted(counts.iter().map(|&n| f64::from(n)));
        let size = totals.pop().unwrap_or_default();
        totals.iter().map(|total| total / size).collect()
    }

    /// The sum of the sizes of a method's cluster sums.
    pub(crate) fn absolute(&self, method: usize) -> f64 {
        let rows = self.sums.chunks_exact(self.width);
        rows.map(|row| row[method].abs()).sum()
    }
}

/// The median of values, at least one.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    weighted_median(sorted.iter().map(|&value| (value, 1)), values.len() as u64)
}

/// The median of a sample of `total` values (at least one), given ascending with multiplicities.
pub(crate) fn weighted_median(sorted: impl Iterator<Item = (f64, u32)>, total: u64) -> f64 {
    let (low, high) = (total.saturating_sub(1) / 2, total / 2);
    let (mut seen, mut lower) = (0, None);
    for (value, count) in sorted {
        seen += u64::from(count);
        if lower.is_none() && seen > low {
            lower = Some(value);
        }
        if seen > high {
            return lower.map_or(value, |lower| (lower + value) / 2.0);
        }
    }
    f64::NAN
}

/// Refuses values that do not fit the clusters, are none or are not finite.
pub(crate) fn check(
    what: &'static str,
    values: &[f64],
    clusters: &Clusters,
) -> Result<(), MetricError> {
    if clusters.queries() == 0 {
        return Err(MetricError::NoQueries);
    }
    if values.len() != clusters.queries() {
        return Err(MetricError::Length {
            what,
            expected: clusters.queries(),
            received: values.len(),
        });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(query) => Err(MetricError::NotFinite {
            query,
            value: values[query],
        }),
        None => Ok(()),
    }
}
