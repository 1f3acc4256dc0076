//! `compute.bank_search`: what it changes, what it says, and what it refuses.

use crate::lab::{Lab, assert_same, lasting};
use crate::vectors::{by_dataset, dataset_config};
use nnn_report::ScoreRow;
use serde_json::Value;

/// The query bank of t2i has 48 rows, that of i2t 24.
fn config(search: &str) -> String {
    dataset_config(&format!(
        "methods: [raw, nnn: {{k: [2, 4], alpha: 1}}, csls: {{k: 4}}, is: {{beta: 20}}]
metrics: [R@1, R@5]
{search}"
    ))
}

fn rows(lab: &Lab, search: &str) -> Vec<ScoreRow> {
    lab.run(&config(search), &[]);
    lab.scores("lab")
}

/// The records of the searches of a run.
fn records(lab: &Lab) -> Vec<Value> {
    let record = lab.record("lab");
    let trials = record["trials"].as_array().expect("a list").iter();
    let searches = trials.map(|trial| trial["bank_search"].clone());
    searches.filter(|search| !search.is_null()).collect()
}

fn topk(row: &ScoreRow) -> &str {
    let mut fields = row.signature.split('|');
    let field = fields.find_map(|field| field.strip_prefix("topk:"));
    field.expect("a field `topk`")
}

#[test]
fn rows_that_read_the_index_say_so_and_no_other_row_changes() {
    let lab = by_dataset();
    let exact = rows(&lab, "");
    assert!(exact.iter().all(|row| topk(row) == "exact"));
    assert!(records(&lab).is_empty());
    let found = rows(&lab, "compute: {bank_search: {ivf: {lists: 8, probes: 1}}}");
    assert_eq!(found.len(), exact.len());
    let mut differ = 0;
    for (found, exact) in found.iter().zip(&exact) {
        assert_eq!(found.cell, exact.cell);
        if ["nnn", "csls"].contains(&found.cell.method.as_str()) {
            assert_eq!(topk(found), "approximate(ivf(lists=8,probes=1,seed=0))");
            differ += usize::from(found.value != exact.value);
        } else {
            assert_eq!(found, exact);
        }
    }
    assert!(differ > 0, "one list in eight misses nothing?");
}

#[test]
fn the_check_holds_the_reported_points_against_exact_ones() {
    let lab = by_dataset();
    let exact = rows(&lab, "");
    let found = rows(&lab, "compute: {bank_search: {ivf: {lists: 8, probes: 2}}}");
    let searches = records(&lab);
    assert_eq!(searches.len(), 2);
    assert_eq!(
        (&searches[0]["bank"], &searches[1]["bank"]),
        (&48.into(), &24.into())
    );
    for (search, direction) in searches.iter().zip(["t2i", "i2t"]) {
        let changes = search["check"]["recall_at_1"].as_array().expect("a list");
        assert_eq!(changes.len(), 3);
        for change in changes {
            let method = format!("|method:{}|", change["method"].as_str().expect("a name"));
            let value = |rows: &[ScoreRow]| {
                let wanted = |row: &&ScoreRow| {
                    row.metric == "R@1"
                        && row.cell.direction == direction
                        && row.signature.contains(&method)
                };
                rows.iter().find(wanted).expect("a row").value
            };
            assert_eq!(change["approximate"], value(&found), "{change}");
            assert_eq!(change["exact"], value(&exact), "{change}");
        }
        for mean in search["check"]["means"].as_array().expect("a list") {
            let number = |key: &str| mean[key].as_f64().expect("a number");
            assert!(number("recall") > 0.0 && number("recall") < 1.0, "{mean}");
            assert!(number("mean_error") > 0.0, "{mean}");
            assert!(number("largest_error") > number("mean_error"), "{mean}");
        }
    }
}

/// What the index was worth is a table, and can be expected.
#[test]
fn a_table_of_searches_and_expectations_of_them() {
    let lab = by_dataset();
    let exact = rows(&lab, "");
    let value = |direction: &str| {
        let wanted = |row: &&ScoreRow| {
            row.metric == "R@1"
                && row.cell.method == "nnn"
                && row.cell.params == "k=4,alpha=1"
                && row.cell.direction == direction
        };
        exact.iter().find(wanted).expect("a row").value
    };
    let expected = |metric: &str, number: f64| {
        format!(
            "  - {{model: noise, dataset: made-up, direction: t2i, method: nnn, params: \"k=4,alpha=1\", \
             metric: '{metric}', paper: {number}, tolerance: 0.000001}}\n"
        )
    };
    let search = format!(
        "compute: {{bank_search: {{ivf: {{lists: 8, probes: 2}}}}}}\nexpect:\n{}{}",
        expected("exact_search:R@1", value("t2i")),
        expected("index_search:seconds", 0.5).replace("tolerance", "informative: true, tolerance"),
    );
    rows(&lab, &search);
    let ended = lab.call(&["check", "results/lab"]);
    let said = &ended.stdout;
    assert!(
        said.contains("1 ok, 0 close, 0 FAIL, 1 not judged"),
        "{said}"
    );
    let table = &lab.files("results/lab/tables")["bank_search.csv"];
    let table = std::str::from_utf8(table).expect("UTF-8");
    // Two points of nnn and one of csls, in two directions.
    assert_eq!(table.lines().count(), 1 + 6, "{table}");
    assert!(
        table.contains("noise,made-up,t2i,train,\"nnn(k=4,alpha=1)\","),
        "{table}"
    );
}

#[test]
fn all_lists_give_the_exact_numbers() {
    let lab = by_dataset();
    let exact = rows(&lab, "");
    let found = rows(&lab, "compute: {bank_search: {ivf: {lists: 6, probes: 6}}}");
    for (found, exact) in found.iter().zip(&exact) {
        assert_eq!((&found.cell, found.value), (&exact.cell, exact.value));
    }
    for search in records(&lab) {
        assert_eq!(search["check"]["means"][0]["recall"], 1.0);
    }
}

#[test]
fn a_line_says_what_the_index_was_worth() {
    let config = config("compute: {bank_search: {ivf: {lists: 8, probes: 2}}}");
    let ended = by_dataset().run(&config, &[]);
    for part in [
        "bank search by ivf(lists=8,probes=2,seed=0) over 48 rows: built in ",
        "; k = 2: recall 0.",
        "; R@1 changes most by ",
    ] {
        assert!(ended.stderr.contains(part), "{part} in {}", ended.stderr);
    }
}

#[test]
fn without_a_check_there_is_a_warning_instead() {
    let lab = by_dataset();
    let search = "compute: {bank_search: {ivf: {lists: 8, probes: 2}, check: false}}";
    rows(&lab, search);
    assert!(records(&lab).iter().all(|search| search["check"].is_null()));
    assert_eq!(records(&lab).len(), 2);
    let warnings = lab.warnings("lab", "search_unchecked");
    assert_eq!(warnings.len(), 1);
    assert_eq!(warnings[0]["index"], "ivf(lists=8,probes=2,seed=0)");
}

#[test]
fn an_index_gives_the_same_results_again_and_on_one_thread() {
    let config = config("compute: {bank_search: {ivf: {lists: 8, probes: 2, seed: 3}}}");
    let (first, second) = (by_dataset(), by_dataset());
    first.run(&config, &[]);
    second.run(&config, &["--set", "compute.threads=1"]);
    assert_same(
        &lasting(&first.files("results")),
        &lasting(&second.files("results")),
    );
}

#[test]
fn parameters_are_chosen_through_the_index_too() {
    let lab = by_dataset();
    let config = dataset_config(
        "methods: [nnn: {k: [2, 4], alpha: [0.5, 1], choose: validation}]
hold_out: {images: 8}
compute: {bank_search: {ivf: {lists: 4, probes: 1}}}",
    );
    lab.run(&config, &[]);
    assert!(
        lab.scores("lab")
            .iter()
            .all(|row| topk(row).starts_with("approximate("))
    );
}

#[test]
fn numbers_that_fit_no_bank_are_refused() {
    let lab = by_dataset();
    let refuses = |search: &str, parts: &[&str]| {
        let search = format!("compute: {{bank_search: {search}}}");
        lab.refuses(config(&search), &[], parts);
    };
    let key = "`compute.bank_search.ivf`";
    refuses("{ivf: {lists: 0, probes: 1}}", &[key, "lists is 0"]);
    refuses(
        "{ivf: {lists: 4, probes: 5}}",
        &[key, "probes is 5, expected 1 to 4 (lists)"],
    );
    refuses(
        "{ivf: {lists: 25, probes: 5}}",
        &[key, "lists is 25, expected 1 to 24 (the bank's rows)"],
    );
    refuses("{ivf: {lists: 4}}", &["probes"]);
    refuses("{ivf: {list: 4, probes: 1}}", &["`list`", "`lists`"]);
    refuses(
        "{hnsw: {m: 16}}",
        &["unknown key `hnsw`", "known: ivf, check"],
    );
}

#[test]
fn a_search_that_nothing_reads_is_refused() {
    let config = dataset_config(
        "methods: [raw, is: {beta: 20}]
compute: {bank_search: {ivf: {lists: 4, probes: 1}}}",
    );
    by_dataset().refuses(config, &[], &["`compute.bank_search`", "no method"]);
}
