//! Statistics and biases beside the same numbers in f64, written from the formulas, within error bounds of the f32
//! products.

mod own;

use nnn_core::{Bank, BankStats, Embeddings, Nnn, Rows, Stat};
use nnn_testkit::methods::*;
use own::{Centroid, Pool};

const BETAS: [f64; 6] = [1e-3, 0.1, 1.0, 20.0, 100.0, 400.0];

fn get(stats: &BankStats, stat: impl Into<Stat>) -> &[f64] {
    stats.get(Bank::Query, stat).expect("declared")
}

/// Every statistic of every item; each is at most as far off as the worst similarity, as none moves more than its
/// largest input does (log-mean-exp: `beta` times that).
fn check(gallery: &Embeddings, bank: &Embeddings, ks: &[usize]) {
    let mut wanted = vec![Stat::Mean];
    wanted.extend(ks.iter().map(|&k| Stat::TopMean { k }));
    wanted.extend(BETAS.map(|beta| Stat::LogMeanExp { beta: param(beta) }));
    let stats = collect(&wanted, gallery, bank);
    for g in 0..gallery.len() {
        let item = gallery.rows().row(g);
        let (scores, error) = (scores64(item, bank), score_error(item, bank));
        let rounding = f64_error(bank.len());
        let near = |name: &str, got: f64, want: f64, bound: f64| {
            assert!(
                (got - want).abs() <= bound,
                "item {g}, {name}: {got}, expected {want} within {bound:e}"
            );
        };
        near(
            "mean",
            get(&stats, Stat::Mean)[g],
            top_mean64(&scores, bank.len()),
            error + rounding,
        );
        for &k in ks {
            let got = get(&stats, Stat::TopMean { k })[g];
            near(
                &format!("k={k}"),
                got,
                top_mean64(&scores, k),
                error + rounding,
            );
        }
        for beta in BETAS {
            let got = get(&stats, Stat::LogMeanExp { beta: param(beta) })[g];
            // Two sums of exponentials, this crate's and the oracle's, and products of beta up to `beta` in size.
            let bound = beta * error + 2.0 * rounding + 4.0 * beta * U64;
            near(
                &format!("beta={beta}"),
                got,
                log_mean_exp64(&scores, beta),
                bound,
            );
        }
    }
}

#[test]
fn statistics_of_random_vectors_are_within_the_bound() {
    for (gallery, bank, dim) in [(7, 1, 5), (40, 700, 64), (15, 5000, 33), (3, 131, 512)] {
        let ks: Vec<usize> = [1, 2, 8, 100, 512]
            .into_iter()
            .filter(|&k| k <= bank)
            .chain([bank])
            .collect();
        check(
            &random_rows(gallery, dim, 1),
            &random_rows(bank, dim, 2),
            &ks,
        );
    }
}

#[test]
fn statistics_of_real_embeddings_are_within_the_bound() {
    let Some(data) = fashion() else { return };
    check(&data.gallery, &data.bank, &[1, 8, 16, 64, 555]);
}

/// `ln_1p(mean expm1(beta s)) / beta` keeps its precision where sums of exponentials lose it.
/// Guards against sums of exponentials at a small `beta`, which are all but equal and left nothing of the mean.
#[test]
fn log_mean_exp_tends_to_the_mean() {
    let (gallery, bank) = (random_rows(30, 48, 10), random_rows(700, 48, 11));
    for beta in [1e-300, 1e-12, 6.1e-5, 1.0 / 16384.0, 1e-4] {
        let stat = Stat::LogMeanExp { beta: param(beta) };
        let stats = collect(std::slice::from_ref(&stat), &gallery, &bank);
        for (g, &got) in get(&stats, &stat).iter().enumerate() {
            let item = gallery.rows().row(g);
            let scores = scores64(item, &bank);
            let exponentials = scores.iter().map(|s| (beta * s).exp_m1()).sum::<f64>();
            let want = (exponentials / 700.0).ln_1p() / beta;
            // What the series leaves out, or what sums of exponentials lose.
            let lost = if beta < 1.0 / 16384.0 {
                0.13 * beta * beta
            } else {
                2.0 * f64_error(700) / beta
            };
            let bound = score_error(item, &bank) + f64_error(700) + lost;
            assert!(
                (got / beta - want).abs() <= bound,
                "beta={beta}, item {g}: {}, expected {want}",
                got / beta
            );
        }
    }
}

/// The place of each item in each bank row's list, from the products as documented and a plain sort.
fn best_places(gallery: &Embeddings, bank: &Embeddings, depth: usize) -> Vec<f64> {
    let mut best = vec![depth + 1; gallery.len()];
    for row in chain_matrix(bank.rows(), gallery.rows()) {
        for (place, item) in ranked(&row).into_iter().enumerate().take(depth) {
            best[item] = best[item].min(place + 1);
        }
    }
    best.into_iter().map(|place| place as f64).collect()
}

#[test]
fn best_places_equal_a_plain_sort_ties_included() {
    let cases = [
        (tied_rows(90, 3), tied_rows(6, 4)),
        (random_rows(300, 40, 5), random_rows(70, 40, 6)),
    ];
    for (gallery, bank) in cases {
        let depths = [1, 2, 10, 89, 1000];
        let stats = collect(
            &depths.map(|depth| Stat::BestPlace { depth }),
            &gallery,
            &bank,
        );
        for depth in depths {
            let want = best_places(&gallery, &bank, depth);
            assert_eq!(
                get(&stats, Stat::BestPlace { depth }),
                want,
                "depth {depth}"
            );
        }
    }
}

/// `(1/k) sum weight_i d_i` over some bank rows.
fn weighted_mean64(bank: Rows<'_>, rows: &[(f64, usize)]) -> Vec<f64> {
    let at = |c: usize| -> f64 {
        let terms = rows.iter().map(|&(w, r)| w * f64::from(bank.row(r)[c]));
        terms.sum::<f64>() / rows.len() as f64
    };
    (0..bank.dim()).map(at).collect()
}

/// Neighbours from the products as documented and a plain sort; the rest is f64 on either side: a product, a sum and a
/// quotient a term of size at most one, and for the norm, at most one itself, twice that and a square a coordinate.
fn check_neighbors(gallery: &Embeddings, bank: &Embeddings, ks: &[usize], shares: &[f64]) {
    let centroids = ks.iter().map(|&k| Centroid { k }.into());
    let pools = shares.iter().map(|&share| Pool { share }.into());
    let stats = collect(
        &centroids.chain(pools).collect::<Vec<Stat>>(),
        gallery,
        bank,
    );
    let (bank, dim) = (bank.rows(), bank.dim());
    for (g, scores) in chain_matrix(gallery.rows(), bank).iter().enumerate() {
        let order = ranked(scores);
        for &k in ks {
            let nearest: Vec<(f64, usize)> = order[..k].iter().map(|&row| (1.0, row)).collect();
            let centroid = weighted_mean64(bank, &nearest);
            let want: f64 = centroid.iter().map(|v| v * v).sum();
            let got = get(&stats, Centroid { k })[g];
            let bound = 4.0 * f64_error(k) + 2.0 * dim as f64 * U64;
            assert!(
                (got - want).abs() <= bound,
                "k={k}, item {g}: {got}, expected {want}"
            );
        }
        for &share in shares {
            let count = ((share * bank.len() as f64).floor() as usize).max(1);
            let nearest = order[..count]
                .iter()
                .map(|&row| (f64::from(scores[row]), row));
            let want = weighted_mean64(bank, &nearest.collect::<Vec<_>>());
            let got = &get(&stats, Pool { share })[g * dim..][..dim];
            for (got, want) in got.iter().zip(want) {
                let bound = 2.0 * f64_error(count);
                assert!(
                    (got - want).abs() <= bound,
                    "share={share}, item {g}: {got}, expected {want}"
                );
            }
        }
    }
}

#[test]
fn neighbours_equal_a_plain_sort_ties_included() {
    let shares = [1e-300, 0.01, 0.2, 1.0];
    check_neighbors(
        &tied_rows(30, 3),
        &tied_rows(200, 4),
        &[1, 2, 9, 200],
        &shares,
    );
    check_neighbors(
        &random_rows(40, 48, 5),
        &random_rows(700, 48, 6),
        &[1, 5, 100],
        &shares,
    );
    check_neighbors(&random_rows(3, 5, 7), &random_rows(1, 5, 8), &[1], &shares);
    // Lists of more items than are held at a time.
    check_neighbors(
        &random_rows(500, 2, 7),
        &random_rows(9000, 2, 8),
        &[],
        &[1.0],
    );
    if let Some(data) = fashion() {
        check_neighbors(&data.gallery, &data.bank, &[1, 10], &[0.01, 0.1]);
    }
}

/// The mean within its rounding; the second moments bit by bit, as products of f32 are exact in f64 and each sum is one
/// chain in the order of the bank.
fn check_moments(bank: &Embeddings) {
    let stats = collect(&[Stat::Moments], &random_rows(2, bank.dim(), 1), bank);
    let (mean, second) = get(&stats, Stat::Moments).split_at(bank.dim());
    let (rows, size) = (bank.rows(), bank.len() as f64);
    let all: Vec<(f64, usize)> = (0..bank.len()).map(|row| (1.0, row)).collect();
    for (got, want) in mean.iter().zip(weighted_mean64(rows, &all)) {
        assert!(
            (got - want).abs() <= 2.0 * f64_error(bank.len()),
            "{got}, expected {want}"
        );
    }
    for (i, row) in second.chunks_exact(bank.dim()).enumerate() {
        for (j, &got) in row.iter().enumerate() {
            let products = (0..bank.len()).map(|r| {
                let row = rows.row(r);
                f64::from(row[i]) * f64::from(row[j])
            });
            assert_eq!(got, products.sum::<f64>() / size, "({i}, {j})");
        }
    }
}

#[test]
fn moments_equal_their_definition() {
    for (rows, dim) in [(1, 1), (7, 16), (129, 33), (2500, 40), (9000, 5)] {
        check_moments(&random_rows(rows, dim, 2));
    }
    if let Some(data) = fashion() {
        check_moments(&data.bank);
    }
}

/// `s(q,g) - alpha * (1/k) sum of the k largest s(d,g)`, section 2 of the paper, for every query and item. Returns the largest
/// difference found.
fn check_nnn(
    queries: &Embeddings,
    gallery: &Embeddings,
    bank: &Embeddings,
    (k, alpha): (usize, f64),
) -> f64 {
    let nnn = Nnn {
        k,
        alpha: param(alpha),
    };
    let fitted = fit(&nnn, gallery, bank);
    let mut rows = chain_matrix(queries.rows(), gallery.rows());
    rows.iter_mut().for_each(|row| fitted.apply(row));
    let mut largest = 0.0f64;
    for g in 0..gallery.len() {
        let item = gallery.rows().row(g);
        let mean = top_mean64(&scores64(item, bank), k);
        // The query's similarity, the bank's, the bias rounded to f32, the difference rounded to f32.
        let similarity =
            score_error(item, queries) + alpha * (score_error(item, bank) + f64_error(k));
        for (q, row) in rows.iter().enumerate() {
            let want = dot64(queries.rows().row(q), item) - alpha * mean;
            let off = (f64::from(row[g]) - want).abs();
            let bound = similarity + U32 * (alpha * mean.abs() + want.abs()) * (1.0 + 1e-5);
            assert!(
                off <= bound,
                "k={k} alpha={alpha} ({q}, {g}) is off by {off:e}"
            );
            largest = largest.max(off);
        }
    }
    largest
}

#[test]
fn nnn_scores_are_within_the_bound_of_the_formula() {
    let (gallery, bank, queries) = (
        random_rows(50, 96, 7),
        random_rows(400, 96, 8),
        random_rows(20, 96, 9),
    );
    for point in [(1, 0.25), (16, 0.75), (128, 1.5), (400, 1.0)] {
        check_nnn(&queries, &gallery, &bank, point);
    }
    let Some(data) = fashion() else { return };
    let queries = data.queries.select(&(0..20).collect::<Vec<u32>>());
    for point in [(1, 0.25), (16, 0.75), (128, 1.5)] {
        check_nnn(&queries, &data.gallery, &data.bank, point);
    }
}
