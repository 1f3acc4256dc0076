//! Agreement with ir_measures (trec_eval), scipy and numpy: see tools/reference/metrics_goldens.py.

mod common;

use common::{golden, integers, k, numbers, query_metric, rank};
use nnn_core::{
    DotScorer, Embeddings, Fitted, GalleryBias, RankOptions, Rankings, Relevance, TieRule,
    rank as rank_all,
};
use nnn_metrics::{Clusters, HubnessMetric, HubnessStatistic, Metric, Resampling, compare};
use std::sync::Arc;

/// Sums of a few dozen terms of order one: the last places of f64 and no more.
const ROUNDING: f64 = 1e-12;

#[test]
fn per_query_values_are_those_of_trec_eval() {
    for case in golden("ranking.json").as_array().expect("cases") {
        let scores = integers(&case["scores"]);
        let relevant: Vec<Vec<usize>> = integers(&case["relevant"])
            .iter()
            .map(|items| items.iter().map(|&item| item as usize).collect())
            .collect();
        let rankings = rank(&scores, &relevant, TieRule::TrecEval, 0);
        for (name, expected) in case["per_query"].as_object().expect("metrics") {
            let values = query_metric(name).values(&rankings);
            for (query, (got, want)) in values.iter().zip(numbers(expected)).enumerate() {
                assert!(
                    (got - want).abs() < ROUNDING,
                    "{name}, query {query}: {got}, not {want}"
                );
            }
            assert_eq!(values.len(), scores.len());
        }
        for (name, expected) in case["aggregate"].as_object().expect("metrics") {
            let metric: Metric = name.parse().expect("a metric");
            let value = metric.value(&rankings).expect("a value");
            let expected = expected.as_f64().expect("a number");
            assert!(
                (value - expected).abs() < ROUNDING,
                "{name}: {value}, not {expected}"
            );
        }
    }
}

/// The pass over the queries itself, so that every grade stays with its item's rank.
#[test]
fn graded_gains_are_those_of_trec_eval() {
    for case in golden("graded.json").as_array().expect("cases") {
        let rankings = ranked_by_grades(case);
        for (name, expected) in case["per_query"].as_object().expect("metrics") {
            let values = query_metric(name).values(&rankings);
            assert_eq!(values.len(), numbers(expected).len());
            for (query, (got, want)) in values.iter().zip(numbers(expected)).enumerate() {
                assert!(
                    (got - want).abs() < ROUNDING,
                    "{name}, query {query}: {got}, not {want}"
                );
            }
        }
    }
}

/// Ranked by the pass over the queries, every item judged with its grade.
fn ranked_by_grades(case: &serde_json::Value) -> Rankings {
    let scores = integers(&case["scores"]);
    let gallery = scores[0].len();
    let grades = case["grades"].as_array().expect("lists");
    let judged = |list: &serde_json::Value| -> Vec<(u32, f64)> {
        let pairs = integers(list).into_iter();
        pairs.map(|pair| (pair[0] as u32, pair[1] as f64)).collect()
    };
    let lists: Vec<Vec<(u32, f64)>> = grades.iter().map(judged).collect();
    let relevance = Relevance::graded(&lists, gallery).expect("relevance");
    // As similarities: divided by a power of two, which changes no order.
    let scores = scores.iter().flatten().map(|&score| score as f32 / 1024.0);
    let queries = Embeddings::similarities(Arc::new(scores.collect::<Vec<_>>()), gallery);
    let [queries, axes] = [queries, Embeddings::basis(gallery)].map(|it| it.expect("vectors"));
    let raw = Fitted::Additive(GalleryBias::zero(gallery));
    let options = RankOptions {
        ties: TieRule::TrecEval,
        top: 0,
        all_relevant: true,
        depth: None,
    };
    let scorer = DotScorer::new(queries.rows(), axes.rows()).expect("one dimension");
    rank_all(&scorer, &relevance, &[&raw], options).remove(0)
}

#[test]
fn hubness_is_that_of_scipy() {
    for case in golden("hubness.json").as_array().expect("cases") {
        let counts = numbers(&case["occurrences"]);
        let occurrences: Vec<u32> = counts.iter().map(|&count| count as u32).collect();
        for statistic in HubnessStatistic::ALL {
            let name = HubnessMetric { statistic, k: k(1) }.to_string();
            let stem = name.strip_suffix("@1").expect("a cutoff");
            let (got, want) = (
                statistic.of(&occurrences),
                case[stem].as_f64().expect("a number"),
            );
            assert!(
                (got - want).abs() < ROUNDING,
                "{name} of {}: {got}, not {want}",
                case["name"]
            );
        }
    }
}

/// With 10,000 flips a share p of extreme ones is met within four standard deviations of the binomial.
#[test]
fn p_values_are_those_of_all_flips() {
    let resampling = Resampling::default();
    for case in golden("paired.json").as_array().expect("cases") {
        let [method, baseline, ids] =
            ["method", "baseline", "clusters"].map(|key| numbers(&case[key]));
        let ids: Vec<u64> = ids.iter().map(|&id| id as u64).collect();
        let clusters = Clusters::from_ids(&ids);
        let compared = compare(
            query_metric("R@1"),
            &method,
            &baseline,
            &clusters,
            &resampling,
        );
        let got = compared.expect("a comparison").p_value;
        let exact = case["p_value"].as_f64().expect("a number");
        let flips = resampling.permutations as f64;
        let band = 4.0 * (exact * (1.0 - exact) / flips).sqrt() + 1.0 / (flips + 1.0);
        assert!(
            (got - exact).abs() <= band,
            "{got}, exactly {exact} +- {band}"
        );
    }
}
