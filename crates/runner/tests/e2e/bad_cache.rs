//! Damaged cache entries are found, made again, and recorded.

use crate::blocks::{SWEEP, drawn};
use crate::lab::{Files, Lab, assert_same, lasting};
use std::fs;

/// The shards of the embedding cache.
fn shards(lab: &Lab) -> Files {
    let all = lab.files("cache/embeddings");
    assert!(!all.is_empty(), "nothing is cached");
    all
}

/// Damages every shard and runs again without the results.
fn rebuilds(damage: impl Fn(&mut Vec<u8>)) {
    let lab = drawn(30, 10);
    lab.run(SWEEP, &[]);
    let expected = lasting(&lab.files("results"));
    let cached = shards(&lab);
    for (name, content) in &cached {
        let mut damaged = content.clone();
        damage(&mut damaged);
        lab.write(&format!("cache/embeddings/{name}"), damaged);
    }
    fs::remove_dir_all(lab.path("results")).expect("it can be removed");
    let ended = lab.run(SWEEP, &[]);
    assert_same(&lasting(&lab.files("results")), &expected);
    assert_same(&shards(&lab), &cached);
    assert_recorded(&lab, &cached, &ended.stderr);
}

/// One warning a shard, printed and in `run.json`, also after a run that finds everything done.
fn assert_recorded(lab: &Lab, cached: &Files, stderr: &str) {
    for _ in 0..2 {
        let warnings = lab.warnings("lab", "cache_rebuilt");
        assert_eq!(warnings.len(), cached.len());
        for name in cached.keys() {
            let names = |warning: &serde_json::Value| {
                warning["file"]
                    .as_str()
                    .is_some_and(|file| file.ends_with(name))
            };
            assert!(warnings.iter().any(names), "no warning on {name}");
            assert!(stderr.contains(name), "nothing said on {name}: {stderr}");
        }
        lab.run(SWEEP, &[]);
    }
}

#[test]
fn a_cut_entry() {
    rebuilds(|bytes| bytes.truncate(bytes.len() / 2));
}

#[test]
fn an_empty_entry() {
    rebuilds(Vec::clear);
}

#[test]
fn a_flipped_bit() {
    rebuilds(|bytes| {
        let last = bytes.len() - 7;
        bytes[last] ^= 0x10;
    });
}

/// Runs, damages a file, and runs again: the results and the file are what they were, and a warning that names the file is printed and in
/// `run.json`.
fn mended(lab: &Lab, file: &str, keep_results: bool, damage: impl Fn(&mut Vec<u8>)) {
    lab.run(SWEEP, &[]);
    let expected = lasting(&lab.files("results"));
    let whole = fs::read(lab.path(file)).expect("a file");
    let mut damaged = whole.clone();
    damage(&mut damaged);
    lab.write(file, damaged);
    if !keep_results {
        fs::remove_dir_all(lab.path("results")).expect("it can be removed");
    }
    let ended = lab.run(SWEEP, &[]);
    assert_same(&lasting(&lab.files("results")), &expected);
    let warnings = lab.warnings("lab", "cache_rebuilt");
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    let named = warnings[0]["file"].as_str().expect("a file");
    assert!(named.ends_with(file), "{named}");
    assert!(ended.stderr.contains(file), "{}", ended.stderr);
    if !file.contains("trials/") {
        assert_eq!(fs::read(lab.path(file)).expect("a file"), whole);
    }
}

fn flip(bytes: &mut [u8]) {
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
}

/// Guards against captions and images that were damaged on the disk and silently went into the results.
#[test]
fn a_drawn_data_set_that_was_changed_is_drawn_again() {
    let files = [
        "cache/data/tiny/captions.csv",
        "cache/data/tiny/images/test/000003.png",
        "cache/data/tiny/SHA256SUMS",
        "cache/data/tiny/COMPLETE",
    ];
    for file in files {
        mended(&drawn(30, 10), file, false, |it| flip(it));
    }
    mended(&drawn(30, 10), files[0], true, |bytes| {
        bytes.truncate(bytes.len() / 2);
    });
}

/// Guards against a flipped digit in a trial's record that silently became a number in the tables.
#[test]
fn a_record_or_a_file_of_a_trial_that_was_changed_is_made_again() {
    let lab = drawn(30, 10);
    lab.run(SWEEP, &[]);
    let names: Vec<String> = lab.files("results").into_keys().collect();
    for folder in ["trials/", "queries/", "bias/"] {
        let of = |name: &&String| name.contains(folder);
        let name = names.iter().find(of).expect("a file");
        mended(&drawn(30, 10), &format!("results/{name}"), true, |it| {
            flip(it)
        });
    }
}

/// Guards against a message that keeps the expected checksum to itself.
#[test]
fn a_drawn_data_set_with_another_checksum_than_its_card_says() {
    let lab = drawn(10, 4);
    let card = fs::read_to_string(lab.path("datasets/tiny.yaml")).expect("a card");
    let sum = "0".repeat(64);
    let pinned = card.replace(
        "style: everyday",
        &format!("style: everyday, sha256: '{sum}'"),
    );
    lab.write("datasets/tiny.yaml", pinned);
    let parts = [
        "data set `tiny`",
        "cache/data/tiny",
        "the card expects 0000",
    ];
    lab.refuses(SWEEP, &[], &parts);
}
