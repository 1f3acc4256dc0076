//! A run may be killed at any moment: started again it ends with the same bytes, and nothing of the killed one is left.

use crate::blocks::{SWEEP, drawn};
use crate::lab::{Files, Lab, assert_same, lasting};
use crate::vectors::Noise;
use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often a run is killed.
const KILLS: u32 = 10;

/// A sweep with many trials, so that a good part of the time goes into writing.
const CONFIG: &str = "
experiment: lab
models: [clip]
datasets: [tiny]
reference_sets: [{share: 0.5}, {}]
methods: [raw, nnn: {k: [1, 4], alpha: [0.5, 1]}, is: {beta: [5, 50], choose: validation}]
statistics: {resamples: 50, permutations: 50}
";

fn start(lab: &Lab) -> Child {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin("runner"));
    command.arg("config.yaml").current_dir(lab.path(""));
    let command = command.stdout(Stdio::null()).stderr(Stdio::null());
    command.env_remove("NNN_CACHE").spawn().expect("it starts")
}

/// Starts a run and kills it after a while; how it ended.
fn kill_after(lab: &Lab, time: Duration) -> ExitStatus {
    let mut child = start(lab);
    sleep(time);
    // A run that has ended by itself cannot be killed any more.
    let _ = child.kill();
    child.wait().expect("it ended")
}

/// The results of an undisturbed run, and how long it took.
fn undisturbed(lab: &Lab) -> (Files, Duration) {
    let started = Instant::now();
    assert!(start(lab).wait().expect("it ended").success());
    let taken = started.elapsed();
    let results = lasting(&lab.files("results"));
    clear(lab);
    (results, taken)
}

fn clear(lab: &Lab) {
    for folder in ["results", "cache"] {
        fs::remove_dir_all(lab.path(folder)).expect("it can be removed");
    }
}

/// Ends what was begun and compares; then everything is removed.
fn end_and_compare(lab: &Lab, expected: &Files) {
    assert!(start(lab).wait().expect("it ended").success());
    assert_same(&lasting(&lab.files("results")), expected);
    clear(lab);
}

/// Whatever a kill leaves, `run.json` calls it complete only if it is.
fn assert_complete_or_marked(lab: &Lab, expected: &Files) {
    let mut found = lab.files("results");
    found.retain(|name, _| !name.contains(".part-"));
    if found.contains_key("lab/run.json") && lab.record("lab")["complete"] == true {
        assert_same(&lasting(&found), expected);
    }
}

/// Guards against a `run.json` that calls a folder complete while its files are partly of one run and partly of another.
#[test]
fn ten_kills() {
    let lab = drawn(30, 10);
    lab.write("config.yaml", CONFIG);
    let (expected, taken) = undisturbed(&lab);
    let mut noise = Noise(11);
    let mut killed = 0;
    let mut ends = 0;
    while killed < KILLS && ends < KILLS {
        // One moment in each tenth of the time, so that all phases are hit.
        let place = (f64::from(killed) + noise.unit()) / f64::from(KILLS);
        if kill_after(&lab, taken.mul_f64(place)).success() {
            // What earlier runs had finished left too little to do: compare, and kill a run from the beginning.
            ends += 1;
            end_and_compare(&lab, &expected);
        } else {
            killed += 1;
            assert_complete_or_marked(&lab, &expected);
        }
    }
    assert!(killed >= KILLS / 2, "only {killed} runs were killed");
    end_and_compare(&lab, &expected);
}

/// Guards against half-written temporary files that stayed among the results for good.
#[test]
fn what_a_killed_write_leaves_is_removed() {
    let lab = drawn(30, 10);
    lab.write("config.yaml", SWEEP);
    let (expected, _) = undisturbed(&lab);
    for folder in ["", "tables/", "bias/", "queries/", "trials/"] {
        lab.write(&format!("results/lab/{folder}.part-Ab3dEf"), "half of it");
    }
    lab.write("results/lab/notes.md", "a reader's own file");
    assert!(start(&lab).wait().expect("it ended").success());
    let mut found = lasting(&lab.files("results"));
    assert!(
        found.remove("lab/notes.md").is_some(),
        "it was not ours to remove"
    );
    assert_same(&found, &expected);
    let parts = lab
        .files("results")
        .keys()
        .filter(|name| name.contains(".part-"))
        .count();
    assert_eq!(parts, 0);
}
