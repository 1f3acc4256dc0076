//! CSLS beside its formula, an independent package, and NNN.

use method_csls::{Csls, CslsFamily};
use nnn_core::{Embeddings, FitError, MethodFamily, MethodKind, Nnn, ParamGrid, parse_signature};
use nnn_testkit::methods::*;
use proptest::prelude::*;

fn csls(k: usize) -> Csls {
    Csls { k: param(k as f64) }
}

/// `(2 s - r(q) - m_k(g)) / 2` of every item, in f64.
fn halves64(query: &[f32], gallery: &Embeddings, bank: &Embeddings, k: usize) -> Vec<f64> {
    let scores = scores64(query, gallery);
    let r = top_mean64(&scores, k.min(gallery.len()));
    let half = |(g, s): (usize, &f64)| {
        (2.0 * s - r - top_mean64(&scores64(gallery.rows().row(g), bank), k)) / 2.0
    };
    scores.iter().enumerate().map(half).collect()
}

/// The query's similarity, half of the mean of the bank's, and the roundings to f32 of the bias and of the difference, both
/// below 2.
fn check(queries: &Embeddings, gallery: &Embeddings, bank: &Embeddings, k: usize) -> f64 {
    let fitted = fit(&csls(k), gallery, bank);
    let error = |g: usize| {
        let item = gallery.rows().row(g);
        score_error(item, queries) + (score_error(item, bank) + f64_error(k)) / 2.0 + 4.0 * U32
    };
    let errors: Vec<f64> = (0..gallery.len()).map(error).collect();
    let rows = chain_matrix(queries.rows(), gallery.rows());
    let check = |(q, mut row): (usize, Vec<f32>)| {
        fitted.apply(&mut row);
        let wanted = halves64(queries.rows().row(q), gallery, bank, k);
        check_differences(&row, &wanted, |g| errors[g])
    };
    rows.into_iter().enumerate().map(check).fold(0.0, f64::max)
}

#[test]
fn scores_are_within_the_bound_of_the_formula() {
    let (queries, gallery, bank) = (
        random_rows(20, 64, 1),
        random_rows(30, 64, 2),
        random_rows(700, 64, 3),
    );
    for k in [1, 10, 128, 700] {
        check(&queries, &gallery, &bank, k);
    }
    let Some(data) = fashion() else { return };
    let queries = data.queries.select(&(0..4).collect::<Vec<u32>>());
    check(&queries, &data.gallery, &data.bank, 10);
}

/// kiez's values are `2 s - r(q) - m_k(g)` up to a constant per row: twice ours.
#[test]
fn scores_equal_those_of_kiez() {
    let golden = Golden::new(include_str!("golden/csls.json"));
    let (queries, gallery) = (golden.rows("queries"), golden.rows("gallery"));
    let bank = golden.rows("query_bank");
    for case in golden.cases() {
        let fitted = fit(&csls(case.parameters[0] as usize), &gallery, &bank);
        let rows = chain_matrix(queries.rows(), gallery.rows());
        for (mut row, wanted) in rows.into_iter().zip(&case.scores) {
            fitted.apply(&mut row);
            let halves: Vec<f64> = wanted.iter().map(|w| w / 2.0).collect();
            // Eight roundings a similarity (one and a half of them), and those of bias and difference.
            check_differences(&row, &halves, |_| (1.5 * 8.0 + 4.0) * U32 * 1.001);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn csls_is_nnn_at_one_half(seed in 0u64..1000, k in 1usize..60) {
        let (gallery, bank) = (random_rows(40, 12, seed), random_rows(60, 12, seed + 1));
        let nnn = Nnn { k, alpha: param(0.5) };
        prop_assert_eq!(bias(&csls(k), &gallery, &bank), bias(&nnn, &gallery, &bank));
    }

    #[test]
    fn permuting_the_gallery_permutes_the_bias(seed in 0u64..1000, step in prop::sample::select(vec![3u32, 7, 11, 37])) {
        let (gallery, bank) = (tied_rows(40, seed), random_rows(25, 8, seed + 1));
        let order: Vec<u32> = (0..40).map(|i| i * step % 40).collect();
        let (before, after) = (bias(&csls(5), &gallery, &bank), bias(&csls(5), &gallery.select(&order), &bank));
        let moved: Vec<f32> = order.iter().map(|&g| before[g as usize]).collect();
        prop_assert_eq!(after, moved);
    }
}

#[test]
fn equal_items_and_small_banks_are_no_special_case() {
    let items = random_rows(10, 16, 4);
    let gallery = items.select(&(0..20).map(|i| i % 10).collect::<Vec<u32>>());
    let one = random_rows(1, 16, 5);
    let found = bias(&csls(1), &gallery, &one);
    assert_eq!(found[..10], found[10..]);
    let scores = chain_matrix(gallery.rows(), one.rows());
    let halves: Vec<f32> = scores.iter().map(|row| row[0] / 2.0).collect();
    assert_eq!(found, halves);
    let same = Embeddings::normalize([0.3, -0.4, 0.5].repeat(12), 3).expect("valid");
    let found = bias(&csls(12), &same, &same);
    assert!(found.iter().all(|&value| value == found[0]));
}

#[test]
fn a_neighbourhood_above_the_bank_is_refused() {
    let (gallery, bank) = (random_rows(5, 8, 6), random_rows(9, 8, 7));
    let stats = collect_for(&csls(10), &gallery, query_bank(&bank));
    assert!(matches!(
        stats,
        Err(FitError::KExceedsBank { k: 10, size: 9, .. })
    ));
}

#[test]
fn signatures_and_grids_read_back() {
    let default = CslsFamily.expand(&ParamGrid::new()).expect("defaults");
    assert_eq!(default[0].signature(), "csls(k=10)");
    assert_eq!(CslsFamily.kind(), MethodKind::Additive);
    let (name, grid) = parse_signature("csls(k=3)").expect("a signature");
    assert_eq!(name, CslsFamily.name());
    let read = CslsFamily.expand(&grid).expect("valid");
    assert_eq!(read[0].signature(), "csls(k=3)");
    let zero = ParamGrid::from([("k".to_owned(), vec![0.0])]);
    assert!(CslsFamily.expand(&zero).is_err());
}
