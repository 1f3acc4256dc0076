//! Names parse, print back, and are helped when wrong.

use nnn_metrics::{Goal, Metric, Needs, ParseMetricError, Reads, list};

#[test]
fn every_listed_name_parses_and_prints_back() {
    let infos = list();
    assert_eq!(infos.len(), 23);
    for info in infos {
        let name = match info.pattern {
            "sd(M)" => "sd(bias@37)".to_owned(),
            pattern => pattern
                .strip_suffix('K')
                .map_or(pattern.to_owned(), |stem| format!("{stem}37")),
        };
        let metric: Metric = name.parse().expect("a listed name");
        assert_eq!(metric.to_string(), name);
        assert_eq!(metric.info(), info);
        let needs = metric.needs();
        assert_eq!(needs.all_relevant, info.reads == Reads::AllRanks, "{name}");
        let top = match info.reads {
            Reads::TopItems | Reads::TopGroups | Reads::Metric => 37,
            Reads::ListGroups => Needs::WHOLE,
            Reads::FirstRank | Reads::AllRanks => 0,
        };
        assert_eq!(needs.top, top, "{name}");
        let groups = name.contains("bias") || name.contains("skew@") && !name.starts_with("k_");
        assert_eq!(metric.reads_groups(), groups || name == "NDKL", "{name}");
    }
}

#[test]
fn directions() {
    let of = |goal: Goal| {
        let infos = list().into_iter().filter(|info| info.goal == goal);
        infos.map(|info| info.pattern).collect::<Vec<_>>()
    };
    assert_eq!(
        of(Goal::Higher),
        ["R@K", "MRR", "nDCG@K", "nDCG_exp@K", "mAP@R", "P@K"]
    );
    assert_eq!(of(Goal::Zero), ["bias@K", "class_bias@K", "skew@K"]);
    assert!(Goal::Zero.merit(-0.1) > Goal::Zero.merit(0.2));
    assert!(Goal::Lower.merit(-0.1) > Goal::Lower.merit(0.2));
}

#[test]
fn spreads_are_of_means_over_queries() {
    for name in ["sd(R@1)", "sd(NDKL)", "sd(class_bias@10)"] {
        assert_eq!(name.parse::<Metric>().expect("a spread").to_string(), name);
    }
    for wrong in ["sd(MedR)", "sd(gini@3)", "sd(bias@3", "sd(sd(R@1))"] {
        let error = wrong.parse::<Metric>().expect_err("no mean");
        assert!(matches!(error, ParseMetricError::Spread { .. }), "{error}");
    }
    assert!("sd(bias@0)".parse::<Metric>().is_err());
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
        ("ndcg_exp@10", "nDCG_exp@10"),
        ("mAP", "mAP@R"),
        ("mAP@5", "mAP@R"),
        ("skewness@10", "k_skewness@10"),
        ("k_skew@10", "k_skewness@10"),
        ("antihubs@10", "antihub@10"),
        ("robinhood@3", "robin_hood@3"),
        ("precision@5", "P@5"),
        ("Success@5", "R@5"),
        ("Bias@6", "bias@6"),
        ("maxskew@5", "max_skew@5"),
        ("ndkl", "NDKL"),
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
