//! GC beside plain counting and scipy's ranks, its limits, and what must not change a result.

use method_gc::{Gc, GcFamily};
use nnn_core::{
    Bank, Embeddings, FitError, MethodFamily, MethodKind, Normalizer, ParamGrid, parse_signature,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;
use serde_json::Value;

fn gc(depth: usize) -> Gc {
    Gc {
        depth: param(depth as f64),
    }
}

/// The corrected scores of every query.
fn rows(
    depth: usize,
    queries: &Embeddings,
    gallery: &Embeddings,
    bank: &Embeddings,
) -> Vec<Vec<f32>> {
    let fitted = fit(&gc(depth), gallery, bank);
    let mut rows = chain_matrix(queries.rows(), gallery.rows());
    rows.iter_mut().for_each(|row| fitted.apply(row));
    rows
}

fn orders(rows: &[Vec<f32>]) -> Vec<Vec<usize>> {
    rows.iter().map(|row| ranked(row)).collect()
}

/// Items of lower rank first, then of higher similarity, then of lower index; equal only where rank and similarity are.
fn check_row(row: &[f32], ranks: &[usize], scores: &[f32]) {
    let mut order: Vec<usize> = (0..row.len()).collect();
    let by_score = |a: usize, b: usize| scores[b].total_cmp(&scores[a]);
    order.sort_by(|&a, &b| ranks[a].cmp(&ranks[b]).then(by_score(a, b)).then(a.cmp(&b)));
    assert_eq!(ranked(row), order);
    for pair in order.windows(2) {
        let same = ranks[pair[0]] == ranks[pair[1]] && scores[pair[0]] == scores[pair[1]];
        assert_eq!(row[pair[0]] == row[pair[1]], same);
    }
}

/// The rank from its definition, on the similarities as computed: nothing sorted, nothing cut off but at `depth`.
fn check(queries: &Embeddings, gallery: &Embeddings, bank: &Embeddings, depths: &[usize]) {
    let items = chain_matrix(gallery.rows(), bank.rows());
    let scores = chain_matrix(queries.rows(), gallery.rows());
    let rank = |g: usize, s: f32| 1 + items[g].iter().filter(|&&other| other > s).count();
    let ranks: Vec<Vec<usize>> = scores
        .iter()
        .map(|row| (0..row.len()).map(|g| rank(g, row[g])).collect())
        .collect();
    for &depth in depths {
        for (q, row) in rows(depth, queries, gallery, bank).iter().enumerate() {
            let cut: Vec<usize> = ranks[q].iter().map(|&rank| rank.min(depth + 1)).collect();
            check_row(row, &cut, &scores[q]);
        }
    }
}

#[test]
fn ranks_equal_plain_counting_ties_included() {
    let (queries, gallery, bank) = (
        random_rows(20, 24, 1),
        random_rows(60, 24, 2),
        random_rows(90, 24, 3),
    );
    check(&queries, &gallery, &bank, &[1, 2, 30, 89, 90]);
    let (queries, gallery, bank) = (tied_rows(15, 4), tied_rows(50, 5), tied_rows(30, 6));
    check(&queries, &gallery, &bank, &[1, 2, 10, 29, 30]);
    let Some(data) = fashion() else { return };
    check(&data.queries, &data.gallery, &data.bank, &[1, 32, 555]);
}

/// In f64 a rank may differ by the bank queries that are nearer to the query's similarity than rounding; such are few.
#[test]
fn ranks_are_those_of_f64_but_for_near_ties() {
    let mut tasks = vec![(
        random_rows(20, 64, 7),
        random_rows(60, 64, 8),
        random_rows(300, 64, 9),
    )];
    tasks.extend(fashion().map(|data| (data.queries, data.gallery, data.bank)));
    for (queries, gallery, bank) in tasks {
        let found = rows(bank.len(), &queries, &gallery, &bank);
        let sides: Vec<Vec<f64>> = (0..gallery.len())
            .map(|g| scores64(gallery.rows().row(g), &bank))
            .collect();
        let errors: Vec<f64> = (0..gallery.len())
            .map(|g| {
                let item = gallery.rows().row(g);
                score_error(item, &bank) + score_error(item, &queries)
            })
            .collect();
        for (q, row) in found.iter().enumerate() {
            let scores = scores64(queries.rows().row(q), &gallery);
            let above = |g: usize, s: f64| sides[g].iter().filter(|&&other| other > s).count();
            let ranks: Vec<[usize; 2]> = (0..row.len())
                .map(|g| [errors[g], -errors[g]].map(|e| above(g, scores[g] + e)))
                .collect();
            for pair in ranked(row).windows(2) {
                // The least possible rank of the better item is not above the greatest of the other.
                assert!(
                    ranks[pair[0]][0] <= ranks[pair[1]][1],
                    "query {q}: {pair:?}"
                );
            }
        }
    }
}

/// The ranks that scipy's `rankdata` finds (`tools/reference/scaling_goldens.py`); no two similarities of an item are
/// nearer than rounding there.
#[test]
fn ranks_equal_those_of_scipy() {
    let golden: Value = serde_json::from_str(include_str!("golden/gc.json")).expect("JSON");
    let numbers = |value: &Value| -> Vec<f64> {
        let list = value.as_array().expect("a list").iter();
        list.map(|v| v.as_f64().expect("a number")).collect()
    };
    let dim = golden["dim"].as_u64().expect("a number") as usize;
    let vectors = |name: &str| {
        let data = numbers(&golden[name]).iter().map(|&v| v as f32).collect();
        Embeddings::from_unit(data, dim).expect("unit vectors")
    };
    let (queries, gallery, bank) = (vectors("queries"), vectors("gallery"), vectors("bank"));
    let wanted = golden["rank"].as_array().expect("a list");
    let scores = chain_matrix(queries.rows(), gallery.rows());
    for depth in [1, 7, bank.len()] {
        let found = rows(depth, &queries, &gallery, &bank);
        for ((row, want), scores) in found.iter().zip(wanted).zip(&scores) {
            let ranks: Vec<usize> = numbers(want)
                .iter()
                .map(|&rank| (rank as usize).min(depth + 1))
                .collect();
            check_row(row, &ranks, scores);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A bank at right angles to every item says of each query only the sign of its similarity.
    #[test]
    fn a_bank_that_sees_all_items_alike_leaves_the_order(seed in 0u64..1000, depth in 1usize..20) {
        let wide = |rows: Embeddings, second: bool| {
            let zeros = vec![0.0; rows.dim()];
            let data = (0..rows.len()).flat_map(|row| {
                let row = rows.rows().row(row);
                if second { [&zeros, row].concat() } else { [row, &zeros].concat() }
            });
            Embeddings::from_unit(data.collect(), 2 * rows.dim()).expect("unit vectors")
        };
        let (queries, gallery, bank) = (
            wide(random_rows(5, 12, seed), false), wide(random_rows(40, 12, seed + 1), false), wide(random_rows(20, 12, seed + 2), true),
        );
        let raw = orders(&chain_matrix(queries.rows(), gallery.rows()));
        prop_assert_eq!(orders(&rows(depth, &queries, &gallery, &bank)), raw);
    }

    #[test]
    fn a_bank_twice_over_has_twice_the_places(seed in 0u64..1000, depth in 1usize..20) {
        let (queries, gallery, bank) = (random_rows(5, 12, seed), random_rows(40, 12, seed + 1), random_rows(20, 12, seed + 2));
        let twice = bank.select(&(0..40).map(|i| i % 20).collect::<Vec<u32>>());
        prop_assert_eq!(rows(depth, &queries, &gallery, &bank), rows(2 * depth, &queries, &gallery, &twice));
    }

    #[test]
    fn permuting_the_gallery_permutes_the_scores(seed in 0u64..1000, depth in 1usize..20) {
        let order: Vec<u32> = (0..41).map(|i| i * 17 % 41).collect();
        for (queries, gallery, bank) in [
            (random_rows(5, 8, seed), random_rows(41, 8, seed + 1), random_rows(20, 8, seed + 2)),
            (tied_rows(5, seed), tied_rows(41, seed + 1), tied_rows(20, seed + 2)),
        ] {
            let before = rows(depth, &queries, &gallery, &bank);
            let after = rows(depth, &queries, &gallery.select(&order), &bank);
            for (before, after) in before.iter().zip(&after) {
                let moved: Vec<f32> = order.iter().map(|&g| before[g as usize]).collect();
                prop_assert_eq!(after, &moved);
            }
        }
    }

    #[test]
    fn equal_items_stay_equal(seed in 0u64..1000, depth in 1usize..12) {
        let gallery = random_rows(15, 8, seed).select(&(0..30).map(|i| i % 15).collect::<Vec<u32>>());
        for row in rows(depth, &random_rows(4, 8, seed + 1), &gallery, &random_rows(12, 8, seed + 2)) {
            prop_assert_eq!(&row[..15], &row[15..]);
        }
    }
}

#[test]
fn equal_vectors_and_huge_scores_are_no_special_case() {
    let same = Embeddings::normalize([0.3, -0.4, 0.5].repeat(12), 3).expect("valid");
    for bank in [same.clone(), same.select(&[0])] {
        let found = rows(1, &same, &same, &bank);
        assert!(found.iter().flatten().all(|&score| score == 0.0));
    }
    let fitted = fit(&gc(1), &same, &same);
    let mut row = [1.0; 12];
    row[..4].copy_from_slice(&[f32::MAX, -f32::MAX, 0.0, -0.0]);
    fitted.apply(&mut row);
    assert_eq!(row[..5], [3.0, 0.0, 1.0, 1.0, 2.0]);
}

#[test]
fn lists_longer_than_the_bank_are_refused() {
    let (gallery, bank) = (random_rows(6, 4, 1), random_rows(5, 4, 2));
    for depth in [6.0, 1e300] {
        let gc = Gc {
            depth: param(depth),
        };
        let error = collect_for(&gc, &gallery, query_bank(&bank));
        assert!(matches!(
            error,
            Err(FitError::KExceedsBank {
                parameter: "depth",
                bank: Bank::Query,
                size: 5,
                ..
            })
        ));
        let none = collect(&[], &gallery, &bank);
        let error = gc.fit(&none, gallery.rows()).err();
        assert!(matches!(error, Some(FitError::NotDeclared { .. })));
    }
}

#[test]
fn signatures_and_grids_read_back() {
    let signature = "gc(depth=128)";
    let default = GcFamily.expand(&ParamGrid::new()).expect("defaults");
    assert_eq!(default[0].signature(), signature);
    let (name, grid) = parse_signature(signature).expect("a signature");
    assert_eq!(name, GcFamily.name());
    assert_eq!(
        GcFamily.expand(&grid).expect("valid")[0].signature(),
        signature
    );
    let bank = random_rows(200, 4, 1);
    assert_eq!(
        fit(&*default[0], &bank, &bank).kind(),
        MethodKind::Rescaling
    );
    assert_eq!(GcFamily.kind(), MethodKind::Rescaling);
    assert_eq!(
        GcFamily.published_points(),
        [[8.0], [32.0], [128.0], [512.0]]
    );
}
