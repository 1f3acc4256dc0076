//! Resamples of clusters, and statistics on them.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use crate::clusters::Clusters;
use crate::error::MetricError;
use crate::query::Statistic;

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
    /// Draws as many clusters as there are, with replacement, `bootstraps` times; `statistic` sees how often each
    /// cluster was drawn. Its values, ascending.
    pub(crate) fn bootstrap(
        &self,
        clusters: usize,
        statistic: impl Fn(&[u32]) -> f64 + Sync,
    ) -> Vec<f64> {
        let one = |counts: &mut Vec<u32>, resample| {
            draw(&mut self.stream(resample), counts);
            statistic(counts)
        };
        let mut values: Vec<f64> = (0..self.bootstraps as u64)
            .into_par_iter()
            .map_init(|| vec![0; clusters], one)
            .collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    }

    /// Flips `coins` fair coins `permutations` times; how many outcomes `extreme` accepts.
    pub(crate) fn flips(&self, coins: usize, extreme: impl Fn(&[bool]) -> bool + Sync) -> usize {
        let one = |sides: &mut Vec<bool>, permutation| {
            flip(&mut self.stream(FLIPS | permutation), sides);
            usize::from(extreme(sides))
        };
        (0..self.permutations as u64)
            .into_par_iter()
            .map_init(|| vec![false; coins], one)
            .sum()
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

/// A statistic of per-query values, ready to be computed on many resamples.
pub(crate) enum Resampled {
    /// Sums and sizes of the clusters: a mean costs one step a cluster.
    Mean { sums: Vec<f64>, sizes: Vec<f64> },
    /// Values ascending, each with its cluster: a median costs one step a query, in order and without sorting again.
    Median { sorted: Vec<(f64, u32)> },
}

impl Resampled {
    pub(crate) fn new(statistic: Statistic, values: &[f64], clusters: &Clusters) -> Self {
        match statistic {
            Statistic::Mean => Self::Mean {
                sums: clusters.sums(values),
                sizes: clusters.sums(&vec![1.0; values.len()]),
            },
            Statistic::Median => {
                let of = clusters.of().iter().copied();
                let mut sorted: Vec<_> = values.iter().copied().zip(of).collect();
                sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
                Self::Median { sorted }
            }
        }
    }

    /// The statistic of the sample that holds cluster `c` `counts[c]` times.
    pub(crate) fn value(&self, counts: &[u32]) -> f64 {
        match self {
            Self::Mean { sums, sizes } => weighted_sum(counts, sums) / weighted_sum(counts, sizes),
            Self::Median { sorted } => {
                let weighted = sorted.iter().map(|&(value, c)| (value, counts[c as usize]));
                let total = weighted.clone().map(|(_, n)| u64::from(n)).sum();
                weighted_median(weighted, total)
            }
        }
    }
}

fn weighted_sum(counts: &[u32], values: &[f64]) -> f64 {
    let terms = counts.iter().zip(values);
    terms.map(|(&n, value)| f64::from(n) * value).sum()
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
