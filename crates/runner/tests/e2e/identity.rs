//! Results are the same bytes however they were computed, and what is finished is not computed again.

use crate::blocks::{SWEEP, drawn};
use crate::lab::{Files, Lab, assert_same, lasting};
use crate::vectors::{by_dataset, dataset_config};
use std::fs;
use std::time::SystemTime;

/// Ways of computing that must not show: one thread, two, small blocks and large ones.
const COMPUTES: [&str; 5] = [
    "compute={threads: 1}",
    "compute={threads: 2}",
    "compute={block_columns: 32, block_rows: 14}",
    "compute={block_columns: 1000, block_rows: 100}",
    "compute={threads: 1, block_columns: 7, block_rows: 3}",
];

/// Results of a fresh folder of results and a fresh cache.
fn afresh(lab: &Lab, config: &str, compute: &[&str]) -> Files {
    for folder in ["results", "cache"] {
        if lab.path(folder).exists() {
            fs::remove_dir_all(lab.path(folder)).expect("it can be removed");
        }
    }
    lab.run(config, compute);
    lasting(&lab.files("results"))
}

fn assert_nothing_shows(lab: &Lab, config: &str) {
    let expected = afresh(lab, config, &[]);
    for kind in [
        "scores.csv",
        "scores.parquet",
        "grid.parquet",
        "comparisons.csv",
        "comparisons.parquet",
        "choosing.csv",
        "bias/",
        "queries/",
        "tables/",
    ] {
        assert!(expected.keys().any(|name| name.contains(kind)), "no {kind}");
    }
    for compute in COMPUTES {
        assert_same(&afresh(lab, config, &["--set", compute]), &expected);
    }
}

fn vectors_config() -> String {
    dataset_config(
        "methods:
  - raw
  - nnn: {k: [1, 5, 16], alpha: [0.5, 1]}
  - is: {beta: [1, 30]}
  - dis: {beta: 30, k: 2}
  - nnn: {k: [1, 3], alpha: [0.25, 0.75], choose: validation}
  - dis: {beta: [5, 50], choose: oracle}
hold_out: {images: 8}
",
    )
}

#[test]
fn threads_and_blocks_on_vectors() {
    assert_nothing_shows(&by_dataset(), &vectors_config());
}

#[test]
fn threads_and_blocks_on_encoded_items() {
    assert_nothing_shows(&drawn(40, 12), SWEEP);
}

/// When each finished trial was written.
fn written(lab: &Lab) -> Vec<(String, SystemTime)> {
    let records = lab.path("results/lab/trials");
    let entries = fs::read_dir(records)
        .expect("records")
        .map(|entry| entry.expect("an entry"));
    let mut times: Vec<_> = entries
        .map(|entry| {
            let time = entry.metadata().and_then(|data| data.modified());
            (
                entry.file_name().to_string_lossy().into_owned(),
                time.expect("a time"),
            )
        })
        .collect();
    times.sort();
    times
}

fn assert_second_run_reuses(lab: &Lab, config: &str, trials: usize) {
    lab.run(config, &[]);
    let (files, times) = (lasting(&lab.files("results")), written(lab));
    assert_eq!(times.len(), trials);
    lab.run(config, &["--set", "compute.threads=1"]);
    assert_eq!(written(lab), times);
    assert_same(&lasting(&lab.files("results")), &files);
}

#[test]
fn a_second_run_on_vectors_computes_nothing() {
    assert_second_run_reuses(&by_dataset(), &vectors_config(), 4);
}

#[test]
fn a_second_run_on_encoded_items_computes_nothing() {
    assert_second_run_reuses(&drawn(40, 12), SWEEP, 6);
}

#[test]
fn a_changed_setting_is_computed_and_what_it_replaces_is_gone() {
    let lab = by_dataset();
    lab.run(&vectors_config(), &[]);
    let before = written(&lab);
    lab.run(&vectors_config(), &["--set", "statistics.seed=1"]);
    let after = written(&lab);
    assert_eq!(after.len(), before.len());
    assert!(
        after
            .iter()
            .all(|(name, _)| before.iter().all(|(old, _)| old != name))
    );
    let expected = afresh(&lab, &vectors_config(), &["--set", "statistics.seed=1"]);
    lab.run(&vectors_config(), &[]);
    lab.run(&vectors_config(), &["--set", "statistics.seed=1"]);
    assert_same(&lasting(&lab.files("results")), &expected);
}

#[test]
fn a_damaged_result_is_made_again() {
    let lab = by_dataset();
    lab.run(&vectors_config(), &[]);
    let expected = lasting(&lab.files("results"));
    let bias = expected
        .keys()
        .find(|name| name.contains("bias/"))
        .expect("a bias");
    lab.write(&format!("results/{bias}"), "damaged");
    let cell = written(&lab)[0].0.clone();
    lab.write(&format!("results/lab/trials/{cell}"), "{\"scores\": [");
    lab.run(&vectors_config(), &[]);
    assert_same(&lasting(&lab.files("results")), &expected);
}

#[test]
fn the_cache_may_move_and_results_too() {
    let lab = drawn(30, 10);
    lab.run(SWEEP, &[]);
    let expected = lasting(&lab.files("results"));
    fs::rename(lab.path("cache"), lab.path("elsewhere")).expect("it can be renamed");
    lab.run(SWEEP, &["--cache", "elsewhere", "--results", "others"]);
    assert_same(&lasting(&lab.files("others")), &expected);
    assert!(
        !lab.path("cache").exists(),
        "the cache is where --cache says"
    );
}
