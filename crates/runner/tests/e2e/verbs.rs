//! The verbs beside `run`, and its shorter forms.

use crate::blocks::{SWEEP, drawn};
use crate::lab::{Ended, Lab, assert_same, lasting, workspace};
use crate::vectors::{by_dataset, dataset_config};
use nnn_report::ScoreRow;
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;
use std::process::{Command, Stdio};

fn listed(what: &str) -> String {
    let configs = workspace().join("configs");
    let ended = Lab::new().call(&["list", what, "--configs", &configs.display().to_string()]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    ended.stdout
}

#[test]
fn lists() {
    let methods = listed("methods");
    for part in [
        "raw",
        "nnn (",
        "is (additive)",
        "dsl (rescaling, transductive)",
        "dis (",
        "alpha = 0.75",
        "published grid: ",
    ] {
        assert!(methods.contains(part), "no {part:?} in {methods}");
    }
    let models = listed("models");
    assert!(
        models.contains("clip: CLIP") && models.contains("blocks-clip (clip)"),
        "{models}"
    );
    let datasets = listed("datasets");
    assert!(
        datasets.contains("test: 1000 images, 5000 texts"),
        "{datasets}"
    );
    let metrics = listed("metrics");
    assert!(
        metrics.contains("R@K: ") && metrics.contains("k_skewness@K: "),
        "{metrics}"
    );
}

#[test]
fn an_unknown_list() {
    let ended = Lab::new().call(&["list", "method"]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("methods"), "{}", ended.stderr);
}

#[test]
fn a_config_alone_is_run() {
    let lab = by_dataset();
    lab.run(&dataset_config(""), &[]);
    let expected = lasting(&lab.files("results"));
    let ended = lab.call(&["config.yaml", "--results", "others"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_same(&lasting(&lab.files("others")), &expected);
}

#[test]
fn several_configs() {
    let lab = by_dataset();
    lab.write("one.yaml", dataset_config("").replace("lab", "one"));
    lab.write("two.yaml", dataset_config("").replace("lab", "two"));
    let ended = lab.call(&["one.yaml", "two.yaml"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(lab.scores("one").len(), lab.scores("two").len());
}

#[test]
fn a_dry_run_writes_nothing() {
    let lab = drawn(30, 10);
    let ended = lab.run(SWEEP, &["--dry-run"]);
    let parts = [
        "experiment lab",
        "model clip",
        "data tiny: 40 images, 200 texts",
        "method nnn: 6 points, validation",
        "trials",
        "results/lab",
    ];
    for part in parts {
        assert!(
            ended.stdout.contains(part),
            "no {part:?} in {}",
            ended.stdout
        );
    }
    assert!(!lab.path("results").exists() && !lab.path("cache").exists());
}

/// The number of cells that a dry run announces is the number that the run makes.
#[test]
fn a_dry_run_counts_the_cells() {
    let lab = drawn(30, 10);
    let announced = lab.run(SWEEP, &["--dry-run"]).stdout;
    lab.run(SWEEP, &[]);
    let scores = lab.scores("lab");
    let cells = scores.iter().filter(|row| row.metric == "R@1").count();
    assert!(
        announced.contains(&format!("  {cells} cells: ")),
        "{cells} in {announced}"
    );
}

/// `runner check` on a run with one expectation.
fn checked(paper: f64, tolerance: f64) -> (Lab, Ended) {
    let lab = by_dataset();
    let expect = format!(
        "expect:
  - {{model: noise, dataset: made-up, direction: t2i, method: raw, metric: R@1, paper: {paper}, tolerance: {tolerance}}}
"
    );
    lab.run(&dataset_config(&expect), &[]);
    let ended = lab.call(&["check", "results/lab"]);
    (lab, ended)
}

fn raw_recall() -> f64 {
    let lab = by_dataset();
    lab.run(&dataset_config(""), &[]);
    let scores = lab.scores("lab");
    let raw = scores
        .iter()
        .find(|row| row.cell.method == "raw" && row.cell.direction == "t2i");
    raw.expect("a row").value
}

#[test]
fn check_says_ok_close_and_fail() {
    let value = raw_recall();
    let (_lab, ended) = checked(value + 0.004, 0.005);
    assert_eq!(
        (ended.code, ended.stdout.contains("ok")),
        (Some(0), true),
        "{}",
        ended.stdout
    );
    let (_lab, ended) = checked(value + 0.009, 0.005);
    assert_eq!(
        (ended.code, ended.stdout.contains("close")),
        (Some(0), true),
        "{}",
        ended.stdout
    );
    let (_lab, ended) = checked(value + 0.011, 0.005);
    assert_eq!(
        (ended.code, ended.stdout.contains("FAIL")),
        (Some(1), true),
        "{}",
        ended.stdout
    );
}

#[test]
fn check_fails_on_what_is_not_complete() {
    let (lab, ended) = checked(raw_recall(), 0.005);
    assert_eq!(ended.code, Some(0));
    let mut record = lab.record("lab");
    record["complete"] = false.into();
    lab.write("results/lab/run.json", record.to_string());
    let ended = lab.call(&["check", "results/lab"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("not complete"), "{}", ended.stdout);
}

/// Several results are checked one after another, counted together, and written as one table.
#[test]
fn check_of_several_results() {
    let value = raw_recall();
    let lab = by_dataset();
    for (name, paper) in [("one", value), ("two", value / 2.0)] {
        let expect = format!(
            "expect:
  - {{model: noise, dataset: made-up, direction: t2i, method: raw, metric: R@1, paper: {paper}, tolerance: 0.005}}
  - {{model: noise, dataset: made-up, direction: t2i, method: nnn, metric: R@1, tolerance: 0,
      paper_params: {{k: {{paper: 8, factor: 2}}, alpha: {{paper: 0.5, step: 0.125}}}}}}
"
        );
        let config = dataset_config(&expect).replace("lab", name);
        lab.write(&format!("{name}.yaml"), config);
    }
    let ended = lab.call(&["one.yaml", "two.yaml"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let both = ["check", "results/one", "results/two", "--summary", "all"];
    let ended = lab.call(&both);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    for part in [
        "one:\n",
        "two:\n",
        "all together: 1 ok, 0 close, 1 FAIL, 2 not judged",
        "k=4,alpha=0.5",
        "alpha=0.5,k=8 (steps: k -1)",
    ] {
        assert!(
            ended.stdout.contains(part),
            "no {part:?} in {}",
            ended.stdout
        );
    }
    let names: Vec<_> = lab.files("all").into_keys().collect();
    assert_eq!(names, ["check.csv", "check.md", "check.tex"]);
    let csv = &lab.files("all")["check.csv"];
    let csv = std::str::from_utf8(csv).expect("UTF-8");
    let starts: Vec<Vec<&str>> = csv
        .lines()
        .map(|line| line.split(',').take(2).collect())
        .collect();
    assert_eq!(
        starts,
        [
            ["experiment", "verdict"],
            ["one", "ok"],
            ["one", "not judged"],
            ["two", "FAIL"],
            ["two", "not judged"],
        ]
    );
    assert!(lab.path("results/one/tables/check.tex").is_file());
    // Alone, what is right passes.
    assert_eq!(lab.call(&["check", "results/one"]).code, Some(0));
}

#[test]
fn check_without_expectations_or_results() {
    let lab = by_dataset();
    lab.run(&dataset_config(""), &[]);
    let ended = lab.call(&["check", "results/lab"]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.stdout.contains("no `expect:`"), "{}", ended.stdout);
    lab.call(&["check", "results/absent"])
        .refused(&["results/absent", "run.json"]);
    lab.write("results/lab/run.json", "{\"config\": {}");
    lab.call(&["check", "results/lab"])
        .refused(&["run.json", "line 1"]);
}

/// Starts the program with pipes that are closed before anything is read from them, and expects success.
fn unread(lab: &Lab, arguments: &[&str], errors_too: bool) {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("runner"));
    command.args(arguments).current_dir(lab.path(""));
    let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    drop(child.stdout.take());
    let mut said = String::new();
    match child.stderr.take() {
        Some(pipe) if errors_too => drop(pipe),
        Some(mut pipe) => drop(pipe.read_to_string(&mut said).expect("UTF-8")),
        None => (),
    }
    let ended = child.wait().expect("it ended");
    assert!(ended.success(), "{arguments:?}: {said}");
    assert!(
        !said.contains("panicked") && !said.contains("error"),
        "{said}"
    );
}

/// Guards against a panic where nobody reads standard error, and against a run that ended after its first config because nobody
/// read what it printed.
#[test]
fn a_reader_may_leave_early() {
    for errors_too in [false, true] {
        let lab = by_dataset();
        unread(&lab, &["schema"], errors_too);
        unread(&lab, &["list", "metrics"], errors_too);
        // All of what was asked for is done, whoever reads of it.
        lab.write("one.yaml", dataset_config("").replace("lab", "one"));
        lab.write("two.yaml", dataset_config("").replace("lab", "two"));
        unread(&lab, &["run", "one.yaml", "two.yaml"], errors_too);
        assert_eq!(lab.scores("one").len(), lab.scores("two").len());
    }
}

#[test]
fn the_cache_folder_comes_from_the_environment() {
    let lab = drawn(30, 10);
    lab.write("config.yaml", SWEEP);
    let mut command = lab.command(&["config.yaml"]);
    let status = command
        .env("NNN_CACHE", lab.path("mine"))
        .output()
        .expect("it starts")
        .status;
    assert!(status.success());
    assert!(lab.path("mine/embeddings").is_dir() && !lab.path("cache").exists());
}

/// Guards against scripts that have to filter what they did not ask for. What a quiet run found is in its folder.
#[test]
fn a_quiet_run_says_nothing_but_errors() {
    let lab = by_dataset();
    lab.write("config.yaml", dataset_config(""));
    let said = |ended: Ended| (ended.code, ended.stdout, ended.stderr);
    let nothing = |code| (Some(code), String::new(), String::new());
    assert_eq!(said(lab.call(&["-q", "config.yaml"])), nothing(0));
    let recorded = lab.record("lab");
    assert_eq!(
        said(lab.call(&["run", "config.yaml", "--quiet"])),
        nothing(0)
    );
    assert_eq!(recorded["warnings"], lab.record("lab")["warnings"]);
    assert!(!lab.scores("lab").is_empty());
    // The same run says something where nobody forbids it.
    let ended = lab.call(&["config.yaml"]);
    assert!(
        ended.stdout.contains("R@1") && ended.stderr.contains("more in results/lab/report.html")
    );
    let ended = lab.call(&["-q", "absent.yaml"]);
    assert_eq!(ended.stdout, "");
    ended.refused(&["absent.yaml"]);
    // A check answers by its exit status.
    assert_eq!(said(lab.call(&["check", "-q", "results/lab"])), nothing(0));
    let mut record = lab.record("lab");
    record["complete"] = false.into();
    lab.write("results/lab/run.json", record.to_string());
    assert_eq!(said(lab.call(&["check", "-q", "results/lab"])), nothing(1));
}

/// The lines of JSON that a call prints, which is all that it prints to standard output.
fn in_json(lab: &Lab, options: &[&str]) -> (Vec<Value>, Ended) {
    let call = [
        &["run", "one.yaml", "two.yaml", "--format", "json"],
        options,
    ]
    .concat();
    let ended = lab.call(&call);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let lines = ended.stdout.lines();
    let lines = lines.map(|line| serde_json::from_str(line).expect("a line of JSON"));
    (lines.collect(), ended)
}

#[test]
fn a_line_of_json_for_every_config() {
    let lab = by_dataset();
    lab.write("one.yaml", dataset_config("").replace("lab", "one"));
    lab.write("two.yaml", dataset_config("").replace("lab", "two"));
    let (lines, _) = in_json(&lab, &[]);
    assert_eq!(lines.len(), 2);
    for (line, name) in lines.iter().zip(["one", "two"]) {
        let keys = line.as_object().expect("a record").keys();
        let keys: BTreeSet<&str> = keys.map(String::as_str).collect();
        let expected = [
            "answer",
            "experiment",
            "page",
            "results",
            "scores",
            "warnings",
        ];
        assert_eq!(keys, BTreeSet::from(expected));
        assert_eq!(line["experiment"], name);
        assert_eq!(line["results"], format!("results/{name}"));
        let scores: Vec<ScoreRow> = serde_json::from_value(line["scores"].clone()).expect("rows");
        assert_eq!(scores, lab.scores(name));
        let warnings = lab.record(name)["warnings"].clone();
        let messages = warnings.as_array().expect("a list").iter();
        let messages: Vec<_> = messages.map(|warning| warning["message"].clone()).collect();
        assert_eq!(line["warnings"], Value::from(messages));
    }
    // Nothing is left to do, and the same is printed; quietly nothing else is.
    let (again, ended) = in_json(&lab, &["--quiet"]);
    assert_eq!((again, ended.stderr.as_str()), (lines, ""));
    let ended = lab.call(&["one.yaml", "--format", "json", "--dry-run"]);
    ended.refused(&["--format json", "--dry-run"]);
}

/// Colours are asked for and refused as no-color.org and the CLICOLOR rules say.
#[test]
fn colours_follow_the_environment() {
    let lab = by_dataset();
    lab.write("config.yaml", dataset_config(""));
    let printed = |variables: &[(&str, &str)]| {
        let ended = lab.call_with(&["config.yaml"], variables);
        let help = lab.call_with(&["--help"], variables);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        assert!(!ended.stderr.contains('\x1b'), "{}", ended.stderr);
        assert_eq!(ended.stdout.contains('\x1b'), help.stdout.contains('\x1b'));
        ended.stdout
    };
    let plain = printed(&[]);
    assert!(plain.contains(" *") && !plain.contains('\x1b'), "{plain}");
    let bold = printed(&[("CLICOLOR_FORCE", "1")]);
    assert!(bold.contains("\x1b[1m") && !bold.contains(" *"), "{bold}");
    assert_eq!(
        printed(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]),
        plain
    );
    assert_eq!(printed(&[("NO_COLOR", "1")]), plain);
}
