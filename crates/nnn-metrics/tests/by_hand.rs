//! Values worked out on paper, on galleries of five items.

mod common;

use common::{k, query_metric, rank, single};
use nnn_core::{Rankings, TieRule};
use nnn_metrics::{
    Clusters, HubnessStatistic, Interval, IntervalKind, Metric, MetricError, Needs, Resampling,
    binomial_interval, compare, holm, k_occurrence,
};

fn value(name: &str, rankings: &Rankings) -> f64 {
    let metric: Metric = name.parse().expect("a metric");
    metric.value(rankings).expect("a value")
}

#[track_caller]
fn close(value: f64, expected: f64) {
    assert!(
        (value - expected).abs() < 1e-12,
        "{value} is not {expected}"
    );
}

#[test]
fn first_ranks() {
    let rankings = single(5, &[1.0, 4.0, 2.0, 5.0]);
    close(value("R@1", &rankings), 0.25);
    close(value("R@2", &rankings), 0.5);
    close(value("R@5", &rankings), 1.0);
    close(value("MedR", &rankings), 3.0);
    close(value("MeanR", &rankings), 3.0);
    close(value("MRR", &rankings), (1.0 + 0.25 + 0.5 + 0.2) / 4.0);
    close(value("MedR", &single(5, &[5.0, 1.0, 2.0])), 2.0);
}

/// Relevant items at ranks 2, 3 and 5 of five.
#[test]
fn all_ranks() {
    let rankings = Rankings::new(5, vec![vec![5.0, 2.0, 3.0]], vec![vec![]]);
    let log = f64::log2;
    let ideal = 1.0 + 1.0 / log(3.0);
    close(value("nDCG@1", &rankings), 0.0);
    close(value("nDCG@2", &rankings), 1.0 / log(3.0) / ideal);
    let all = 1.0 / log(3.0) + 1.0 / log(4.0) + 1.0 / log(6.0);
    close(value("nDCG@5", &rankings), all / (ideal + 1.0 / log(4.0)));
    close(value("P@2", &rankings), 0.5);
    close(value("P@3", &rankings), 2.0 / 3.0);
    close(value("P@10", &rankings), 0.3);
    close(value("mAP@R", &rankings), (1.0 / 2.0 + 2.0 / 3.0) / 3.0);
    close(value("R@1", &rankings), 0.0);
    close(value("R@2", &rankings), 1.0);
}

/// Items of the grades 1, 3 and 2 at ranks 1, 3 and 4.
#[test]
fn grades_are_gains() {
    let rankings = Rankings::new(5, vec![vec![1.0, 3.0, 4.0]], vec![vec![]]);
    let graded = rankings.clone().with_grades(vec![1.0, 3.0, 2.0]);
    let at = |place: f64| 1.0 / (place + 1.0).log2();
    close(value("nDCG@1", &graded), 1.0 / 3.0);
    let found = at(1.0) + 3.0 * at(3.0);
    close(
        value("nDCG@3", &graded),
        found / (3.0 * at(1.0) + 2.0 * at(2.0) + at(3.0)),
    );
    close(value("nDCG_exp@1", &graded), 1.0 / 7.0);
    let found = at(1.0) + 7.0 * at(3.0);
    close(
        value("nDCG_exp@3", &graded),
        found / (7.0 * at(1.0) + 3.0 * at(2.0) + at(3.0)),
    );
    // 2^3000 is no f64: only the largest grade counts beside it.
    let large = rankings.clone().with_grades(vec![1.0, 3000.0, 2.0]);
    close(value("nDCG_exp@1", &large), 0.0);
    close(value("nDCG_exp@3", &large), at(3.0) / at(1.0));
    // What does not read grades is the same with and without; without grades both gains are 1.
    for name in ["R@1", "MRR", "P@3", "mAP@R"] {
        close(value(name, &graded), value(name, &rankings));
    }
    close(value("nDCG_exp@3", &rankings), value("nDCG@3", &rankings));
}

/// Scores 9 7 7 7 1, the middle 7 relevant.
#[test]
fn ties_of_one_relevant_item() {
    let rank = |ties| rank(&[vec![9, 7, 7, 7, 1]], &[vec![2]], ties, 5);
    for (ties, first) in [
        (TieRule::Index, 3.0),
        (TieRule::Optimistic, 2.0),
        (TieRule::Average, 3.0),
        (TieRule::TrecEval, 3.0),
    ] {
        close(value("MedR", &rank(ties)), first);
        close(
            value("R@2", &rank(ties)),
            if first <= 2.0 { 1.0 } else { 0.0 },
        );
        close(value("MRR", &rank(ties)), 1.0 / first);
    }
    let half = common::rank(&[vec![7, 7, 1, 0, 0]], &[vec![0]], TieRule::Average, 0);
    close(value("MeanR", &half), 1.5);
    close(value("R@1", &half), 0.0);
    close(value("nDCG@2", &half), 1.0 / 2.5_f64.log2());
}

/// Scores 7 7 7 1 1, items 1 and 2 relevant: of equal score among themselves.
#[test]
fn ties_among_relevant_items() {
    let rank = |ties| rank(&[vec![7, 7, 7, 1, 1]], &[vec![1, 2]], ties, 0);
    for (ties, places) in [
        (TieRule::Index, [2.0, 3.0]),
        (TieRule::Optimistic, [1.0, 2.0]),
        (TieRule::Average, [2.0, 3.0]),
        (TieRule::TrecEval, [1.0, 2.0]),
    ] {
        let rankings = rank(ties);
        let found = places.iter().filter(|&&place| place <= 2.0).count();
        close(value("P@2", &rankings), found as f64 / 2.0);
        let gain = |place: &f64| 1.0 / (place + 1.0).log2();
        let ideal = gain(&1.0) + gain(&2.0);
        close(
            value("nDCG@3", &rankings),
            places.iter().map(gain).sum::<f64>() / ideal,
        );
        close(
            value("mAP@R", &rankings),
            if found == 2 { 1.0 } else { 0.25 },
        );
    }
}

/// Three queries keep two of four items each: item 0 thrice, 1 twice, 2 once, 3 never.
#[test]
fn occurrences() {
    let tops = vec![vec![0, 1], vec![1, 0], vec![2, 0]];
    let rankings = Rankings::new(4, vec![vec![1.0]; 3], tops);
    assert_eq!(k_occurrence(&rankings, k(2)), Ok(vec![3, 2, 1, 0]));
    assert_eq!(k_occurrence(&rankings, k(1)), Ok(vec![1, 1, 1, 0]));
    close(value("k_skewness@2", &rankings), 0.0);
    // Distances 1.5, 0.5, -0.5, -1.5: m2 = 1.25, m4 = 2.5625.
    close(value("k_kurtosis@2", &rankings), 2.5625 / 1.5625 - 3.0);
    close(value("k_mae@2", &rankings), 1.0);
    close(value("k_max@2", &rankings), 3.0);
    // The absolute differences over pairs i < j are 1 2 3 1 2 1.
    close(value("gini@2", &rankings), 20.0 / (2.0 * 16.0 * 1.5));
    close(value("robin_hood@2", &rankings), 2.0 / 6.0);
    close(value("antihub@2", &rankings), 0.25);
    close(value("hub_share@2", &rankings), 0.5);
    close(value("antihub@1", &rankings), 0.25);
}

#[test]
fn equal_occurrences_have_no_hubness() {
    use HubnessStatistic as S;
    // A tenth is not a binary fraction: the mean of equal counts must not leave a residue to be divided by itself.
    for occurrences in [vec![7; 10], vec![1; 3], vec![3]] {
        for statistic in S::ALL {
            let expected = if statistic == S::Max {
                f64::from(occurrences[0])
            } else {
                0.0
            };
            close(statistic.of(&occurrences), expected);
        }
    }
    for statistic in S::ALL {
        close(statistic.of(&[]), 0.0);
        close(
            statistic.of(&[0, 0]),
            if statistic == S::Antihub { 1.0 } else { 0.0 },
        );
    }
}

#[test]
fn what_cannot_be_measured() {
    let none = Rankings::new(5, vec![], vec![]);
    let one = Rankings::new(5, vec![vec![1.0]], vec![vec![3, 4]]);
    let measure = |name: &str, rankings| name.parse::<Metric>().expect("a metric").value(rankings);
    assert_eq!(measure("R@1", &none), Err(MetricError::NoQueries));
    assert_eq!(measure("antihub@1", &none), Err(MetricError::NoQueries));
    let short = MetricError::TopTooShort {
        k: 3,
        width: 2,
        gallery: 5,
    };
    assert_eq!(measure("gini@3", &one), Err(short));
    assert!(measure("gini@2", &one).is_ok());
}

#[test]
fn what_cannot_be_compared() {
    let metric = query_metric("MRR");
    let resampling = Resampling::default();
    let pair = |a: &[f64], b: &[f64], n| compare(metric, a, b, &Clusters::single(n), &resampling);
    assert_eq!(pair(&[], &[], 0), Err(MetricError::NoQueries));
    assert!(matches!(
        pair(&[1.0], &[1.0, 0.5], 2),
        Err(MetricError::Length {
            expected: 2,
            received: 1,
            ..
        })
    ));
    assert!(matches!(
        pair(&[1.0, 0.5], &[1.0, f64::INFINITY], 2),
        Err(MetricError::NotFinite { query: 1, .. })
    ));
    let none = Resampling {
        bootstraps: 0,
        ..resampling
    };
    let clusters = Clusters::single(1);
    assert_eq!(
        compare(metric, &[1.0], &[0.5], &clusters, &none),
        Err(MetricError::NoResamples)
    );
    assert_eq!(binomial_interval(0.5, 0), Err(MetricError::NoQueries));
    for p in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(
            binomial_interval(p, 9),
            Err(MetricError::NotAProbability { .. })
        ));
        assert!(matches!(
            holm(&[0.5, p]),
            Err(MetricError::NotAProbability { .. })
        ));
    }
}

#[test]
fn interval_kinds() {
    let rankings = single(5, &[1.0, 2.0, 3.0, 1.0, 1.0]);
    let clusters = Clusters::from_ids(&["a", "a", "b", "b", "b"]);
    let resampling = Resampling::default();
    let measure = |name: &str, kind| {
        let metric: Metric = name.parse().expect("a metric");
        metric
            .measure(&rankings, kind, &clusters, &resampling)
            .expect("a measurement")
    };
    let hit = measure("R@1", IntervalKind::Binomial);
    assert_eq!((hit.value, hit.n), (0.6, 5));
    let half = 1.96 * (0.6_f64 * 0.4 / 5.0).sqrt();
    let interval = hit.interval.expect("an interval");
    close(interval.low, 0.6 - half);
    close(interval.high, 0.6 + half);
    // Two clusters: a resample holds a twice (1/2), both (3/5) or b twice (2/3), each end a quarter of the time.
    let ends = Interval {
        low: 0.5,
        high: 2.0 / 3.0,
    };
    assert_eq!(measure("R@1", IntervalKind::Bootstrap).interval, Some(ends));
    let mean_rank = measure("MeanR", IntervalKind::Binomial);
    assert_eq!(mean_rank, measure("MeanR", IntervalKind::Bootstrap));
    assert!(mean_rank.interval.is_some());
}

#[test]
fn hubness_has_no_interval() {
    let rankings = Rankings::new(2, vec![vec![1.0]; 2], vec![vec![0], vec![0]]);
    let metric: Metric = "antihub@1".parse().expect("a metric");
    let clusters = Clusters::single(2);
    let measured = metric.measure(
        &rankings,
        IntervalKind::Bootstrap,
        &clusters,
        &Resampling::default(),
    );
    let measured = measured.expect("a measurement");
    assert_eq!(
        (measured.value, measured.interval, measured.n),
        (0.5, None, 2)
    );
}

#[test]
fn wins_follow_the_direction_of_the_metric() {
    let clusters = Clusters::single(4);
    let (method, baseline) = ([1.0, 2.0, 3.0, 1.0], [2.0, 2.0, 5.0, 0.5]);
    let compare = |name| {
        let metric = query_metric(name);
        compare(
            metric,
            &method,
            &baseline,
            &clusters,
            &Resampling::default(),
        )
        .expect("a comparison")
    };
    let (rank, reciprocal) = (compare("MeanR"), compare("MRR"));
    assert_eq!((rank.wins, rank.ties, rank.losses), (2, 1, 1));
    assert_eq!(
        (reciprocal.wins, reciprocal.ties, reciprocal.losses),
        (1, 1, 2)
    );
    close(rank.delta, -0.625);
    assert_eq!(rank.interval, reciprocal.interval);
    close(compare("MedR").delta, 1.5 - 2.0);
}

#[test]
fn equal_methods_do_not_differ() {
    let values = [0.1, 0.7, 0.3];
    for name in ["MRR", "MedR"] {
        let metric = query_metric(name);
        let clusters = Clusters::single(3);
        let same = compare(metric, &values, &values, &clusters, &Resampling::default());
        let same = same.expect("a comparison");
        assert_eq!((same.delta, same.p_value, same.ties), (0.0, 1.0, 3));
        assert_eq!(
            same.interval,
            Interval {
                low: 0.0,
                high: 0.0
            }
        );
    }
}

#[test]
fn holm_by_hand() {
    let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]).expect("p-values");
    // 4 * 0.005, 3 * 0.01, 2 * 0.03, and 1 * 0.04 raised to the one before.
    for (got, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        close(*got, expected);
    }
    assert_eq!(holm(&[0.4, 0.9, 0.8]), Ok(vec![1.0; 3]));
    assert_eq!(holm(&[0.2]), Ok(vec![0.2]));
    assert_eq!(holm(&[]), Ok(vec![]));
}

#[test]
fn needs_add_up() {
    let needs = |names: &[&str]| {
        let metrics = names
            .iter()
            .map(|name| name.parse::<Metric>().expect("a metric"));
        metrics
            .map(Metric::needs)
            .fold(Needs::default(), Needs::and)
    };
    assert_eq!(needs(&["R@10", "MedR", "MRR"]), Needs::default());
    assert_eq!(
        needs(&["R@1", "nDCG@10"]),
        Needs {
            all_relevant: true,
            top: 0
        }
    );
    assert_eq!(
        needs(&["gini@10", "k_max@3"]),
        Needs {
            all_relevant: false,
            top: 10
        }
    );
    assert_eq!(
        needs(&["mAP@R", "antihub@1"]),
        Needs {
            all_relevant: true,
            top: 1
        }
    );
}

#[test]
fn clusters_are_numbered_by_appearance() {
    let clusters = Clusters::from_ids(&[30, 10, 30, 20]);
    assert_eq!(clusters.of(), [0, 1, 0, 2]);
    assert_eq!((clusters.count(), clusters.queries()), (3, 4));
    assert_eq!(Clusters::single(3).of(), [0, 1, 2]);
}
