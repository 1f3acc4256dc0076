//! DN beside its formula, NNN's own library, and NNN.

use method_distnorm::{Dn, DnFamily};
use nnn_core::{Embeddings, MethodFamily, MethodKind, Nnn, ParamGrid, Raw, parse_signature};
use nnn_testkit::methods::*;
use proptest::prelude::*;

fn dn(lambda: f64) -> Dn {
    Dn {
        lambda: param(lambda),
    }
}

/// The mean of a bank's rows in f64.
fn mean64(bank: &Embeddings) -> Vec<f64> {
    let dim = bank.rows().row(0).len();
    let column = |d: usize| {
        let values = (0..bank.len()).map(|i| f64::from(bank.rows().row(i)[d]));
        values.sum::<f64>() / bank.len() as f64
    };
    (0..dim).map(column).collect()
}

/// A vector less a share of a mean.
fn moved64(vector: &[f32], mean: &[f64], lambda: f64) -> Vec<f64> {
    let pairs = vector.iter().zip(mean);
    pairs.map(|(&v, m)| f64::from(v) - lambda * m).collect()
}

/// Rows beside `(q - lambda mu_q) . (g - lambda mu_g)` with the means of both banks.
fn check(
    queries: &Embeddings,
    gallery: &Embeddings,
    [query_bank, gallery_bank]: [&Embeddings; 2],
    lambda: f64,
) -> f64 {
    let fitted = fit(&dn(lambda), gallery, query_bank);
    let (mu_q, mu_g) = (mean64(query_bank), mean64(gallery_bank));
    let moved = |g: usize| moved64(gallery.rows().row(g), &mu_g, lambda);
    let items: Vec<Vec<f64>> = (0..gallery.len()).map(moved).collect();
    // The query's similarity in f32; means in f64, here and in the oracle, of products of moved vectors; the roundings of
    // bias and difference, `1 + lambda` at most.
    let sums = 4.0 * (1.0 + lambda).powi(2) * f64_error(query_bank.len() + mu_q.len());
    let error =
        |g: usize| score_error(gallery.rows().row(g), queries) + sums + 3.0 * (1.0 + lambda) * U32;
    let errors: Vec<f64> = (0..gallery.len()).map(error).collect();
    let rows = chain_matrix(queries.rows(), gallery.rows());
    let check = |(q, mut row): (usize, Vec<f32>)| {
        fitted.apply(&mut row);
        let query = moved64(queries.rows().row(q), &mu_q, lambda);
        let product = |item: &Vec<f64>| query.iter().zip(item).map(|(a, b)| a * b).sum();
        let wanted: Vec<f64> = items.iter().map(product).collect();
        check_differences(&row, &wanted, |g| errors[g])
    };
    rows.into_iter().enumerate().map(check).fold(0.0, f64::max)
}

#[test]
fn scores_are_within_the_bound_of_the_formula() {
    let (queries, gallery) = (random_rows(20, 64, 1), random_rows(30, 64, 2));
    let (query_bank, gallery_bank) = (random_rows(700, 64, 3), random_rows(300, 64, 4));
    for lambda in [0.0, 0.25, 0.5, 1.0, 8.0] {
        check(&queries, &gallery, [&query_bank, &gallery_bank], lambda);
    }
    let Some(data) = fashion() else { return };
    let [few, half] = [(0..100).collect::<Vec<u32>>(), (0..200).collect()];
    let (queries, gallery_bank) = (data.queries.select(&few), data.gallery.select(&half));
    check(&queries, &data.gallery, [&data.bank, &gallery_bank], 0.25);
}

#[test]
fn scores_equal_those_of_the_library_of_nnn() {
    let golden = Golden::new(include_str!("golden/dn.json"));
    let (queries, gallery) = (golden.rows("queries"), golden.rows("gallery"));
    let bank = golden.rows("query_bank");
    for case in golden.cases() {
        let fitted = fit(&dn(case.parameters[0]), &gallery, &bank);
        let rows = chain_matrix(queries.rows(), gallery.rows());
        for (mut row, wanted) in rows.into_iter().zip(&case.scores) {
            fitted.apply(&mut row);
            // Eight roundings of the query's similarity, and those of bias and difference, at most 2 each.
            check_differences(&row, wanted, |_| (8.0 + 4.0) * U32 * 1.001);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// One product with the mean in f64 beside the mean of products in f32.
    #[test]
    fn dn_is_nnn_over_the_whole_bank(seed in 0u64..1000, size in 1usize..200, lambda in 0.0f64..2.0) {
        let (gallery, bank) = (random_rows(30, 12, seed), random_rows(size, 12, seed + 1));
        let nnn = bias(&Nnn { k: size, alpha: param(lambda) }, &gallery, &bank);
        for (g, (a, b)) in bias(&dn(lambda), &gallery, &bank).iter().zip(nnn).enumerate() {
            let error = score_error(gallery.rows().row(g), &bank) + 2.0 * f64_error(size);
            let bound = lambda * error + U32 * f64::from(a.abs() + b.abs());
            prop_assert!(f64::from((a - b).abs()) <= bound, "{} and {}", a, b);
        }
    }

    #[test]
    fn permuting_the_gallery_permutes_the_bias(seed in 0u64..1000, step in prop::sample::select(vec![3u32, 7, 11, 37])) {
        let (gallery, bank) = (tied_rows(40, seed), random_rows(25, 8, seed + 1));
        let order: Vec<u32> = (0..40).map(|i| i * step % 40).collect();
        let (before, after) = (bias(&dn(0.5), &gallery, &bank), bias(&dn(0.5), &gallery.select(&order), &bank));
        let moved: Vec<f32> = order.iter().map(|&g| before[g as usize]).collect();
        prop_assert_eq!(after, moved);
    }
}

#[test]
fn limits_are_raw_and_finite() {
    let items = random_rows(10, 16, 5);
    let gallery = items.select(&(0..20).map(|i| i % 10).collect::<Vec<u32>>());
    for bank in [random_rows(1, 16, 6), random_rows(30, 16, 7)] {
        assert_eq!(bias(&dn(0.0), &gallery, &bank), bias(&Raw, &gallery, &bank));
        for lambda in [5e-324, 1e-300, 1.0, 1e300, f64::MAX] {
            let found = bias(&dn(lambda), &gallery, &bank);
            assert_eq!(found[..10], found[10..], "equal items tie");
            assert!(found.iter().all(|value| value.is_finite()));
        }
    }
    // A bank whose mean is zero moves nothing.
    let opposite = Embeddings::from_unit(vec![0.6, 0.8, -0.6, -0.8], 2).expect("unit");
    let gallery = random_rows(5, 2, 8);
    assert_eq!(
        bias(&dn(f64::MAX), &gallery, &opposite),
        bias(&Raw, &gallery, &opposite)
    );
}

#[test]
fn signatures_and_grids_read_back() {
    let default = DnFamily.expand(&ParamGrid::new()).expect("defaults");
    assert_eq!(default[0].signature(), "dn(lambda=0.25)");
    assert_eq!(DnFamily.kind(), MethodKind::Additive);
    let (name, grid) = parse_signature("dn(lambda=0.5)").expect("a signature");
    assert_eq!(name, DnFamily.name());
    let read = DnFamily.expand(&grid).expect("valid");
    assert_eq!(read[0].signature(), "dn(lambda=0.5)");
    let negative = ParamGrid::from([("lambda".to_owned(), vec![-0.5])]);
    assert!(DnFamily.expand(&negative).is_err());
}
