//! DisSimLocal beside its formula, its identities and limits.

use method_dissim::{DisSimLocal, DisSimLocalFamily};
use nnn_core::{
    DotScorer, Embeddings, FitError, Fitted, MethodFamily, MethodKind, Nnn, ParamGrid, RankOptions,
    Rankings, Relevance, TieRule, parse_signature, rank,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;

fn dissim(k: usize) -> DisSimLocal {
    DisSimLocal { k: param(k as f64) }
}

fn nnn(k: usize) -> Nnn {
    Nnn {
        k,
        alpha: param(1.0),
    }
}

/// `|x - c|^2` with `c` the mean of the bank rows nearest to `x`, ties to the lower index.
fn to_centroid(x: &[f32], bank: &Embeddings, nearest: &[usize]) -> f64 {
    let coordinate = |c: usize| {
        let values = nearest
            .iter()
            .map(|&row| f64::from(bank.rows().row(row)[c]));
        f64::from(x[c]) - values.sum::<f64>() / nearest.len() as f64
    };
    (0..x.len()).map(|c| coordinate(c).powi(2)).sum()
}

fn nearest(x: &[f32], bank: &Embeddings, k: usize) -> Vec<usize> {
    let scores: Vec<f32> = (0..bank.len())
        .map(|row| chain(x, bank.rows().row(row)))
        .collect();
    ranked(&scores)[..k].to_vec()
}

/// How far `|g|^2` may be from one: each of `dim` coordinates was rounded once.
fn unit_error() -> f64 {
    2.0 * U32 * (1.0 + 1e-6)
}

/// The bias is minus half of the squared distance: one similarity's bound, half of what the length is off, a few roundings
/// in f64, and the one to f32.
fn check_bias(gallery: &Embeddings, bank: &Embeddings, ks: &[usize]) {
    for &k in ks {
        for (g, got) in bias(&dissim(k), gallery, bank).into_iter().enumerate() {
            let item = gallery.rows().row(g);
            let want = -0.5 * to_centroid(item, bank, &nearest(item, bank, k));
            let sums = 4.0 * f64_error(k + item.len());
            let bound = score_error(item, bank) + unit_error() + sums + U32 * want.abs();
            assert!(
                (f64::from(got) - want).abs() <= bound,
                "k={k}, item {g}: {got}, expected {want} within {bound:e}"
            );
        }
    }
}

#[test]
fn the_bias_is_within_the_bound_of_the_formula() {
    check_bias(
        &random_rows(30, 64, 1),
        &random_rows(400, 64, 2),
        &[1, 2, 5, 50, 400],
    );
    check_bias(&tied_rows(40, 3), &tied_rows(90, 4), &[1, 5, 20, 90]);
    check_bias(&random_rows(4, 3, 5), &random_rows(1, 3, 6), &[1]);
    if let Some(data) = fashion() {
        check_bias(&data.gallery, &data.bank, &[1, 5, 50]);
    }
}

/// kiez's values are `2 s + |g - c|^2` up to a constant per row: twice ours.
#[test]
fn scores_equal_those_of_kiez() {
    let golden = Golden::new(include_str!("golden/dissim.json"));
    let (queries, gallery) = (golden.rows("queries"), golden.rows("gallery"));
    let bank = golden.rows("query_bank");
    for case in golden.cases() {
        let fitted = fit(&dissim(case.parameters[0] as usize), &gallery, &bank);
        let rows = chain_matrix(queries.rows(), gallery.rows());
        for (mut row, wanted) in rows.into_iter().zip(&case.scores) {
            fitted.apply(&mut row);
            let halves: Vec<f64> = wanted.iter().map(|w| w / 2.0).collect();
            // Eight roundings of the query's similarity and of the bank's, those of bias and difference, both below 2, and
            // what the item's length is off.
            let bound = (2.0 * 8.0 + 4.0) * U32 * 1.001 + unit_error();
            check_differences(&row, &halves, |_| bound);
        }
    }
}

/// The published dissimilarity, all three terms, orders a query's gallery as the corrected similarities do, unless two
/// are closer than rounding: of two similarities and two biases, and halves of lengths off one.
fn check_order(queries: &Embeddings, gallery: &Embeddings, bank: &Embeddings, k: usize) {
    let fitted = fit(&dissim(k), gallery, bank);
    let items: Vec<&[f32]> = (0..gallery.len()).map(|g| gallery.rows().row(g)).collect();
    let own: Vec<f64> = items
        .iter()
        .map(|g| to_centroid(g, bank, &nearest(g, bank, k)))
        .collect();
    let error =
        |g: &&[f32]| score_error(g, bank) + score_error(g, queries) + unit_error() + 2.0 * U32;
    let slack = 2.0 * 2.0 * items.iter().map(error).fold(0.0, f64::max);
    for (q, mut row) in chain_matrix(queries.rows(), gallery.rows())
        .into_iter()
        .enumerate()
    {
        let query = queries.rows().row(q);
        let query_term = to_centroid(query, bank, &nearest(query, bank, k));
        let dissimilarity = |g: usize| {
            let pairs = query.iter().zip(items[g]);
            let squares = pairs.map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
            squares.sum::<f64>() - query_term - own[g]
        };
        fitted.apply(&mut row);
        for pair in ranked(&row).windows(2) {
            let (first, second) = (dissimilarity(pair[0]), dissimilarity(pair[1]));
            assert!(
                first <= second + slack,
                "query {q}: {pair:?}, {first} and {second}"
            );
        }
    }
}

#[test]
fn the_order_is_that_of_the_published_dissimilarity() {
    for k in [1, 5, 60] {
        check_order(
            &random_rows(15, 32, 7),
            &random_rows(50, 32, 8),
            &random_rows(200, 32, 9),
            k,
        );
    }
    if let Some(data) = fashion() {
        let few: Vec<u32> = (0..40).collect();
        check_order(
            &data.queries.select(&few),
            &data.gallery.select(&few),
            &data.bank,
            5,
        );
    }
}

fn rankings(queries: &Embeddings, gallery: &Embeddings, methods: &[Fitted]) -> Vec<Rankings> {
    let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension");
    let relevance = Relevance::one_each(&vec![0; queries.len()], gallery.len()).expect("in range");
    let methods: Vec<&Fitted> = methods.iter().collect();
    let options = RankOptions {
        ties: TieRule::Index,
        top: gallery.len(),
        all_relevant: false,
        depth: None,
    };
    rank(&scorer, &relevance, &methods, options)
}

#[test]
fn a_permuted_gallery_is_permuted_and_ties_stay_ties() {
    let (gallery, bank) = (random_rows(29, 16, 10), random_rows(80, 16, 11));
    let order: Vec<u32> = (0..29).map(|i| i * 7 % 29).chain([4, 4]).collect();
    let (before, after) = (
        bias(&dissim(5), &gallery, &bank),
        bias(&dissim(5), &gallery.select(&order), &bank),
    );
    let expected: Vec<f32> = order.iter().map(|&g| before[g as usize]).collect();
    assert_eq!(after, expected);
}

/// A bank of one vector, given once or often, and an item that is that vector: distance zero.
#[test]
fn constant_banks_leave_numbers() {
    let one = Embeddings::from_unit(vec![0.5, -0.5, 0.5, 0.5], 4).expect("unit");
    let often = one.select(&[0; 12]);
    for (bank, k) in [(&one, 1), (&often, 1), (&often, 7), (&often, 12)] {
        assert_eq!(bias(&dissim(k), &one, bank), [0.0], "k={k}");
    }
}

#[test]
fn a_k_above_the_bank_is_refused() {
    let (gallery, bank) = (random_rows(3, 4, 1), random_rows(5, 4, 2));
    let stats = collect_for(&dissim(6), &gallery, query_bank(&bank));
    assert!(matches!(
        stats,
        Err(FitError::KExceedsBank { k: 6, size: 5, .. })
    ));
    for bad in [0.0, 1.5] {
        let grid = ParamGrid::from([("k".to_owned(), vec![bad])]);
        assert!(DisSimLocalFamily.expand(&grid).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// One neighbour: the bias is its similarity less one, NNN's with one neighbour at weight one; equal, on exact vectors.
    #[test]
    fn one_neighbour_is_nnn_with_one(seed in 0u64..1000) {
        let (queries, gallery, bank) = (tied_rows(12, seed), tied_rows(40, seed + 1), tied_rows(30, seed + 2));
        let methods = [fit(&dissim(1), &gallery, &bank), fit(&nnn(1), &gallery, &bank)];
        let found = rankings(&queries, &gallery, &methods);
        prop_assert_eq!(&found[0], &found[1]);
    }

    /// All neighbours: the centroid is the same for all items, which leaves NNN over the whole bank, up to a constant.
    #[test]
    fn all_neighbours_are_nnn_with_all(seed in 0u64..1000) {
        let (gallery, bank) = (random_rows(20, 10, seed), random_rows(30, 10, seed + 1));
        let (local, nnn) = (bias(&dissim(30), &gallery, &bank), bias(&nnn(30), &gallery, &bank));
        let difference = |g: usize| f64::from(local[g]) - f64::from(nnn[g]);
        for g in 0..20 {
            // Two biases below one and a half, rounded to f32, and norms summed in another order.
            prop_assert!((difference(g) - difference(0)).abs() <= 4.0 * 1.5 * U32 + 8.0 * f64_error(30));
        }
    }
}

#[test]
fn signatures_read_back() {
    let default = DisSimLocalFamily
        .expand(&ParamGrid::new())
        .expect("defaults");
    assert_eq!(default[0].signature(), "dissimlocal(k=5)");
    let (name, grid) = parse_signature("dissimlocal(k=5)").expect("a signature");
    assert_eq!(name, DisSimLocalFamily.name());
    assert_eq!(
        DisSimLocalFamily.expand(&grid).expect("valid")[0].signature(),
        "dissimlocal(k=5)"
    );
    assert_eq!(DisSimLocalFamily.kind(), MethodKind::Additive);
}
