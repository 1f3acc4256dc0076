//! Published tables in `expect:`: which of their numbers are expected, what is said of the others, and what is refused.

use crate::lab::Lab;
use crate::vectors::{by_dataset, dataset_config};
use serde_json::json;

const HEADER: &str = "model,dataset,direction,method,metric,reference,share,params,chosen,value,tolerance,informative,notes\n";

/// Two numbers that the lab measures, and three that it does not.
const FIRST: &str = "\
Row A,made-up,t2i,raw,R@1,,,,,0.5,1,,why
Row A,made-up,t2i,nnn,R@1,made-up,1,\"k=4,alpha=0.5\",fixed,0.25,0.5,true,
Row A,made-up,t2i,nnn,R@1,made-up,0.2,,,0.5,1,,
Row A,elsewhere,t2i,raw,R@1,,,,,0.5,1,,
Row B,made-up,t2i,raw,R@1,,,,,0.5,1,,
";

/// One of the first table's numbers, and one of another method.
const SECOND: &str = "\
Row A,made-up,t2i,raw,R@1,,,,,0.5,1,,also
Row A,made-up,t2i,dsl,R@1,,,,,0.5,1,,
";

const FOLDER: &str = "experiments/study/published";

/// Vectors of a model that may be row A of a study, as another one may be; row B is another's.
fn lab() -> Lab {
    let lab = by_dataset();
    for (name, row) in [("noise", "Row A"), ("twin", "Row A"), ("other", "Row B")] {
        let card = format!(
            "name: {name}\nfamily: clip\nsource: {{unavailable: made up}}\npublished_rows: {{study: {row}}}\n"
        );
        lab.write(&format!("models/{name}.yaml"), card);
    }
    lab.write(&format!("{FOLDER}/table-1.csv"), format!("{HEADER}{FIRST}"));
    lab.write(&format!("{FOLDER}/more.csv"), format!("{HEADER}{SECOND}"));
    let notes = "key,text\nwhy,\"one reason, in words\"\nalso,another\n";
    lab.write(&format!("{FOLDER}/notes.csv"), notes);
    lab
}

fn config(rest: &str) -> String {
    dataset_config(&format!("directions: [t2i]\nmetrics: [R@1]\n{rest}"))
}

const BOTH: &str = "expect: {published: study, tables: [1, More]}\n";

const SAID: &str = "study, tables 1, more: 2 of 7 numbers, in 2 entries; left out: 1 expected already, 1 of other models, 1 of other \
                    data sets, 1 of other methods, 1 with other reference sets";

/// Numbers of what is measured are recorded as if they had been listed; the rest is counted, in the plan and in the check.
#[test]
fn published_numbers_are_expected_as_far_as_they_are_measured() {
    let lab = lab();
    let plan = lab.run(&config(BOTH), &["--dry-run"]).stdout;
    assert!(plan.contains(&format!("  expected: {SAID}\n")), "{plan}");
    lab.run(&config(BOTH), &[]);
    let expected = json!([
        {"model": "noise", "dataset": "made-up", "direction": "t2i", "method": "raw", "metric": "R@1", "paper": 0.5,
         "tolerance": 1.0, "candidate_for": "Row A", "note": "one reason, in words; another"},
        {"model": "noise", "dataset": "made-up", "direction": "t2i", "reference_set": "train", "method": "nnn",
         "params": "k=4,alpha=0.5", "chosen": "fixed", "metric": "R@1", "paper": 0.25, "tolerance": 0.5,
         "candidate_for": "Row A", "informative": true},
    ]);
    assert_eq!(lab.record("lab")["config"]["expect"], expected);
    let ended = lab.call(&["check", "results/lab"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(
        ended.stdout.starts_with(&format!("{SAID}\n")),
        "{}",
        ended.stdout
    );
    assert!(
        ended.stdout.contains("1 ok, 0 close, 0 FAIL, 1 not judged"),
        "{}",
        ended.stdout
    );
}

/// A reference set is known by what it is drawn from, not by its name.
#[test]
fn a_reference_set_has_any_name() {
    let lab = lab();
    let sets = "reference_sets: [{name: mine}, {name: fifth, dataset: made-up, share: 0.2}]\n";
    lab.run(&config(&format!("{sets}{BOTH}")), &[]);
    let record = lab.record("lab");
    let entries = record["config"]["expect"]
        .as_array()
        .expect("a list")
        .iter();
    let sets: Vec<_> = entries.map(|it| it["reference_set"].as_str()).collect();
    assert_eq!(sets, [None, Some("mine"), Some("fifth")]);
}

/// Tables and single numbers stand in one list.
#[test]
fn tables_and_numbers_side_by_side() {
    let lab = lab();
    let listed = "expect:
  - {published: study, tables: [1]}
  - {model: noise, dataset: made-up, direction: t2i, method: raw, metric: R@1, accepted: 0.5, tolerance: 1}
  - {tables: [more], published: study}
";
    lab.run(&config(listed), &[]);
    let record = lab.record("lab");
    let entries = record["config"]["expect"].as_array().expect("a list");
    let accepted: Vec<_> = entries.iter().map(|it| it["accepted"].as_f64()).collect();
    assert_eq!(accepted, [None, None, Some(0.5)]);
    let repeated = "study, table more: 0 of 2 numbers, in 0 entries; left out: 1 expected already, 1 of other methods\n";
    let ended = lab.call(&["check", "results/lab"]);
    assert!(ended.stdout.contains(repeated), "{}", ended.stdout);
}

/// What the command line leaves out is counted and no mistake.
#[test]
fn a_narrowed_config_expects_what_is_left() {
    let lab = lab();
    lab.run(&config(BOTH), &["--set", "directions=[i2t]"]);
    let ended = lab.call(&["check", "results/lab"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    for part in [
        "0 of 7 numbers, in 0 entries",
        "5 of the other direction",
        "it measures no published number",
    ] {
        assert!(
            ended.stdout.contains(part),
            "no {part:?} in {}",
            ended.stdout
        );
    }
}

#[test]
fn mistakes_in_what_is_asked() {
    for (rest, parts) in [
        (
            "expect: {published: stud, tables: [1]}",
            ["expect", "`published` is `stud`", "to be had: study"],
        ),
        (
            "expect: {published: study, tables: [mor]}",
            [
                "`tables` names `mor`",
                "did you mean `more`?",
                "it has: 1, more",
            ],
        ),
        (
            "expect: {published: study, tables: [1, 1]}",
            ["expect", "`tables` names `1` twice", ""],
        ),
        (
            "expect: {published: study, tables: []}",
            ["`tables` is empty", "1, more", ""],
        ),
        (
            "expect: {published: study, table: [1]}",
            [
                "line 15, column 28",
                "unknown key `table`",
                "did you mean `tables`?",
            ],
        ),
        (
            "expect: {published: study}",
            ["line 15", "the key `tables` is missing", ""],
        ),
        (
            "expect: {published: study, tables: [{a: 1}]}",
            ["line 15, column 37", "a table's number or name", ""],
        ),
        (
            "expect: [{published: study, tabels: [1]}]",
            [
                "line 15, column 29",
                "unknown key `tabels`",
                "did you mean `tables`?",
            ],
        ),
        (
            "expect: [{modl: noise}]",
            ["line 15", "unknown key `modl`", "did you mean `model`?"],
        ),
        (
            "expect: [{model: noise, published: study}]",
            [
                "line 15, column 25",
                "unknown key `published`",
                "known: model",
            ],
        ),
        (
            "expect: study",
            ["line 15", "{published: NAME, tables: [...]}", ""],
        ),
        (
            "reference_sets: [{name: one}, {name: two, seed: 1}]\nexpect: {published: study, tables: [1]}",
            ["table-1.csv, line 3", "`one` and `two` are drawn alike", ""],
        ),
        (
            "methods: [csls: {k: 2}]\nexpect: [{published: study, tables: [1]}]",
            [
                "expect[0]",
                "0 of 5 numbers",
                "they hold models Row A, Row B; data sets elsewhere, made-up; directions t2i; methods nnn, raw; metrics R@1",
            ],
        ),
    ] {
        lab().refuses(config(rest), &[], &[&["config.yaml"], &parts[..]].concat());
    }
}

#[test]
fn mistakes_in_the_tables() {
    let first = format!("{HEADER}{FIRST}");
    for (from, to, parts) in [
        (
            "0.5,1,,why",
            "50 %,1,,why",
            ["line 2", "`value` is `50 %`, expected a number"],
        ),
        (
            "0.5,1,,why",
            "0.5,-1,,why",
            [
                "line 2",
                "`tolerance` is `-1`, expected a number of at least 0",
            ],
        ),
        (
            "0.5,1,,why",
            "0.5,,,why",
            ["line 2", "`tolerance` is missing"],
        ),
        (
            "0.5,1,,why",
            ",1,,why",
            ["line 2", "expected either a `value` or `paper_params`"],
        ),
        (
            "0.5,1,,why",
            "0.5,1,no,why",
            ["line 2", "`informative` is `no`, expected true"],
        ),
        (
            "0.5,1,,why",
            "0.5,1,,whi",
            [
                "line 2",
                "`notes` names `whi`, which notes.csv has not; did you mean `why`?",
            ],
        ),
        ("0.5,1,,why", "0.5,1", ["line 2", "11 values, expected 13"]),
        (
            "0.5,1,,why",
            "50,1,,why",
            ["line 2", "fractions: 0.646, not 64.6"],
        ),
        (
            "Row A,made-up,t2i,raw,R@1",
            ",made-up,t2i,raw,R@1",
            ["line 2", "`model` is empty or absent"],
        ),
        (
            "made-up,t2i,raw",
            "made-up,t3i,raw",
            ["line 2", "`direction` is `t3i`, expected t2i or i2t"],
        ),
        (
            "made-up,t2i,raw",
            "made-up,t2i,row",
            ["line 2", "did you mean `raw`?"],
        ),
        ("raw,R@1", "raw,Recall", ["line 2", "Recall"]),
        (
            "made-up,0.2",
            "made-up,20",
            [
                "line 4",
                "`share` is `20`, expected a number above 0 and at most 1",
            ],
        ),
        (
            "made-up,0.2",
            "made-up,",
            ["line 4", "`reference` and `share` go together"],
        ),
        (
            "fixed",
            "fix",
            [
                "line 3",
                "`chosen` is `fix`, expected fixed or validation or oracle",
            ],
        ),
        (
            "tolerance",
            "tolerence",
            [
                "line 1",
                "unknown column `tolerence`; did you mean `tolerance`?",
            ],
        ),
    ] {
        let lab = lab();
        assert!(first.contains(from), "{from}");
        lab.write(
            &format!("{FOLDER}/table-1.csv"),
            first.replacen(from, to, 1),
        );
        lab.refuses(config(BOTH), &[], &[&["table-1.csv"], &parts[..]].concat());
    }
    let lab = lab();
    lab.write(&format!("{FOLDER}/table-1.csv"), b"\xff\xfe");
    lab.refuses(config(BOTH), &[], &["table-1.csv", "cannot be read"]);
    lab.write(&format!("{FOLDER}/notes.csv"), "key,text\nwhy,a\nwhy,b\n");
    lab.refuses(
        config(BOTH),
        &[],
        &["notes.csv, line 3", "as in an earlier line"],
    );
}

/// Parameters in place of a number, with the steps of their grids.
#[test]
fn chosen_parameters_are_published_too() {
    let lab = lab();
    let table = |params: &str, steps: &str| {
        format!(
            "model,dataset,direction,method,metric,reference,share,paper_params,steps,tolerance\n\
             Row A,made-up,t2i,nnn,R@1,made-up,1,\"{params}\",\"{steps}\",2\n"
        )
    };
    let file = format!("{FOLDER}/table-1.csv");
    let asked = config("expect: {published: study, tables: [1]}\n");
    lab.write(&file, table("k=8,alpha=0.5", "k*2,alpha+0.125"));
    let plan = lab.run(&asked, &[]);
    assert_eq!(plan.code, Some(0));
    let params =
        json!({"k": {"paper": 8.0, "factor": 2.0}, "alpha": {"paper": 0.5, "step": 0.125}});
    assert_eq!(
        lab.record("lab")["config"]["expect"][0]["paper_params"],
        params
    );
    let ended = lab.call(&["check", "results/lab"]);
    assert!(
        ended
            .stdout
            .starts_with("study, table 1: 2 of 2 numbers, in 1 entry\n"),
        "{}",
        ended.stdout
    );
    lab.write(&file, table("k=8", "k+"));
    lab.refuses(
        &asked,
        &[],
        &["table-1.csv, line 2", "`steps` is `k+`", "k*2,alpha+0.125"],
    );
    lab.write(&file, table("k", "k*2"));
    lab.refuses(
        &asked,
        &[],
        &["table-1.csv, line 2", "`paper_params` is `k`"],
    );
    lab.write(&file, table("beta=1", "beta*2"));
    lab.refuses(
        &asked,
        &[],
        &[
            "table-1.csv, line 2",
            "`paper_params` is `beta=1`, expected parameters of the method",
        ],
    );
}
