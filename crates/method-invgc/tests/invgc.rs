//! InvGC and LocalAdj beside their formulas over whole similarity matrices in f64, their limits, and golden values.

use method_invgc::{InvGc, InvGcFamily, LocalAdj, LocalAdjFamily};
use nnn_core::{
    Bank, Embeddings, FitError, Fitted, MethodFamily, MethodKind, Normalizer, ParamGrid,
    parse_signature,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Matrix = Vec<Vec<f64>>;

fn invgc(r_g: f64, r_q: f64) -> InvGc {
    InvGc {
        r_g: param(r_g),
        r_q: param(r_q),
    }
}

fn localadj(r_g: f64, r_q: f64, pool: f64) -> LocalAdj {
    LocalAdj {
        r_g: param(r_g),
        r_q: param(r_q),
        pool: param(pool),
    }
}

struct Data {
    queries: Embeddings,
    gallery: Embeddings,
    query_bank: Embeddings,
    gallery_bank: Embeddings,
}

impl Data {
    fn random(dim: usize, seed: u64) -> Self {
        Self {
            queries: random_rows(11, dim, seed),
            gallery: random_rows(19, dim, seed + 1),
            query_bank: random_rows(210, dim, seed + 2),
            gallery_bank: random_rows(90, dim, seed + 3),
        }
    }

    /// All items, and the first queries.
    fn real() -> Option<Self> {
        let data = fashion()?;
        Some(Self {
            queries: data.queries.select(&(0..30).collect::<Vec<u32>>()),
            gallery: data.gallery,
            query_bank: data.bank,
            gallery_bank: data.gallery_bank,
        })
    }

    fn fit(&self, method: &dyn Normalizer) -> Fitted {
        let banks = both_banks(&self.query_bank, &self.gallery_bank);
        fit_to(method, &self.gallery, banks)
    }

    fn banks(&self) -> [&Embeddings; 2] {
        [&self.gallery_bank, &self.query_bank]
    }
}

/// What the bank pushes every item by, and how far off the f32 form of it may be.
type Pushes = Vec<(Vec<f64>, f64)>;

/// `(1/n) sum weight_i d_i`.
fn weighted(weights: impl Iterator<Item = (usize, f64)>, bank: &Embeddings, n: usize) -> Vec<f64> {
    let mut sum = vec![0.0; bank.dim()];
    for (row, weight) in weights {
        let row = bank.rows().row(row);
        sum.iter_mut()
            .zip(row)
            .for_each(|(s, &v)| *s += weight * f64::from(v) / n as f64);
    }
    sum
}

/// `(1/M) sum (s_i - m) d_i` with `m` the mean of the whole matrix. The product with second moments in f32 rounds every
/// moment once and every term once: `sum_j C_ij |g_j|` is at most one, as is the length of the row.
fn all_pushes(gallery: &Embeddings, bank: &Embeddings) -> Pushes {
    let scores: Matrix = (0..gallery.len())
        .map(|g| scores64(gallery.rows().row(g), bank))
        .collect();
    let mean = scores.concat().iter().sum::<f64>() / (gallery.len() * bank.len()) as f64;
    let error = |g: usize| {
        let size = |row: &[f32]| -> f64 {
            let products = row.iter().zip(gallery.rows().row(g));
            products
                .map(|(&d, &x)| (f64::from(d) * f64::from(x)).abs())
                .sum()
        };
        let rows = (0..bank.len()).map(|d| size(bank.rows().row(d)));
        // The rows of |C| |g| are means over the bank of |d_i| (|d| . |g|).
        (bank.dim() as f64 + 2.0) * U32 * rows.sum::<f64>() / bank.len() as f64
    };
    let push = |(g, row): (usize, &Vec<f64>)| {
        let weights = row.iter().map(|s| s - mean).enumerate();
        (weighted(weights, bank, bank.len()), error(g))
    };
    scores.iter().enumerate().map(push).collect()
}

/// `(1/p) sum s_i d_i` over the nearest, ties to the lower index; off by no more than a similarity is.
fn nearest_pushes(gallery: &Embeddings, bank: &Embeddings, pool: f64) -> Pushes {
    let count = ((pool * bank.len() as f64).floor() as usize).max(1);
    let scores = chain_matrix(gallery.rows(), bank.rows());
    let push = |(g, row): (usize, &Vec<f32>)| {
        let item = gallery.rows().row(g);
        let order = ranked(row).into_iter().take(count);
        let weights = order.map(|d| (d, dot64(item, bank.rows().row(d))));
        (weighted(weights, bank, count), score_error(item, bank))
    };
    scores.iter().enumerate().map(push).collect()
}

fn length(vector: &[f64]) -> f64 {
    vector.iter().map(|v| v * v).sum::<f64>().sqrt()
}

/// `unit(g - rate push)` and its error: that of the difference over its length, twice for making the length one.
fn away(item: &[f32], (push, error): &(Vec<f64>, f64), rate: f64) -> (Vec<f64>, f64) {
    let moved: Vec<f64> = item
        .iter()
        .zip(push)
        .map(|(&x, p)| f64::from(x) - rate * p)
        .collect();
    let size = length(&moved);
    let unit = moved.iter().map(|v| v / size).collect();
    (unit, 2.0 * rate * error / size)
}

/// Scores within the bound of the formula's.
fn check(data: &Data, method: &dyn Normalizer, pushes: [&Pushes; 2], rates: [f64; 2]) {
    let found = moved_scores(&data.fit(method), &data.queries);
    for g in 0..data.gallery.len() {
        let item = data.gallery.rows().row(g);
        let [(a, a_error), (b, b_error)] =
            [0, 1].map(|side| away(item, &pushes[side][g], rates[side]));
        let mean: Vec<f64> = a.iter().zip(&b).map(|(a, b)| (a + b) / 2.0).collect();
        if length(&mean) == 0.0 {
            // Opposite steps of exact vectors.
            assert!(
                found.iter().all(|row| row[g] == 0.0),
                "{}",
                method.signature()
            );
            continue;
        }
        // Twice for the second making of the length, and the vector's rounding to f32.
        let bound = (a_error + b_error) / length(&mean) + 2.0 * U32;
        for (q, row) in found.iter().enumerate() {
            let products = data.queries.rows().row(q).iter().zip(&mean);
            let want = products.map(|(&q, m)| f64::from(q) * m).sum::<f64>() / length(&mean);
            assert!(
                (row[g] - want).abs() <= bound,
                "{} ({q}, {g}): {}, expected {want} within {bound:e}",
                method.signature(),
                row[g]
            );
        }
    }
}

const RATES: [[f64; 2]; 6] = [
    [0.0, 0.0],
    [0.5, 0.5],
    [2.0, 0.1],
    [0.0, 3.0],
    [10.0, 40.0],
    [1e-300, 1e-3],
];

fn check_all(data: &Data) {
    let [all_g, all_q] = data.banks().map(|bank| all_pushes(&data.gallery, bank));
    for [r_g, r_q] in RATES {
        check(data, &invgc(r_g, r_q), [&all_g, &all_q], [r_g, r_q]);
    }
    for pool in [1e-300, 0.01, 0.1, 1.0] {
        let [near_g, near_q] = data
            .banks()
            .map(|bank| nearest_pushes(&data.gallery, bank, pool));
        for [r_g, r_q] in RATES {
            check(
                data,
                &localadj(r_g, r_q, pool),
                [&near_g, &near_q],
                [r_g, r_q],
            );
        }
    }
}

#[test]
fn scores_are_within_the_bound_of_the_formula() {
    check_all(&Data::random(24, 1));
    check_all(&Data {
        gallery: tied_rows(9, 2),
        queries: tied_rows(5, 3),
        query_bank: tied_rows(200, 4),
        gallery_bank: tied_rows(90, 5),
    });
    if let Some(data) = Data::real() {
        check_all(&data);
    }
}

#[derive(serde::Deserialize)]
struct Golden {
    dim: usize,
    queries: Vec<Vec<f32>>,
    gallery: Vec<Vec<f32>>,
    query_bank: Vec<Vec<f32>>,
    gallery_bank: Vec<Vec<f32>>,
    scores: BTreeMap<String, Matrix>,
}

fn by_signature(signature: &str) -> Box<dyn Normalizer> {
    let (name, grid) = parse_signature(signature).expect("a signature");
    let family: &dyn MethodFamily = match name.as_str() {
        "invgc" => &InvGcFamily,
        _ => &LocalAdjFamily,
    };
    assert_eq!(family.name(), name);
    family.expand(&grid).expect("valid").remove(0)
}

/// The bound of [`check`] is at most 1.5e-5 for these vectors and rates.
#[test]
fn scores_equal_the_golden_ones() {
    let text = include_str!("golden/invgc.json");
    let goldens: Vec<Golden> = serde_json::from_str(text).expect("goldens");
    for golden in goldens {
        let of =
            |rows: &[Vec<f32>]| Embeddings::from_unit(rows.concat(), golden.dim).expect("unit");
        let data = Data {
            queries: of(&golden.queries),
            gallery: of(&golden.gallery),
            query_bank: of(&golden.query_bank),
            gallery_bank: of(&golden.gallery_bank),
        };
        for (signature, want) in &golden.scores {
            let found = moved_scores(&data.fit(&*by_signature(signature)), &data.queries);
            for (got, want) in found.concat().iter().zip(want.concat()) {
                assert!(
                    (got - want).abs() <= 1.5e-5,
                    "{signature}: {got}, expected {want}"
                );
            }
        }
    }
}

fn vectors(fitted: &Fitted) -> Vec<Vec<f32>> {
    let Fitted::VectorMoving(moved) = fitted else {
        panic!("moves vectors")
    };
    let rows = moved.gallery.data().chunks_exact(moved.gallery.dim());
    rows.map(<[f32]>::to_vec).collect()
}

fn methods() -> Vec<Box<dyn Normalizer>> {
    vec![
        Box::new(invgc(0.5, 2.0)),
        Box::new(localadj(0.5, 2.0, 0.05)),
    ]
}

/// Bit by bit, but for InvGC's mean over the gallery, which is summed in another order.
#[test]
fn a_permuted_gallery_is_permuted_and_ties_stay_ties() {
    let data = Data::random(16, 20);
    let order: Vec<u32> = (0..19).map(|i| i * 5 % 19).collect();
    let moved = Data {
        gallery: data.gallery.select(&order),
        ..Data::random(16, 20)
    };
    for method in methods() {
        let (before, after) = (vectors(&data.fit(&*method)), vectors(&moved.fit(&*method)));
        for (after, &g) in after.iter().zip(&order) {
            for (a, b) in after.iter().zip(&before[g as usize]) {
                assert!((a - b).abs() <= f32::EPSILON, "{}", method.signature());
            }
        }
    }
    let twice: Vec<u32> = (0..38).map(|i| i % 19).collect();
    let tied = Data {
        gallery: data.gallery.select(&twice),
        ..data
    };
    for method in methods() {
        let found = vectors(&tied.fit(&*method));
        assert_eq!(found[..19], found[19..], "{}", method.signature());
    }
}

/// Any finite rate: numbers, and beyond all bounds the direction away from the bank alone.
#[test]
fn no_rate_gives_anything_but_numbers() {
    let data = Data::random(10, 30);
    for rate in [5e-324, 1e-300, 1e18, 1e300, f64::MAX] {
        let all: [Box<dyn Normalizer>; 2] = [
            Box::new(invgc(rate, rate)),
            Box::new(localadj(rate, rate, 0.1)),
        ];
        for method in all {
            for vector in vectors(&data.fit(&*method)) {
                let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt();
                assert!(
                    (length - 1.0).abs() <= 1e-5,
                    "{}: {length}",
                    method.signature()
                );
            }
        }
    }
    // The share of the item itself is below f64's rounding from a rate of 2^53 / 1e-3 on: nothing moves any more.
    for (far, farthest) in [
        (
            vectors(&data.fit(&invgc(1e20, 1e20))),
            vectors(&data.fit(&invgc(f64::MAX, f64::MAX))),
        ),
        (
            vectors(&data.fit(&localadj(1e20, 1e20, 0.1))),
            vectors(&data.fit(&localadj(f64::MAX, f64::MAX, 0.1))),
        ),
    ] {
        assert_eq!(far, farthest);
    }
}

/// An item that is its whole bank vanishes at rate one; then all its scores are zero.
#[test]
fn banks_of_one_item_leave_numbers() {
    let one = Embeddings::from_unit(vec![0.5, -0.5, 0.5, 0.5], 4).expect("unit");
    let data = Data {
        queries: random_rows(3, 4, 1),
        gallery: one.clone(),
        query_bank: one.clone(),
        gallery_bank: one.select(&[0; 9]),
    };
    assert_eq!(vectors(&data.fit(&localadj(1.0, 1.0, 0.01))), [[0.0; 4]]);
    assert_eq!(
        vectors(&data.fit(&localadj(0.5, 3.0, 1.0))),
        [[0.0; 4]],
        "opposite directions cancel"
    );
    // A gallery of one item has no deviation from its own mean similarity.
    assert_eq!(
        vectors(&data.fit(&invgc(1.0, 9.0))),
        [[0.5, -0.5, 0.5, 0.5]]
    );
}

#[test]
fn what_is_out_of_range_or_missing_is_refused() {
    let (gallery, bank) = (random_rows(3, 4, 1), random_rows(5, 4, 2));
    let error = |method: &dyn Normalizer, banks| {
        let stats = collect_for(method, &gallery, banks);
        stats.expect_err("refused")
    };
    for method in methods() {
        let error = error(&*method, query_bank(&bank));
        assert!(
            matches!(
                error,
                FitError::MissingBank {
                    bank: Bank::Gallery,
                    ..
                }
            ),
            "{error}"
        );
    }
    let above_one = error(&localadj(1.0, 1.0, 1.5), both_banks(&bank, &bank));
    assert!(
        matches!(above_one, FitError::OutOfRange { .. }),
        "{above_one}"
    );
    assert_eq!(
        above_one.to_string(),
        "pooled(share=1.5) is out of range: counts start at 1, temperatures and shares above 0"
    );
    let negative = ParamGrid::from([("r_g".to_owned(), vec![-1.0])]);
    assert!(InvGcFamily.expand(&negative).is_err());
    let none = ParamGrid::from([("pool".to_owned(), vec![0.0])]);
    assert!(LocalAdjFamily.expand(&none).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Vectors of unit length are divided by their length in f64 and rounded: each coordinate twice, up to the length's own
    /// distance from one.
    #[test]
    fn rates_of_zero_leave_the_gallery(seed in 0u64..1000, pool in 0.01f64..1.0) {
        let data = Data::random(12, seed);
        for method in [&invgc(0.0, 0.0) as &dyn Normalizer, &localadj(0.0, 0.0, pool)] {
            for (found, item) in vectors(&data.fit(method)).iter().zip(data.gallery.rows().data().chunks_exact(12)) {
                for (a, b) in found.iter().zip(item) {
                    prop_assert!((a - b).abs() <= 2.0 * f32::EPSILON * b.abs());
                }
            }
        }
    }

    /// Both banks alike: one step.
    #[test]
    fn a_bank_given_twice_is_given_once(seed in 0u64..1000, rate in 0.0f64..3.0) {
        let data = Data::random(12, seed);
        let once = Data { gallery_bank: data.query_bank.clone(), ..Data::random(12, seed) };
        let pushes = all_pushes(&once.gallery, &once.query_bank);
        check(&once, &invgc(rate, rate), [&pushes, &pushes], [rate, rate]);
    }
}

#[test]
fn signatures_read_back() {
    for (family, signature) in [
        (&InvGcFamily as &dyn MethodFamily, "invgc(r_g=0.5,r_q=0.5)"),
        (&LocalAdjFamily, "localadj(r_g=0.5,r_q=0.5,pool=0.01)"),
    ] {
        let default = family.expand(&ParamGrid::new()).expect("defaults");
        assert_eq!(default[0].signature(), signature);
        assert_eq!(by_signature(signature).signature(), signature);
        assert_eq!(family.kind(), MethodKind::VectorMoving);
        assert_eq!(Data::random(7, 60).fit(&*default[0]).kind(), family.kind());
    }
}
