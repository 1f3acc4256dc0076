//! Both methods beside their formulas and numpy, their limits, and what must not change a result.

use method_rerank::{KReciprocal, KReciprocalFamily, QueryExpansion, QueryExpansionFamily};
use nnn_core::{
    Bank, Embeddings, FitError, MethodFamily, MethodKind, Normalizer, ParamGrid, StatPlan,
    parse_signature,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn reciprocal(k1: usize, k2: usize, lambda: f64) -> KReciprocal {
    KReciprocal {
        k1: param(k1 as f64),
        k2: param(k2 as f64),
        lambda: param(lambda),
    }
}

fn expansion(n: usize, alpha: f64) -> QueryExpansion {
    QueryExpansion {
        n: param(n as f64),
        alpha: param(alpha),
    }
}

struct Data {
    queries: Embeddings,
    gallery: Embeddings,
    bank: Embeddings,
}

impl Data {
    fn random(dim: usize, seed: u64) -> Self {
        Self {
            queries: random_rows(9, dim, seed),
            gallery: random_rows(50, dim, seed + 1),
            bank: random_rows(70, dim, seed + 2),
        }
    }

    /// Products are exact and often equal.
    fn tied(seed: u64) -> Self {
        Self {
            queries: tied_rows(15, seed),
            gallery: tied_rows(60, seed + 1),
            bank: tied_rows(40, seed + 2),
        }
    }

    fn real() -> Option<Self> {
        let data = fashion()?;
        Some(Self {
            queries: data.queries.select(&(0..40).collect::<Vec<u32>>()),
            gallery: data.gallery,
            bank: data.bank,
        })
    }

    fn scores(&self) -> Vec<Vec<f32>> {
        chain_matrix(self.queries.rows(), self.gallery.rows())
    }

    /// The corrected scores of every query.
    fn rows(&self, method: &dyn Normalizer) -> Vec<Vec<f32>> {
        let fitted = fit(method, &self.gallery, &self.bank);
        let mut rows = self.scores();
        rows.iter_mut().for_each(|row| fitted.apply(row));
        rows
    }
}

/// The first `k` places by similarity, of equal ones the lower index first; `first` goes before all.
fn nearest(scores: &[f32], k: usize, first: Option<usize>) -> BTreeSet<usize> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let by_score = |&a: &usize, &b: &usize| {
        let own = (Some(b) == first).cmp(&(Some(a) == first));
        own.then(scores[b].total_cmp(&scores[a])).then(a.cmp(&b))
    };
    order.sort_by(by_score);
    order.into_iter().take(k).collect()
}

type Sets = Vec<BTreeSet<usize>>;

/// k-reciprocal encoding from the paper, with sets and dense vectors.
struct Oracle {
    k1: usize,
    k2: usize,
    halves: Sets,
    plain: Vec<Vec<f64>>,
    means: Vec<Vec<f64>>,
}

impl Oracle {
    fn new(gallery: &Embeddings, k1: usize, k2: usize) -> Self {
        let items = chain_matrix(gallery.rows(), gallery.rows());
        let mutual = |k: usize| -> Sets {
            let own: Sets = (0..items.len())
                .map(|x| nearest(&items[x], k + 1, Some(x)))
                .collect();
            let of = |x: usize| {
                own[x]
                    .iter()
                    .copied()
                    .filter(|&y| own[y].contains(&x))
                    .collect()
            };
            (0..items.len()).map(of).collect()
        };
        let (sets, halves) = (mutual(k1), mutual(k1.div_ceil(2)));
        let mut oracle = Self {
            k1,
            k2,
            halves,
            plain: Vec::new(),
            means: Vec::new(),
        };
        let similarities = |x: usize| scores64(gallery.rows().row(x), gallery);
        oracle.plain = (0..items.len())
            .map(|x| oracle.encode(&sets[x], &similarities(x)))
            .collect();
        oracle.means = (0..items.len())
            .map(|x| {
                let near = nearest(&items[x], k2, Some(x)).into_iter();
                mean(near.map(|y| &oracle.plain[y]).collect())
            })
            .collect();
        oracle
    }

    fn encode(&self, set: &BTreeSet<usize>, similarities: &[f64]) -> Vec<f64> {
        let mut all = set.clone();
        for &item in set {
            let half = &self.halves[item];
            if 3 * half.intersection(set).count() >= 2 * half.len() {
                all.extend(half);
            }
        }
        let mut vector = vec![0.0; similarities.len()];
        for item in all {
            vector[item] = (2.0 * similarities[item] - 2.0).exp();
        }
        vector
    }

    /// One less the Jaccard distance to every item.
    fn agreement(&self, row: &[f32], kth: &[f32]) -> Vec<f64> {
        let near = nearest(row, self.k1, None).into_iter();
        let set = near.filter(|&g| row[g] >= kth[g]).collect();
        let similarities: Vec<f64> = row.iter().map(|&s| f64::from(s)).collect();
        let own = self.encode(&set, &similarities);
        let best = nearest(row, self.k2 - 1, None).into_iter();
        let lists = std::iter::once(&own).chain(best.map(|g| &self.plain[g]));
        let query = mean(lists.collect());
        let with = |item: &Vec<f64>| {
            let pairs = || query.iter().zip(item);
            let least: f64 = pairs().map(|(a, b)| a.min(*b)).sum();
            least / pairs().map(|(a, b)| a.max(*b)).sum::<f64>()
        };
        self.means.iter().map(with).collect()
    }
}

fn mean(vectors: Vec<&Vec<f64>>) -> Vec<f64> {
    let count = vectors.len() as f64;
    let at = |g: usize| vectors.iter().map(|vector| vector[g]).sum::<f64>() / count;
    (0..vectors[0].len()).map(at).collect()
}

/// An encoding's weights are rounded to f32 twice, so that sums of smaller and of larger ones are off by two roundings of their
/// size each, and their quotient, which is at most one, by four; a pair of these by eight.
const AGREEMENT: f64 = 8.0 * U32 * (1.0 + 1e-3);

/// That a row is in the order of what is wanted, but for what is nearer than `slack`.
fn check_order_of(row: &[f32], wanted: &[f64], slack: f64) {
    for a in 0..row.len() {
        for b in 0..row.len() {
            if wanted[a] > wanted[b] + slack {
                assert!(
                    row[a] > row[b],
                    "items {a} and {b}: {} {}",
                    wanted[a],
                    wanted[b]
                );
            }
        }
    }
}

fn check_reciprocal(data: &Data, points: &[(usize, usize, f64)]) {
    let items = chain_matrix(data.gallery.rows(), data.bank.rows());
    for &(k1, k2, lambda) in points {
        let oracle = Oracle::new(&data.gallery, k1, k2);
        let kth = |scores: &Vec<f32>| {
            let mut sorted = scores.clone();
            sorted.sort_by(|a, b| b.total_cmp(a));
            sorted[k1 - 1]
        };
        let kth: Vec<f32> = items.iter().map(kth).collect();
        let found = data.rows(&reciprocal(k1, k2, lambda));
        for (row, scores) in found.iter().zip(data.scores()) {
            let agreement = oracle.agreement(&scores, &kth);
            let distance = |g: usize| {
                (1.0 - lambda) * (1.0 - agreement[g]) + lambda * (2.0 - 2.0 * f64::from(scores[g]))
            };
            let want: Vec<f64> = (0..row.len()).map(|g| -distance(g)).collect();
            check_order_of(row, &want, AGREEMENT + 64.0 * U64);
        }
    }
}

#[test]
fn mutual_neighbours_are_encoded_as_the_paper_says() {
    let points = [
        (1, 1, 0.3),
        (5, 1, 0.0),
        (10, 3, 0.3),
        (20, 6, 0.3),
        (35, 49, 0.7),
    ];
    check_reciprocal(&Data::random(6, 1), &points);
    check_reciprocal(&Data::random(32, 5), &points);
    // Here similarities in f32 are those of f64.
    check_reciprocal(&Data::tied(9), &points);
    if let Some(data) = Data::real() {
        check_reciprocal(&data, &[(20, 6, 0.3)]);
    }
}

/// The golden distances are of similarities in f64 (`tools/reference/rerank_goldens.py`): each is off by 8 roundings of a sum of
/// products whose sizes add up to at most one, and moves a weight by twice that.
#[test]
fn distances_order_as_those_of_numpy() {
    let golden = Golden::new(include_str!("golden/k_reciprocal.json"));
    let data = Data {
        queries: golden.rows("queries"),
        gallery: golden.rows("gallery"),
        bank: golden.rows("bank"),
    };
    let error = 9.0 * U32;
    for case in golden.cases() {
        let [k1, k2, lambda] = case.parameters[..] else {
            panic!("three parameters");
        };
        let found = data.rows(&reciprocal(k1 as usize, k2 as usize, lambda));
        for (row, want) in found.iter().zip(&case.scores) {
            let want: Vec<f64> = want.iter().map(|distance| -distance).collect();
            let of_weights = 2.0 * 4.0 * error;
            check_order_of(row, &want, AGREEMENT + of_weights + 4.0 * lambda * error);
        }
    }
}

/// How far a weight may be off where a similarity is by `e`: by its slope, or where the power is below one by what that makes of `e`.
fn weight_error(alpha: f64, e: f64) -> f64 {
    match alpha {
        0.0 => 0.0,
        alpha if alpha < 1.0 => e.powf(alpha),
        alpha => alpha * e,
    }
}

/// `(q + sum w x) . g` in f64, with the items that are nearest as computed; and how long the expanded query is.
fn expanded64(data: &Data, q: usize, scores: &[f32], n: usize, alpha: f64) -> (Vec<f64>, f64) {
    let mut query: Vec<f64> = data
        .queries
        .rows()
        .row(q)
        .iter()
        .map(|&v| v.into())
        .collect();
    for item in nearest(scores, n, None) {
        let x = data.gallery.rows().row(item);
        let weight = dot64(data.queries.rows().row(q), x).max(0.0).powf(alpha);
        query
            .iter_mut()
            .zip(x)
            .for_each(|(v, &x)| *v += weight * f64::from(x));
    }
    let product = |g: &[f32]| query.iter().zip(g).map(|(a, &b)| a * f64::from(b)).sum();
    let items = data.gallery.rows().data().chunks_exact(query.len());
    let length = query.iter().map(|v| v * v).sum::<f64>().sqrt();
    (items.map(product).collect(), length)
}

/// The similarity itself, the weights, and the rounding of the result; returns the largest error.
fn check_expansion(data: &Data, points: &[(usize, f64)]) -> f64 {
    let items = data.gallery.rows().data().chunks_exact(data.gallery.dim());
    let e = items
        .map(|item| score_error(item, &data.queries))
        .fold(0.0, f64::max);
    let mut worst = 0.0f64;
    for &(n, alpha) in points {
        let found = data.rows(&expansion(n, alpha));
        for (q, (row, scores)) in found.iter().zip(data.scores()).enumerate() {
            let (want, _) = expanded64(data, q, &scores, n, alpha);
            for (found, want) in row.iter().zip(want) {
                let bound =
                    e + n as f64 * (weight_error(alpha, e) + 600.0 * U64) + U32 * want.abs();
                let off = (f64::from(*found) - want).abs();
                assert!(off <= bound * (1.0 + 1e-3), "{found}, expected {want}");
                worst = worst.max(off);
            }
        }
    }
    worst
}

#[test]
fn expanded_queries_score_as_the_formula_says() {
    let points = [
        (1, 0.0),
        (5, 0.0),
        (10, 1.0),
        (10, 3.0),
        (50, 3.0),
        (90, 0.5),
    ];
    for dim in [5, 16, 64] {
        report("random", check_expansion(&Data::random(dim, 30), &points));
    }
    if let Some(data) = Data::real() {
        report("real", check_expansion(&data, &[(10, 3.0), (5, 0.0)]));
    }
}

/// The largest error of a check, for those who run it with `--nocapture`.
#[allow(clippy::print_stderr)]
fn report(name: &str, error: f64) {
    eprintln!("query_expansion, {name}: largest error {error:.1e}");
}

/// numpy's are of expanded queries of length one.
#[test]
fn expanded_queries_score_as_those_of_numpy() {
    let golden = Golden::new(include_str!("golden/query_expansion.json"));
    let data = Data {
        queries: golden.rows("queries"),
        gallery: golden.rows("gallery"),
        bank: golden.rows("bank"),
    };
    let (e, mut worst) = (9.0 * U32, 0.0f64);
    for case in golden.cases() {
        let (n, alpha) = (case.parameters[0] as usize, case.parameters[1]);
        let found = data.rows(&expansion(n, alpha));
        for (q, (row, scores)) in found.iter().zip(data.scores()).enumerate() {
            let (_, length) = expanded64(&data, q, &scores, n, alpha);
            for (found, want) in row.iter().zip(&case.scores[q]) {
                let bound = (e + n as f64 * weight_error(alpha, e)) / length + U32 + 600.0 * U64;
                let off = (f64::from(*found) / length - want).abs();
                assert!(off <= bound, "{found}, expected {want}");
                worst = worst.max(off);
            }
        }
    }
    report("numpy", worst);
}

fn orders(rows: &[Vec<f32>]) -> Vec<Vec<usize>> {
    rows.iter().map(|row| ranked(row)).collect()
}

fn methods(k: usize) -> Vec<Box<dyn Normalizer>> {
    vec![
        Box::new(reciprocal(k, 1 + k / 3, 0.3)),
        Box::new(reciprocal(k, 1, 0.0)),
        Box::new(expansion(k, 0.0)),
        Box::new(expansion(k, 3.0)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The original distance alone, and weights of nothing.
    #[test]
    fn the_ends_leave_the_order(seed in 0u64..1000, k in 1usize..40) {
        let data = Data::random(12, seed);
        let raw = orders(&data.scores());
        prop_assert_eq!(orders(&data.rows(&reciprocal(k, 1 + k / 4, 1.0))), raw.clone());
        prop_assert_eq!(orders(&data.rows(&expansion(k, 1e300))), raw);
    }

    #[test]
    fn permuting_the_gallery_permutes_the_order(seed in 0u64..1000, k in 1usize..30) {
        let data = Data::random(12, seed);
        let order: Vec<u32> = (0..50).map(|i| i * 17 % 50).collect();
        let moved = Data { gallery: data.gallery.select(&order), ..Data::random(12, seed) };
        for method in methods(k) {
            let before = orders(&data.rows(&*method));
            let after = orders(&moved.rows(&*method));
            let named: Vec<Vec<usize>> = after.iter().map(|row| row.iter().map(|&g| order[g] as usize).collect()).collect();
            prop_assert_eq!(named, before, "{}", method.signature());
        }
    }

    /// A query that is nobody's neighbour, whose encoding is not averaged, agrees with nothing.
    #[test]
    fn no_mutual_neighbour_leaves_the_order(seed in 0u64..1000, k in 1usize..20, lambda in 0.0f64..1.0) {
        let data = Data::random(12, seed);
        // Every item has itself `k` times in the bank.
        let places: Vec<u32> = (0..50 * k as u32).map(|i| i % 50).collect();
        let nearer = Data { bank: data.gallery.select(&places), ..Data::random(12, seed) };
        prop_assert_eq!(orders(&nearer.rows(&reciprocal(k, 1, lambda))), orders(&data.scores()));
    }
}

#[test]
fn odd_galleries_and_scores_give_numbers() {
    let same = Embeddings::normalize([0.3, -0.4, 0.5].repeat(12), 3).expect("valid");
    let line = Embeddings::normalize(vec![1.0, -1.0, 1.0, 2.0], 1).expect("valid");
    for gallery in [&same, &line, &same.select(&[0])] {
        let points = [(1, 1, 0.3), (1, 90, 0.0)].map(|(k1, k2, lambda)| reciprocal(k1, k2, lambda));
        let mut methods: Vec<Box<dyn Normalizer>> = Vec::new();
        methods.extend(points.map(|it| Box::new(it) as Box<dyn Normalizer>));
        methods.push(Box::new(expansion(90, 3.0)));
        methods.push(Box::new(expansion(1, 0.0)));
        for method in methods {
            let fitted = fit(&*method, gallery, gallery);
            let mut rows = chain_matrix(gallery.rows(), gallery.rows());
            let mut huge = vec![0.0; gallery.len()];
            huge[0] = f32::MAX;
            rows.push(huge.clone());
            huge[gallery.len() - 1] = -f32::MAX;
            rows.push(huge);
            for mut row in rows {
                fitted.apply(&mut row);
                assert!(row.iter().all(|score| score.is_finite()), "{row:?}");
            }
        }
    }
}

#[test]
fn equal_items_are_expanded_alike() {
    let twice: Vec<u32> = (0..60).map(|i| i % 30).collect();
    let data = Data::random(8, 70);
    let data = Data {
        gallery: data.gallery.select(&twice),
        ..data
    };
    for row in data.rows(&expansion(7, 3.0)) {
        assert_eq!(row[..30], row[30..]);
    }
}

#[test]
fn more_neighbours_than_the_bank_has_are_refused() {
    let (gallery, bank) = (random_rows(6, 4, 1), random_rows(5, 4, 2));
    for k in [6.0, 1e300] {
        let method = KReciprocal {
            k1: param(k),
            ..reciprocal(1, 1, 0.3)
        };
        let error = collect_for(&method, &gallery, query_bank(&bank));
        assert!(matches!(
            error,
            Err(FitError::KExceedsBank {
                bank: Bank::Query,
                size: 5,
                ..
            })
        ));
        let none = collect(&[], &gallery, &bank);
        let error = method.fit(&none, gallery.rows()).err();
        assert!(matches!(error, Some(FitError::NotDeclared { .. })));
        assert_eq!(method.held_bytes(usize::MAX, 4), usize::MAX);
    }
}

#[test]
fn signatures_and_grids_read_back() {
    let families: [(&dyn MethodFamily, &str, usize); 2] = [
        (
            &KReciprocalFamily,
            "k_reciprocal(k1=20,k2=6,lambda=0.3)",
            30,
        ),
        (&QueryExpansionFamily, "query_expansion(n=10,alpha=3)", 18),
    ];
    for (family, signature, points) in families {
        let default = family.expand(&ParamGrid::new()).expect("defaults");
        assert_eq!(default[0].signature(), signature);
        let (name, grid) = parse_signature(signature).expect("a signature");
        assert_eq!(name, family.name());
        assert_eq!(
            family.expand(&grid).expect("valid")[0].signature(),
            signature
        );
        let bank = random_rows(40, 4, 1);
        assert_eq!(
            fit(&*default[0], &bank, &bank).kind(),
            MethodKind::Rescaling
        );
        assert_eq!(family.kind(), MethodKind::Rescaling);
        assert!(family.whole_gallery() && default[0].reads_gallery());
        assert!(default[0].held_bytes(1000, 64) > 0);
        assert_eq!(family.published_grid().expect("valid").len(), points);
    }
    assert!(StatPlan::of([&expansion(1, 0.0) as &dyn Normalizer]).is_empty());
}
