//! Both methods beside their definitions and hub-toolbox, their limits, and what must not change a result.

use method_neighbors::{SimhubIn, SimhubInFamily, Snn, SnnFamily};
use nnn_core::{
    Embeddings, MethodFamily, MethodKind, Normalizer, ParamGrid, Rows, StatPlan, parse_signature,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn snn(k: usize) -> Box<dyn Normalizer> {
    let k = param(k as f64);
    Box::new(Snn { k })
}

fn simhub(k: usize) -> Box<dyn Normalizer> {
    let k = param(k as f64);
    Box::new(SimhubIn { k })
}

/// The corrected scores of every query; no bank is read.
fn rows(method: &dyn Normalizer, queries: &Embeddings, gallery: &Embeddings) -> Vec<Vec<f32>> {
    let fitted = fit(method, gallery, gallery);
    let mut rows = chain_matrix(queries.rows(), gallery.rows());
    rows.iter_mut().for_each(|row| fitted.apply(row));
    rows
}

/// The first `k` places of a list sorted by similarity, of equal ones the lower index first.
fn nearest<S: PartialOrd>(scores: &[S], k: usize, but: Option<usize>) -> BTreeSet<usize> {
    let mut order: Vec<usize> = (0..scores.len()).filter(|&g| Some(g) != but).collect();
    let by_score = |a: &usize, b: &usize| scores[*b].partial_cmp(&scores[*a]).expect("numbers");
    order.sort_by(by_score);
    order.into_iter().take(k).collect()
}

/// What the two methods score by, from their definitions: nothing is turned over, and sums are in f64.
struct Wanted {
    snn: Vec<Vec<f64>>,
    simhub: Vec<Vec<f64>>,
}

/// `scores` are (query, gallery), `items` (gallery, gallery).
fn wanted<S: PartialOrd>(scores: &[Vec<S>], items: &[Vec<S>], k: usize) -> Wanted {
    let lists: Vec<_> = (0..items.len())
        .map(|g| nearest(&items[g], k, Some(g)))
        .collect();
    let count = |x: usize| lists.iter().filter(|list| list.contains(&x)).count();
    let size = items.len() as f64;
    let says: Vec<f64> = (0..items.len())
        .map(|x| (size / (count(x) as f64 + 1.0)).ln())
        .collect();
    let shared = |weight: &dyn Fn(usize) -> f64| -> Vec<Vec<f64>> {
        let row = |row: &Vec<S>| {
            let own = nearest(row, k, None);
            let with = |list: &BTreeSet<usize>| own.intersection(list).map(|&x| weight(x)).sum();
            lists.iter().map(with).collect()
        };
        scores.iter().map(row).collect()
    };
    Wanted {
        snn: shared(&|_| 1.0),
        simhub: shared(&|x| says[x]),
    }
}

/// How far a sum of weights may be off: each is rounded to 2^-40, and logarithms and sums in f64 to far less.
fn slack(k: usize) -> f64 {
    k as f64 / (1u64 << 40) as f64 * 2.0
}

/// That a row is in the order of what is wanted, but for what is nearer than `slack`; where there is none, then of similarity, and
/// nothing else decides. Sums of different logarithms can be equal but for rounding: with a slack equal ones are left open.
fn check_row(row: &[f32], wanted: &[f64], scores: &[f32], slack: f64) {
    let exact = slack == 0.0;
    for a in 0..row.len() {
        for b in 0..row.len() {
            let gap = wanted[a] - wanted[b];
            if gap > slack || exact && gap == 0.0 && scores[a] > scores[b] {
                assert!(row[a] > row[b], "items {a} and {b}");
            }
            if exact && gap == 0.0 && scores[a] == scores[b] {
                assert_eq!(row[a], row[b], "items {a} and {b}");
            }
        }
    }
}

fn check(queries: &Embeddings, gallery: &Embeddings, ks: &[usize]) {
    let scores = chain_matrix(queries.rows(), gallery.rows());
    let items = chain_matrix(gallery.rows(), gallery.rows());
    for &k in ks {
        let want = wanted(&scores, &items, k);
        for (method, want, slack) in [
            (snn(k), &want.snn, 0.0),
            (simhub(k), &want.simhub, slack(k)),
        ] {
            let found = rows(&*method, queries, gallery);
            for (q, row) in found.iter().enumerate() {
                check_row(row, &want[q], &scores[q], slack);
            }
        }
    }
}

#[test]
fn neighbours_are_counted_as_the_definitions_say() {
    check(
        &random_rows(20, 24, 1),
        &random_rows(60, 24, 2),
        &[1, 2, 10, 59, 60, 90],
    );
    check(&tied_rows(15, 4), &tied_rows(50, 5), &[1, 2, 10, 49]);
    let Some(data) = fashion() else { return };
    let first: Vec<u32> = (0..40).collect();
    check(&data.queries.select(&first), &data.gallery, &[10]);
}

/// Products of these vectors are exact in f32, so that this is the formula in f64.
#[test]
fn neighbours_are_those_of_f64() {
    let (queries, gallery) = (tied_rows(25, 14), tied_rows(70, 15));
    let of = |left: Rows<'_>| -> Vec<Vec<f64>> {
        let row = |l| scores64(left.row(l), &gallery);
        (0..left.len()).map(row).collect()
    };
    let scores = chain_matrix(queries.rows(), gallery.rows());
    for k in [1, 4, 16] {
        let want = wanted(&of(queries.rows()), &of(gallery.rows()), k);
        let found = rows(&*snn(k), &queries, &gallery);
        let informed = rows(&*simhub(k), &queries, &gallery);
        for (q, scores) in scores.iter().enumerate() {
            check_row(&found[q], &want.snn[q], scores, 0.0);
            check_row(&informed[q], &want.simhub[q], scores, slack(k));
        }
    }
}

/// hub-toolbox computes its similarities in f64, and its sums in another order (`tools/reference/neighbors_goldens.py`).
#[test]
fn scores_order_as_those_of_hub_toolbox() {
    let golden = Golden::new(include_str!("golden/neighbors.json"));
    let (queries, gallery) = (golden.rows("queries"), golden.rows("gallery"));
    let scores = chain_matrix(queries.rows(), gallery.rows());
    for (place, case) in golden.cases().iter().enumerate() {
        let k = case.parameters[0] as usize;
        // Shares of `k` are rounded in f64; the others are sums over `k ln n`, with weights to 2^-40.
        let (method, slack) = match place % 2 {
            0 => (snn(k), 0.0),
            _ => (simhub(k), slack(k)),
        };
        for (q, row) in rows(&*method, &queries, &gallery).iter().enumerate() {
            let count = |share: &f64| match slack == 0.0 {
                true => (share * k as f64).round(),
                false => share * k as f64 * (gallery.len() as f64).ln(),
            };
            let want: Vec<f64> = case.scores[q].iter().map(count).collect();
            check_row(row, &want, &scores[q], slack);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Where every list is the whole gallery nothing is told apart, and one in all lists says nothing.
    #[test]
    fn neighbourhoods_of_everything_leave_the_order(seed in 0u64..1000, more in 0usize..9) {
        let (queries, gallery) = (random_rows(5, 12, seed), random_rows(20, 12, seed + 1));
        let raw: Vec<_> = chain_matrix(queries.rows(), gallery.rows()).iter().map(|row| ranked(row)).collect();
        for method in [snn(20 + more), simhub(20 + more)] {
            let found: Vec<_> = rows(&*method, &queries, &gallery).iter().map(|row| ranked(row)).collect();
            prop_assert_eq!(&found, &raw, "{}", method.signature());
        }
    }

    #[test]
    fn permuting_the_gallery_permutes_the_scores(seed in 0u64..1000, k in 1usize..20) {
        let (queries, gallery) = (random_rows(5, 12, seed), random_rows(41, 12, seed + 1));
        let order: Vec<u32> = (0..41).map(|i| i * 17 % 41).collect();
        for method in [snn(k), simhub(k)] {
            let before = rows(&*method, &queries, &gallery);
            let after = rows(&*method, &queries, &gallery.select(&order));
            for (before, after) in before.iter().zip(&after) {
                let moved: Vec<f32> = order.iter().map(|&g| before[g as usize]).collect();
                prop_assert_eq!(after, &moved, "{}", method.signature());
            }
        }
    }
}

#[test]
fn odd_galleries_and_scores_give_numbers() {
    let same = Embeddings::normalize([0.3, -0.4, 0.5].repeat(12), 3).expect("valid");
    let line = Embeddings::normalize(vec![1.0, -1.0, 1.0, 2.0], 1).expect("valid");
    for gallery in [&same, &line, &same.select(&[0])] {
        for method in [snn(1), snn(50), simhub(1), simhub(50)] {
            let found = rows(&*method, gallery, gallery);
            assert!(found.iter().flatten().all(|score| score.is_finite()));
            let fitted = fit(&*method, gallery, gallery);
            let mut row = vec![0.0; gallery.len()];
            row[0] = f32::MAX;
            if let Some(last) = row.last_mut() {
                *last = -f32::MAX;
            }
            fitted.apply(&mut row);
            assert!(row.iter().all(|score| score.is_finite()));
        }
    }
}

#[test]
fn signatures_and_grids_read_back() {
    let families: [(&dyn MethodFamily, &str); 2] = [
        (&SnnFamily, "snn(k=10)"),
        (&SimhubInFamily, "simhub_in(k=50)"),
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
        let gallery = random_rows(20, 4, 1);
        let fitted = fit(&*default[0], &gallery, &gallery);
        assert_eq!(fitted.kind(), MethodKind::Rescaling);
        assert_eq!(family.kind(), MethodKind::Rescaling);
        assert!(family.whole_gallery() && default[0].reads_gallery());
        assert!(StatPlan::of([&*default[0]]).is_empty());
        assert!(family.published_grid().expect("valid").len() == 6);
    }
}

/// What is counted before a run covers the lists that are held: an item's place and what it counts.
#[test]
fn the_stated_bytes_cover_the_lists() {
    for (k, items) in [(10, 1000), (5000, 1000), (1, 1)] {
        let held = items * (k.min(items) * size_of::<u32>() + 2 * size_of::<u64>());
        for method in [snn(k), simhub(k)] {
            assert!(method.held_bytes(items, 512) >= held);
        }
    }
    assert_eq!(snn(10).held_bytes(usize::MAX / 2, 1), usize::MAX);
}
