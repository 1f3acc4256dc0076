//! Limits of parameters and odd vectors, through the whole program: a clear error or the right limit, and no table with
//! something in it that is no number.

use crate::lab::Lab;
use crate::vectors::{DIM, GALLERY, Matrix, by_dataset, by_role, dataset_config, npy, role_config};
use std::collections::BTreeSet;
use std::fs::File;

/// Additive, gated and rescaling methods, at usual and at extreme values; `k` fits a bank of one item.
const METHODS: &str = "methods:
  - raw
  - nnn: {k: 1, alpha: [0, 0.5, 1000]}
  - csls: {k: 1}
  - dn
  - is: {beta: [1.0e-12, 1, 400, 1.0e+6]}
  - dis: {beta: 400, k: 1}
  - dualis: {beta1: 0, beta2: 400}
  - sn: {tau: [0.0032, 0.01, 1.0e+9], iterations: 3}
  - ls: {k: 1}
  - nicdm: {k: 1}
  - mp_normal
  - mp_gamma
  - mp_empirical: {depth: 1}
  - zscore
  - snn: {k: [1, 1.0e+9]}
  - simhub_in: {k: [1, 1.0e+9]}
  - k_reciprocal: {k1: 1, k2: [1, 1.0e+9], lambda: [0, 1]}
  - query_expansion: {n: [1, 1.0e+9], alpha: [0, 1.0e+9]}
  - gc: {depth: 1}
  - dsl
";

fn config() -> String {
    role_config("query_to_gallery").replace("methods: [raw, nnn: {k: 4, alpha: 0.5}]\n", METHODS)
}

/// Runs all methods and expects nothing but numbers in whatever is written.
fn gives_numbers(lab: &Lab) {
    lab.run(&config(), &[]);
    let scores = lab.scores("lab");
    assert!(scores.iter().any(|row| row.cell.method == "sn"));
    for row in &scores {
        assert!(row.value.is_finite(), "{}: {}", row.signature, row.value);
    }
    for (name, bytes) in lab.files("results") {
        if [".csv", ".md", ".json"]
            .iter()
            .any(|end| name.ends_with(end))
        {
            let text = String::from_utf8(bytes).expect("text").to_lowercase();
            let words = text.split(|c: char| !c.is_ascii_alphanumeric());
            let wrong: Vec<_> = words
                .filter(|w| ["nan", "inf", "infinity"].contains(w))
                .collect();
            assert!(wrong.is_empty(), "{name}: {wrong:?}");
        }
    }
}

fn repeated(row: &[f32], times: usize) -> Matrix {
    vec![row.to_vec(); times]
}

#[test]
fn a_bank_of_one_item() {
    let lab = by_role();
    lab.write(
        "past.npy",
        npy(&repeated(&[1.0, 2.0, -1.0, 0.5, 0.0, 3.0], 1)),
    );
    gives_numbers(&lab);
}

#[test]
fn a_bank_whose_rows_are_all_equal() {
    let lab = by_role();
    lab.write(
        "past.npy",
        npy(&repeated(&[1.0, 2.0, -1.0, 0.5, 0.0, 3.0], 12)),
    );
    gives_numbers(&lab);
}

#[test]
fn a_gallery_whose_items_are_all_equal() {
    let lab = by_role();
    lab.write(
        "gallery.npy",
        npy(&repeated(&[-1.0, 0.0, 1.0, 0.5, 2.0, 3.0], GALLERY)),
    );
    gives_numbers(&lab);
}

/// Guards against a run that computes a trial and then cannot write it: file systems take names of 255 bytes.
#[test]
fn names_and_parameters_longer_than_a_file_name() {
    let lab = by_role();
    let methods =
        "methods: [raw, nnn: {k: 1, alpha: [1.0e+300, 2.0e+300]}, is: {beta: 1.0e-300}]\n";
    let config = config().replace(METHODS, methods);
    lab.run(&config.replace("made-up", &"made-up-".repeat(30)), &[]);
    let biases = lab.files("results/lab/bias");
    assert_eq!(biases.len(), 3, "{:?}", biases.keys());
}

#[test]
fn an_empty_bank() {
    let lab = by_role();
    lab.write("past.npy", npy(&Matrix::new()));
    lab.refuses(config(), &[], &["past.npy"]);
}

#[test]
fn a_k_above_the_bank() {
    let rest = "methods: [nnn: {k: 4000}]";
    by_dataset().refuses(dataset_config(rest), &[], &["4000", "query bank"]);
}

#[test]
fn directions_above_the_dimension() {
    let rest = "methods: [whitening: {dims: 7}]";
    by_dataset().refuses(
        dataset_config(rest),
        &[],
        &["7 directions", &format!("dimension {DIM}")],
    );
}

/// The published grid goes up to 384 components.
/// Guards against refusing the whole search for the points that vectors of a smaller dimension do not allow.
#[test]
fn a_published_grid_beyond_the_dimension() {
    let lab = by_dataset();
    lab.run(
        &dataset_config("methods: [whitening: {choose: oracle}]"),
        &[],
    );
    let warnings = lab.warnings("lab", "left_out_of_grid");
    assert!(!warnings.is_empty());
    for warning in warnings {
        let points = ["whitening(dims=256)", "whitening(dims=384)"];
        assert_eq!(warning["points"], serde_json::json!(points));
    }
}

/// The published grid goes up to k = 512. Guards against refusing a practitioner with a few hundred past queries, who has written no k.
#[test]
fn a_published_grid_beyond_the_bank() {
    let lab = by_dataset();
    for method in [
        "nnn: {choose: oracle}",
        "nnn: {choose: oracle, alpha: [0.5]}",
    ] {
        lab.run(&dataset_config(&format!("methods: [{method}]")), &[]);
        let warnings = lab.warnings("lab", "left_out_of_grid");
        assert!(!warnings.is_empty());
        for warning in warnings {
            let points = warning["points"].as_array().expect("points");
            assert!(
                points
                    .iter()
                    .any(|it| it.as_str().is_some_and(|it| it.contains("k=512")))
            );
            let reason = warning["reason"].as_str().expect("a reason");
            assert!(reason.contains("is larger than the query bank"), "{reason}");
        }
    }
    // The default is 128: the largest published value that the bank allows takes its place, under its own name.
    lab.run(&dataset_config("methods: [nnn]"), &[]);
    let warnings = lab.warnings("lab", "left_out_of_grid");
    for warning in &warnings {
        assert_eq!(
            warning["points"],
            serde_json::json!(["nnn(k=128,alpha=0.75)"])
        );
    }
    let instead: BTreeSet<&str> = (warnings.iter())
        .filter_map(|warning| warning["instead"][0].as_str())
        .collect();
    let expected = ["nnn(k=16,alpha=0.75)", "nnn(k=32,alpha=0.75)"];
    assert_eq!(instead, expected.into());
    let scores = lab.scores("lab");
    let scores = scores.iter().filter(|row| row.cell.method == "nnn");
    let params: BTreeSet<&str> = scores.map(|row| row.cell.params.as_str()).collect();
    // Forty-eight texts and twenty-four images.
    assert_eq!(params, ["k=16,alpha=0.75", "k=32,alpha=0.75"].into());
    // One that is written stays an error.
    let written = dataset_config("methods: [nnn: {choose: oracle, k: [1, 512]}]");
    lab.refuses(written, &[], &["k = 512 is larger than the query bank"]);
}

/// The test holds the lock as another run does.
/// Guards against a second run that takes the files which the first is writing for leftovers and removes them.
#[cfg(unix)]
#[test]
fn two_runs_in_one_results_folder() {
    let lab = by_dataset();
    lab.run(&dataset_config(""), &[]);
    let folder = File::open(lab.path("results/lab")).expect("a folder");
    folder.try_lock().expect("no run holds it");
    lab.refuses(
        dataset_config(""),
        &[],
        &["results/lab", "another run", "--results"],
    );
    drop(folder);
    lab.run(&dataset_config(""), &[]);
}
