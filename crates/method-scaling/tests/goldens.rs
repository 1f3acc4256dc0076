//! Every method beside values from kiez, scipy and scikit-learn (`tools/reference/scaling_goldens.py`).

mod common;

use common::log_gamma_error;
use method_scaling::{Ls, MpEmpirical, MpGamma, MpNormal, Nicdm, Zscore};
use nnn_core::{Embeddings, Normalizer};
use nnn_testkit::methods::*;
use serde_json::Value;

/// Golden values beside the vectors that they were computed from.
struct Golden {
    values: Value,
    gallery: Embeddings,
    bank: Embeddings,
    queries: Embeddings,
}

fn golden() -> Golden {
    let values: Value = serde_json::from_str(include_str!("golden/scaling.json")).expect("JSON");
    let dim = values["dim"].as_u64().expect("a number") as usize;
    let vectors = |name: &str| {
        let data = numbers(&values[name]).iter().map(|&v| v as f32).collect();
        Embeddings::from_unit(data, dim).expect("unit vectors")
    };
    Golden {
        gallery: vectors("gallery"),
        bank: vectors("bank"),
        queries: vectors("queries"),
        values,
    }
}

fn numbers(values: &Value) -> Vec<f64> {
    let list = values.as_array().expect("a list");
    list.iter().map(|v| v.as_f64().expect("a number")).collect()
}

impl Golden {
    fn param(&self, name: &str) -> nnn_core::Param {
        param(self.values[name].as_f64().expect("a number"))
    }

    /// For every query: scores as computed, corrected scores, golden values.
    fn rows(&self, method: &dyn Normalizer, name: &str) -> Vec<(Vec<f32>, Vec<f32>, Vec<f64>)> {
        let fitted = fit(method, &self.gallery, &self.bank);
        let wanted = self.values[name].as_array().expect("a list");
        let scores = chain_matrix(self.queries.rows(), self.gallery.rows());
        let rows = scores.into_iter().zip(wanted).map(|(scores, wanted)| {
            let mut row = scores.clone();
            fitted.apply(&mut row);
            (scores, row, numbers(wanted))
        });
        rows.collect()
    }
}

/// The largest difference of two columns, each over its first value.
fn worst_ratio(found: &[f64], want: &[f64]) -> f64 {
    let pairs = found.iter().zip(want);
    pairs
        .map(|(f, w)| (f / found[0] / (w / want[0]) - 1.0).abs())
        .fold(0.0, f64::max)
}

/// Most that a similarity of sixteen coordinates is off by: 16 roundings of sums of products whose sizes add up to at most
/// one, and what is of second order.
const ERROR: f64 = 17.0 * U32;

/// Least squared distance and least deviation of the golden data, and most that a standard value is: see
/// `the_golden_data_is_as_the_bounds_assume`.
const SQUARE: f64 = 0.1;
const DEVIATION: f64 = 0.15;
const STANDARD: f64 = 4.0;

#[test]
fn the_golden_data_is_as_the_bounds_assume() {
    let golden = golden();
    for other in [&golden.bank, &golden.queries] {
        for row in chain_matrix(golden.gallery.rows(), other.rows()) {
            assert!(row.iter().all(|&s| 2.0 - 2.0 * f64::from(s) > SQUARE));
        }
    }
    let scores = chain_matrix(golden.queries.rows(), golden.gallery.rows());
    for row in chain_matrix(golden.gallery.rows(), golden.bank.rows())
        .iter()
        .chain(&scores)
    {
        let mean = row.iter().sum::<f32>() / row.len() as f32;
        let squares = row.iter().map(|s| (s - mean).powi(2)).sum::<f32>();
        assert!(f64::from((squares / row.len() as f32).sqrt()) > DEVIATION);
    }
    for (_, _, want) in golden.rows(&Zscore, "zscore") {
        assert!(want.iter().all(|z| z.abs() < STANDARD));
    }
}

/// Two squared distances, each off by twice a similarity over itself, over two scales, each off by at most that much again,
/// and two roundings of scores below four over differences from one of at least half a squared distance.
#[test]
fn local_scalings_equal_those_of_kiez_up_to_a_factor_per_query() {
    let golden = golden();
    let bound = 8.0 * ERROR / SQUARE + 2.0 * 4.0 * U32 / (SQUARE / 2.0);
    let k = golden.param("k");
    for (_, row, want) in golden.rows(&Ls { k }, "ls") {
        let found: Vec<f64> = row.iter().map(|&v| 1.0 - f64::from(v)).collect();
        let logs: Vec<f64> = want.iter().map(|v| -(-v).ln_1p()).collect();
        let worst = worst_ratio(&found, &logs);
        assert!(worst <= bound, "{worst:e}");
        assert_eq!(ranked(&row), ascending(&want));
    }
    for (_, row, want) in golden.rows(&Nicdm { k }, "nicdm") {
        let found: Vec<f64> = row.iter().map(|&v| (1.0 - f64::from(v)).sqrt()).collect();
        let worst = worst_ratio(&found, &want);
        assert!(worst <= bound, "{worst:e}");
        assert_eq!(ranked(&row), ascending(&want));
    }
}

/// Items by distance; the golden data has no equal ones.
fn ascending(distances: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..distances.len()).collect();
    order.sort_by(|&a, &b| distances[a].total_cmp(&distances[b]));
    order
}

/// Most that a standard value is off by: similarity and mean by one error each, the deviation by another times the value.
const STANDARD_ERROR: f64 = (2.0 + STANDARD) * ERROR / DEVIATION;

/// The z-scores differ from the golden ones by one factor for all, the largest deviation.
#[test]
fn z_scores_equal_those_of_scikit_learn_up_to_a_factor() {
    let rows = golden().rows(&Zscore, "zscore");
    let found = rows
        .iter()
        .flat_map(|row| row.1.iter().map(|&v| f64::from(v)));
    let found: Vec<f64> = found.collect();
    let want: Vec<f64> = rows.iter().flat_map(|row| row.2.iter().copied()).collect();
    let size = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let factor = size(&found) / size(&want);
    assert!(factor > DEVIATION && factor < 1.0, "{factor}");
    for (found, want) in found.iter().zip(&want) {
        // The factor is as far off as the values are.
        let bound = 2.0 * STANDARD_ERROR * (1.0 + STANDARD);
        let error = (found / factor - want).abs();
        assert!(error <= bound, "{found}, expected {want}");
    }
}

/// Two logarithms, whose slopes are below one more than the standard value's size.
#[test]
fn mutual_proximity_equals_that_of_scipy() {
    for (_, row, want) in golden().rows(&MpNormal, "mp_normal") {
        for (found, want) in row.iter().zip(&want) {
            let bound = 2.0 * STANDARD_ERROR * (1.0 + STANDARD) + U32 * want.abs();
            let error = (f64::from(*found) - want).abs();
            assert!(error <= bound, "{found}, expected {want}");
        }
    }
}

/// As the oracle's bound, with errors of similarities, means and deviations of one similarity's size; twice that of a deviation, which
/// is one of a mean of squares.
#[test]
fn mutual_proximity_of_gamma_distributions_equals_that_of_scipy() {
    let golden = golden();
    let moments = |scores: &Vec<f32>| {
        let size = scores.len() as f64;
        let mean = scores.iter().map(|&s| f64::from(s)).sum::<f64>() / size;
        let squares = scores.iter().map(|&s| (f64::from(s) - mean).powi(2));
        (mean, (squares.sum::<f64>() / size).sqrt())
    };
    let items = chain_matrix(golden.gallery.rows(), golden.bank.rows());
    let items: Vec<(f64, f64)> = items.iter().map(moments).collect();
    let mut worst = 0.0f64;
    for (scores, row, want) in golden.rows(&MpGamma, "mp_gamma") {
        let query = moments(&scores);
        for (g, (found, want)) in row.iter().zip(&want).enumerate() {
            let s = f64::from(scores[g]);
            let of = |(mean, sd)| log_gamma_error(s, ERROR, (ERROR, mean), (2.0 * ERROR, sd));
            let bound = of(query) + of(items[g]) + U32 * want.abs();
            let error = (f64::from(*found) - want).abs();
            assert!(error <= bound, "{found}, expected {want} within {bound:e}");
            worst = worst.max(error);
        }
    }
    report("mp_gamma", worst);
}

/// The largest error of a check, for those who run it with `--nocapture`.
#[allow(clippy::print_stderr)]
fn report(name: &str, error: f64) {
    eprintln!("{name}: largest error {error:.1e}");
}

#[test]
fn counted_proximity_orders_as_the_definition() {
    let golden = golden();
    let bank = param(golden.bank.len() as f64);
    for (depth, name) in [
        (golden.param("depth"), "mp_empirical"),
        (bank, "mp_empirical_exact"),
    ] {
        for (scores, row, want) in golden.rows(&MpEmpirical { depth }, name) {
            let mut order: Vec<usize> = (0..row.len()).collect();
            // Products of shares that are equal may differ in their last place.
            let key = |g: usize| ((want[g] * 1e12).round(), scores[g]);
            order.sort_by(|&a, &b| key(b).partial_cmp(&key(a)).expect("numbers"));
            assert_eq!(ranked(&row), order, "{name}");
        }
    }
}
