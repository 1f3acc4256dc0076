//! SN and DBSN beside their formula, the package that the authors call, their limits, and each other.

use method_sinkhorn::{Dbsn, DbsnFamily, Sn, SnFamily};
use nnn_core::{
    Bank, BankStats, Banks, Embeddings, FitError, Fitted, MethodFamily, MethodKind, Nnn,
    Normalizer, ParamGrid, PassOptions, Stat, parse_signature,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;

fn sn(tau: f64, iterations: usize) -> Sn {
    Sn {
        tau: param(tau),
        iterations: param(iterations as f64),
    }
}

fn dbsn(tau: f64, iterations: usize) -> Dbsn {
    Dbsn {
        tau: param(tau),
        iterations: param(iterations as f64),
    }
}

fn two_banks<'a>(bank: &'a Embeddings, other: &'a Embeddings) -> Banks<'a> {
    Banks {
        gallery: Some(other.rows()),
        ..query_bank(bank)
    }
}

fn stat(tau: f64, iterations: usize, stacked: bool) -> Stat {
    Stat::Potential {
        tau: param(tau),
        iterations,
        stacked,
    }
}

/// `tau ln u` in f64; stacked where there is a gallery bank.
fn try_potential(
    gallery: &Embeddings,
    banks: Banks<'_>,
    tau: f64,
    iterations: usize,
) -> Result<Vec<f64>, FitError> {
    let stat = stat(tau, iterations, banks.gallery.is_some());
    let stats = BankStats::collect(
        &plan(std::slice::from_ref(&stat)),
        gallery.rows(),
        banks,
        PassOptions::default(),
    )?;
    Ok(stats.get(Bank::Query, stat)?.to_vec())
}

fn potential(gallery: &Embeddings, banks: Banks<'_>, tau: f64, iterations: usize) -> Vec<f64> {
    try_potential(gallery, banks, tau, iterations).expect("valid plan")
}

fn joined(above: &Embeddings, below: &Embeddings) -> Embeddings {
    let data = [above.rows().data(), below.rows().data()].concat();
    Embeddings::from_unit(data, above.dim()).expect("unit length")
}

/// Similarities, items by bank rows, in f64.
fn exact(items: &Embeddings, bank: &Embeddings) -> Vec<Vec<f64>> {
    let row = |g| scores64(items.rows().row(g), bank);
    (0..items.len()).map(row).collect()
}

/// The same in f32 as documented.
fn as_computed(items: &Embeddings, bank: &Embeddings) -> Vec<Vec<f64>> {
    let rows = chain_matrix(items.rows(), bank.rows());
    rows.iter().map(|row| as_f64(row)).collect()
}

/// `K = exp(-(1 - S) / tau)`.
fn kernel64(similarities: &[Vec<f64>], tau: f64) -> Vec<Vec<f64>> {
    let row = |row: &Vec<f64>| row.iter().map(|s| (-(1.0 - s) / tau).exp()).collect();
    similarities.iter().map(row).collect()
}

/// `v = (1/M) / (K^T u)`.
fn scaled_bank(kernel: &[Vec<f64>], u: &[f64]) -> Vec<f64> {
    let bank = kernel[0].len();
    let sum = |d: usize| -> f64 { kernel.iter().zip(u).map(|(row, u)| row[d] * u).sum() };
    (0..bank).map(|d| 1.0 / bank as f64 / sum(d)).collect()
}

/// `u = (1/N) / (K v)`.
fn scaled_items(kernel: &[Vec<f64>], v: &[f64]) -> Vec<f64> {
    let sum = |row: &Vec<f64>| -> f64 { row.iter().zip(v).map(|(k, v)| k * v).sum() };
    let items = kernel.len() as f64;
    kernel.iter().map(|row| 1.0 / items / sum(row)).collect()
}

/// `tau ln u` by the formula: neither logarithms nor shifts before the end.
fn potential64(similarities: &[Vec<f64>], tau: f64, iterations: usize) -> Vec<f64> {
    let kernel = kernel64(similarities, tau);
    let mut u = vec![1.0; kernel.len()];
    for _ in 0..iterations {
        u = scaled_items(&kernel, &scaled_bank(&kernel, &u));
    }
    u.iter().map(|u| tau * u.ln()).collect()
}

/// How far apart two computations of a potential from the same similarities may be: in each round, on either side, two
/// sums of exponentials of numbers up to `8 / tau`, at some temperatures in f32. A round is a weighted log-sum-exp over the
/// items, then one over the bank, and neither moves more than its inputs do.
fn rounding(items: usize, bank: usize, tau: f64, iterations: usize) -> f64 {
    let round = tau * (f64_error(items) + f64_error(bank)) + 32.0 * U64;
    2.0 * iterations as f64 * (round + round_in_f32(tau))
}

/// The most that a potential is stated to be off from its formula in f64 by, from the same similarities, at the temperatures of
/// the published grid and their ten rounds.
const STATED: f64 = 1e-7;

/// The same from similarities in f32 and in f64: both halves of a round read them.
fn potential_error(items: &Embeddings, bank: &Embeddings, tau: f64, iterations: usize) -> f64 {
    let similarity = (0..items.len()).map(|g| score_error(items.rows().row(g), bank));
    2.0 * iterations as f64 * similarity.fold(0.0, f64::max)
        + rounding(items.len(), bank.len(), tau, iterations)
}

fn largest_difference(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    differences.fold(0.0, f64::max)
}

/// Differences of both to their means, which are what a ranking sees.
fn largest_difference_centred(a: &[f64], b: &[f64]) -> f64 {
    largest_difference(&centred(a), &centred(b))
}

fn centred(values: &[f64]) -> Vec<f64> {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter().map(|value| value - mean).collect()
}

fn as_f64(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&value| f64::from(value)).collect()
}

fn negated(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| -value).collect()
}

#[allow(clippy::print_stderr)]
fn report(name: &str, error: f64) {
    eprintln!("{name}: {error:.1e} from the same similarities");
}

/// Biases of both methods at one point beside the formula: from the similarities in f64, and potentials from those as
/// computed, which leaves rounding in f64 alone.
fn check_biases(
    gallery: &Embeddings,
    bank: &Embeddings,
    other: &Embeddings,
    tau: f64,
    iterations: usize,
) {
    let stacked = joined(gallery, other);
    let methods: [(&dyn Normalizer, _, _); 2] = [
        (&sn(tau, iterations), gallery, query_bank(bank)),
        (&dbsn(tau, iterations), &stacked, two_banks(bank, other)),
    ];
    for (method, items, banks) in methods {
        let name = method.signature();
        let same = potential64(&as_computed(items, bank), tau, iterations);
        let found = potential(gallery, banks, tau, iterations);
        let bound = rounding(items.len(), bank.len(), tau, iterations);
        let error = largest_difference(&found, &same[..gallery.len()]);
        assert!(error <= bound, "{name}: {error:e}, at most {bound:e}");
        assert!(
            error <= STATED || tau > 0.025 || iterations > 10,
            "{name}: {error:e}"
        );
        report(&name, error);

        let fitted = fit_to(method, gallery, banks);
        let found = as_f64(fitted.additive().expect("additive").values());
        let want = &negated(&potential64(&exact(items, bank), tau, iterations))[..gallery.len()];
        let size = want
            .iter()
            .fold(0.0, |size: f64, value| size.max(value.abs()));
        let bound = potential_error(items, bank, tau, iterations) + U32 * size;
        let error = largest_difference(&found, want);
        assert!(error <= bound, "{name}: {error:e}, at most {bound:e}");
    }
}

#[test]
fn biases_of_random_vectors_are_within_the_bound() {
    let (gallery, bank, other) = (
        random_rows(45, 64, 1),
        random_rows(333, 64, 2),
        random_rows(70, 64, 3),
    );
    for tau in [0.005, 0.01, 0.025, 0.1, 1.0, 30.0] {
        for iterations in [1, 2, 10, 40] {
            check_biases(&gallery, &bank, &other, tau, iterations);
        }
    }
}

#[test]
fn biases_of_real_embeddings_are_within_the_bound() {
    let Some(data) = fashion() else { return };
    let images = data.gallery.len() as u32;
    let of = |from: u32, to: u32| data.gallery.select(&(from..to).collect::<Vec<_>>());
    let (gallery, other) = (of(0, images / 2), of(images / 2, images));
    for (tau, iterations) in [(0.005, 10), (0.01, 10), (0.025, 1)] {
        check_biases(&gallery, &data.bank, &other, tau, iterations);
    }
}

/// Both of POT's algorithms, which differ by a constant (one starts at `u = 1/N`).
#[test]
fn biases_equal_those_of_the_package() {
    let text = include_str!("golden/sinkhorn.json");
    let golden: serde_json::Value = serde_json::from_str(text).expect("JSON");
    let numbers = |value: &serde_json::Value| -> Vec<f64> {
        serde_json::from_value(value.clone()).expect("numbers")
    };
    let mut compared = 0;
    for case in golden["cases"].as_array().expect("cases") {
        let vectors = |name: &str| {
            let data = numbers(&case[name]).iter().map(|&v| v as f32).collect();
            Embeddings::from_unit(data, 6).expect("unit length")
        };
        let (gallery, bank, other) = (vectors("gallery"), vectors("bank"), vectors("gallery_bank"));
        let stacked = joined(&gallery, &other);
        for output in case["outputs"].as_array().expect("outputs") {
            let tau = output["tau"].as_f64().expect("a number");
            let iterations = output["iterations"].as_u64().expect("a number") as usize;
            let (items, banks) = match output["method"].as_str() {
                Some("sn") => (&gallery, query_bank(&bank)),
                _ => (&stacked, two_banks(&bank, &other)),
            };
            let found = negated(&potential(&gallery, banks, tau, iterations));
            let bound = 2.0 * potential_error(items, &bank, tau, iterations);
            for algorithm in ["sinkhorn", "sinkhorn_log"] {
                let error = largest_difference_centred(&found, &numbers(&output[algorithm]));
                assert!(error <= bound, "{algorithm} {tau} {iterations}: {error:e}");
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 128);
}

/// From `u = 1`, one round is the inverted softmax with bank query `d` weighted by `1 / sum_h exp(S_hd / tau)`, as the
/// bank's side is scaled first.
fn weighted_softmax64(gallery: &Embeddings, bank: &Embeddings, tau: f64) -> Vec<f64> {
    let kernel = kernel64(&exact(gallery, bank), tau);
    let weight = |d: usize| 1.0 / kernel.iter().map(|row| row[d]).sum::<f64>();
    let weights: Vec<f64> = (0..bank.len()).map(weight).collect();
    let of = |row: &Vec<f64>| -> f64 { row.iter().zip(&weights).map(|(k, w)| k * w).sum() };
    kernel.iter().map(|row| tau * of(row).ln()).collect()
}

/// All cyclic shifts of `bases` vectors of `dim` coordinates.
fn shifts(bases: usize, dim: usize, seed: u64) -> Embeddings {
    let base = random_rows(bases, dim, seed);
    let value = |i: usize| base.rows().row(i / dim / dim)[(i % dim + i / dim % dim) % dim];
    Embeddings::from_unit((0..bases * dim * dim).map(value).collect(), dim).expect("unit length")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn one_round_is_a_weighted_inverted_softmax(seed in 0u64..1000, tau in 0.02f64..2.0) {
        let (gallery, bank) = (random_rows(20, 10, seed), random_rows(35, 10, seed + 1));
        let found = negated(&potential(&gallery, query_bank(&bank), tau, 1));
        let error = largest_difference_centred(&found, &weighted_softmax64(&gallery, &bank, tau));
        prop_assert!(error <= 2.0 * potential_error(&gallery, &bank, tau, 1), "{error:e}");
    }

    /// Where every bank query has the same weight, one round is the inverted softmax at `beta = 1 / tau`: the gallery
    /// holds all cyclic shifts of some vectors, the bank the unit vectors, so that its queries see the same similarities.
    #[test]
    fn among_equals_one_round_is_the_inverted_softmax(seed in 0u64..1000, tau in 0.02f64..2.0) {
        let gallery = shifts(4, 7, seed);
        let axes = (0..49).map(|i| f32::from(u8::from(i % 8 == 0)));
        let bank = Embeddings::from_unit(axes.collect(), 7).expect("unit length");
        let found = negated(&potential(&gallery, query_bank(&bank), tau, 1));
        let softmax = Stat::LogMeanExp { beta: param(1.0 / tau) };
        let stats = collect(std::slice::from_ref(&softmax), &gallery, &bank);
        let logs = stats.get(Bank::Query, softmax).expect("declared").iter().map(|log| tau * log);
        let error = largest_difference_centred(&found, &logs.collect::<Vec<_>>());
        prop_assert!(error <= 2.0 * potential_error(&gallery, &bank, tau, 1), "{error:e}");
    }

    /// A gallery bank is nothing but more rows: what SN finds for the gallery among them.
    #[test]
    fn dbsn_is_sn_over_both_cut_to_the_gallery(seed in 0u64..1000, tau in 0.01f64..2.0, iterations in 1usize..6) {
        let (gallery, bank) = (random_rows(12, 10, seed), random_rows(30, 10, seed + 1));
        let other = random_rows(9, 10, seed + 2);
        let both = potential(&joined(&gallery, &other), query_bank(&bank), tau, iterations);
        prop_assert_eq!(&potential(&gallery, two_banks(&bank, &other), tau, iterations), &both[..12]);
    }

    /// Every item beside a copy of itself shares its marginal with it: the potentials are those without copies.
    #[test]
    fn the_gallery_as_its_own_bank_makes_dbsn_sn(seed in 0u64..1000, tau in 0.01f64..2.0, iterations in 1usize..6) {
        let (gallery, bank) = (random_rows(15, 10, seed), random_rows(30, 10, seed + 1));
        let single = potential(&gallery, query_bank(&bank), tau, iterations);
        let double = potential(&gallery, two_banks(&bank, &gallery), tau, iterations);
        // The same similarities: only sums in another order.
        prop_assert!(largest_difference(&single, &double) <= rounding(30, 30, tau, iterations));
    }

    /// A single bank query is shared out equally at any `tau`: the bias is its similarity, after any number of rounds.
    #[test]
    fn one_bank_query_cancels_its_own_similarities(seed in 0u64..1000, tau in 0.01f64..2.0, iterations in 1usize..6) {
        let (gallery, bank) = (random_rows(15, 10, seed), random_rows(1, 10, seed + 1));
        let found = negated(&potential(&gallery, query_bank(&bank), tau, iterations));
        let similarities = chain_matrix(bank.rows(), gallery.rows()).remove(0);
        let error = largest_difference_centred(&found, &as_f64(&similarities));
        prop_assert!(error <= 2.0 * rounding(15, 1, tau, iterations), "{error:e}");
    }

    #[test]
    fn a_permuted_gallery_has_permuted_biases(seed in 0u64..1000, tau in 0.005f64..2.0) {
        let (gallery, bank) = (random_rows(31, 10, seed), random_rows(40, 10, seed + 1));
        let other = random_rows(9, 10, seed + 2);
        let order: Vec<u32> = (0..31).map(|i| i * 12 % 31).collect();
        for banks in [query_bank(&bank), two_banks(&bank, &other)] {
            let before = potential(&gallery, banks, tau, 10);
            let after = potential(&gallery.select(&order), banks, tau, 10);
            let expected: Vec<f64> = order.iter().map(|&g| before[g as usize]).collect();
            prop_assert!(largest_difference(&after, &expected) <= rounding(40, 40, tau, 10));
        }
    }
}

/// The rounds converge to the scaling with both marginals, by a factor of at most `tanh(D / 4)^2` each, where the diameter
/// `D` of `K` in Hilbert's metric is at most `2 range / tau`: at `tau = 0.5` and a range of at most 2 that is below 0.93, so
/// that 600 rounds leave rounding alone (`0.93^600 < 1e-18`).
#[test]
fn many_rounds_have_both_marginals() {
    let (gallery, bank) = (random_rows(40, 12, 1), random_rows(90, 12, 2));
    // The similarities as computed here, so that the scaling is that of this very matrix.
    let kernel = kernel64(&as_computed(&gallery, &bank), 0.5);
    let found = potential(&gallery, query_bank(&bank), 0.5, 600);
    let u: Vec<f64> = found.iter().map(|p| (p / 0.5).exp()).collect();
    let v = scaled_bank(&kernel, &u);
    for (row, u) in kernel.iter().zip(&u) {
        let marginal: f64 = row.iter().zip(&v).map(|(k, v)| u * k * v).sum();
        assert!((40.0 * marginal - 1.0).abs() <= 1e-12, "{marginal}");
    }
    let more = potential(&gallery, query_bank(&bank), 0.5, 601);
    assert!(largest_difference(&found, &more) <= 1e-13);
    // Ten rounds are on the way there: further off than rounding, nearer than one.
    let distance = |rounds| {
        let potential = potential(&gallery, query_bank(&bank), 0.5, rounds);
        largest_difference_centred(&potential, &found)
    };
    assert!(distance(1) > distance(3) && distance(3) > 1e-9);
}

/// A high temperature leaves the mean similarity, as `dn(lambda=1)` subtracts it. With `R` the range of the similarities,
/// a round's log-mean-exps are over ranges of at most `2 R`, each at most `(2 R)^2 / (8 tau)` above its mean (Hoeffding),
/// so that differences of biases are within `R^2 / tau` of those of means: `R^2 / 2^24` where the temperature ends.
#[test]
fn a_high_temperature_leaves_the_mean() {
    let (gallery, bank) = (random_rows(50, 20, 3), random_rows(400, 20, 4));
    let all = chain_matrix(gallery.rows(), bank.rows()).concat();
    let range = f64::from(all.iter().copied().fold(f32::MIN, f32::max))
        - f64::from(all.iter().copied().fold(f32::MAX, f32::min));
    let nnn = Nnn {
        k: 400,
        alpha: param(1.0),
    };
    let means = as_f64(&bias(&nnn, &gallery, &bank));
    for tau in [10.0, 1e3, 1e6, 1e9, 1e300, f64::MAX] {
        for iterations in [1, 10] {
            let found = negated(&potential(&gallery, query_bank(&bank), tau, iterations));
            let capped = tau.min(16_777_216.0);
            // The tree over 400 rows adds at most nine times, beside exponential, quotient and logarithm; a mean in f32.
            let rounding = 2.0 * iterations as f64 * capped * 32.0 * U64 + 2.0 * U32;
            let error = largest_difference_centred(&found, &means);
            let bound = range * range / capped * (1.0 + 1.0 / capped) + rounding;
            assert!(error <= bound, "tau={tau}: {error:e}, at most {bound:e}");
        }
    }
}

#[test]
fn a_low_temperature_is_refused_and_never_gives_anything_but_numbers() {
    let (gallery, bank, other) = (
        random_rows(30, 10, 5),
        random_rows(60, 10, 6),
        random_rows(20, 10, 7),
    );
    for tau in [5e-324, 1e-300, 1e-20, 1e-5] {
        for banks in [query_bank(&bank), two_banks(&bank, &other)] {
            let error = try_potential(&gallery, banks, tau, 10).expect_err("refused");
            let wanted = stat(tau, 10, banks.gallery.is_some());
            assert!(matches!(error, FitError::Underflow { stat, .. } if stat == wanted));
        }
    }
    for tau in [1e-4, 1e-3, 2e-3, 0.0032, 0.1, 1e300] {
        let found = try_potential(&gallery, query_bank(&bank), tau, 25);
        assert!(found.is_err() || found.is_ok_and(|p| p.iter().all(|p| p.is_finite())));
    }
    let message = try_potential(&gallery, query_bank(&bank), 1e-9, 1).expect_err("refused");
    let message = message.to_string();
    assert!(message.starts_with(
        "potential(tau=0.000000001,iterations=1,stacked=false): the weights of item "
    ));
}

/// The widest range that cosines have: items at 1 and at -1 of every bank query. No item vanishes from 0.0032 on.
#[test]
fn no_temperature_from_0_0032_on_underflows() {
    let gallery = Embeddings::from_unit(vec![1.0, 0.0, -1.0, 0.0, 0.0, 1.0], 2).expect("unit");
    let bank = Embeddings::from_unit([1.0, 0.0].repeat(5), 2).expect("unit");
    for (tau, iterations) in [(0.0032, 1), (0.0032, 100), (0.005, 10), (0.01, 10)] {
        let found = potential(&gallery, query_bank(&bank), tau, iterations);
        let bound = iterations as f64 * 64.0 * U64;
        assert!(largest_difference_centred(&negated(&found), &[1.0, -1.0, 0.0]) <= bound);
    }
    let refused = try_potential(&gallery, query_bank(&bank), 0.003, 1).expect_err("refused");
    let stat = stat(0.003, 1, false);
    assert_eq!(refused, FitError::Underflow { stat, item: 1 });
}

#[test]
fn equal_items_have_equal_biases() {
    let items = random_rows(25, 12, 8);
    let gallery = items.select(&(0..75).map(|i| i % 25).collect::<Vec<u32>>());
    let (bank, other) = (random_rows(40, 12, 9), random_rows(10, 12, 10));
    for method in [&sn(0.01, 10) as &dyn Normalizer, &dbsn(0.01, 10)] {
        let fitted = fit_to(method, &gallery, two_banks(&bank, &other));
        let biases = fitted.additive().expect("additive").values();
        assert_eq!(biases[..25], biases[25..50]);
        assert_eq!(biases[..25], biases[50..]);
    }
}

/// Nothing to tell apart: a bias of zero at every temperature.
#[test]
fn constant_vectors_and_a_gallery_of_one_have_no_bias() {
    let bank = random_rows(33, 3, 11);
    let same = Embeddings::normalize([0.3, -0.4, 0.5].repeat(20), 3).expect("valid");
    for tau in [5e-324, 1e-300, 0.01, 1.0, f64::MAX] {
        for gallery in [&same, &random_rows(1, 3, 12)] {
            let found = potential(gallery, query_bank(&bank), tau, 4);
            let bound = 8.0 * tau.min(16_777_216.0) * f64_error(33) + 4.0 * round_in_f32(tau);
            assert!(found.iter().all(|p| p.abs() <= bound), "{tau}: {found:?}");
            assert!(found.iter().all(|&p| p == found[0]));
        }
    }
}

/// Every bank query twice: the same scaling with half the mass each.
#[test]
fn a_repeated_bank_changes_nothing_beyond_rounding() {
    let (gallery, bank) = (random_rows(25, 12, 13), random_rows(40, 12, 14));
    let twice = bank.select(&(0..80).map(|i| i % 40).collect::<Vec<u32>>());
    let (once, twice) = (
        potential(&gallery, query_bank(&bank), 0.02, 10),
        potential(&gallery, query_bank(&twice), 0.02, 10),
    );
    assert!(largest_difference(&once, &twice) <= rounding(25, 80, 0.02, 10));
}

/// What is computed together is what is computed alone, to the bit.
#[test]
fn points_that_share_their_rounds_change_no_bit() {
    let (gallery, bank, other) = (
        random_rows(25, 12, 15),
        random_rows(70, 12, 16),
        random_rows(8, 12, 17),
    );
    let banks = two_banks(&bank, &other);
    let mut points = Vec::new();
    for stacked in [false, true] {
        points.extend([(0.01, 5), (0.01, 10), (0.3, 2)].map(|(tau, n)| stat(tau, n, stacked)));
    }
    let collect = |stats: &[Stat]| {
        let options = PassOptions::default();
        BankStats::collect(&plan(stats), gallery.rows(), banks, options).expect("valid plan")
    };
    let together = collect(&points);
    for point in &points {
        let alone = collect(std::slice::from_ref(point));
        assert_eq!(
            alone.get(Bank::Query, point),
            together.get(Bank::Query, point),
            "{point}"
        );
    }
}

#[test]
fn missing_banks_and_other_dimensions_are_refused() {
    let (gallery, bank) = (random_rows(5, 8, 18), random_rows(6, 8, 19));
    let stacked = stat(0.01, 10, true);
    let plan = plan(std::slice::from_ref(&stacked));
    let options = PassOptions::default();
    let collect = |banks| BankStats::collect(&plan, gallery.rows(), banks, options);
    assert_eq!(
        collect(query_bank(&bank)).expect_err("refused"),
        FitError::MissingBank {
            stat: stacked,
            bank: Bank::Gallery
        }
    );
    let other = random_rows(6, 9, 20);
    assert_eq!(
        collect(two_banks(&bank, &other)).expect_err("refused"),
        FitError::Dimension {
            gallery: 8,
            bank: Bank::Gallery,
            other: 9
        }
    );
    let empty = Embeddings::normalize(Vec::new(), 8).expect("no rows");
    assert_eq!(
        collect(two_banks(&bank, &empty)).expect_err("refused"),
        FitError::EmptyBank {
            bank: Bank::Gallery
        }
    );
}

#[test]
fn signatures_and_grids_read_back() {
    for family in [&SnFamily as &dyn MethodFamily, &DbsnFamily] {
        let default = format!("{}(tau=0.01,iterations=10)", family.name());
        let methods = family.expand(&ParamGrid::new()).expect("defaults");
        assert_eq!(methods[0].signature(), default);
        let (name, grid) = parse_signature(&default).expect("a signature");
        assert_eq!(name, family.name());
        assert_eq!(family.expand(&grid).expect("valid")[0].signature(), default);
        assert_eq!(family.kind(), MethodKind::Additive);
        assert!(!family.transductive());
        assert_eq!(family.published_points().len(), 9);
        for (name, value) in [("tau", 0.0), ("iterations", 0.0), ("iterations", 1.5)] {
            let grid = ParamGrid::from([(name.to_owned(), vec![value])]);
            assert!(family.expand(&grid).is_err(), "{name}={value}");
        }
    }
    assert_eq!(sn(0.5, 3).signature(), "sn(tau=0.5,iterations=3)");
    assert_eq!(dbsn(0.5, 3).signature(), "dbsn(tau=0.5,iterations=3)");
}

/// The score is the similarity plus `tau ln u`.
#[test]
fn a_row_gains_the_potential() {
    let (gallery, bank) = (random_rows(12, 8, 21), random_rows(30, 8, 22));
    let fitted: Fitted = fit(&sn(0.05, 10), &gallery, &bank);
    let mut row = vec![0.25; 12];
    fitted.apply(&mut row);
    let potential = potential(&gallery, query_bank(&bank), 0.05, 10);
    for (score, potential) in row.iter().zip(potential) {
        let want = 0.25 + potential;
        assert!((f64::from(*score) - want).abs() <= 2.0 * U32 * (1.0 + want.abs()));
    }
}
