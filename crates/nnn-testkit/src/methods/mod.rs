//! What the tests of corrections share: seeded data, statistics in f64 straight from their formulas, error bounds, golden
//! files.

mod goldens;
mod noisy;

pub use goldens::{Case, Golden, check_differences, check_order};
pub use noisy::Noisy;

use nnn_core::{
    Bank, BankStats, Banks, Embeddings, FitError, Fitted, Normalizer, Param, PassOptions, Rows,
    Stat, StatPlan, Vectors,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

/// Unit roundoff of f32.
pub const U32: f64 = 1.0 / (1u64 << 24) as f64;
/// Unit roundoff of f64.
pub const U64: f64 = 1.0 / (1u64 << 53) as f64;

/// A finite parameter.
pub fn param(value: f64) -> Param {
    Param::new(value).expect("finite")
}

/// Seeded random unit vectors.
pub fn random_rows(rows: usize, dim: usize, seed: u64) -> Embeddings {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let data = (0..rows * dim).map(|_| random.random_range(-1.0..1.0f32));
    Embeddings::normalize(data.collect(), dim).expect("random rows are valid")
}

/// Random unit vectors whose products are exact and often equal: four of eight coordinates are plus or minus one half.
pub fn tied_rows(rows: usize, seed: u64) -> Embeddings {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut data = vec![0.0f32; rows * 8];
    for row in data.chunks_exact_mut(8) {
        while row.iter().filter(|v| **v != 0.0).count() < 4 {
            row[random.random_range(0..8)] = if random.random() { 0.5 } else { -0.5 };
        }
    }
    Embeddings::from_unit(data, 8).expect("length one")
}

/// A query bank and no other.
pub fn query_bank(bank: &Embeddings) -> Banks<'_> {
    Banks {
        query: Some(bank.rows()),
        ..Banks::default()
    }
}

/// A query bank and a gallery bank.
pub fn both_banks<'a>(query: &'a Embeddings, gallery: &'a Embeddings) -> Banks<'a> {
    Banks {
        gallery: Some(gallery.rows()),
        ..query_bank(query)
    }
}

/// The computed statistics of a query bank.
pub fn collect(stats: &[Stat], gallery: &Embeddings, bank: &Embeddings) -> BankStats {
    BankStats::collect(
        &plan(stats),
        gallery.rows(),
        query_bank(bank),
        PassOptions::default(),
    )
    .expect("valid plan")
}

/// These statistics of the query bank.
pub fn plan(stats: &[Stat]) -> StatPlan {
    stats.iter().map(|stat| (Bank::Query, stat)).collect()
}

/// A method fitted to a gallery and its query bank.
pub fn fit(method: &dyn Normalizer, gallery: &Embeddings, bank: &Embeddings) -> Fitted {
    fit_to(method, gallery, query_bank(bank))
}

/// What a method needs of any banks, or why it is refused.
///
/// # Errors
/// As [`BankStats::collect`].
pub fn collect_for(
    method: &dyn Normalizer,
    gallery: &Embeddings,
    banks: Banks<'_>,
) -> Result<BankStats, FitError> {
    let plan = StatPlan::of([method]);
    BankStats::collect(&plan, gallery.rows(), banks, PassOptions::default())
}

/// A method fitted to a gallery and any banks.
pub fn fit_to(method: &dyn Normalizer, gallery: &Embeddings, banks: Banks<'_>) -> Fitted {
    let stats = collect_for(method, gallery, banks).expect("valid plan");
    method.fit(&stats, gallery.rows()).expect("declared")
}

/// The bias of an additive method.
pub fn bias(method: &dyn Normalizer, gallery: &Embeddings, bank: &Embeddings) -> Vec<f32> {
    let fitted = fit(method, gallery, bank);
    fitted.additive().expect("additive").values().to_vec()
}

/// Products in f64 of the vectors that a correction makes of queries and gallery: `(query, gallery)`.
pub fn moved_scores(fitted: &Fitted, queries: &Embeddings) -> Vec<Vec<f64>> {
    let Fitted::VectorMoving(moved) = fitted else {
        panic!("the correction moves no vectors");
    };
    let queries = moved.query.apply(queries.rows());
    let rows = |vectors: &Vectors| -> Vec<Vec<f32>> {
        let rows = vectors.data().chunks_exact(vectors.dim());
        rows.map(<[f32]>::to_vec).collect()
    };
    let gallery = rows(&moved.gallery);
    let row = |q: &Vec<f32>| gallery.iter().map(|g| dot64(q, g)).collect();
    rows(&queries).iter().map(row).collect()
}

/// The similarity in f64; its own rounding is 2^-29 of the bound below.
pub fn dot64(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    products.sum()
}

/// The similarity as documented: one f32 chain of fused multiply-adds in ascending dimension.
pub fn chain(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| a.mul_add(*b, sum))
}

/// Scores `(left, right)` by [`chain`].
pub fn chain_matrix(left: Rows<'_>, right: Rows<'_>) -> Vec<Vec<f32>> {
    let row = |l: usize| {
        (0..right.len())
            .map(|r| chain(left.row(l), right.row(r)))
            .collect()
    };
    (0..left.len()).map(row).collect()
}

/// Similarities of one item to the whole bank in f64.
pub fn scores64(item: &[f32], bank: &Embeddings) -> Vec<f64> {
    (0..bank.len())
        .map(|i| dot64(item, bank.rows().row(i)))
        .collect()
}

/// Largest error of a similarity to the bank: `d` roundings, each at most `u` of a partial sum that is at most
/// `sum |a_i b_i|`, so `d u / (1 - d u) * sum |a_i b_i|` (Higham, Accuracy and Stability, section 3.1).
pub fn score_error(item: &[f32], bank: &Embeddings) -> f64 {
    let du = item.len() as f64 * U32;
    let magnitude = |row: &[f32]| -> f64 {
        let products = item
            .iter()
            .zip(row)
            .map(|(&a, &b)| (f64::from(a) * f64::from(b)).abs());
        products.sum()
    };
    let largest = (0..bank.len()).map(|i| magnitude(bank.rows().row(i)));
    du / (1.0 - du) * largest.fold(0.0, f64::max)
}

/// `(1/k) sum` of the `k` largest.
pub fn top_mean64(scores: &[f64], k: usize) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    sorted[..k].iter().sum::<f64>() / k as f64
}

/// `ln((1/M) sum exp(beta s))`, for `beta * s` within the range of `exp`.
pub fn log_mean_exp64(scores: &[f64], beta: f64) -> f64 {
    let exponentials = scores.iter().map(|s| (beta * s).exp());
    (exponentials.sum::<f64>() / scores.len() as f64).ln()
}

/// Error of one f64 mean of `terms` exponentials or scores and its logarithm: one rounding per term, sixteen for the
/// exponential (two units), scaling, quotient and logarithm.
pub fn f64_error(terms: usize) -> f64 {
    (terms as f64 + 16.0) * U64
}

/// How much one of Sinkhorn's rounds adds at most to what a potential at this temperature is off by because exponentials, weights and
/// factors are in f32: those of both halves and their sums, `u (7 base + 20 tau)`, where `base` is `tau` doubled until it is above
/// 1/80. Zero at temperatures that are computed in f64.
#[must_use]
pub fn round_in_f32(tau: f64) -> f64 {
    let mut base = tau;
    while base <= 0.0125 {
        base *= 2.0;
    }
    match (0.001..=0.05).contains(&tau) {
        true => U32 * (7.0 * base + 20.0 * tau),
        false => 0.0,
    }
}

/// Item indices by descending score, lower index first among equals.
pub fn ranked(scores: &[f32]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    order
}

/// The embeddings of fashion products that the project's checks use where they are present.
pub struct Fashion {
    /// Test images, normalised as all are.
    pub gallery: Embeddings,
    /// Test texts.
    pub queries: Embeddings,
    /// Reference texts.
    pub bank: Embeddings,
    /// Reference images.
    pub gallery_bank: Embeddings,
    /// Gallery row of every query.
    pub answers: Vec<u32>,
}

/// `None`, with a message, where the data is absent.
#[allow(clippy::print_stderr)] // the reader of a test run must see what it left out
pub fn fashion() -> Option<Fashion> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/fashion-clip");
    if !folder.is_dir() {
        eprintln!("skipped: no shared/data/fashion-clip beside the repository");
        return None;
    }
    let (images, texts) = (
        npy(folder.join("images.npy")),
        npy(folder.join("texts.npy")),
    );
    let (image_splits, text_splits) = (
        column(folder.join("images.csv"), 2),
        column(folder.join("texts.csv"), 2),
    );
    let text_images: Vec<u32> = column(folder.join("texts.csv"), 1)
        .iter()
        .map(|v| v.parse().expect("a row"))
        .collect();
    let of = |splits: &[String], wanted: &str| -> Vec<u32> {
        let rows = (0..).zip(splits).filter(|(_, split)| *split == wanted);
        rows.map(|(row, _)| row).collect()
    };
    let (test_images, test_texts) = (of(&image_splits, "test"), of(&text_splits, "test"));
    let place = |image: u32| test_images.binary_search(&image).expect("a test image") as u32;
    let answers = test_texts
        .iter()
        .map(|&text| place(text_images[text as usize]))
        .collect();
    Some(Fashion {
        gallery: images.select(&test_images),
        queries: texts.select(&test_texts),
        bank: texts.select(&of(&text_splits, "reference")),
        gallery_bank: images.select(&of(&image_splits, "reference")),
        answers,
    })
}

fn npy(path: PathBuf) -> Embeddings {
    let file = npyz::NpyFile::new(std::fs::File::open(path).expect("readable")).expect("npy");
    let dim = file.shape()[1] as usize;
    Embeddings::normalize(file.into_vec().expect("f32"), dim).expect("valid rows")
}

/// One of the leading columns of a CSV file, which hold no quoted values.
fn column(path: PathBuf, index: usize) -> Vec<String> {
    let text = std::fs::read_to_string(path).expect("readable");
    let field = |line: &str| line.split(',').nth(index).expect("a column").to_owned();
    text.lines().skip(1).map(field).collect()
}
