//! Time of the comparisons of one trial under one metric: COCO's 25,010 captions of 5,000 images, twenty methods.
//!
//! `cargo bench -p nnn-metrics`: all 190 pairs together, and one pair by itself.
#![allow(missing_docs)] // criterion's macros make items that cannot carry a comment

use criterion::{Criterion, criterion_group, criterion_main};
use nnn_metrics::{Clusters, Metric, QueryMetric, Resampling, compare_all};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::time::Duration;

const QUERIES: usize = 25_010;
const IMAGES: usize = 5_000;
const METHODS: usize = 20;

/// The metric's values of first ranks that differ here and there between methods.
fn values(rng: &mut ChaCha8Rng) -> Vec<f64> {
    (0..QUERIES)
        .map(|_| 1.0 / f64::from(rng.random_range(1..20_u32)))
        .collect()
}

fn pairs(methods: usize) -> Vec<(usize, usize)> {
    (0..methods)
        .flat_map(|a| (0..a).map(move |b| (a, b)))
        .collect()
}

fn comparisons(criterion: &mut Criterion) {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let all: Vec<Vec<f64>> = (0..METHODS).map(|_| values(&mut rng)).collect();
    let methods: Vec<&[f64]> = all.iter().map(Vec::as_slice).collect();
    let images: Vec<usize> = (0..QUERIES).map(|query| query % IMAGES).collect();
    let clusters = Clusters::from_ids(&images);
    let Ok(Metric::Query(metric)) = "MRR".parse() else {
        panic!("MRR is a metric of queries");
    };
    let run = |methods: &[&[f64]], metric: QueryMetric| {
        let pairs = pairs(methods.len());
        compare_all(metric, methods, &pairs, &clusters, &Resampling::default())
            .expect("comparisons")
    };
    let mut group = criterion.benchmark_group("compare");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(3));
    group.bench_function("190 pairs", |bencher| {
        bencher.iter(|| run(&methods, metric));
    });
    group.bench_function("one pair", |bencher| {
        bencher.iter(|| run(&methods[..2], metric));
    });
    group.finish();
}

criterion_group!(benches, comparisons);
criterion_main!(benches);
