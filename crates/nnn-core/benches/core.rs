//! Time of the block products, of a pass over a bank and of a ranking pass.
//!
//! `cargo bench -p nnn-core`; the group `product` compares with two general matrix products on the same machine, in
//! multiply-adds counted as two operations (its "Gelem/s" are GFLOP/s).
#![allow(missing_docs)] // criterion's macros make items that cannot carry a comment

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use nnn_core::{
    Bank, BankStats, Banks, Delivery, DotScorer, Embeddings, Fitted, GalleryBias, Kernel, Param,
    PassOptions, RankOptions, Relevance, RowSink, Scorer, Stat, StatPlan, TieRule, rank,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::hint::black_box;
use std::time::Duration;

const DIM: usize = 512;

fn unit_rows(rows: usize, seed: u64) -> Embeddings {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let data = (0..rows * DIM).map(|_| random.random_range(-1.0..1.0));
    Embeddings::normalize(data.collect(), DIM).expect("random rows are valid")
}

/// Looks at nothing: what is left is the product.
struct Ignore;

impl RowSink for Ignore {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        black_box(scores);
    }
}

fn stream(scorer: &DotScorer<'_>, delivery: Delivery) {
    let mut ignores: Vec<_> = (0..scorer.rows()).map(|_| Ignore).collect();
    let mut sinks: Vec<_> = ignores.iter_mut().map(|i| i as &mut dyn RowSink).collect();
    scorer.stream(delivery, 0, &mut sinks);
}

/// The whole product of the `gemm` crate: `out` is `(left, right)`, row-major.
#[allow(unsafe_code)]
fn gemm_product(left: &Embeddings, right: &Embeddings, out: &mut [f32], threads: usize) {
    let (m, n, k) = (left.len(), right.len(), DIM);
    assert_eq!(out.len(), m * n);
    let parallelism = match threads {
        1 => gemm::Parallelism::None,
        threads => gemm::Parallelism::Rayon(threads),
    };
    let (left, right) = (left.rows().data(), right.rows().data());
    // SAFETY: the pointers cover m x k, n x k and m x n floats in the strides given; `out` is borrowed for writing.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
            false,
            left.as_ptr(),
            1,
            k as isize,
            right.as_ptr(),
            k as isize,
            1,
            0.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// The same product by `faer`.
fn faer_product(left: &Embeddings, right: &Embeddings, out: &mut [f32], threads: usize) {
    use faer::{Accum, MatMut, MatRef, Par};
    let par = if threads == 1 {
        Par::Seq
    } else {
        Par::rayon(threads)
    };
    let left = MatRef::from_row_major_slice(left.rows().data(), left.len(), DIM);
    let right = MatRef::from_row_major_slice(right.rows().data(), right.len(), DIM);
    let out = MatMut::from_row_major_slice_mut(out, left.nrows(), right.nrows());
    faer::linalg::matmul::matmul(out, Accum::Replace, left, right.transpose(), 1.0f32, par);
}

fn product(c: &mut Criterion) {
    let (left, right) = (unit_rows(1400, 1), unit_rows(8192, 2));
    let mut out = vec![0.0f32; left.len() * right.len()];
    let mut group = c.benchmark_group("product");
    group.throughput(Throughput::Elements((2 * out.len() * DIM) as u64));
    let size = format!("{}x{}x{DIM}", left.len(), right.len());
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("pool");
        let id = |name: &str| BenchmarkId::new(format!("{name}/threads={threads}"), &size);
        // Without vector instructions, a fused multiply-add is a call: minutes for what the others do in a second.
        let kernels = Kernel::available().into_iter();
        for kernel in kernels.filter(|kernel| kernel.name != "portable") {
            let scorer = DotScorer::new(left.rows(), right.rows()).expect("one dimension");
            let scorer = scorer.with_kernel(kernel);
            for delivery in [Delivery::Pieces, Delivery::WholeRows] {
                group.bench_function(id(&format!("{}-{delivery:?}", kernel.name)), |b| {
                    b.iter(|| pool.install(|| stream(&scorer, delivery)));
                });
            }
        }
        group.bench_function(id("gemm"), |b| {
            b.iter(|| pool.install(|| gemm_product(&left, &right, &mut out, threads)));
        });
        group.bench_function(id("faer"), |b| {
            b.iter(|| pool.install(|| faer_product(&left, &right, &mut out, threads)));
        });
    }
}

fn collect(c: &mut Criterion) {
    let (gallery, bank) = (unit_rows(1000, 3), unit_rows(20_000, 4));
    let mut group = c.benchmark_group("collect");
    group.throughput(Throughput::Elements((gallery.len() * bank.len()) as u64));
    let betas = |n: usize| {
        (0..n).map(move |i| Stat::LogMeanExp {
            beta: log_spaced(i, n),
        })
    };
    let plans: Vec<(&str, Vec<Stat>)> = vec![
        ("top_mean(k=128)", vec![Stat::TopMean { k: 128 }]),
        ("top_mean(k=512)", vec![Stat::TopMean { k: 512 }]),
        ("mean", vec![Stat::Mean]),
        ("best_place(depth=10)", vec![Stat::BestPlace { depth: 10 }]),
        ("log_mean_exp(1 beta)", betas(1).collect()),
        ("log_mean_exp(20 betas)", betas(20).collect()),
    ];
    let size = format!("{}x{}x{DIM}", gallery.len(), bank.len());
    for (name, stats) in plans {
        let needs = stats.into_iter().map(|stat| (Bank::Query, stat));
        let plan: StatPlan = needs.collect();
        let banks = Banks {
            query: Some(bank.rows()),
            ..Banks::default()
        };
        group.bench_function(BenchmarkId::new(name, &size), |b| {
            b.iter(|| BankStats::collect(&plan, gallery.rows(), banks, PassOptions::default()));
        });
    }
}

/// The `i`-th of `n` values from 0.001 to 400, evenly spaced in their logarithm.
fn log_spaced(i: usize, n: usize) -> Param {
    let share = i as f64 / (n.max(2) - 1) as f64;
    Param::new(0.001 * 400_000f64.powf(share)).expect("finite")
}

/// As many scores from a gallery that fits a cache and from one that does not.
fn ranking(c: &mut Criterion) {
    for (queries, gallery) in [(2000, 5000), (200, 50_000)] {
        rank_gallery(c, queries, gallery);
    }
}

fn rank_gallery(c: &mut Criterion, queries: usize, gallery: usize) {
    let (queries, gallery) = (unit_rows(queries, 5), unit_rows(gallery, 6));
    let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension");
    let answers: Vec<u32> = (0..queries.len() as u32).collect();
    let relevance = Relevance::one_each(&answers, gallery.len()).expect("within the gallery");
    let biases: Vec<Fitted> = (0..60)
        .map(|method| {
            let values = (0..gallery.len()).map(|g| ((g * 7 + method) % 100) as f64 * 1e-3);
            Fitted::Additive(GalleryBias::from_f64(values))
        })
        .collect();
    let mut group = c.benchmark_group("rank");
    group.throughput(Throughput::Elements((queries.len() * gallery.len()) as u64));
    for (methods, top) in [(1, 0), (1, 10), (60, 0)] {
        let methods: Vec<&Fitted> = biases[..methods].iter().collect();
        let options = RankOptions {
            ties: TieRule::Index,
            top,
            all_relevant: false,
            depth: None,
        };
        let name = format!("methods={},top={top}", methods.len());
        let size = format!("{}x{}x{DIM}", queries.len(), gallery.len());
        group.bench_function(BenchmarkId::new(name, size), |b| {
            b.iter(|| rank(&scorer, &relevance, &methods, options));
        });
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(4));
    targets = product, collect, ranking
}
criterion_main!(benches);
