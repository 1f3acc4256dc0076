//! What holds for any scores, with and without ties.

mod common;

use common::{k, query_metric, rank};
use nnn_core::{Groups, Rankings, Relevance, TieRule};
use nnn_metrics::MetricError::OneQuery;
use nnn_metrics::{
    Audit, Clusters, HubnessStatistic, Metric, Ranked, compare, holm, k_occurrence, list,
};
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Run {
    scores: Vec<Vec<i64>>,
    relevant: Vec<Vec<usize>>,
    ties: TieRule,
}

impl Run {
    fn rank(&self) -> Rankings {
        rank(
            &self.scores,
            &self.relevant,
            self.ties,
            self.scores[0].len(),
        )
    }

    /// By parity.
    fn groups(&self) -> Groups {
        let names = ["even", "odd"].map(str::to_owned);
        let labels: Vec<&str> = (0..self.scores[0].len())
            .map(|i| ["even", "odd"][i % 2])
            .collect();
        Groups::new(&names, &labels).expect("groups")
    }

    fn relevance(&self) -> Relevance {
        let lists = self.relevant.iter();
        let lists = lists.map(|items| items.iter().map(|&item| item as u32).collect::<Vec<_>>());
        Relevance::new(&lists.collect::<Vec<_>>(), self.scores[0].len()).expect("answers")
    }
}

fn runs() -> impl Strategy<Value = Run> {
    let shape = (1_usize..8, 2_usize..10, 1_i64..20);
    shape.prop_flat_map(|(queries, gallery, levels)| {
        let items = proptest::sample::subsequence((0..gallery).collect::<Vec<_>>(), 1..=gallery);
        let row = prop::collection::vec(0..levels, gallery);
        let scores = prop::collection::vec(row, queries);
        let relevant = prop::collection::vec(items, queries);
        let ties = proptest::sample::select(TieRule::ALL.to_vec());
        (scores, relevant, ties).prop_map(|(scores, relevant, ties)| Run {
            scores,
            relevant,
            ties,
        })
    })
}

proptest! {
    #[test]
    fn per_query_values_keep_their_range(run in runs()) {
        let rankings = run.rank();
        for name in ["R@1", "R@3", "MRR", "nDCG@1", "nDCG@4", "nDCG@30", "nDCG_exp@4", "mAP@R", "P@1", "P@4", "P@30"] {
            for value in query_metric(name).values(&rankings) {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&value), "{name} is {value}");
            }
        }
        for rank in query_metric("MeanR").values(&rankings) {
            prop_assert!((1.0..=rankings.gallery() as f64).contains(&rank));
        }
    }

    #[test]
    fn hit_rates_grow_with_k(run in runs()) {
        let rankings = run.rank();
        let rate = |k: usize| query_metric(&format!("R@{k}")).values(&rankings);
        for k in 1..rankings.gallery() {
            prop_assert!(rate(k).iter().zip(rate(k + 1)).all(|(narrow, wide)| *narrow <= wide));
        }
        prop_assert!(rate(rankings.gallery()).iter().all(|&hit| hit == 1.0));
    }

    /// Of distinct ranks; equal ones under the averaged rule are never first.
    #[test]
    fn metrics_agree_at_the_top(run in runs()) {
        let rankings = run.rank();
        for query in 0..rankings.queries() {
            let of = |name| query_metric(name).per_query(&rankings, query);
            prop_assert_eq!(of("R@1"), of("P@1"));
            prop_assert_eq!(of("R@1"), of("nDCG@1"));
            prop_assert!(of("MRR") >= of("R@1"));
            prop_assert_eq!(of("MRR") == 1.0, of("R@1") == 1.0);
        }
    }

    #[test]
    fn the_order_of_the_queries_does_not_matter(run in runs()) {
        let mut reversed = run.clone();
        reversed.scores.reverse();
        reversed.relevant.reverse();
        let value = |metric: Metric, run: &Run| {
            let (rankings, groups, relevance) = (run.rank(), run.groups(), run.relevance());
            let audit = Some(Audit { groups: &groups, relevance: &relevance });
            metric.value(Ranked { rankings: &rankings, audit })
        };
        for info in list() {
            let name = info.pattern.replace("@K", "@2").replace("(M)", "(NDKL)");
            let metric: Metric = name.parse().expect("a metric");
            match (value(metric, &run), value(metric, &reversed)) {
                (Ok(a), Ok(b)) => prop_assert!((a - b).abs() < 1e-12, "{metric}: {a}, {b}"),
                (a, b) => prop_assert_eq!((a, b, run.scores.len()), (Err(OneQuery), Err(OneQuery), 1)),
            }
        }
    }

    #[test]
    fn occurrences_count_every_place(run in runs(), width in 1_usize..10) {
        let rankings = run.rank();
        let width = width.min(rankings.gallery());
        let occurrences = k_occurrence(&rankings, k(width)).expect("wide enough");
        prop_assert_eq!(occurrences.len(), rankings.gallery());
        prop_assert_eq!(occurrences.iter().sum::<u32>() as usize, width * rankings.queries());
    }

    #[test]
    fn hubness_ignores_the_order_of_items(mut occurrences in prop::collection::vec(0_u32..50, 1..40)) {
        let before = HubnessStatistic::ALL.map(|statistic| statistic.of(&occurrences));
        occurrences.reverse();
        let after = HubnessStatistic::ALL.map(|statistic| statistic.of(&occurrences));
        for (before, after) in before.iter().zip(after) {
            prop_assert!((before - after).abs() <= 1e-9 * before.abs().max(1.0));
        }
        use HubnessStatistic as S;
        for share in [S::Gini, S::RobinHood, S::Antihub, S::HubShare] {
            prop_assert!((0.0..=1.0).contains(&share.of(&occurrences)));
        }
        // Robin Hood is the largest gap of the Lorenz curve, Gini twice the area of a figure that holds that triangle.
        prop_assert!(S::RobinHood.of(&occurrences) <= S::Gini.of(&occurrences) + 1e-12);
        // Pearson's inequality, kurtosis >= skewness^2 + 1, in excess form.
        let (skewness, kurtosis) = (S::Skewness.of(&occurrences), S::Kurtosis.of(&occurrences));
        let constant = occurrences.iter().all(|count| *count == occurrences[0]);
        prop_assert!(constant || kurtosis >= skewness.powi(2) - 2.0 - 1e-9);
    }

    #[test]
    fn swapping_the_methods_mirrors_the_comparison(pairs in prop::collection::vec((1_u8..6, 1_u8..6), 1..20)) {
        let (method, baseline): (Vec<f64>, Vec<f64>) =
            pairs.iter().map(|&(a, b)| (f64::from(a), f64::from(b))).unzip();
        let clusters = Clusters::single(pairs.len());
        let resampling = nnn_metrics::Resampling { seed: 5, bootstraps: 101, permutations: 100 };
        for name in ["MeanR", "MedR"] {
            let metric = query_metric(name);
            let there = compare(metric, &method, &baseline, &clusters, &resampling).expect("finite");
            let back = compare(metric, &baseline, &method, &clusters, &resampling).expect("finite");
            prop_assert!((there.delta + back.delta).abs() < 1e-12);
            prop_assert!((there.interval.low + back.interval.high).abs() < 1e-9);
            prop_assert_eq!(there.p_value, back.p_value);
            prop_assert_eq!((there.wins, there.ties, there.losses), (back.losses, back.ties, back.wins));
            prop_assert_eq!(there.wins + there.ties + there.losses, pairs.len());
        }
    }

    #[test]
    fn holm_lies_between_raw_and_bonferroni(p in prop::collection::vec(0.0_f64..=1.0, 1..12)) {
        let adjusted = holm(&p).expect("p-values");
        for (raw, adjusted) in p.iter().zip(&adjusted) {
            prop_assert!(raw <= adjusted && *adjusted <= (raw * p.len() as f64).min(1.0));
        }
        for (i, j) in (0..p.len()).flat_map(|i| (0..p.len()).map(move |j| (i, j))) {
            prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j]);
        }
    }
}
