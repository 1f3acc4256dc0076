//! Reading golden files, and comparing rows of which only differences or the order have a meaning.

use nnn_core::Embeddings;
use serde_json::Value;

/// Embeddings and cases of one file of `tools/reference`.
pub struct Golden(Value);

/// One setting of a method, and its `(queries, gallery)` scores.
pub struct Case {
    /// The method's parameters, in its order.
    pub parameters: Vec<f64>,
    /// Of the reference, query by query.
    pub scores: Vec<Vec<f64>>,
}

impl Golden {
    /// Reads a file.
    pub fn new(text: &str) -> Self {
        Self(serde_json::from_str(text).expect("JSON"))
    }

    /// Unit vectors by their name.
    pub fn rows(&self, name: &str) -> Embeddings {
        let values = numbers(&self.0[name]).into_iter().map(|v| v as f32);
        let dim = self.0["dim"].as_u64().expect("a dimension") as usize;
        Embeddings::from_unit(values.collect(), dim).expect("unit vectors")
    }

    /// All its cases, of which there is one at least.
    pub fn cases(&self) -> Vec<Case> {
        let gallery = self.rows("gallery").len();
        let case = |case: &Value| Case {
            parameters: numbers(&case["parameters"]),
            scores: numbers(&case["scores"])
                .chunks_exact(gallery)
                .map(<[f64]>::to_vec)
                .collect(),
        };
        let cases = self.0["cases"].as_array().expect("cases");
        assert!(!cases.is_empty());
        cases.iter().map(case).collect()
    }
}

fn numbers(list: &Value) -> Vec<f64> {
    let list = list.as_array().expect("a list").iter();
    list.map(|v| v.as_f64().expect("a number")).collect()
}

/// That a row equals `wanted` up to one constant for the whole row, where `error(g)` bounds the error of item `g`. Returns
/// the largest difference found.
pub fn check_differences(found: &[f32], wanted: &[f64], error: impl Fn(usize) -> f64) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let off = |g: usize| f64::from(found[g]) - wanted[g];
    let mut largest = 0.0f64;
    for g in 0..found.len() {
        let difference = (off(g) - off(0)).abs();
        let bound = error(g) + error(0);
        assert!(
            difference <= bound,
            "item {g} is off by {difference:e}, allowed {bound:e}"
        );
        largest = largest.max(difference);
    }
    largest
}

/// That a row is in the order of `wanted`, ties included, but for pairs that differ by less than a share `slack` of their
/// sizes. Returns the largest such share by which a pair is in the wrong order.
pub fn check_order(found: &[f32], wanted: &[f64], slack: f64) -> f64 {
    assert_eq!(found.len(), wanted.len());
    let mut largest = 0.0f64;
    for (i, a) in wanted.iter().enumerate() {
        for (j, b) in wanted.iter().enumerate().filter(|(_, b)| *b < a) {
            let share = (a - b) / (a.abs() + b.abs());
            if found[i] <= found[j] {
                assert!(
                    share <= slack,
                    "items {i}, {j}: {a}, {b} are {share:e} apart, allowed {slack:e}"
                );
                largest = largest.max(share);
            }
        }
    }
    largest
}
