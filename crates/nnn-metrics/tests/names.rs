//! Names parse, print back, and are helped when wrong.

use nnn_metrics::{Metric, ParseMetricError, Reads, list};

#[test]
fn every_listed_name_parses_and_prints_back() {
    let infos = list();
    assert_eq!(infos.len(), 15);
    for info in infos {
        let name = match info.pattern.strip_suffix('K') {
            Some(stem) => format!("{stem}37"),
            None => info.pattern.to_owned(),
        };
        let metric: Metric = name.parse().expect("a listed name");
        assert_eq!(metric.to_string(), name);
        assert_eq!(metric.info(), info);
        let needs = metric.needs();
        assert_eq!(needs.all_relevant, info.reads == Reads::AllRanks, "{name}");
        assert_eq!(
            needs.top,
            if info.reads == Reads::TopItems { 37 } else { 0 },
            "{name}"
        );
    }
}

#[test]
fn directions() {
    let higher: Vec<_> = list()
        .iter()
        .filter(|info| info.higher_is_better)
        .map(|i| i.pattern)
        .collect();
    assert_eq!(higher, ["R@K", "MRR", "nDCG@K", "mAP@R", "P@K"]);
}

#[test]
fn unknown_names_get_suggestions() {
    for (wrong, right) in [
        ("recall@5", "R@5"),
        ("r@1", "R@1"),
        ("R", "R@K"),
        ("mrr", "MRR"),
        ("Medr", "MedR"),
        ("ndcg@10", "nDCG@10"),
        ("mAP", "mAP@R"),
        ("mAP@5", "mAP@R"),
        ("skewness@10", "k_skewness@10"),
        ("k_skew@10", "k_skewness@10"),
        ("antihubs@10", "antihub@10"),
        ("robinhood@3", "robin_hood@3"),
        ("precision@5", "P@5"),
        ("Success@5", "R@5"),
    ] {
        let error = wrong.parse::<Metric>().expect_err("no metric");
        let ParseMetricError::Unknown { name, nearest } = &error else {
            panic!("{wrong}: {error}");
        };
        assert_eq!(name, wrong);
        assert!(nearest.iter().any(|name| name == right), "{error}");
    }
    let error = "mean_rank".parse::<Metric>().expect_err("no metric");
    assert!(
        error
            .to_string()
            .starts_with("unknown metric `mean_rank`, did you mean MeanR, "),
        "{error}"
    );
}

#[test]
fn cutoffs_are_whole_numbers_from_one() {
    for wrong in [
        "R@0",
        "R@",
        "R@-1",
        "R@+5",
        "R@05",
        "R@1.5",
        "R@K",
        "R@1@2",
        "R@99999999999999999999",
    ] {
        let expected = ParseMetricError::Cutoff {
            name: wrong.into(),
            pattern: "R@K",
        };
        assert_eq!(wrong.parse::<Metric>(), Err(expected));
    }
    let expected = ParseMetricError::Cutoff {
        name: "gini@0".into(),
        pattern: "gini@K",
    };
    assert_eq!("gini@0".parse::<Metric>(), Err(expected));
}
