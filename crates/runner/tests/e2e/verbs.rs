//! The verbs beside `run`, and its shorter forms.

use crate::blocks::{SWEEP, drawn};
use crate::lab::{Ended, Lab, assert_same, lasting, workspace};
use crate::vectors::{by_dataset, dataset_config};
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
