//! The forms rank as `s - b` does.

use nnn_core::Embeddings;
use nnn_export::{Constants, Form, FormError, Spread, balanced_scale, rounding};
use proptest::prelude::*;

const FORMS: [Form; 3] = [Form::Ip, Form::L2, Form::Cosine];

/// Vectors, a query and biases; some items are there twice.
#[derive(Debug)]
struct Case {
    dim: usize,
    items: Vec<Vec<f32>>,
    biases: Vec<f32>,
    query: Vec<f32>,
    scale: f64,
}

fn unit(row: Vec<f32>) -> Vec<f32> {
    let dim = row.len();
    let rows = Embeddings::normalize(row, dim).expect("no zero row");
    rows.rows().row(0).to_vec()
}

fn rows(count: usize, dim: usize) -> impl Strategy<Value = Vec<Vec<f32>>> {
    let value = prop_oneof![-1.0f32..-0.01, 0.01f32..1.0];
    let row = prop::collection::vec(value, dim).prop_map(unit);
    prop::collection::vec(row, count)
}

fn cases() -> impl Strategy<Value = Case> {
    (1usize..40, 2usize..30, -6i32..4).prop_flat_map(|(dim, count, spread)| {
        let biases = prop::collection::vec(-1.0f32..1.0, count);
        let parts = (rows(count, dim), biases, rows(1, dim), 0.05f64..20.0);
        parts.prop_map(move |(mut items, mut biases, mut queries, scale)| {
            let factor = (f64::from(spread)).exp2() as f32;
            biases
                .iter_mut()
                .for_each(|bias| *bias = 0.3 + *bias * factor);
            items.push(items[0].clone());
            biases.push(biases[0]);
            let query = queries.remove(0);
            Case {
                dim,
                items,
                biases,
                query,
                scale,
            }
        })
    })
}

impl Case {
    fn constants(&self, form: Form) -> Constants {
        let mut spread = Spread::default();
        spread.extend(self.biases.iter().copied());
        let scale = if form == Form::L2 { 1.0 } else { self.scale };
        Constants::new(form, &spread, scale).expect("constants")
    }

    /// Items and query as they are exported.
    fn exported(&self, constants: &Constants) -> (Vec<Vec<f32>>, Vec<f32>) {
        let pairs = self.items.iter().zip(&self.biases);
        let items = pairs.map(|(item, &bias)| {
            let mut item = item.clone();
            constants.append(bias, &mut item).expect("a finite bias");
            item
        });
        let query = [self.query.clone(), constants.query_suffix()].concat();
        (items.collect(), query)
    }

    /// `s - b` in f64.
    fn corrected(&self, item: usize) -> f64 {
        let pairs = self.items[item].iter().zip(&self.query);
        let s: f64 = pairs.map(|(&x, &q)| f64::from(x) * f64::from(q)).sum();
        s - f64::from(self.biases[item])
    }
}

/// What an engine computes, larger is better.
fn engine32(form: Form, item: &[f32], query: &[f32]) -> f32 {
    let pairs = || item.iter().zip(query);
    let product: f32 = pairs().map(|(x, q)| x * q).sum();
    let length = |row: &[f32]| row.iter().map(|v| v * v).sum::<f32>().sqrt();
    match form {
        Form::Ip => product,
        Form::L2 => -pairs().map(|(x, q)| (x - q) * (x - q)).sum::<f32>().sqrt(),
        Form::Cosine => product / (length(item) * length(query)),
    }
}

/// The same without rounding to speak of.
fn engine64(form: Form, item: &[f32], query: &[f32]) -> f64 {
    let pairs = || {
        item.iter()
            .zip(query)
            .map(|(&x, &q)| (f64::from(x), f64::from(q)))
    };
    let product: f64 = pairs().map(|(x, q)| x * q).sum();
    match form {
        Form::Ip => product,
        Form::L2 => -pairs().map(|(x, q)| (x - q) * (x - q)).sum::<f64>(),
        Form::Cosine => product / (length(item) * length(query)),
    }
}

fn length(row: &[f32]) -> f64 {
    row.iter()
        .map(|&v| f64::from(v) * f64::from(v))
        .sum::<f64>()
        .sqrt()
}

proptest! {
    /// Nothing but the vectors is rounded: each of the two appended coordinates once, which moves a product by `2 u` of itself and a
    /// square by `2 u`; and the lengths of unit vectors by `u` each, which an L2 or cosine engine reads. `8 u` of all that is added up
    /// is more than all of it.
    #[test]
    fn exported_vectors_rank_as_the_corrected_score(case in cases()) {
        for form in FORMS {
            let constants = case.constants(form);
            let (items, query) = case.exported(&constants);
            let scores: Vec<f64> = items.iter().map(|item| engine64(form, item, &query)).collect();
            let slack: Vec<f64> = items
                .iter()
                .map(|item| 8.0 * f64::from(f32::EPSILON) / 2.0 * (length(item) + length(&query)).powi(2))
                .collect();
            for a in 0..items.len() {
                for b in 0..items.len() {
                    let gap = case.corrected(a) - case.corrected(b);
                    if gap > slack[a] + slack[b] {
                        prop_assert!(scores[a] > scores[b], "{form:?}: {a} {b} gap {gap}");
                    }
                }
            }
        }
    }

    /// In f32, in one order of sums, the stated bound holds.
    #[test]
    fn an_engine_in_f32_errs_by_no_more_than_the_bound(case in cases()) {
        for form in FORMS {
            let constants = case.constants(form);
            let (items, query) = case.exported(&constants);
            let dim = case.dim + constants.extra();
            let bound = |item: &[f32]| rounding(form, dim, length(item), length(&query));
            for a in 0..items.len() {
                for b in 0..items.len() {
                    let gap = case.corrected(a) - case.corrected(b);
                    if gap > bound(&items[a]) + bound(&items[b]) {
                        let [a, b] = [a, b].map(|it| engine32(form, &items[it], &query));
                        prop_assert!(a >= b, "{form:?}: gap {gap}");
                    }
                }
            }
        }
    }

    #[test]
    fn equal_items_stay_equal_and_the_bias_comes_back(case in cases()) {
        for form in FORMS {
            let constants = case.constants(form);
            let (items, _) = case.exported(&constants);
            prop_assert_eq!(&items[0], items.last().expect("the copy"));
            for (item, &bias) in items.iter().zip(&case.biases) {
                let found = constants.penalty(&item[case.dim..]) + constants.offset;
                let most = 4.0 * f64::from(f32::EPSILON) * (f64::from(bias).abs() + constants.offset.abs());
                prop_assert!((found - f64::from(bias)).abs() <= most, "{form:?}: {found} {bias}");
            }
        }
    }

    #[test]
    fn items_of_the_cosine_form_have_one_length(case in cases()) {
        let constants = case.constants(Form::Cosine);
        let expected = constants.length().expect("M");
        for item in case.exported(&constants).0 {
            // Every coordinate is rounded once.
            prop_assert!((length(&item) / expected - 1.0).abs() <= 2.0 * f64::from(f32::EPSILON));
        }
    }
}

/// Of the first two `s - b` is 1/4 and of the third it is 1/16, in numbers of which f32 rounds none.
#[test]
fn ties_remain_ties() {
    let case = Case {
        dim: 2,
        items: vec![vec![0.0, 1.0], vec![1.0, 0.0], vec![0.0, 1.0]],
        biases: vec![0.125, 0.25, 0.3125],
        query: vec![0.5, 0.375],
        scale: 4.0,
    };
    let corrected = [0, 1, 2].map(|item| case.corrected(item));
    assert_eq!(corrected, [0.25, 0.25, 0.0625]);
    let constants = case.constants(Form::Ip);
    let (items, query) = case.exported(&constants);
    let scores = [0, 1, 2].map(|item| engine32(Form::Ip, &items[item], &query));
    assert_eq!(scores[0], scores[1]);
    assert!(scores[1] > scores[2]);
}

/// The item's coordinate and the query's are equally large, and at the ends of the biases both are `sqrt(H)`.
#[test]
fn the_scale_balances_items_and_queries() {
    let mut spread = Spread::default();
    spread.extend([-0.5f32, 0.0, 1.5]);
    let constants = Constants::new(Form::Ip, &spread, balanced_scale(&spread)).expect("constants");
    let mut ends = Vec::new();
    for bias in [-0.5, 1.5] {
        constants.append(bias, &mut ends).expect("it fits");
    }
    assert_eq!(ends, [-1.0, 1.0]);
    assert_eq!(constants.query_suffix(), [-1.0]);
    let mut spread = Spread::default();
    spread.extend([0.0f32, 0.125]);
    let constants = Constants::new(Form::Ip, &spread, balanced_scale(&spread)).expect("constants");
    assert_eq!(constants.query_suffix(), [-0.25]);
}

#[test]
fn what_has_no_place_is_refused_with_its_value() {
    let mut spread = Spread::default();
    spread.extend([0.25f32, 0.5, 0.75]);
    let new = |form, scale| Constants::new(form, &spread, scale);
    let said = |error: FormError| error.to_string();
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e-40, 1e40] {
        let error = new(Form::Ip, scale).expect_err("no scale");
        assert!(said(error).contains("expected a number above 0"), "{scale}");
    }
    let error = new(Form::L2, 2.0).expect_err("no scale here");
    assert!(said(error).contains("the L2 form has none"));
    let mut out = Vec::new();
    for form in FORMS {
        let constants = new(form, 1.0).expect("constants");
        for bias in [f32::NAN, f32::INFINITY] {
            let error = constants.append(bias, &mut out).expect_err("not finite");
            assert!(said(error).contains("expected a finite number"));
        }
    }
    let l2 = new(Form::L2, 1.0).expect("constants");
    let error = l2.append(0.125, &mut out).expect_err("below the least");
    assert_eq!(
        said(error),
        "the bias 0.125 is below 0.25, the least that this L2 export can hold; export all items anew"
    );
    let cosine = new(Form::Cosine, 2.0).expect("constants");
    cosine.append(0.25, &mut out).expect("the ends fit");
    let error = cosine.append(0.875, &mut out).expect_err("beyond the ends");
    assert_eq!(
        said(error),
        "the bias 0.875 lies outside 0.25 to 0.75, all that this cosine export can hold; export all items anew"
    );
    let ip = new(Form::Ip, 1e30).expect("constants");
    let error = ip.append(f32::MAX, &mut out).expect_err("beyond f32");
    assert!(said(error).contains("beyond the range of f32"));
    assert_eq!(out.len(), 2);
}

#[test]
fn new_items_keep_the_constants_of_the_old() {
    let mut spread = Spread::default();
    spread.extend([0.0f32, 1.0]);
    let constants = Constants::new(Form::Cosine, &spread, 1.0).expect("constants");
    let [mut alone, mut beside] = [Vec::new(), Vec::new()];
    constants.append(0.3, &mut alone).expect("it fits");
    let text = serde_json::to_string(&constants).expect("JSON");
    let read: Constants = serde_json::from_str(&text).expect("it reads back");
    assert_eq!(read, constants);
    read.append(0.3, &mut beside).expect("it fits");
    assert_eq!(alone, beside);
}

#[test]
fn equal_biases_have_a_scale_and_no_effect() {
    let mut spread = Spread::default();
    spread.extend([0.5f32; 3]);
    assert_eq!(balanced_scale(&spread), 1.0);
    let constants = Constants::new(Form::Cosine, &spread, 1.0).expect("constants");
    let mut item = Vec::new();
    constants.append(0.5, &mut item).expect("it fits");
    assert_eq!(item, [0.0, 0.0]);
}
