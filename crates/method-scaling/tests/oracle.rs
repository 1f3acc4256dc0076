//! Every method beside its published formula in f64, within error bounds of the f32 products.

mod common;

use common::{log_gamma_error, log_gamma64};
use method_scaling::{Ls, MpEmpirical, MpGamma, MpNormal, Nicdm, Zscore};
use nnn_core::{Embeddings, Normalizer};
use nnn_testkit::methods::*;

/// A task, its similarities in f64 and as they are computed, and how far these may differ.
struct Task {
    gallery: Embeddings,
    bank: Embeddings,
    /// `(query, gallery)` and `(gallery, bank)` in f64.
    rows: Vec<Vec<f64>>,
    items: Vec<Vec<f64>>,
    /// `(query, gallery)` as computed.
    scores: Vec<Vec<f32>>,
    error: f64,
}

impl Task {
    fn new(queries: &Embeddings, gallery: Embeddings, bank: Embeddings) -> Self {
        let of = |rows: &Embeddings, columns: &Embeddings| -> Vec<Vec<f64>> {
            (0..rows.len())
                .map(|r| scores64(rows.rows().row(r), columns))
                .collect()
        };
        let errors = (0..gallery.len()).map(|g| {
            let item = gallery.rows().row(g);
            score_error(item, &bank).max(score_error(item, queries))
        });
        Self {
            rows: of(queries, &gallery),
            items: of(&gallery, &bank),
            scores: chain_matrix(queries.rows(), gallery.rows()),
            error: errors.fold(0.0, f64::max),
            gallery,
            bank,
        }
    }

    /// Hands every corrected score to `check`, with its query and item.
    fn each(&self, method: &dyn Normalizer, mut check: impl FnMut(usize, usize, f64)) {
        let fitted = fit(method, &self.gallery, &self.bank);
        for (q, scores) in self.scores.iter().enumerate() {
            let mut row = scores.clone();
            fitted.apply(&mut row);
            for (g, &score) in row.iter().enumerate() {
                check(q, g, f64::from(score));
            }
        }
    }
}

fn random_task(gallery: usize, bank: usize, dim: usize) -> Task {
    Task::new(
        &random_rows(20, dim, 1),
        random_rows(gallery, dim, 2),
        random_rows(bank, dim, 3),
    )
}

fn fashion_task() -> Option<Task> {
    fashion().map(|data| Task::new(&data.queries, data.gallery, data.bank))
}

/// Asserts and keeps the largest error.
struct Worst(f64);

impl Worst {
    fn near(&mut self, place: (usize, usize), got: f64, want: f64, bound: f64) {
        let error = (got - want).abs();
        assert!(
            error <= bound,
            "(query, item) {place:?}: {got}, expected {want} within {bound:e}"
        );
        self.0 = self.0.max(error);
    }
}

fn distance(s: f64) -> f64 {
    (2.0 - 2.0 * s).sqrt()
}

/// Distances, nearest first.
fn distances(scores: &[f64]) -> Vec<f64> {
    let mut found: Vec<f64> = scores.iter().map(|&s| distance(s)).collect();
    found.sort_by(f64::total_cmp);
    found
}

fn mean64(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn deviation64(values: &[f64]) -> f64 {
    let mean = mean64(values);
    mean64(
        &values
            .iter()
            .map(|v| (v - mean).powi(2))
            .collect::<Vec<f64>>(),
    )
    .sqrt()
}

/// What second-order terms add to errors of first order, all relative errors being below a thousandth.
const SECOND: f64 = 1.0 + 1e-3;

/// `1 - exp(-d^2 / (sigma_q sigma_g))`: the score is `1 - d^2 w / (2 sigma_g)` with `w` the largest `sigma_g`. A squared
/// distance is off by twice a similarity's error `e`, a distance by `e` over itself, and the score by one rounding.
fn check_ls(task: &Task, k: usize) -> f64 {
    let kth = |scores: &Vec<f64>| distances(scores)[k - 1];
    let (items, queries): (Vec<f64>, Vec<f64>) = (
        task.items.iter().map(kth).collect(),
        task.rows.iter().map(kth).collect(),
    );
    let widest = items.iter().copied().fold(0.0, f64::max);
    let (e, mut worst) = (task.error, Worst(0.0));
    task.each(&Ls { k: param(k as f64) }, |q, g, score| {
        let square = distance(task.rows[q][g]).powi(2);
        let unit = 2.0 / (widest * queries[q]);
        let got = -f64::exp_m1(-(1.0 - score) * unit);
        let exponent = square / (queries[q] * items[g]);
        let relative = 2.0 * e / square + e / items[g].powi(2) + e / widest.powi(2);
        let bound = exponent * relative * SECOND + U32 * score.abs() * unit + 8.0 * U64;
        worst.near((q, g), got, 1.0 - (-exponent).exp(), bound);
    });
    worst.0
}

/// `d / sqrt(mu_q mu_g)`: the root of what local scaling compares; a mean of distances is off by `e` over the least.
fn check_nicdm(task: &Task, k: usize) -> f64 {
    let mean = |scores: &Vec<f64>| mean64(&distances(scores)[..k]);
    let (items, queries): (Vec<f64>, Vec<f64>) = (
        task.items.iter().map(mean).collect(),
        task.rows.iter().map(mean).collect(),
    );
    let widest = items.iter().copied().fold(0.0, f64::max);
    let nearest = task.items.iter().map(|scores| distances(scores)[0]);
    let nearest = nearest.fold(f64::INFINITY, f64::min);
    let (e, mut worst) = (task.error, Worst(0.0));
    task.each(&Nicdm { k: param(k as f64) }, |q, g, score| {
        let d = distance(task.rows[q][g]);
        let got = (2.0 * (1.0 - score) / (widest * queries[q])).sqrt();
        let want = d / (queries[q] * items[g]).sqrt();
        let means = e / nearest * (0.5 / items[g] + 0.5 / widest);
        let rounding = U32 * score.abs() / (1.0 - score);
        let bound = want * (e / d.powi(2) + means + rounding) * SECOND + 8.0 * U64;
        worst.near((q, g), got, want, bound);
    });
    worst.0
}

/// How far a mean and a deviation of `n` similarities may be off: no more than the worst of them, and a difference of
/// squares in f64, each off by `f64_error`.
fn spread_error(e: f64, n: usize, deviation: f64) -> f64 {
    e + 2.0 * f64_error(n) / deviation
}

/// How far `(s - mean) / deviation` may be off.
fn standard_error(e: f64, n: usize, deviation: f64, z: f64) -> f64 {
    (2.0 * e + f64_error(n) + z.abs() * spread_error(e, n, deviation)) / deviation * SECOND
}

/// `(s - mean) / deviation`; the score is that times the largest deviation.
fn check_zscore(task: &Task) -> f64 {
    let sides: Vec<(f64, f64)> = task
        .items
        .iter()
        .map(|scores| (mean64(scores), deviation64(scores)))
        .collect();
    let widest = sides.iter().map(|side| side.1).fold(0.0, f64::max);
    let (e, mut worst, n) = (task.error, Worst(0.0), task.bank.len());
    task.each(&Zscore, |q, g, score| {
        let (mean, sd) = sides[g];
        let want = (task.rows[q][g] - mean) / sd;
        let unit = want.abs() * spread_error(e, n, widest) / widest * SECOND;
        let bound = standard_error(e, n, sd, want) + unit + U32 * score.abs() / widest;
        worst.near((q, g), score / widest, want, bound);
    });
    worst.0
}

/// `ln P(X < x)` for `x` within the range where the probability is an f64.
fn log_normal(x: f64) -> f64 {
    (0.5 * libm::erfc(-x / 2f64.sqrt())).ln()
}

/// How far `log_normal` moves where `x` does by `by`: its slope falls with `x` and is below `1 + max(0, -x)`.
fn log_normal_error(x: f64, by: f64) -> f64 {
    (1.0 + (by - x).max(0.0)) * by
}

/// `ln P((s - m_q) / sd_q) + ln P((s - m_g) / sd_g)`, which is the score.
fn check_mp_normal(task: &Task) -> f64 {
    let side = |scores: &Vec<f64>| (mean64(scores), deviation64(scores), scores.len());
    let items: Vec<_> = task.items.iter().map(side).collect();
    let queries: Vec<_> = task.rows.iter().map(side).collect();
    let (e, mut worst) = (task.error, Worst(0.0));
    task.each(&MpNormal, |q, g, score| {
        let (mut want, mut bound) = (0.0, U32 * score.abs());
        for (mean, sd, n) in [queries[q], items[g]] {
            let z = (task.rows[q][g] - mean) / sd;
            want += log_normal(z);
            bound += log_normal_error(z, standard_error(e, n, sd, z)) + 16.0 * U64 * (1.0 + z * z);
        }
        worst.near((q, g), score, want, bound);
    });
    worst.0
}

/// `ln Q_q(1 - s) + ln Q_g(1 - s)`, which is the score.
fn check_mp_gamma(task: &Task) -> f64 {
    let side = |scores: &Vec<f64>| (mean64(scores), deviation64(scores), scores.len());
    let items: Vec<_> = task.items.iter().map(side).collect();
    let queries: Vec<_> = task.rows.iter().map(side).collect();
    let (e, mut worst) = (task.error, Worst(0.0));
    task.each(&MpGamma, |q, g, score| {
        let (mut want, mut bound) = (0.0, U32 * score.abs());
        let s = task.rows[q][g];
        for (mean, sd, n) in [queries[q], items[g]] {
            want += log_gamma64(s, mean, sd);
            let (of_mean, of_sd) = (e + f64_error(n), spread_error(e, n, sd));
            bound += log_gamma_error(s, e, (of_mean, mean), (of_sd, sd));
        }
        worst.near((q, g), score, want, bound);
    });
    worst.0
}

/// The order by the product of two counts, then the similarity: counts of the scores as computed, nothing sorted.
fn check_mp_empirical(task: &Task, depth: usize) {
    let items = chain_matrix(task.gallery.rows(), task.bank.rows());
    let method = MpEmpirical {
        depth: param(depth as f64),
    };
    let fitted = fit(&method, &task.gallery, &task.bank);
    for scores in &task.scores {
        let share = |g: usize| {
            let s = scores[g];
            let at_least = items[g].iter().filter(|&&other| other >= s).count();
            let known = at_least < depth || depth == task.bank.len();
            let row_below = scores.iter().filter(|&&other| other < s).count();
            let bank_below = if known { task.bank.len() - at_least } else { 0 };
            (row_below as f64) * bank_below as f64
        };
        let want: Vec<(f64, f32)> = (0..scores.len()).map(|g| (share(g), scores[g])).collect();
        let mut row = scores.clone();
        fitted.apply(&mut row);
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| {
            want[b]
                .partial_cmp(&want[a])
                .expect("numbers")
                .then(a.cmp(&b))
        });
        assert_eq!(ranked(&row), order, "depth {depth}");
        for pair in order.windows(2) {
            assert_eq!(row[pair[0]] == row[pair[1]], want[pair[0]] == want[pair[1]]);
        }
    }
}

#[test]
fn scalings_of_random_vectors_are_within_the_bound() {
    for (gallery, bank, dim) in [(40, 700, 64), (600, 130, 33), (60, 90, 512)] {
        let task = random_task(gallery, bank, dim);
        for k in [1, 2, 7, 40] {
            report("ls", check_ls(&task, k));
            report("nicdm", check_nicdm(&task, k));
        }
        report("zscore", check_zscore(&task));
        report("mp_normal", check_mp_normal(&task));
    }
    for (gallery, bank, dim) in [(40, 300, 64), (90, 70, 12), (30, 90, 512)] {
        report("mp_gamma", check_mp_gamma(&random_task(gallery, bank, dim)));
    }
}

#[test]
fn scalings_of_real_embeddings_are_within_the_bound() {
    let Some(task) = fashion_task() else { return };
    for k in [1, 10, 128] {
        report("ls", check_ls(&task, k));
        report("nicdm", check_nicdm(&task, k));
    }
    report("zscore", check_zscore(&task));
    report("mp_normal", check_mp_normal(&task));
    let Some(data) = fashion() else { return };
    let few =
        |rows: &Embeddings| rows.select(&(0..rows.len().min(40) as u32).collect::<Vec<u32>>());
    let task = Task::new(&few(&data.queries), few(&data.gallery), data.bank);
    report("mp_gamma", check_mp_gamma(&task));
}

/// The largest error of a check, for those who run it with `--nocapture`.
#[allow(clippy::print_stderr)]
fn report(name: &str, error: f64) {
    eprintln!("{name}: largest error {error:.1e}");
}

#[test]
fn counts_equal_plain_counting_ties_included() {
    let tied = Task::new(&tied_rows(15, 4), tied_rows(50, 5), tied_rows(30, 6));
    let random = random_task(60, 90, 24);
    for depth in [1, 2, 10, 29] {
        check_mp_empirical(&tied, depth);
        check_mp_empirical(&random, depth);
    }
    check_mp_empirical(&tied, 30);
    check_mp_empirical(&random, 90);
    let Some(task) = fashion_task() else { return };
    for depth in [32, 555] {
        check_mp_empirical(&task, depth);
    }
}
