//! Every two methods of a trial against one another, and what choosing parameters took.

use crate::lab::Lab;
use crate::vectors::{by_dataset, dataset_config};
use nnn_report::{ComparisonRow, read_comparisons, read_grid};
use std::fs;

fn ran(rest: &str) -> Lab {
    let lab = by_dataset();
    lab.run(&dataset_config(rest), &[]);
    lab
}

fn comparisons(lab: &Lab) -> Vec<ComparisonRow> {
    read_comparisons(&lab.path("results/lab")).expect("comparisons")
}

fn table(lab: &Lab, name: &str) -> String {
    fs::read_to_string(lab.path("results/lab/tables").join(name)).expect("a table")
}

const METHODS: &str = "methods: [raw, nnn: {k: [2, 8], alpha: 1}, dis: {beta: 20}, dsl]
metrics: [MRR, MedR, R@1, k_skewness@10]
directions: [t2i]
";

#[test]
fn every_two_methods_under_every_mean() {
    let lab = ran(METHODS);
    let rows = comparisons(&lab);
    // Raw and four others; the median and the hubness have no pairs.
    for metric in ["MRR", "R@1"] {
        let of: Vec<_> = rows.iter().filter(|row| row.metric == metric).collect();
        assert_eq!(of.len(), 10);
        let p_values: Vec<f64> = of.iter().map(|row| row.p_value).collect();
        let corrected = nnn_metrics::holm(&p_values).expect("p-values");
        for (row, corrected) in of.iter().zip(corrected) {
            assert_eq!(row.p_holm, corrected);
            assert_eq!(row.wins + row.ties + row.losses, row.n_queries);
            assert!(row.interval.low <= row.delta && row.delta <= row.interval.high);
        }
    }
    assert_eq!(rows.len(), 20);
}

/// A comparison with raw is the gain in the scores, to the bit; one between others is the difference of two gains.
#[test]
fn comparisons_agree_with_the_scores() {
    let lab = ran(METHODS);
    let scores = lab.scores("lab");
    let score = |method: &str, params: &str, metric: &str| {
        let found = scores.iter().find(|row| {
            (&*row.cell.method, &*row.cell.params, &*row.metric) == (method, params, metric)
        });
        found.expect("a score")
    };
    for row in comparisons(&lab) {
        let own = score(&row.cell.method, &row.cell.params, &row.metric);
        let other = score(&row.other.method, &row.other.params, &row.metric);
        assert_eq!(row.delta, own.value - other.value);
        assert_eq!((&row.cell, &row.other.kind), (&own.cell, &other.cell.kind));
        if row.other.method == "raw" {
            let gain = own.gain.expect("a gain");
            assert_eq!(gain.p_value, Some(row.p_value));
            assert_eq!(gain.interval, Some(row.interval));
        }
    }
}

#[test]
fn the_objective_is_compared_though_no_metric() {
    let lab = ran("objective: R@5\nmetrics: [MRR]\ndirections: [t2i]");
    let metrics: Vec<_> = comparisons(&lab)
        .into_iter()
        .map(|row| row.metric)
        .collect();
    assert_eq!(metrics, ["MRR", "R@5"]);
    assert!(lab.scores("lab").iter().all(|row| row.metric == "MRR"));
    assert!(table(&lab, "comparisons.md").contains("R@5, every two methods"));
}

/// Guards against a caption that says "every two methods" where each is compared with raw alone.
#[test]
fn very_many_settings_are_compared_with_raw_only() {
    let alphas: Vec<_> = (1..=32)
        .map(|at| format!("{}", f64::from(at) / 16.0))
        .collect();
    let config = format!(
        "methods: [nnn: {{k: 2, alpha: [{}]}}]\nmetrics: [R@1]\ndirections: [t2i]",
        alphas.join(", ")
    );
    let lab = ran(&config);
    let rows = comparisons(&lab);
    assert!(rows.len() == 32 && rows.iter().all(|row| row.other.method == "raw"));
    assert!(table(&lab, "comparisons.md").contains("R@1, every method against raw"));
    let warnings = lab.warnings("lab", "compared_with_raw");
    assert_eq!((warnings.len(), &warnings[0]["settings"]), (1, &33.into()));
}

#[test]
fn transductive_methods_are_named_and_marked() {
    let lab = ran(METHODS);
    for row in lab.scores("lab") {
        let kind = match row.cell.method.as_str() {
            "dis" => "gated",
            "dsl" => "rescaling, transductive",
            _ => "additive",
        };
        assert_eq!(row.cell.kind, kind);
    }
    let text = table(&lab, "r1_t2i.md");
    assert!(
        text.contains("dsl†") && text.contains("† Transductive"),
        "{text}"
    );
}

const SEARCH: &str = "methods: [raw, nnn: {k: [1, 4], alpha: [0.5, 1]}, is: {beta: [5, 50], choose: oracle}, dis: {beta: 5}]
choose: validation
hold_out: {images: 10}
metrics: [R@1]
directions: [t2i]
";

#[test]
fn what_choosing_gave() {
    let lab = ran(SEARCH);
    let text = fs::read_to_string(lab.path("results/lab/choosing.csv")).expect("choices");
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len(), 3, "{text}");
    // Commas inside the parameters of nnn: fields are counted from the end.
    let last = |line: &[&str], at: usize| line[line.len() - at].to_owned();
    assert!(
        lines[1..]
            .iter()
            .all(|line| last(line, 4).is_empty() && last(line, 3).is_empty())
    );
    assert_eq!([&lines[1], &lines[2]].map(|line| last(line, 5)), ["4", "2"]);
    let grid = read_grid(&lab.path("results/lab")).expect("a grid");
    let selected = grid
        .iter()
        .filter(|row| row.selected && row.cell.method == "nnn");
    let values: Vec<_> = selected.map(|row| row.value.to_string()).collect();
    assert_eq!([last(&lines[1], 2), last(&lines[1], 1)], values[..]);
    assert!(table(&lab, "choosing.md").contains("| is‡ "));
}

#[test]
fn choosing_is_timed_on_request() {
    let lab = ran(&format!("{SEARCH}time_methods: true"));
    let text = fs::read_to_string(lab.path("results/lab/choosing.csv")).expect("choices");
    for line in text.lines().skip(1) {
        let fields: Vec<_> = line.split(',').collect();
        for at in [3, 4] {
            let seconds: f64 = fields[fields.len() - at].parse().expect("seconds");
            assert!(seconds > 0.0, "{line}");
        }
    }
    // Nothing but the times is new.
    let plain = ran(SEARCH);
    assert_eq!(lab.scores("lab"), plain.scores("lab"));
    let trial = &plain.record("lab")["trials"][1]["seconds"];
    let steps: Vec<_> = trial
        .as_array()
        .expect("steps")
        .iter()
        .map(|s| s[0].clone())
        .collect();
    let expected = [
        "embeddings",
        "statistics (test)",
        "statistics (validation)",
        "ranking (validation)",
        "ranking (test)",
        "report",
    ];
    assert_eq!(steps, expected);
}
