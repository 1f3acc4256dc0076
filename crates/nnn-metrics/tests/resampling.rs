//! What intervals and p-values promise, checked by enumeration and by simulation with fixed seeds.

mod common;

use common::query_metric;
use nnn_metrics::{Clusters, QueryMetric, Resampling, bootstrap_interval, compare, compare_all};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Five clusters of different sizes; query values and their clusters.
const VALUES: [f64; 11] = [1.0, 4.0, 2.0, 8.0, 1.0, 1.0, 3.0, 9.0, 2.0, 2.0, 6.0];
const IDS: [usize; 11] = [0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 4];

/// The metric over every one of the 5^5 equally likely resamples, by gathering the queries.
fn all_resamples(metric: QueryMetric) -> Vec<f64> {
    let one = |number: usize| {
        let drawn = (0..5_u32).map(|place| number / 5_usize.pow(place) % 5);
        let queries =
            drawn.flat_map(|cluster| (0..VALUES.len()).filter(move |&q| IDS[q] == cluster));
        let sample: Vec<f64> = queries.map(|query| VALUES[query]).collect();
        metric.aggregate(&sample).expect("a value")
    };
    (0..5_usize.pow(5)).map(one).collect()
}

/// At most `share` of the exact distribution lies below an end, and at least that much at or below it, up to four
/// standard deviations of the share met in `draws` resamples.
#[track_caller]
fn assert_quantile(exact: &[f64], end: f64, share: f64, draws: usize) {
    let part = |inside: &dyn Fn(f64) -> bool| {
        exact.iter().filter(|&&value| inside(value)).count() as f64 / exact.len() as f64
    };
    let band = 4.0 * (share * (1.0 - share) / draws as f64).sqrt();
    let (below, up_to) = (part(&|x| x < end - 1e-9), part(&|x| x <= end + 1e-9));
    assert!(
        below <= share + band && up_to >= share - band,
        "{end}: {below} to {up_to}, not {share}"
    );
}

#[test]
fn ends_are_quantiles_of_all_resamples() {
    let resampling = Resampling {
        bootstraps: 20_000,
        ..Resampling::default()
    };
    for name in ["MeanR", "MedR"] {
        let metric = query_metric(name);
        let exact = all_resamples(metric);
        let clusters = Clusters::from_ids(&IDS);
        let interval =
            bootstrap_interval(metric, &VALUES, &clusters, &resampling).expect("an interval");
        assert_quantile(&exact, interval.low, 0.025, resampling.bootstraps);
        assert_quantile(&exact, interval.high, 0.975, resampling.bootstraps);
    }
}

/// The sign flips of a median: all 2^5 ways to trade places, by trading them.
#[test]
fn median_p_value_is_that_of_all_flips() {
    let metric = query_metric("MedR");
    let baseline = VALUES.map(|value| 13.0 - value);
    let gap = |traded: usize| {
        let pairs = (0..VALUES.len()).map(|q| (VALUES[q], baseline[q], traded >> IDS[q] & 1 == 1));
        let (a, b): (Vec<_>, Vec<_>) = pairs
            .map(|(a, b, t)| if t { (b, a) } else { (a, b) })
            .unzip();
        let median = |values: &[f64]| metric.aggregate(values).expect("a value");
        (median(&a) - median(&b)).abs()
    };
    let exact = (0..32).filter(|&traded| gap(traded) >= gap(0)).count() as f64 / 32.0;
    assert!(exact > 0.05 && exact < 0.95, "{exact} tells little");
    let resampling = Resampling::default();
    let clusters = Clusters::from_ids(&IDS);
    let got = compare(metric, &VALUES, &baseline, &clusters, &resampling)
        .expect("a comparison")
        .p_value;
    let band = 4.0 * (exact * (1.0 - exact) / 10_000.0).sqrt();
    assert!((got - exact).abs() <= band + 1e-4, "{got}, exactly {exact}");
}

const CLUSTERS: usize = 150;
const SIZE: usize = 4;

fn ids() -> Vec<usize> {
    (0..CLUSTERS * SIZE).map(|query| query / SIZE).collect()
}

/// Hits of queries whose chance is that of their cluster, uniform in (0, 1): the true mean is one half.
fn correlated_hits(rng: &mut ChaCha8Rng) -> Vec<f64> {
    let mut hits = Vec::with_capacity(CLUSTERS * SIZE);
    for _ in 0..CLUSTERS {
        let chance: f64 = rng.random();
        hits.extend((0..SIZE).map(|_| f64::from(u8::from(rng.random::<f64>() < chance))));
    }
    hits
}

/// In how many of `runs` simulations the interval holds the true mean.
fn coverage(runs: usize, clusters: &Clusters) -> f64 {
    let metric = query_metric("R@1");
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let covered = (0..runs).filter(|&run| {
        let resampling = Resampling {
            seed: run as u64,
            bootstraps: 400,
            permutations: 0,
        };
        let values = correlated_hits(&mut rng);
        let interval = bootstrap_interval(metric, &values, clusters, &resampling);
        let interval = interval.expect("an interval");
        interval.low <= 0.5 && 0.5 <= interval.high
    });
    covered.count() as f64 / runs as f64
}

/// 600 simulations meet a chance of 95 % within 3.3 standard deviations (0.0089 each) but once in a thousand.
#[test]
fn cluster_intervals_cover_as_often_as_they_say() {
    let share = coverage(600, &Clusters::from_ids(&ids()));
    assert!((share - 0.95).abs() < 3.3 * 0.0089, "{share}");
}

/// The same data with its clusters ignored: the check above can fail. With a correlation of one third among four
/// queries of a cluster the standard error is sqrt(2) too small, so that 1.96 / sqrt(2) gives a coverage of 83 %.
#[test]
fn intervals_that_ignore_clusters_cover_too_rarely() {
    let share = coverage(300, &Clusters::single(CLUSTERS * SIZE));
    assert!(
        (share - 0.834).abs() < 3.3 * (0.834_f64 * 0.166 / 300.0).sqrt(),
        "{share}"
    );
}

/// p-values of `runs` comparisons of two methods that differ by a per-cluster effect of mean `shift`.
fn p_values(runs: usize, shift: f64, clusters: &Clusters) -> Vec<f64> {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut one = |run: usize| {
        let effects: Vec<f64> = (0..CLUSTERS)
            .map(|_| rng.random::<f64>() - 0.5 + shift)
            .collect();
        let method: Vec<f64> = ids()
            .iter()
            .map(|&id| effects[id] + 0.1 * rng.random::<f64>())
            .collect();
        let baseline: Vec<f64> = ids().iter().map(|_| 0.1 * rng.random::<f64>()).collect();
        let resampling = Resampling {
            seed: run as u64,
            bootstraps: 1,
            permutations: 199,
        };
        let compared = compare(
            query_metric("MRR"),
            &method,
            &baseline,
            clusters,
            &resampling,
        );
        compared.expect("a comparison").p_value
    };
    (0..runs).map(&mut one).collect()
}

/// The largest distance between the distribution of the p-values and the uniform one on 1/200, 2/200, ..., 1.
fn distance_from_uniform(p_values: &[f64]) -> f64 {
    let distance = |step: u32| {
        let p = f64::from(step) / 200.0;
        let below = p_values.iter().filter(|&&value| value <= p + 1e-9).count();
        (below as f64 / p_values.len() as f64 - p).abs()
    };
    (1..=200).map(distance).fold(0.0, f64::max)
}

/// Kolmogorov and Smirnov: a distance above 1.63 / sqrt(n) comes up once in a hundred (rarer yet for discrete values).
#[test]
fn p_values_are_uniform_under_the_null() {
    let p = p_values(500, 0.0, &Clusters::from_ids(&ids()));
    let distance = distance_from_uniform(&p);
    assert!(distance < 1.63 / 500_f64.sqrt(), "{distance}");
}

/// The same comparisons with the clusters ignored reject too often, and true differences are found.
#[test]
fn p_values_can_tell() {
    let naive = distance_from_uniform(&p_values(200, 0.0, &Clusters::single(CLUSTERS * SIZE)));
    assert!(naive > 1.63 / 200_f64.sqrt(), "{naive}");
    // Five standard errors (0.289 / sqrt(150) each) apart.
    let found = p_values(50, 0.118, &Clusters::from_ids(&ids()));
    assert!(found.iter().all(|&p| p <= 0.05), "{found:?}");
}

#[test]
fn threads_change_nothing_and_seeds_do() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let (method, baseline) = (correlated_hits(&mut rng), correlated_hits(&mut rng));
    let clusters = Clusters::from_ids(&ids());
    let on = |threads, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let resampling = Resampling {
            seed,
            bootstraps: 300,
            permutations: 300,
        };
        let run = |name| {
            compare(
                query_metric(name),
                &method,
                &baseline,
                &clusters,
                &resampling,
            )
        };
        pool.expect("threads").install(|| ["MRR", "MedR"].map(run))
    };
    assert_eq!(on(1, 7), on(3, 7));
    assert_ne!(on(1, 7)[0], on(1, 8)[0]);
}

/// A gain on every cluster leaves only the two outcomes in which all or none trade places.
#[test]
fn the_smallest_p_value() {
    let clusters = Clusters::single(60);
    let compared = compare(
        query_metric("R@1"),
        &[1.0; 60],
        &[0.0; 60],
        &clusters,
        &Resampling::default(),
    );
    let compared = compared.expect("a comparison");
    assert_eq!(
        (compared.delta, compared.p_value, compared.wins),
        (1.0, 1.0 / 10_001.0, 60)
    );
}

/// What is drawn once for many methods is what each pair would draw by itself.
#[test]
fn company_changes_no_comparison() {
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let values: Vec<Vec<f64>> = (0..4).map(|_| correlated_hits(&mut rng)).collect();
    let methods: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
    let clusters = Clusters::from_ids(&ids());
    let resampling = Resampling {
        bootstraps: 100,
        permutations: 100,
        ..Resampling::default()
    };
    let pairs = [(1, 0), (3, 1), (2, 3)];
    for name in ["MRR", "MedR"] {
        let metric = query_metric(name);
        let together = compare_all(metric, &methods, &pairs, &clusters, &resampling);
        let together = together.expect("comparisons");
        for (&(a, b), found) in pairs.iter().zip(&together.comparisons) {
            let alone = compare(metric, methods[a], methods[b], &clusters, &resampling);
            assert_eq!(*found, alone.expect("a comparison"));
        }
        for (values, found) in methods.iter().zip(&together.intervals) {
            let alone = bootstrap_interval(metric, values, &clusters, &resampling);
            assert_eq!(*found, alone.expect("an interval"));
        }
    }
}
