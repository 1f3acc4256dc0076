//! DualIS and both forms of DualDIS beside their formulas, the released mathematics, their limits, and each other.

use method_dbnorm::{
    DualDis, DualDisFamily, DualDisReleased, DualDisReleasedFamily, DualIs, DualIsFamily,
};
use nnn_core::{
    Bank, BankStats, Banks, Embeddings, FitError, Fitted, MethodFamily, MethodKind, Nnn,
    Normalizer, ParamGrid, PassOptions, Raw, StatPlan, parse_signature,
};
use nnn_testkit::methods::*;
use proptest::prelude::*;

fn dualis([beta1, beta2]: [f64; 2]) -> DualIs {
    DualIs {
        beta1: param(beta1),
        beta2: param(beta2),
    }
}

fn dualdis([beta1, beta2]: [f64; 2], k: usize) -> DualDis {
    DualDis {
        beta1: param(beta1),
        beta2: param(beta2),
        k: param(k as f64),
    }
}

fn released([beta1, beta2]: [f64; 2], k: usize) -> DualDisReleased {
    DualDisReleased {
        beta1: param(beta1),
        beta2: param(beta2),
        k: param(k as f64),
    }
}

/// Queries, gallery, and the banks in the order of the betas: gallery bank, query bank.
struct Data {
    queries: Embeddings,
    gallery: Embeddings,
    banks: [Embeddings; 2],
}

impl Data {
    fn random(sizes: [usize; 4], dim: usize, seed: u64) -> Self {
        let [queries, gallery, gallery_bank, query_bank] =
            [0, 1, 2, 3].map(|i| random_rows(sizes[i], dim, seed + i as u64));
        Self {
            queries,
            gallery,
            banks: [gallery_bank, query_bank],
        }
    }

    /// Of real embeddings: the first half of the images as gallery, the others as gallery bank.
    fn real() -> Option<Self> {
        let data = fashion()?;
        let half = data.gallery.len() as u32 / 2;
        let rows = |rows: std::ops::Range<u32>| rows.collect::<Vec<u32>>();
        Some(Self {
            queries: data.queries.select(&rows(0..150)),
            gallery: data.gallery.select(&rows(0..half)),
            banks: [data.gallery.select(&rows(half..2 * half)), data.bank],
        })
    }

    fn fit(&self, method: &dyn Normalizer) -> Fitted {
        let banks = Banks {
            query: Some(self.banks[1].rows()),
            gallery: Some(self.banks[0].rows()),
            evaluated: None,
        };
        fit_to(method, &self.gallery, banks)
    }

    fn raw(&self) -> Vec<Vec<f32>> {
        chain_matrix(self.queries.rows(), self.gallery.rows())
    }

    fn apply(&self, method: &dyn Normalizer) -> Vec<Vec<f32>> {
        let (fitted, mut rows) = (self.fit(method), self.raw());
        rows.iter_mut().for_each(|row| fitted.apply(row));
        rows
    }

    fn bias(&self, method: &dyn Normalizer) -> Vec<f32> {
        let fitted = self.fit(method);
        fitted.additive().expect("additive").values().to_vec()
    }

    /// `ln mean exp(beta s)` of every item over one bank.
    fn logs(&self, bank: usize, beta: f64) -> Vec<f64> {
        let item = |g| scores64(self.gallery.rows().row(g), &self.banks[bank]);
        let log = |g| log_mean_exp64(&item(g), beta);
        (0..self.gallery.len()).map(log).collect()
    }

    /// The largest error of [`Data::logs`] and of the crate's: the worst similarity, sums of exponentials, products.
    fn log_error(&self, bank: usize, beta: f64) -> f64 {
        let bank = &self.banks[bank];
        let errors = (0..self.gallery.len()).map(|g| score_error(self.gallery.rows().row(g), bank));
        beta * errors.fold(0.0, f64::max) + 2.0 * f64_error(bank.len()) + 8.0 * beta * U64
    }

    /// From its definition: whether each query's best item is among the `k` best of some row of the bank.
    fn gates(&self, bank: usize, k: usize) -> Vec<bool> {
        let mut active = vec![false; self.gallery.len()];
        for row in chain_matrix(self.banks[bank].rows(), self.gallery.rows()) {
            ranked(&row)[..k].iter().for_each(|&g| active[g] = true);
        }
        self.raw()
            .iter()
            .map(|row| active[ranked(row)[0]])
            .collect()
    }
}

/// DualIS beside `(L1 + L2) / (beta1 + beta2)` of every item.
fn check_dualis(data: &Data, betas: [f64; 2]) -> f64 {
    let total = betas[0] + betas[1];
    let of = |bank: usize| match betas[bank] {
        0.0 => (vec![0.0; data.gallery.len()], 0.0),
        beta => (data.logs(bank, beta), data.log_error(bank, beta)),
    };
    let [(first, e1), (second, e2)] = [of(0), of(1)];
    let mut largest = 0.0f64;
    for (g, &found) in data.bias(&dualis(betas)).iter().enumerate() {
        let wanted = (first[g] + second[g]) / total;
        let bound = (e1 + e2) / total + U32 * wanted.abs() + 8.0 * U64;
        let off = (f64::from(found) - wanted).abs();
        assert!(off <= bound, "{betas:?}, item {g}: {off:e} above {bound:e}");
        largest = largest.max(off);
    }
    largest
}

const BETAS: [[f64; 2]; 6] = [
    [3.0, 1.0 / 1.99],
    [1e-3, 1e-3],
    [10.0, 80.0],
    [400.0, 400.0],
    [0.0, 50.0],
    [5.0, 0.0],
];

#[test]
fn dualis_is_within_the_bound_of_the_formula() {
    let data = Data::random([1, 30, 300, 700], 64, 1);
    for betas in BETAS {
        check_dualis(&data, betas);
    }
    let Some(data) = Data::real() else { return };
    for betas in BETAS {
        check_dualis(&data, betas);
    }
}

/// Of each query, by its gates, `(sum of the factors' logarithms) / (sum of what multiplies s)`, beside the rewritten row.
/// Tells also which states of the gates were seen.
fn check_dualdis(data: &Data, betas: [f64; 2], k: usize) -> (f64, [bool; 4]) {
    let logs = [0, 1].map(|bank| data.logs(bank, betas[bank]));
    let errors = [0, 1].map(|bank| data.log_error(bank, betas[bank]));
    let gates = [0, 1].map(|bank| data.gates(bank, k));
    let found = data.apply(&dualdis(betas, k));
    let mut seen = [false; 4];
    let mut largest = 0.0f64;
    for (q, (raw, found)) in data.raw().iter().zip(&found).enumerate() {
        let active: Vec<usize> = (0..2).filter(|&bank| gates[bank][q]).collect();
        seen[active.iter().map(|bank| bank + 1).sum::<usize>()] = true;
        let sum = |of: &dyn Fn(usize) -> f64| active.iter().map(|&bank| of(bank)).sum::<f64>();
        let weight = sum(&|bank| betas[bank]) + (2 - active.len()) as f64;
        let wanted = |(g, &s): (usize, &f32)| {
            let s = f64::from(s);
            let factors = sum(&|bank| betas[bank] * s - logs[bank][g]);
            (factors + (2 - active.len()) as f64 * s) / weight
        };
        let wanted: Vec<f64> = raw.iter().enumerate().map(wanted).collect();
        // The logarithms, and the roundings of bias and difference to f32, of numbers below 2.
        let error = sum(&|bank| errors[bank]) / weight + 4.0 * U32;
        largest = largest.max(check_differences(found, &wanted, |_| error));
    }
    (largest, seen)
}

/// The product of the factors with a row's own f32 similarities, and how far off ours may be, relatively.
fn check_released(data: &Data, betas: [f64; 2], k: usize) -> f64 {
    let logs = [0, 1].map(|bank| data.logs(bank, betas[bank]));
    let gates = [0, 1].map(|bank| data.gates(bank, k));
    let log_error = (0..2).map(|bank| data.log_error(bank, betas[bank]));
    // A similarity just above zero counts with its logarithm, of a size below 100.
    let slack = log_error.sum::<f64>().exp_m1() + (200.0 + 8.0 * (betas[0] + betas[1])) * U64;
    let mut largest = 0.0f64;
    for (q, (raw, found)) in data
        .raw()
        .iter()
        .zip(data.apply(&released(betas, k)))
        .enumerate()
    {
        let factor = |bank: usize, g: usize, s: f64| match gates[bank][q] {
            true => (betas[bank] * s - logs[bank][g]).exp(),
            false => s,
        };
        let product = |(g, &s): (usize, &f32)| factor(0, g, s.into()) * factor(1, g, s.into());
        let wanted: Vec<f64> = raw.iter().enumerate().map(product).collect();
        largest = largest.max(check_order(&found, &wanted, slack));
    }
    largest
}

/// Sizes at which all four states of the gates are seen.
fn gated() -> Data {
    Data::random([200, 60, 40, 50], 16, 10)
}

#[test]
fn dualdis_adds_what_the_gates_say() {
    for betas in [[3.0, 1.0 / 1.99], [10.0, 80.0], [1e-3, 400.0]] {
        for k in [1, 2] {
            let (_, seen) = check_dualdis(&gated(), betas, k);
            assert_eq!(seen, [true; 4], "every state of the gates is seen");
        }
    }
    if let Some(data) = Data::real() {
        check_dualdis(&data, [3.0, 1.0 / 1.99], 1);
        check_dualdis(&data, [10.0, 80.0], 1);
    }
}

#[test]
fn the_released_form_orders_as_the_product() {
    for betas in [[3.0, 1.0 / 1.99], [10.0, 80.0], [0.0, 20.0], [20.0, 0.0]] {
        check_released(&gated(), betas, 1);
        check_released(&gated(), betas, 2);
    }
    if let Some(data) = Data::real() {
        check_released(&data, [3.0, 1.0 / 1.99], 1);
        check_released(&data, [10.0, 80.0], 1);
    }
}

/// The data and cases of a golden file.
fn golden(text: &str) -> (Data, Vec<Case>) {
    let golden = Golden::new(text);
    let data = Data {
        queries: golden.rows("queries"),
        gallery: golden.rows("gallery"),
        banks: [golden.rows("gallery_bank"), golden.rows("query_bank")],
    };
    (data, golden.cases())
}

/// How far a logarithm of a bank's softmax may be off by eight roundings of a similarity.
fn golden_error(betas: [f64; 2]) -> f64 {
    1.001 * 8.0 * U32 * (betas[0] + betas[1]) + 1e-12
}

#[test]
fn dualis_equals_the_released_mathematics() {
    let (data, cases) = golden(include_str!("golden/dualis.json"));
    for case in cases {
        let betas = [case.parameters[0], case.parameters[1]];
        let total = betas[0] + betas[1];
        for (found, wanted) in data.apply(&dualis(betas)).iter().zip(&case.scores) {
            let wanted: Vec<f64> = wanted.iter().map(|w| w / total).collect();
            // The query's similarity, the bias, and the roundings of bias and difference.
            let error = 8.0 * U32 + golden_error(betas) / total + 4.0 * U32;
            check_differences(found, &wanted, |_| error);
        }
    }
}

#[test]
fn dualdis_equals_the_gated_mathematics() {
    let (data, cases) = golden(include_str!("golden/dualdis.json"));
    for case in cases {
        let (betas, k) = (
            [case.parameters[0], case.parameters[1]],
            case.parameters[2] as usize,
        );
        let gates = [0, 1].map(|bank| data.gates(bank, k));
        for (q, found) in data.apply(&dualdis(betas, k)).iter().enumerate() {
            let weight = |bank: usize| if gates[bank][q] { betas[bank] } else { 1.0 };
            let total = weight(0) + weight(1);
            let wanted: Vec<f64> = case.scores[q].iter().map(|w| w / total).collect();
            let error = 12.0 * U32 + golden_error(betas) / total;
            check_differences(found, &wanted, |_| error);
        }
    }
}

#[test]
fn the_released_form_orders_as_the_released_product() {
    let (data, cases) = golden(include_str!("golden/released.json"));
    let raw = data.raw();
    for case in cases {
        let (betas, k) = (
            [case.parameters[0], case.parameters[1]],
            case.parameters[2] as usize,
        );
        for (q, found) in data.apply(&released(betas, k)).iter().enumerate() {
            // Of both exponents the similarity and the logarithm, and of a factor `s` the eight roundings relatively.
            let least = raw[q].iter().fold(f32::MAX, |least, s| least.min(s.abs()));
            let slack = 2.0 * golden_error(betas) + 2.0 * 8.0 * U32 / f64::from(least);
            check_order(found, &case.scores[q], 1.01 * slack.exp_m1());
        }
    }
}

/// Whether two rows are in the same order.
fn same_order(a: &[f32], b: &[f32]) -> bool {
    ranked(a) == ranked(b)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Without one bank, the inverted softmax over the other; its bank alone is read.
    #[test]
    fn dualis_without_a_side_is_the_inverted_softmax(seed in 0u64..1000, beta in 0.01f64..200.0) {
        let data = Data::random([1, 30, 40, 50], 12, seed);
        check_dualis(&data, [0.0, beta]);
        check_dualis(&data, [beta, 0.0]);
        let alone = fit(&dualis([0.0, beta]), &data.gallery, &data.banks[1]);
        let bias = data.bias(&dualis([0.0, beta]));
        prop_assert_eq!(alone.additive().expect("additive").values(), &bias[..]);
    }

    /// Each side of DualIS counts by its share of `beta1 + beta2`.
    #[test]
    fn dualis_is_the_weighted_mean_of_its_sides(seed in 0u64..1000, beta1 in 0.01f64..200.0, beta2 in 0.01f64..200.0) {
        let data = Data::random([1, 30, 40, 50], 12, seed);
        let (first, second) = (data.bias(&dualis([beta1, 0.0])), data.bias(&dualis([0.0, beta2])));
        for (g, &both) in data.bias(&dualis([beta1, beta2])).iter().enumerate() {
            let (first, second) = (f64::from(first[g]), f64::from(second[g]));
            let mean = (beta1 * first + beta2 * second) / (beta1 + beta2);
            // Each bias is rounded to f32; they are below 1 in size.
            prop_assert!((f64::from(both) - mean).abs() <= 2.0 * U32 + 16.0 * U64);
        }
    }

    /// With an empty side, or gates that all items pass, DualDIS is what it is made of.
    #[test]
    fn dualdis_is_one_of_four_biases(seed in 0u64..1000, beta1 in 0.01f64..200.0, beta2 in 0.01f64..200.0, k in 1usize..4) {
        let data = Data::random([30, 40, 15, 20], 12, seed);
        prop_assert_eq!(data.apply(&dualdis([beta1, beta2], 40)), data.apply(&dualis([beta1, beta2])));
        prop_assert_eq!(data.apply(&dualdis([0.0, 0.0], k)), data.raw());
        for (bank, betas) in [(0, [beta1, 0.0]), (1, [0.0, beta2])] {
            let choices = [data.raw(), data.apply(&dualis(betas))];
            for (q, found) in data.apply(&dualdis(betas, k)).iter().enumerate() {
                let gate = data.gates(bank, k)[q];
                prop_assert_eq!(found, &choices[usize::from(gate)][q]);
            }
        }
    }

    #[test]
    fn the_released_form_is_dualis_or_the_square(seed in 0u64..1000, beta1 in 0.5f64..100.0, beta2 in 0.5f64..100.0) {
        let data = Data::random([30, 40, 15, 20], 12, seed);
        let betas = [beta1, beta2];
        let bias = data.bias(&dualis(betas)).iter().map(|&b| f64::from(b)).collect::<Vec<f64>>();
        let gates = [0, 1].map(|bank| data.gates(bank, 1));
        for (q, (raw, found)) in data.raw().iter().zip(data.apply(&released(betas, 1))).enumerate() {
            match [gates[0][q], gates[1][q]] {
                [true, true] => {
                    // Ours subtracts in f64 what DualIS rounds to f32; a score is below 3 in size, so slack is a share of 6.
                    let wanted: Vec<f64> = raw.iter().zip(&bias).map(|(&s, b)| f64::from(s) - b + 3.0).collect();
                    check_order(&found, &wanted, 2.0 * U32);
                }
                [false, false] => {
                    let squares: Vec<f32> = raw.iter().map(|s| s.abs()).collect();
                    prop_assert!(same_order(&found, &squares));
                }
                _ => {}
            }
        }
    }

    #[test]
    fn permuting_the_gallery_permutes_every_form(
        seed in 0u64..1000, beta1 in 0.0f64..200.0, beta2 in 0.0f64..200.0, step in prop::sample::select(vec![3u32, 7, 11, 37]),
    ) {
        let data = Data::random([12, 40, 15, 20], 8, seed);
        let order: Vec<u32> = (0..40).map(|i| i * step % 40).collect();
        let moved = Data { gallery: data.gallery.select(&order), queries: data.queries.clone(), banks: data.banks.clone() };
        for method in every_form([beta1, beta2], 2) {
            for (before, after) in data.apply(&*method).iter().zip(moved.apply(&*method)) {
                let before: Vec<f32> = order.iter().map(|&g| before[g as usize]).collect();
                prop_assert_eq!(after, before);
            }
        }
    }
}

fn every_form(betas: [f64; 2], k: usize) -> [Box<dyn Normalizer>; 3] {
    [
        Box::new(dualis(betas)),
        Box::new(dualdis(betas, k)),
        Box::new(released(betas, k)),
    ]
}

/// The largest and the mean similarities are the limits of both softmaxes.
#[test]
fn dualis_tends_to_nnn_over_both_banks() {
    let data = Data::random([1, 40, 200, 300], 24, 20);
    let nnn = |bank: usize, k: usize| {
        let alpha = param(1.0);
        bias(&Nnn { k, alpha }, &data.gallery, &data.banks[bank])
    };
    for (betas, ks, bound) in [
        // Each side is below the largest by at most ln(M) / beta, above the mean by at most beta / 2 (Hoeffding's lemma).
        ([1e9, 1e9], [1, 1], 300f64.ln() / 1e9),
        ([f64::MAX, f64::MAX], [1, 1], 0.0),
        ([1e-9, 1e-9], [200, 300], 1e-9),
        ([1e-300, 1e-300], [200, 300], 0.0),
    ] {
        let (first, second) = (nnn(0, ks[0]), nnn(1, ks[1]));
        for (g, &found) in data.bias(&dualis(betas)).iter().enumerate() {
            let wanted = (f64::from(first[g]) + f64::from(second[g])) / 2.0;
            let off = (f64::from(found) - wanted).abs();
            assert!(off <= bound + 3.0 * U32, "{betas:?}: {off:e}");
        }
    }
    assert_eq!(
        data.bias(&dualis([0.0, 0.0])),
        bias(&Raw, &data.gallery, &data.banks[1])
    );
}

/// Twice each item: equal items keep equal scores, and nothing is anything but a number.
#[test]
fn no_betas_give_anything_but_numbers() {
    let mut data = Data::random([30, 10, 12, 14], 16, 30);
    data.gallery = data
        .gallery
        .select(&(0..20).map(|i| i % 10).collect::<Vec<u32>>());
    let one = |data: &Data| [0, 1].map(|bank: usize| data.banks[bank].select(&[0]));
    let own = data.gallery.clone();
    for banks in [data.banks.clone(), one(&data), [own.clone(), own]] {
        data.banks = banks;
        let values = [0.0, 5e-324, 1e-300, 1.0, 1e4, 1e300, f64::MAX];
        for betas in values.iter().flat_map(|&a| values.map(|b| [a, b])) {
            for method in every_form(betas, 1) {
                for row in data.apply(&*method) {
                    assert!(row.iter().all(|v| v.is_finite()), "{betas:?}: {row:?}");
                    assert_eq!(row[..10], row[10..], "{betas:?}");
                }
            }
        }
    }
}

/// `|c|^2` of an f32 vector may exceed 1, and a beta near the largest number then overflows.
#[test]
fn constant_vectors_stay_tied() {
    for angle in 0..40 {
        let (sin, cos) = (f64::from(angle) / 20.0).sin_cos();
        let same =
            Embeddings::normalize([cos as f32, sin as f32, 0.3].repeat(6), 3).expect("valid");
        let data = Data {
            queries: same.clone(),
            gallery: same.clone(),
            banks: [same.clone(), same],
        };
        for beta in [1e-300, 3.0, f64::MAX] {
            for method in every_form([beta, beta], 2) {
                for row in data.apply(&*method) {
                    assert!(row.iter().all(|v| v.is_finite() && *v == row[0]));
                    assert!(
                        f64::from(row[0]).abs() <= 4.0 * U32,
                        "the bias is the similarity: {row:?}"
                    );
                }
            }
        }
    }
}

/// Two inactive banks: the square, which puts the most negative similarity first and the best raw item with it.
#[test]
fn the_released_form_reverses_negative_similarities() {
    let data = Data {
        queries: Embeddings::from_unit(vec![1.0, 0.0], 2).expect("unit"),
        gallery: Embeddings::from_unit(vec![0.6, 0.8, -0.8, 0.6, 0.0, -1.0, -0.28, 0.96], 2)
            .expect("unit"),
        banks: [0, 1].map(|_| Embeddings::from_unit(vec![-1.0, 0.0], 2).expect("unit")),
    };
    assert_eq!(data.apply(&released([3.0, 0.5], 1)), [[2.0, 3.0, 0.0, 1.0]]);
    assert_eq!(data.apply(&dualdis([3.0, 0.5], 1)), data.raw());
}

fn needs(method: &dyn Normalizer) -> StatPlan {
    StatPlan::of([method])
}

#[test]
fn a_side_that_is_left_out_needs_no_bank() {
    assert!(needs(&dualis([0.0, 0.0])).is_empty());
    assert!(needs(&dualdis([0.0, 0.0], 1)).is_empty());
    for plan in [needs(&dualis([0.0, 2.0])), needs(&dualdis([0.0, 2.0], 1))] {
        assert!(plan.uses(Bank::Query) && !plan.uses(Bank::Gallery));
    }
    // The released form keeps its gates, and so both banks.
    assert!(needs(&released([0.0, 2.0], 1)).uses(Bank::Gallery));
    let data = Data::random([1, 5, 6, 7], 8, 40);
    let stats = BankStats::collect(
        &needs(&dualis([3.0, 2.0])),
        data.gallery.rows(),
        query_bank(&data.banks[1]),
        PassOptions::default(),
    );
    assert!(matches!(
        stats,
        Err(FitError::MissingBank {
            bank: Bank::Gallery,
            ..
        })
    ));
}

#[test]
fn signatures_and_kinds_are_those_of_the_family() {
    let data = Data::random([1, 5, 6, 7], 8, 41);
    let families: [(&dyn MethodFamily, &str, MethodKind); 3] = [
        (
            &DualIsFamily,
            "dualis(beta1=3,beta2=0.5025125628140703)",
            MethodKind::Additive,
        ),
        (
            &DualDisFamily,
            "dualdis(beta1=3,beta2=0.5025125628140703,k=1)",
            MethodKind::Gated,
        ),
        (
            &DualDisReleasedFamily,
            "dualdis_released(beta1=3,beta2=0.5025125628140703,k=1)",
            MethodKind::Rescaling,
        ),
    ];
    for (family, signature, kind) in families {
        let default = family.expand(&ParamGrid::new()).expect("defaults");
        assert_eq!(default[0].signature(), signature);
        let (name, grid) = parse_signature(signature).expect("a signature");
        assert_eq!(name, family.name());
        let read = family.expand(&grid).expect("valid");
        assert_eq!(read[0].signature(), signature);
        assert_eq!((family.kind(), data.fit(&*read[0]).kind()), (kind, kind));
        let negative = ParamGrid::from([("beta1".to_owned(), vec![-1.0])]);
        assert!(family.expand(&negative).is_err());
    }
}

/// Both stages from their description, to six digits: 20 by 20 values evenly spaced in their logarithm from 0.001 to 400,
/// then 0 and 20 values evenly from 0.001 to 15 by 20 evenly from 25 to 200.
#[test]
fn the_published_grid_is_what_it_says() {
    let even = |from: f64, to: f64| (0..20).map(move |i| from + (to - from) * f64::from(i) / 19.0);
    let log: Vec<f64> = even(0.001f64.ln(), 400f64.ln()).map(f64::exp).collect();
    let dense1: Vec<f64> = [0.0].into_iter().chain(even(0.001, 15.0)).collect();
    let dense2: Vec<f64> = even(25.0, 200.0).collect();
    let pairs = |first: &[f64], second: &[f64]| {
        let of = |&a: &f64| second.iter().map(move |&b| [a, b]).collect::<Vec<_>>();
        first.iter().flat_map(of).collect::<Vec<[f64; 2]>>()
    };
    let wanted = [pairs(&log, &log), pairs(&dense1, &dense2)].concat();
    let found = DualIsFamily.published_points();
    assert_eq!(found.len(), 400 + 420);
    assert_eq!(found.len(), wanted.len());
    for (found, wanted) in found.iter().zip(&wanted) {
        for (f, w) in found.iter().zip(wanted) {
            assert!((f - w).abs() <= 5e-6 * w, "{found:?}, expected {wanted:?}");
        }
    }
    for (i, point) in found.iter().enumerate() {
        assert!(!found[..i].contains(point), "{point:?} is there twice");
    }
    for family in [&DualDisFamily as &dyn MethodFamily, &DualDisReleasedFamily] {
        let gated: Vec<Vec<f64>> = found.iter().map(|p| [&p[..], &[1.0]].concat()).collect();
        assert_eq!(family.published_points(), gated);
    }
    for (place, info) in DualIsFamily.params().iter().enumerate() {
        assert!(found.iter().all(|point| info.grid.contains(&point[place])));
        let used = |value: &f64| found.iter().any(|point| point[place] == *value);
        assert!(info.grid.len() == 40 && info.grid.iter().all(used));
    }
}
