//! Configs that say something wrong: the message names the place and what was expected, and nothing is computed.

use crate::blocks::drawn;
use crate::lab::Lab;
use crate::vectors::{BY_DATASET, by_dataset, dataset_config};
use std::collections::BTreeSet;

/// Expects a sweep on vectors to be refused.
fn refuses(rest: &str, parts: &[&str]) {
    by_dataset().refuses(
        dataset_config(rest),
        &[],
        &[&["config.yaml"], parts].concat(),
    );
}

fn refuses_set(value: &str, parts: &[&str]) {
    let option = format!("--set {value}");
    let parts = [&[option.as_str()], parts].concat();
    by_dataset().refuses(dataset_config(""), &["--set", value], &parts);
}

#[test]
fn no_such_config() {
    let lab = Lab::new();
    lab.call(&["absent.yaml"])
        .refused(&["absent.yaml: no such file"]);
    lab.write("sweeps/small.yaml", "");
    let there = "no such file; there is \"small.yaml\"";
    lab.call(&["sweeps/small"]).refused(&[there]);
    lab.call(&["sweeps/small.yml"]).refused(&[there]);
    let parted = "a folder is parted by /, write \"sweeps/small.yaml\"";
    lab.call(&["sweeps\\small.yaml"]).refused(&[parted]);
}

#[test]
fn what_is_no_yaml() {
    let lab = Lab::new();
    lab.refuses("experiment: [unclosed", &[], &["config.yaml", "line 1"]);
    lab.refuses("just words", &[], &["config.yaml", "line 1"]);
    lab.refuses(b"\xff\xfe\x00", &[], &["config.yaml", "UTF-8"]);
    lab.refuses("top: 1\ntop: }\n", &[], &["config.yaml", "line 2"]);
}

#[test]
fn an_empty_config() {
    let lab = Lab::new();
    lab.refuses("", &[], &["config.yaml", "empty"]);
    lab.refuses("# only a comment\n", &[], &["config.yaml", "empty"]);
}

#[test]
fn unknown_keys() {
    let lab = by_dataset();
    let misspelt = "experiment: lab\nmetod: [raw]\n";
    let parts = ["line 2", "column 1", "unknown key `metod`", "`methods`?"];
    lab.refuses(misspelt, &[], &parts);
    let nested = "experiment: lab\nmethods: [raw]\nstatistics:\n  resample: 3\n";
    lab.refuses(nested, &[], &["line 4", "column 3", "`resamples`?"]);
}

#[test]
fn a_repeated_key() {
    let twice = "experiment: a\nmethods: [raw]\nexperiment: b\n";
    by_dataset().refuses(twice, &[], &["line 3", "duplicate", "experiment"]);
}

/// Guards against messages in the words of the parser, such as `usize` or `sequence start`.
#[test]
fn values_of_a_wrong_type() {
    refuses(
        "top: many",
        &["line 13, column 6", "a whole number", "top: many"],
    );
    refuses(
        "directions: t2i",
        &["line 13, column 13", "a list", "directions: t2i"],
    );
    refuses("directions: [t2i, sideways]", &["sideways", "t2i", "i2t"]);
    refuses(
        "methods: [nnn: {k: many}]",
        &["line 12", "many", "a number, a list of numbers, or `paper`"],
    );
    refuses("methods: [nnn: 3]", &["line 12, column 16", "a map"]);
    refuses(
        "methods: [{nnn: {k: 1}, is: {beta: 2}}]",
        &["`nnn` and `is`", "one list item"],
    );
    refuses(
        "statistics: {resamples: -5}",
        &["column 25", "a whole number of at least 0", "-5"],
    );
}

/// Of one resample an interval has no width, of a billion the machine has no end.
/// Guards against numbers of draws that passed unchecked: intervals without a width, or sums that do not fit in memory.
#[test]
fn draws_are_neither_few_nor_countless() {
    for (key, least) in [("resamples", 40), ("permutations", 19)] {
        let refused = |value: &str, parts: &[&str]| {
            refuses(&format!("statistics: {{{key}: {value}}}"), parts);
        };
        for value in ["0", "1", &(least - 1).to_string(), "1000001", "1000000000"] {
            let part = format!("`statistics.{key}` is {value}, expected {least} to 1000000: ");
            refused(value, &[&part]);
        }
        refused("-1", &["line 12", "a whole number of at least 0"]);
        refused("1.5", &["line 12", "a whole number of at least 0"]);
    }
    let least = "statistics: {resamples: 40, permutations: 19}\n";
    by_dataset().run(&dataset_config(least), &[]);
}

/// An entry that nothing will answer is refused at once, not after the sweep.
/// Guards against a misspelt entry that showed only in the check after the sweep.
#[test]
fn expectations_of_what_is_not_measured() {
    let entry = |rest: &str| {
        let defaults = [
            ("model:", "model: noise"),
            ("dataset:", "dataset: made-up"),
            ("direction:", "direction: t2i"),
            ("method:", "method: nnn"),
            ("metric:", "metric: R@1"),
            ("tolerance:", "tolerance: 0.01"),
            ("paper:", "paper: 0.5"),
        ];
        let missing = defaults.iter().filter(|(key, _)| !rest.contains(key));
        let mut parts: Vec<&str> = missing.map(|(_, part)| *part).collect();
        parts.extend((!rest.is_empty()).then_some(rest));
        format!("  - {{{}}}\n", parts.join(", "))
    };
    let config = |rest: &str| {
        format!(
            "methods: [raw, nnn: {{k: [4, 8], alpha: 0.5, choose: validation}}, csls: {{k: [2, 4]}}]\nmetrics: [R@1, k_max@1]\nexpect:\n{}{}",
            entry(""),
            entry(rest)
        )
    };
    for (rest, parts) in [
        (
            "model: nois",
            ["`model` is `nois`", "did you mean `noise`?"],
        ),
        (
            "dataset: other",
            ["`dataset` is `other`", "to be had: `made-up`"],
        ),
        ("direction: v2t", ["`direction` is `v2t`", "`i2t`, `t2i`"]),
        ("method: dsl", ["`method` is `dsl`", "`csls`, `nnn`, `raw`"]),
        (
            "reference_set: tran",
            ["`reference_set` is `tran`", "did you mean `train`?"],
        ),
        (
            "method: raw, reference_set: train",
            ["`reference_set` is `train`", "`raw` reads none"],
        ),
        ("chosen: fixed", ["`chosen` is `fixed`", "`validation`"]),
        (
            "method: raw, chosen: fixed",
            ["`chosen` is `fixed`", "to be had: none, leave the key out"],
        ),
        (
            "params: 'k=5,alpha=0.5'",
            [
                "`params` is `k=5,alpha=0.5`",
                "`k=4,alpha=0.5`, `k=8,alpha=0.5`",
            ],
        ),
        (
            "metric: R@5",
            ["`metric` is `R@5`", "`R@1`, `k_max@1`, `gain:R@1`"],
        ),
        (
            "method: raw, metric: 'gain:R@1'",
            ["`metric` is `gain:R@1`", "`R@1`, `k_max@1`)"],
        ),
        (
            "metric: 'index_search:factor'",
            ["`metric` is `index_search:factor`", "to be had"],
        ),
        (
            "paper_params: {beta: {paper: 1, step: 1}}",
            ["`paper_params` is `beta`", "`k`, `alpha`"],
        ),
        ("method: csls", ["2 rows will answer it", "`params`"]),
        ("paper: 64.6", ["fractions: 0.646, not 64.6", ""]),
        ("paper: null", ["no number to compare with", ""]),
        ("tolerance: -0.1", ["`tolerance` of at least 0", ""]),
    ] {
        refuses(&config(rest), &["expect[1]", parts[0], parts[1]]);
    }
    let lab = by_dataset();
    lab.run(
        &dataset_config(&config("method: csls, params: 'k=2', metric: 'gain:R@1'")),
        &["--dry-run"],
    );
    let narrowed = ["--dry-run", "--set", "directions=[i2t]"];
    lab.run(&dataset_config(&config("")), &narrowed);
}

#[test]
fn names_that_nothing_has() {
    refuses(
        "methods: [nn]",
        &["methods[0]", "unknown method `nn`", "did you mean `nnn`?"],
    );
    refuses(
        "metrics: [R@1, Medr2]",
        &["unknown metric", "Medr2", "MedR"],
    );
    refuses("objective: R1", &["objective", "R1", "R@"]);
    refuses("ties: lowest", &["ties", "lowest", "index", "trec_eval"]);
    let parts = ["nnn", "no parameter `alfa`", "`alpha`"];
    refuses("methods: [nnn: {alfa: 1}]", &parts);
}

#[test]
fn cards_that_are_not_there() {
    let lab = Lab::new();
    lab.write("models/blocks-clip.yaml", "");
    lab.write("datasets/blocks.yaml", "");
    let config = |model: &str, data: &str| {
        format!("experiment: lab\nmodels: [{model}]\ndatasets: [{data}]\nmethods: [raw]\n")
    };
    let parts = ["unknown model `block-clip`", "did you mean `blocks-clip`?"];
    lab.refuses(config("block-clip", "blocks"), &[], &parts);
    let parts = ["blocks-clip.yaml", "empty"];
    lab.refuses(config("blocks-clip", "blocks"), &[], &parts);
    lab.refuses(
        config("absent.yaml", "blocks"),
        &[],
        &["absent.yaml", "no such file"],
    );
}

#[test]
fn a_data_set_that_is_not_there() {
    let lab = Lab::new();
    lab.write("datasets/blocks.yaml", "");
    let config = "experiment: lab\nmodels: []\ndatasets: [bloks]\nmethods: [raw]\n";
    let parts = ["unknown data set `bloks`", "did you mean `blocks`?"];
    lab.refuses(config, &[], &parts);
}

#[test]
fn parameters_out_of_range() {
    refuses("methods: [nnn: {k: 0}]", &["nnn", "k", "0"]);
    refuses("methods: [nnn: {k: 1.5}]", &["nnn", "k", "1.5"]);
    refuses("methods: [is: {beta: -1}]", &["is", "beta", "-1"]);
    refuses(
        "methods: [nnn: {alpha: .nan}]",
        &["line 12, column 24", "`.nan`", "finite"],
    );
    refuses("methods: [nnn: {k: []}]", &["nnn", "k"]);
    // Weights would underflow; each iteration is a pass over the bank.
    let rows = "methods: [sn: {tau: 0.003}]";
    refuses(rows, &["sn", "`tau` is 0.003", "a number >= 0.0032"]);
    let rows = "methods: [dbsn: {iterations: 1000000}]";
    refuses(
        rows,
        &["dbsn", "1000000", "a whole number >= 1 and <= 1000"],
    );
}

#[test]
fn devices_and_number_types_that_are_not_there() {
    refuses("compute: {device: tpu}", &["device", "tpu", "cuda"]);
    refuses("compute: {dtype: f64}", &["dtype", "f64", "bf16"]);
    if !cfg!(feature = "cuda") {
        refuses(
            "compute: {device: cuda}",
            &["compute.device", "built without the feature `cuda`"],
        );
    }
}

/// Guards against values that passed unchecked: names too long for a file, thousands of threads, which take minutes to start, a
/// metric twice, no reference set.
#[test]
fn settings_out_of_range() {
    refuses(
        "compute: {threads: 0}",
        &["compute.threads", "is 0", "1 to 1024"],
    );
    refuses(
        "compute: {threads: 99999}",
        &["compute.threads", "99999", "1 to 1024"],
    );
    refuses(
        "compute: {block_rows: 0}",
        &["compute.block_rows", "0", "at least 1"],
    );
    refuses(
        "statistics: {resamples: 0}",
        &["`statistics.resamples` is 0, expected 40 to 1000000"],
    );
    refuses(
        "reference_sets: [{share: 1.5}]",
        &["share is 1.5", "at most 1"],
    );
    refuses("reference_sets: []", &["reference_sets", "empty"]);
    refuses(
        "reference_sets: [{name: ' '}]",
        &["reference set \" \"", "1 to 80"],
    );
    let long = format!("reference_sets: [{{name: {}}}]", "x".repeat(300));
    refuses(&long, &["reference set", "1 to 80 characters"]);
    refuses("metrics: []", &["metrics", "empty"]);
    refuses("methods: []", &["methods", "empty"]);
    refuses("metrics: [R@1, R@1]", &["metrics", "R@1", "twice"]);
    refuses(
        "reference_sets: [{}, {}]",
        &["two reference sets", "`train`"],
    );
    refuses(
        "methods: [nnn: {k: 4}, nnn: {k: 4.0}]",
        &["methods[1]", "twice"],
    );
}

/// Guards against a name too long for a folder, which passed as it has no forbidden letter.
#[test]
fn experiment_names_that_are_no_folder() {
    let long = "x".repeat(300);
    for name in ["a/b", "..", "", "a b", "C:x", &long] {
        let config = BY_DATASET.replace("experiment: lab", &format!("experiment: '{name}'"));
        let quoted = format!("{name:?}");
        let parts = ["`experiment`", &quoted, "names a folder"];
        by_dataset().refuses(format!("{config}methods: [raw]"), &[], &parts);
    }
}

#[test]
fn splits_that_do_not_exist() {
    let parts = ["`made-up`", "no split \"val\"", "\"test\", \"train\""];
    refuses_split("split: val", &parts);
    refuses_split("reference_sets: [{split: val}]", &parts);
    let parts = ["`reference_sets`", "unknown data set `other`"];
    refuses_split("reference_sets: [{dataset: other}]", &parts);
    let parts = ["`made-up`", "no split \"val\"", "\"test\", \"train\""];
    refuses_split(
        "methods: [nnn]\nchoose: validation\nhold_out: {split: val}",
        &parts,
    );
}

/// The same without the config's name: these are found when the data is open.
fn refuses_split(rest: &str, parts: &[&str]) {
    by_dataset().refuses(dataset_config(rest), &[], parts);
}

#[test]
fn a_hold_out_that_does_not_fit() {
    let methods = "methods: [nnn: {k: [1, 2]}]\nchoose: validation\n";
    let parts = ["hold_out", "24 images", "from 1 to 23", "hold_out.images"];
    refuses_split(methods, &parts);
    let set = |images| format!("{methods}hold_out: {{images: {images}}}");
    refuses_split(&set(500), &["hold_out", "500 images", "has 24"]);
    refuses_split(&set(0), &["hold_out", "0 images"]);
    let test = format!("{methods}hold_out: {{split: test, images: 4}}");
    refuses_split(&test, &["hold_out.split", "`test`", "must not choose"]);
    by_dataset().run(&dataset_config(&set(8)), &[]);
}

/// Guards against two sources of one name and model, whose rows were mixed, and against a reference set by a source's own name
/// that was drawn from another model's source of that name.
#[test]
fn embeddings_that_cannot_be_told_apart() {
    let (head, source) = BY_DATASET.split_at(BY_DATASET.find("  - name").expect("a source"));
    let twice = |second: &str| format!("{head}{source}{second}methods: [raw]\n");
    let lab = by_dataset();
    let parts = ["config.yaml", "`embeddings`", "`made-up`", "twice"];
    lab.refuses(twice(source), &[], &parts);
    let other = twice(&source.replace("model: noise", "model: other"));
    lab.run(&(other + "reference_sets: [{dataset: made-up}]\n"), &[]);
    let models: BTreeSet<_> = lab
        .scores("lab")
        .into_iter()
        .map(|row| row.cell.model)
        .collect();
    assert_eq!(models.into_iter().collect::<Vec<_>>(), ["noise", "other"]);
}

#[test]
fn embeddings_by_two_ways_or_by_none() {
    let config = "experiment: lab\nembeddings: [{name: nothing}]\nmethods: [raw]\n";
    let parts = [
        "`nothing`",
        "exactly one of `by_dataset`, `by_role` and `by_similarity`",
    ];
    by_dataset().refuses(config, &[], &parts);
}

/// Guards against the parser's own words on a wrong value, such as `expected usize`.
#[test]
fn overrides_that_fit_nowhere() {
    refuses_set("compute.thread=1", &["unknown key `thread`", "`threads`?"]);
    refuses_set("methods.9.nnn.k=1", &["position 9", "list of 2"]);
    refuses_set("methods.first=1", &["`first`", "list of 2"]);
    refuses_set("experiment.name=x", &["`name`", "lab"]);
    refuses_set("top", &["expected key=value"]);
    refuses_set("top=[1", &["line 1"]);
    refuses_set("top=many", &["many", "a whole number of at least 0"]);
    refuses_set("=3", &["expected key=value"]);
}

#[test]
fn all_overrides_are_applied_before_the_check() {
    let lab = by_dataset();
    let options = [
        "--set",
        "top=3",
        "--set",
        "methods.1.nnn.k=2",
        "--set",
        "compute.threads=1",
    ];
    lab.run(&dataset_config(""), &options);
    let config = &lab.record("lab")["config"];
    assert_eq!(config["top"], 3);
    assert_eq!(config["compute"]["threads"], 1);
    let scores = lab.scores("lab");
    assert!(scores.iter().any(|row| row.cell.params == "k=2,alpha=0.5"));
}

#[test]
fn all_configs_are_checked_before_the_first_runs() {
    let lab = by_dataset();
    lab.write("good.yaml", dataset_config(""));
    lab.write("bad.yaml", dataset_config("metrics: []"));
    lab.call(&["run", "good.yaml", "bad.yaml"])
        .refused(&["bad.yaml", "`metrics`"]);
    assert!(lab.files("results").is_empty());
}

/// Guards against running both into one folder, where the second removed what the first had written.
#[test]
fn two_configs_of_one_name_would_overwrite_each_other() {
    let lab = by_dataset();
    lab.write("one.yaml", dataset_config(""));
    lab.write("two.yaml", dataset_config("top: 3"));
    let ended = lab.call(&["one.yaml", "two.yaml"]);
    ended.refused(&["one.yaml", "two.yaml", "`lab`"]);
    assert!(lab.files("results").is_empty());
}

/// Before anything is drawn, and in a dry run too.
#[test]
fn a_generator_that_there_is_not() {
    let lab = drawn(6, 3);
    let card = std::fs::read_to_string(lab.path("datasets/tiny.yaml")).expect("the card");
    let (before, after) = ("generate: {", "generate: {generator: bloks, ");
    assert!(card.contains(before), "{card}");
    lab.write("datasets/tiny.yaml", card.replace(before, after));
    let config = "experiment: lab\nmodels: [clip]\ndatasets: [tiny]\nmethods: [raw]\n";
    let parts = ["tiny.yaml", "unknown generator `bloks`", "`blocks`"];
    lab.refuses(config, &["--dry-run"], &parts);
}

/// Two files may hold cards of one name, which would mix their rows.
/// Guards against comparing the names of the files alone.
#[test]
fn cards_of_one_name() {
    let lab = drawn(6, 3);
    let card = std::fs::read_to_string(lab.path("datasets/tiny.yaml")).expect("the card");
    lab.write("datasets/copy.yaml", card);
    let config = "experiment: lab\nmodels: [clip]\ndatasets: [tiny, copy]\nmethods: [raw]\n";
    lab.refuses(config, &[], &["`datasets`", "`tiny`", "twice"]);
}
