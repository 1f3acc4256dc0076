//! IS and DIS beside their formulas, their limits, and each other.

use method_qbnorm::{Dis, DisFamily, Is, IsFamily};
use nnn_core::{
    DotScorer, Embeddings, Fitted, MethodFamily, Nnn, Normalizer, ParamGrid, RankOptions, Rankings,
    Raw, Relevance, TieRule, parse_signature, rank,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;

fn is(beta: f64) -> Is {
    Is { beta: param(beta) }
}

fn dis(beta: f64, k: usize) -> Dis {
    Dis {
        beta: param(beta),
        k: param(k as f64),
    }
}

/// `ln((1/M) sum exp(beta s)) / beta`, and how far off it may be: the worst similarity, two sums of exponentials in f64
/// over `beta`, products of size `beta`, and the rounding to f32. Returns the largest difference found.
fn check_is_bias(gallery: &Embeddings, bank: &Embeddings, beta: f64) -> f64 {
    let found = bias(&is(beta), gallery, bank);
    let mut largest = 0.0f64;
    for (g, &got) in found.iter().enumerate() {
        let item = gallery.rows().row(g);
        let want = log_mean_exp64(&scores64(item, bank), beta) / beta;
        let sums = 2.0 * f64_error(bank.len()) / beta + 8.0 * U64;
        let bound = (score_error(item, bank) + sums) * (1.0 + 1e-6) + U32 * want.abs();
        let off = (f64::from(got) - want).abs();
        assert!(
            off <= bound,
            "beta={beta}, item {g}: {got}, expected {want} within {bound:e}"
        );
        largest = largest.max(off);
    }
    largest
}

#[test]
fn is_bias_is_within_the_bound_of_the_formula() {
    let (gallery, bank) = (random_rows(30, 64, 1), random_rows(700, 64, 2));
    for beta in [1e-3, 0.05, 1.0, 1.0 / 1.99, 20.0, 100.0, 400.0] {
        check_is_bias(&gallery, &bank, beta);
    }
    let Some(data) = fashion() else { return };
    for beta in [1e-3, 20.0, 400.0] {
        check_is_bias(&data.gallery, &data.bank, beta);
    }
}

/// The published score `exp(beta s(q,g)) / sum_i exp(beta s(d_i,g))` puts two items in the order in which the bias does,
/// unless they are closer than rounding.
#[test]
fn is_orders_as_the_published_score_does() {
    let (gallery, bank, queries) = (
        random_rows(60, 32, 3),
        random_rows(200, 32, 4),
        random_rows(15, 32, 5),
    );
    for beta in [0.5, 20.0, 100.0] {
        let fitted = fit(&is(beta), &gallery, &bank);
        for (q, row) in chain_matrix(queries.rows(), gallery.rows())
            .iter()
            .enumerate()
        {
            let published: Vec<f64> = (0..gallery.len())
                .map(|g| {
                    let sum: f64 = scores64(gallery.rows().row(g), &bank)
                        .iter()
                        .map(|s| (beta * s).exp())
                        .sum();
                    (beta * dot64(queries.rows().row(q), gallery.rows().row(g))).exp() / sum
                })
                .collect();
            let mut corrected = row.clone();
            fitted.apply(&mut corrected);
            let order = ranked(&corrected);
            for pair in order.windows(2) {
                let (first, second) = (published[pair[0]], published[pair[1]]);
                // Two similarities and two biases, each off by at most d u = 32 u (unit vectors; 33 covers second order),
                // and four roundings of numbers below two.
                let slack = 4.0 * 33.0 * U32 + 8.0 * U32;
                assert!(
                    first.ln() >= second.ln() - beta * slack,
                    "beta={beta}, query {q}: {pair:?}"
                );
            }
        }
    }
}

/// Between the mean over the bank and the largest similarity, which are its limits: at most `ln(M) / beta` below the
/// largest, at most `beta / 8 * range^2` above the mean (Hoeffding's lemma, similarities within a range).
#[test]
fn is_tends_to_nnn_at_both_ends() {
    let (gallery, bank) = (random_rows(40, 24, 6), random_rows(300, 24, 7));
    let largest = bias(
        &Nnn {
            k: 1,
            alpha: param(1.0),
        },
        &gallery,
        &bank,
    );
    let mean = bias(
        &Nnn {
            k: 300,
            alpha: param(1.0),
        },
        &gallery,
        &bank,
    );
    for beta in [1e-3, 1e-2, 20.0, 400.0, 1e4, 1e8] {
        let found = bias(&is(beta), &gallery, &bank);
        let below = 300f64.ln() / beta;
        let above = beta / 8.0 * 4.0;
        for ((&found, &largest), &mean) in found.iter().zip(&largest).zip(&mean) {
            let rounding = 2.0 * U32 + 2.0 * f64_error(300) / beta;
            let (found, largest, mean) = (f64::from(found), f64::from(largest), f64::from(mean));
            assert!(
                found <= largest + rounding && found >= largest - below - rounding,
                "beta={beta}"
            );
            assert!(
                found >= mean - rounding && found <= mean + above + rounding,
                "beta={beta}"
            );
        }
    }
}

#[test]
fn no_beta_gives_anything_but_numbers() {
    let (gallery, bank) = (random_rows(20, 16, 8), random_rows(90, 16, 9));
    for beta in [5e-324, 1e-300, 1e-3, 400.0, 1e4, 1e300, f64::MAX] {
        let found = bias(&is(beta), &gallery, &bank);
        assert!(
            found.iter().all(|value| value.is_finite()),
            "beta={beta}: {found:?}"
        );
    }
}

/// The gate from its definition: is the query's best item the member of a bank query's `k` best?
fn gates(queries: &Embeddings, gallery: &Embeddings, bank: &Embeddings, k: usize) -> Vec<bool> {
    let mut active = vec![false; gallery.len()];
    for row in chain_matrix(bank.rows(), gallery.rows()) {
        ranked(&row)[..k]
            .iter()
            .for_each(|&item| active[item] = true);
    }
    let rows = chain_matrix(queries.rows(), gallery.rows());
    rows.iter().map(|row| active[ranked(row)[0]]).collect()
}

fn check_dis(
    queries: &Embeddings,
    gallery: &Embeddings,
    bank: &Embeddings,
    k: usize,
) -> [usize; 2] {
    let fitted = fit(&dis(20.0, k), gallery, bank);
    assert!(fitted.additive().is_none(), "no index can serve a gate");
    let softmax = fit(&is(20.0), gallery, bank);
    let mut counts = [0; 2];
    let rows = chain_matrix(queries.rows(), gallery.rows());
    for (row, gate) in rows.into_iter().zip(gates(queries, gallery, bank, k)) {
        let (mut want, mut got) = (row.clone(), row);
        if gate {
            softmax.apply(&mut want);
        }
        fitted.apply(&mut got);
        assert_eq!(got, want);
        counts[usize::from(gate)] += 1;
    }
    counts
}

#[test]
fn dis_is_raw_or_is_as_the_gate_says() {
    let (queries, gallery, bank) = (
        random_rows(200, 16, 10),
        random_rows(80, 16, 11),
        random_rows(60, 16, 12),
    );
    let [raw, corrected] = check_dis(&queries, &gallery, &bank, 1);
    assert!(
        raw > 20 && corrected > 20,
        "both sides of the gate are seen: {raw}, {corrected}"
    );
    let [fewer, _] = check_dis(&queries, &gallery, &bank, 3);
    assert!(fewer < raw, "a wider list activates more items");
    check_dis(
        &tied_rows(100, 13),
        &tied_rows(40, 14),
        &tied_rows(12, 15),
        2,
    );
    if let Some(data) = fashion() {
        check_dis(&data.queries, &data.gallery, &data.bank, 1);
    }
}

fn rankings(queries: &Embeddings, gallery: &Embeddings, methods: &[Fitted]) -> Vec<Rankings> {
    let scorer = DotScorer::new(queries.rows(), gallery.rows()).expect("one dimension");
    let answers: Vec<u32> = (0..queries.len())
        .map(|q| (q % gallery.len()) as u32)
        .collect();
    let relevance = Relevance::one_each(&answers, gallery.len()).expect("in range");
    let methods: Vec<&Fitted> = methods.iter().collect();
    let options = RankOptions {
        ties: TieRule::Index,
        top: 10,
        all_relevant: false,
        depth: None,
    };
    rank(&scorer, &relevance, &methods, options)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_query_of_dis_ranks_as_raw_or_as_is(seed in 0u64..1000, beta in 0.01f64..200.0, k in 1usize..6) {
        let (queries, gallery, bank) = (random_rows(40, 12, seed), random_rows(50, 12, seed + 1), random_rows(20, 12, seed + 2));
        let methods = [fit(&Raw, &gallery, &bank), fit(&is(beta), &gallery, &bank), fit(&dis(beta, k), &gallery, &bank)];
        let found = rankings(&queries, &gallery, &methods);
        for (query, gate) in gates(&queries, &gallery, &bank, k).into_iter().enumerate() {
            let same = &found[usize::from(gate)];
            prop_assert_eq!(found[2].top(query), same.top(query));
            prop_assert_eq!(found[2].first_rank(query), same.first_rank(query));
        }
    }

    #[test]
    fn a_list_as_long_as_the_gallery_makes_dis_is(seed in 0u64..1000, beta in 0.01f64..200.0) {
        let (queries, gallery, bank) = (random_rows(20, 12, seed), random_rows(30, 12, seed + 1), random_rows(5, 12, seed + 2));
        let methods = [fit(&is(beta), &gallery, &bank), fit(&dis(beta, 30), &gallery, &bank)];
        let found = rankings(&queries, &gallery, &methods);
        prop_assert_eq!(&found[0], &found[1]);
    }
}

#[test]
fn signatures_and_grids_read_back() {
    assert_eq!(is(20.0).signature(), "is(beta=20)");
    assert_eq!(dis(0.5, 1).signature(), "dis(beta=0.5,k=1)");
    for (family, signature) in [
        (&IsFamily as &dyn MethodFamily, "is(beta=20)"),
        (&DisFamily, "dis(beta=20,k=1)"),
    ] {
        assert_eq!(
            family.expand(&ParamGrid::new()).expect("defaults")[0].signature(),
            signature
        );
        let (name, grid) = parse_signature(signature).expect("a signature");
        assert_eq!(name, family.name());
        assert_eq!(
            family.expand(&grid).expect("valid")[0].signature(),
            signature
        );
    }
    let zero = ParamGrid::from([("beta".to_owned(), vec![0.0])]);
    assert_eq!(
        IsFamily
            .expand(&zero)
            .err()
            .map(|e| e.to_string())
            .as_deref(),
        Some("parameter `beta` is 0, expected a number > 0")
    );
}

/// 20 values evenly spaced in their logarithm from 0.001 to 400, then 20 evenly from 25 to 200, to six digits.
#[test]
fn the_published_grid_is_what_it_says() {
    let grid = IsFamily.params()[0].grid;
    let log = (0..20).map(|i| 0.001 * 400_000f64.powf(f64::from(i) / 19.0));
    let even = (0..20).map(|i| 25.0 + 175.0 * f64::from(i) / 19.0);
    assert_eq!(grid.len(), 40);
    for (&found, want) in grid.iter().zip(log.chain(even)) {
        assert!(
            (found / want - 1.0).abs() <= 5e-6,
            "{found}, expected {want}"
        );
    }
}
