//! Limits, degenerate data, and what must not change a result.

use method_scaling::{
    Ls, LsFamily, MpEmpirical, MpEmpiricalFamily, MpGamma, MpGammaFamily, MpNormal, MpNormalFamily,
    Nicdm, NicdmFamily, Zscore, ZscoreFamily,
};
use nnn_core::{
    Bank, Embeddings, FitError, MethodFamily, Nnn, Normalizer, ParamGrid, parse_signature,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;

/// Every method, at `k` neighbours.
fn methods(k: usize) -> Vec<Box<dyn Normalizer>> {
    let k = param(k as f64);
    vec![
        Box::new(Ls { k }),
        Box::new(Nicdm { k }),
        Box::new(Zscore),
        Box::new(MpNormal),
        Box::new(MpGamma),
        Box::new(MpEmpirical { depth: k }),
    ]
}

/// The corrected scores of every query.
fn rows(
    method: &dyn Normalizer,
    queries: &Embeddings,
    gallery: &Embeddings,
    bank: &Embeddings,
) -> Vec<Vec<f32>> {
    let fitted = fit(method, gallery, bank);
    let mut rows = chain_matrix(queries.rows(), gallery.rows());
    rows.iter_mut().for_each(|row| fitted.apply(row));
    rows
}

fn orders(rows: &[Vec<f32>]) -> Vec<Vec<usize>> {
    rows.iter().map(|row| ranked(row)).collect()
}

/// The same vectors in twice the dimensions, in the first or the second half.
fn halves(rows: &Embeddings, second: bool) -> Embeddings {
    let zeros = vec![0.0; rows.dim()];
    let wide = |row: usize| {
        let row = rows.rows().row(row);
        if second {
            [&zeros, row].concat()
        } else {
            [row, &zeros].concat()
        }
    };
    let data: Vec<f32> = (0..rows.len()).flat_map(wide).collect();
    Embeddings::from_unit(data, 2 * rows.dim()).expect("unit vectors")
}

fn repeated(rows: &Embeddings, times: usize) -> Embeddings {
    let order: Vec<u32> = (0..rows.len() * times)
        .map(|i| (i % rows.len()) as u32)
        .collect();
    rows.select(&order)
}

fn check_that_an_equal_view_changes_nothing(
    queries: &Embeddings,
    gallery: &Embeddings,
    bank: &Embeddings,
    k: usize,
) {
    // The bank is at right angles to every item.
    let (queries, gallery, bank) = (
        halves(queries, false),
        halves(gallery, false),
        halves(bank, true),
    );
    let raw = orders(&chain_matrix(queries.rows(), gallery.rows()));
    for method in methods(k) {
        let found = rows(&*method, &queries, &gallery, &bank);
        assert_eq!(orders(&found), raw, "{}", method.signature());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_bank_that_sees_all_items_alike_leaves_the_order(seed in 0u64..1000, k in 1usize..20) {
        let random = |rows, seed| random_rows(rows, 12, seed);
        check_that_an_equal_view_changes_nothing(&random(5, seed), &random(40, seed + 1), &random(20, seed + 2), k);
        check_that_an_equal_view_changes_nothing(&tied_rows(5, seed), &tied_rows(40, seed + 1), &tied_rows(20, seed + 2), k);
    }

    /// With one neighbour the mean distance is the distance.
    #[test]
    fn one_neighbour_makes_nicdm_ls(seed in 0u64..1000) {
        let (queries, gallery, bank) = (random_rows(5, 12, seed), random_rows(40, 12, seed + 1), random_rows(20, 12, seed + 2));
        let one = param(1.0);
        prop_assert_eq!(rows(&Ls { k: one }, &queries, &gallery, &bank), rows(&Nicdm { k: one }, &queries, &gallery, &bank));
    }

    /// Of a bank of one all deviations are zero: what is left is the difference from its similarity, which is NNN's.
    #[test]
    fn a_bank_of_one_makes_the_z_score_nnn(seed in 0u64..1000) {
        let (queries, gallery, bank) = (random_rows(5, 12, seed), random_rows(40, 12, seed + 1), random_rows(1, 12, seed + 2));
        let nnn = rows(&Nnn { k: 1, alpha: param(1.0) }, &queries, &gallery, &bank);
        for (found, want) in rows(&Zscore, &queries, &gallery, &bank).iter().flatten().zip(nnn.iter().flatten()) {
            // The mean is no rounded similarity: 12 roundings of a sum of products whose sizes add up to at most one.
            prop_assert!((found - want).abs() <= (14.0 * U32) as f32, "{} and {}", found, want);
        }
    }

    #[test]
    fn a_bank_twice_over_has_twice_the_neighbours(seed in 0u64..1000, k in 1usize..20) {
        let (queries, gallery, bank) = (random_rows(5, 12, seed), random_rows(40, 12, seed + 1), random_rows(20, 12, seed + 2));
        let twice = repeated(&bank, 2);
        for (once, doubled) in methods(k).iter().zip(methods(2 * k)) {
            let name = once.signature();
            let (once, doubled) = (rows(&**once, &queries, &gallery, &bank), rows(&*doubled, &queries, &gallery, &twice));
            for (a, b) in once.iter().flatten().zip(doubled.iter().flatten()) {
                // Counts and places are equal; sums in f64 in another order move a score by one rounding.
                prop_assert!((a - b).abs() <= 4.0 * f32::EPSILON * a.abs().max(1.0), "{}: {} and {}", name, a, b);
            }
        }
    }

    #[test]
    fn equal_items_stay_equal(seed in 0u64..1000, k in 1usize..12) {
        let (queries, bank) = (random_rows(4, 8, seed), random_rows(12, 8, seed + 2));
        let gallery = repeated(&random_rows(15, 8, seed + 1), 2);
        for method in methods(k) {
            for row in rows(&*method, &queries, &gallery, &bank) {
                prop_assert_eq!(&row[..15], &row[15..], "{}", method.signature());
            }
        }
    }

    #[test]
    fn permuting_the_gallery_permutes_the_order(seed in 0u64..1000, k in 1usize..20) {
        let (queries, gallery, bank) = (random_rows(5, 12, seed), random_rows(41, 12, seed + 1), random_rows(20, 12, seed + 2));
        let order: Vec<u32> = (0..41).map(|i| i * 17 % 41).collect();
        let moved = gallery.select(&order);
        for method in methods(k) {
            let before = orders(&rows(&*method, &queries, &gallery, &bank));
            let after = orders(&rows(&*method, &queries, &moved, &bank));
            let named: Vec<Vec<usize>> = after.iter().map(|row| row.iter().map(|&g| order[g] as usize).collect()).collect();
            prop_assert_eq!(named, before, "{}", method.signature());
        }
    }
}

/// An item with a copy in the bank is nobody's neighbour but its copy's.
#[test]
fn a_copy_in_the_bank_is_last_but_for_itself() {
    let (gallery, others) = (random_rows(30, 16, 1), random_rows(20, 16, 2));
    let copied = gallery.rows().row(3);
    let with_copy = [copied, others.rows().data()].concat();
    let bank = Embeddings::from_unit(with_copy, 16).expect("unit vectors");
    let queries = [copied, random_rows(9, 16, 3).rows().data()].concat();
    let queries = Embeddings::from_unit(queries, 16).expect("unit vectors");
    let one = param(1.0);
    for method in [&Ls { k: one } as &dyn Normalizer, &Nicdm { k: one }] {
        let found = orders(&rows(method, &queries, &gallery, &bank));
        assert_eq!(found[0][0], 3, "{}", method.signature());
        assert!(found[1..].iter().all(|order| order[29] == 3));
    }
}

/// Banks of one, vectors all equal, opposite, or of one dimension.
#[test]
fn degenerate_data_gives_numbers() {
    let same = Embeddings::normalize([0.3, -0.4, 0.5].repeat(12), 3).expect("valid");
    let line = Embeddings::normalize([1.0, -1.0, 1.0, 1.0].repeat(3), 1).expect("valid");
    let random = random_rows(12, 3, 1);
    let cases = [
        (&same, &same, &same),
        (&random, &same, &same),
        (&same, &random, &same),
        (&random, &random, &same),
        (&random, &random, &random),
        (&line, &line, &line),
    ];
    for (queries, gallery, bank) in cases {
        for bank in [bank.clone(), bank.select(&[0])] {
            for method in methods(1) {
                let found = rows(&*method, queries, gallery, &bank);
                assert!(found.iter().flatten().all(|score| score.is_finite()));
                if gallery == &same {
                    assert!(
                        found
                            .iter()
                            .all(|row| row.iter().all(|score| *score == row[0]))
                    );
                }
            }
        }
    }
}

/// A rule gives numbers for any numbers.
#[test]
fn huge_scores_stay_finite() {
    let (gallery, bank) = (random_rows(6, 4, 1), random_rows(1, 4, 2));
    for method in methods(1) {
        let fitted = fit(&*method, &gallery, &bank);
        for value in [f32::MAX, 1.0, f32::MIN_POSITIVE, 0.0] {
            let mut row = [value, -value, value, 0.0, -0.0, 1.0];
            fitted.apply(&mut row);
            assert!(
                row.iter().all(|score| score.is_finite()),
                "{}: {row:?}",
                method.signature()
            );
        }
    }
}

#[test]
fn more_neighbours_than_the_bank_has_are_refused() {
    let (gallery, bank) = (random_rows(6, 4, 1), random_rows(5, 4, 2));
    for k in [6.0, 1e300] {
        let k = param(k);
        for method in [
            &Ls { k } as &dyn Normalizer,
            &Nicdm { k },
            &MpEmpirical { depth: k },
        ] {
            let error = collect_for(method, &gallery, query_bank(&bank));
            assert!(matches!(
                error,
                Err(FitError::KExceedsBank {
                    bank: Bank::Query,
                    size: 5,
                    ..
                })
            ));
        }
    }
}

#[test]
fn statistics_that_were_not_collected_are_missed() {
    let gallery = random_rows(6, 4, 1);
    let none = collect(&[], &gallery, &gallery);
    for method in methods(1) {
        let error = method.fit(&none, gallery.rows()).err();
        assert!(matches!(error, Some(FitError::NotDeclared { .. })));
    }
}

#[test]
fn signatures_and_grids_read_back() {
    let families: [(&dyn MethodFamily, &str); 6] = [
        (&LsFamily, "ls(k=7)"),
        (&NicdmFamily, "nicdm(k=10)"),
        (&MpNormalFamily, "mp_normal"),
        (&MpGammaFamily, "mp_gamma"),
        (&MpEmpiricalFamily, "mp_empirical(depth=128)"),
        (&ZscoreFamily, "zscore"),
    ];
    for (family, signature) in families {
        let default = family.expand(&ParamGrid::new()).expect("defaults");
        assert_eq!(default[0].signature(), signature);
        let (name, grid) = parse_signature(signature).expect("a signature");
        assert_eq!(name, family.name());
        assert_eq!(
            family.expand(&grid).expect("valid")[0].signature(),
            signature
        );
        let bank = random_rows(200, 4, 1);
        assert_eq!(fit(&*default[0], &bank, &bank).kind(), family.kind());
        for point in family.published_points() {
            assert!(
                family
                    .params()
                    .iter()
                    .zip(point)
                    .all(|(info, value)| info.check(value).is_ok())
            );
        }
    }
}
