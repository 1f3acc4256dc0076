//! DSL beside its formula, its published form with scipy's softmax, and its limits.

use method_dsl::{Dsl, DslFamily};
use nnn_core::{
    Banks, Embeddings, FitError, Fitted, MethodFamily, MethodKind, Normalizer, ParamGrid, StatPlan,
    parse_signature,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;

fn dsl(beta: f64) -> Dsl {
    Dsl { beta: param(beta) }
}

fn evaluated(queries: &Embeddings) -> Banks<'_> {
    Banks {
        evaluated: Some(queries.rows()),
        ..Banks::default()
    }
}

fn fit_dsl(beta: f64, queries: &Embeddings, gallery: &Embeddings) -> Fitted {
    fit_to(&dsl(beta), gallery, evaluated(queries))
}

/// The rewritten row of every query.
fn rows_of(beta: f64, queries: &Embeddings, gallery: &Embeddings) -> Vec<Vec<f32>> {
    let fitted = fit_dsl(beta, queries, gallery);
    let mut rows = chain_matrix(queries.rows(), gallery.rows());
    rows.iter_mut().for_each(|row| fitted.apply(row));
    rows
}

/// Largest relative error of `s exp(beta s) / mean exp(beta s)` for a given `s`: that of the mean, from the worst
/// similarity, two sums of exponentials and products of size `beta`; and a few roundings of the product itself.
fn slack(queries: &Embeddings, gallery: &Embeddings, beta: f64) -> f64 {
    let errors = (0..gallery.len()).map(|g| score_error(gallery.rows().row(g), queries));
    let worst = errors.fold(0.0, f64::max);
    let log = beta * worst + 2.0 * f64_error(queries.len()) + 8.0 * beta * U64 + 16.0 * U64;
    // A similarity just above zero counts with its logarithm, of a size below 100.
    log.exp_m1() + 200.0 * U64
}

/// The order of every row beside the product, with the row's own f32 similarities.
fn check(queries: &Embeddings, gallery: &Embeddings, beta: f64) -> f64 {
    let mean = |g: usize| {
        let scores = scores64(gallery.rows().row(g), queries);
        scores.iter().map(|s| (beta * s).exp()).sum::<f64>() / queries.len() as f64
    };
    let means: Vec<f64> = (0..gallery.len()).map(mean).collect();
    let slack = slack(queries, gallery, beta);
    let raw = chain_matrix(queries.rows(), gallery.rows());
    let found = rows_of(beta, queries, gallery);
    let check = |(raw, found): (Vec<f32>, Vec<f32>)| {
        let product = |(&s, mean): (&f32, &f64)| {
            let s = f64::from(s);
            s * (beta * s).exp() / mean
        };
        let wanted: Vec<f64> = raw.iter().zip(&means).map(product).collect();
        check_order(&found, &wanted, slack)
    };
    raw.into_iter().zip(found).map(check).fold(0.0, f64::max)
}

#[test]
fn rows_are_in_the_order_of_the_product() {
    let (queries, gallery) = (random_rows(60, 24, 1), random_rows(50, 24, 2));
    for beta in [1e-3, 0.1, 1.0, 20.0, 300.0] {
        check(&queries, &gallery, beta);
    }
    let Some(data) = fashion() else { return };
    let queries = data.queries.select(&(0..40).collect::<Vec<u32>>());
    for beta in [0.1, 20.0] {
        check(&queries, &data.gallery, beta);
    }
}

/// The published form with CLIP's scale; its product is off by what eight roundings of a similarity make of it: of the
/// factor `s` (absolute, so the rows are compared where `s` is large), of the exponent twice.
#[test]
fn rows_are_in_the_order_of_the_published_form() {
    let golden = Golden::new(include_str!("golden/dsl.json"));
    let (queries, gallery) = (golden.rows("queries"), golden.rows("gallery"));
    for case in golden.cases() {
        let beta = case.parameters[0];
        let found = rows_of(beta, &queries, &gallery);
        let raw = chain_matrix(queries.rows(), gallery.rows());
        for ((raw, found), wanted) in raw.iter().zip(&found).zip(&case.scores) {
            let least = raw.iter().fold(f32::MAX, |least, s| least.min(s.abs()));
            let slack = (8.0 * U32 * (2.0 * beta + 1.0 / f64::from(least))).exp_m1();
            check_order(found, wanted, 1.01 * slack);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn permuting_the_gallery_permutes_the_rows(
        seed in 0u64..1000, beta in 0.0f64..200.0, step in prop::sample::select(vec![3u32, 7, 11, 37]),
    ) {
        let (queries, gallery) = (random_rows(12, 8, seed + 1), tied_rows(40, seed));
        let order: Vec<u32> = (0..40).map(|i| i * step % 40).collect();
        let before = rows_of(beta, &queries, &gallery);
        let after = rows_of(beta, &queries, &gallery.select(&order));
        for (before, after) in before.iter().zip(after) {
            let moved: Vec<f32> = order.iter().map(|&g| before[g as usize]).collect();
            prop_assert_eq!(after, moved);
        }
    }

    /// Alone, a query's softmax is 1 for every item.
    #[test]
    fn beta_zero_and_a_single_query_rank_as_raw(seed in 0u64..1000, beta in 0.0f64..20.0) {
        let (queries, gallery) = (random_rows(12, 8, seed + 1), random_rows(40, 8, seed));
        let raw = chain_matrix(queries.rows(), gallery.rows());
        for (found, raw) in rows_of(0.0, &queries, &gallery).iter().zip(&raw) {
            prop_assert_eq!(ranked(found), ranked(raw));
        }
        let alone = queries.select(&[3]);
        let found = &rows_of(beta, &alone, &gallery)[0];
        let wanted: Vec<f64> = raw[3].iter().map(|&s| f64::from(s)).collect();
        check_order(found, &wanted, slack(&alone, &gallery, beta));
    }
}

/// Where a similarity is negative, a large weight lowers the score.
#[test]
fn negative_similarities_are_weighted_as_the_product_weights_them() {
    let queries = Embeddings::from_unit(vec![1.0, 0.0, 0.0, 1.0], 2).expect("unit");
    let gallery = Embeddings::from_unit(vec![-0.6, 0.8, -0.6, -0.8, 0.0, 1.0], 2).expect("unit");
    let rows = rows_of(5.0, &queries, &gallery);
    // For the first query both stand at -0.6; the second query likes the first item, so its weight is smaller here.
    assert_eq!(rows[0], [1.0, 0.0, 2.0]);
}

#[test]
fn no_beta_gives_anything_but_numbers() {
    let items = random_rows(10, 16, 3);
    let gallery = items.select(&(0..20).map(|i| i % 10).collect::<Vec<u32>>());
    let same = Embeddings::normalize([0.3, -0.4, 0.5, 0.1].repeat(12), 4).expect("valid");
    for queries in [random_rows(30, 16, 4), random_rows(1, 16, 5), items.clone()] {
        for beta in [0.0, 5e-324, 1e-300, 1.0, 1e4, 1e300, f64::MAX] {
            for row in rows_of(beta, &queries, &gallery) {
                assert!(row.iter().all(|value| value.is_finite()));
                assert_eq!(row[..10], row[10..], "equal items tie at beta={beta}");
            }
            for row in rows_of(beta, &same, &same) {
                assert_eq!(row, [0.0; 12]);
            }
        }
    }
}

#[test]
fn it_reads_the_evaluated_queries_and_nothing_else() {
    assert!(DslFamily.transductive());
    let (gallery, bank) = (random_rows(5, 8, 6), random_rows(9, 8, 7));
    assert!(StatPlan::of([&dsl(0.0) as &dyn Normalizer]).is_empty());
    let stats = collect_for(&dsl(0.1), &gallery, query_bank(&bank));
    assert!(matches!(stats, Err(FitError::MissingBank { .. })));
}

#[test]
fn signatures_and_grids_read_back() {
    let default = DslFamily.expand(&ParamGrid::new()).expect("defaults");
    assert_eq!(default[0].signature(), "dsl(beta=0.1)");
    assert_eq!(DslFamily.kind(), MethodKind::Rescaling);
    let (name, grid) = parse_signature("dsl(beta=3)").expect("a signature");
    assert_eq!(name, DslFamily.name());
    let read = DslFamily.expand(&grid).expect("valid");
    assert_eq!(read[0].signature(), "dsl(beta=3)");
    let negative = ParamGrid::from([("beta".to_owned(), vec![-1.0])]);
    assert!(DslFamily.expand(&negative).is_err());
}
