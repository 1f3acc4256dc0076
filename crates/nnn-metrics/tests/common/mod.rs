//! What several test files share.
#![allow(dead_code, reason = "every test file uses its own part")]

use std::num::NonZeroUsize;
use std::path::PathBuf;

use nnn_core::{Rankings, TieRule};
use nnn_metrics::{Metric, QueryMetric};
use serde_json::Value;

/// A cutoff.
pub(crate) fn k(value: usize) -> NonZeroUsize {
    NonZeroUsize::new(value).expect("cutoffs start at 1")
}

/// A per-query metric by name.
pub(crate) fn query_metric(name: &str) -> QueryMetric {
    match name.parse() {
        Ok(Metric::Query(metric)) => metric,
        other => panic!("{name} is {other:?}"),
    }
}

/// Ranks by definition: every relevant item is compared with every item, the top list is a stable sort.
pub(crate) fn rank(
    scores: &[Vec<i64>],
    relevant: &[Vec<usize>],
    ties: TieRule,
    top: usize,
) -> Rankings {
    let gallery = scores[0].len();
    let ranks = scores.iter().zip(relevant);
    let ranks =
        ranks.map(|(row, items)| items.iter().map(|&item| rank_of(row, item, ties)).collect());
    let tops = scores.iter().map(|row| {
        let mut order: Vec<u32> = (0..gallery as u32).collect();
        order.sort_by_key(|&item| -row[item as usize]);
        order.truncate(top);
        order
    });
    Rankings::new(gallery, ranks.collect(), tops.collect())
}

fn rank_of(row: &[i64], item: usize, ties: TieRule) -> f64 {
    let greater = row.iter().filter(|&&score| score > row[item]).count();
    let before = row[..item].iter().filter(|&&score| score == row[item]);
    let after = row[item + 1..].iter().filter(|&&score| score == row[item]);
    ties.rank(greater, before.count(), after.count())
}

/// Rankings of queries with one relevant item each, at these ranks, without top lists.
pub(crate) fn single(gallery: usize, ranks: &[f64]) -> Rankings {
    let lists = ranks.iter().map(|&rank| vec![rank]).collect();
    Rankings::new(gallery, lists, vec![vec![]; ranks.len()])
}

/// A file under `tests/golden`, parsed.
pub(crate) fn golden(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let text = std::fs::read_to_string(&path).expect("a golden file");
    serde_json::from_str(&text).expect("JSON")
}

/// A list of numbers.
pub(crate) fn numbers(value: &Value) -> Vec<f64> {
    let list = value.as_array().expect("a list");
    list.iter().map(|x| x.as_f64().expect("a number")).collect()
}

/// A list of lists of whole numbers.
pub(crate) fn integers(value: &Value) -> Vec<Vec<i64>> {
    let rows = value.as_array().expect("a list");
    let row = |row: &Value| numbers(row).iter().map(|&x| x as i64).collect();
    rows.iter().map(row).collect()
}
