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

#[test]
fn a_drawn_data_set_that_was_changed_is_refused() {
    let lab = drawn(30, 10);
    lab.run(SWEEP, &[]);
    let table = fs::read_to_string(lab.path("cache/data/tiny/captions.csv")).expect("a table");
    let lines: Vec<_> = table.lines().collect();
    lab.write(
        "cache/data/tiny/captions.csv",
        lines[..lines.len() - 2].join("\n"),
    );
    lab.refuses(
        SWEEP,
        &[],
        &["data set \"tiny\"", "48 texts", "expected 10 and 50"],
    );
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
