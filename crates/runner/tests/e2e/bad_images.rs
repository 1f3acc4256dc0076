//! Folders of images with files that are none.

use crate::blocks::card_of_the_model;
use crate::lab::Lab;
use dataset_blocks::{BlocksSpec, SplitSpec, generate};
use std::fs;

/// The image that is spoiled; it belongs to the test split.
const SPOILED: &str = "images/test/000003.png";

pub(crate) const CONFIG: &str = "
experiment: lab
models: [clip]
datasets: [folder]
methods: [raw, nnn: {k: 2, alpha: 0.5}]
metrics: [R@1, MRR]
statistics: {resamples: 40, permutations: 40}
";

/// A lab with a folder of images and its card.
pub(crate) fn folder() -> Lab {
    let lab = Lab::new();
    card_of_the_model(&lab);
    let split = |name: &str, images| SplitSpec {
        name: name.to_owned(),
        images,
    };
    let mut spec = BlocksSpec::blocks(1);
    spec.image_size = 32;
    spec.splits = vec![split("train", 6), split("test", 5)];
    generate(&spec, &lab.path("pictures"), &|_| ()).expect("images");
    let card = "name: folder
description: A folder of images.
licence: MIT
source: {folder: ../pictures}
splits: {train: {images: 6, texts: 30}, test: {images: 5, texts: 25}}
";
    lab.write("datasets/folder.yaml", card);
    lab
}

/// Expects the folder to work, and to be refused with another content of one image.
fn refuses_image(spoil: impl Fn(&mut Vec<u8>), parts: &[&str]) {
    let lab = folder();
    lab.run(CONFIG, &[]);
    let path = lab.path("pictures").join(SPOILED);
    let mut content = fs::read(&path).expect("an image");
    spoil(&mut content);
    fs::write(&path, content).expect("an image");
    lab.refuses(
        CONFIG,
        &[],
        &[&["images of `folder/test`", SPOILED], parts].concat(),
    );
}

/// The trials before the spoiled image's are done; what is written says that it is not everything.
#[test]
fn a_run_that_stops_halfway_is_not_complete() {
    let lab = folder();
    let config = format!(
        "{CONFIG}expect: [{{model: clip, dataset: folder, direction: t2i, method: raw, metric: R@1, paper: 0, tolerance: 1}}]\n"
    );
    lab.run(&config, &[]);
    assert_eq!(lab.call(&["check", "results/lab"]).code, Some(0));
    // Training images are read for the bank of i2t alone, the last group.
    lab.write("pictures/images/train/000002.png", "a note");
    lab.write("config.yaml", &config);
    let ended = lab.call(&["config.yaml"]);
    ended.refused(&["clip / folder / i2t / train", "images/train/000002.png"]);
    assert_eq!(lab.record("lab")["complete"], false);
    let ended = lab.call(&["check", "results/lab"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout.contains("not complete"), "{}", ended.stdout);
}

/// CRC-32 as PNG uses it.
fn crc(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc));
    !bytes.iter().fold(!0, byte)
}

#[test]
fn a_file_that_is_no_image() {
    refuses_image(
        |bytes| *bytes = b"a note".to_vec(),
        &["no image of a known format; PNG, JPEG, WebP, GIF, BMP and TIFF are read"],
    );
}

#[test]
fn an_empty_file() {
    refuses_image(Vec::clear, &["is empty"]);
}

#[test]
fn a_cut_image() {
    refuses_image(|bytes| bytes.truncate(bytes.len() / 2), &["truncated"]);
}

#[test]
fn an_image_of_absurd_size() {
    let spoil = |bytes: &mut Vec<u8>| {
        // IHDR: type at 12, width at 16, height at 20, checksum of type and data at 29.
        bytes[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
        bytes[20..24].copy_from_slice(&100_000_u32.to_be_bytes());
        let sum = crc(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&sum.to_be_bytes());
    };
    refuses_image(spoil, &["100000 x 100000", "at most 65535 a side"]);
}

#[test]
fn a_missing_image() {
    let lab = folder();
    fs::remove_file(lab.path("pictures").join(SPOILED)).expect("it was there");
    let parts = ["captions.csv, line ", SPOILED, "is not in ", "/pictures"];
    lab.refuses(CONFIG, &[], &parts);
}

/// Expects a folder with another caption table to be refused.
fn refuses_table(change: impl Fn(&str) -> String, parts: &[&str]) {
    let lab = folder();
    let table = fs::read_to_string(lab.path("pictures/captions.csv")).expect("a table");
    lab.write("pictures/captions.csv", change(&table));
    lab.refuses(CONFIG, &[], &[&["captions.csv"], parts].concat());
}

/// The config that leaves out images that cannot be decoded.
fn skipping() -> String {
    format!("{CONFIG}compute: {{on_error: skip, image_batch: 2}}\n")
}

#[test]
fn skipped_images_leave_with_their_captions() {
    let lab = folder();
    lab.run(&skipping(), &[]);
    assert!(lab.warnings("lab", "images_skipped").is_empty());
    let whole = lab.scores("lab");
    lab.write(&format!("pictures/{SPOILED}"), "a note");
    lab.write("pictures/images/train/000002.png", "");
    lab.run(&skipping(), &[]);
    let skipped = lab.warnings("lab", "images_skipped");
    let splits: Vec<_> = skipped.iter().map(|it| it["split"].as_str()).collect();
    assert_eq!(splits, [Some("test"), Some("train")]);
    assert_eq!(
        (&skipped[0]["of"], &skipped[0]["captions"]),
        (&5.into(), &5.into())
    );
    let reason = skipped[0]["images"][SPOILED].as_str().expect("a reason");
    assert!(reason.contains("no image of a known format"), "{reason}");
    let rows = lab.scores("lab");
    assert!(!rows.is_empty());
    for (row, before) in rows.iter().zip(&whole) {
        assert_ne!(row.signature, before.signature);
    }
    // The same as a folder that never had them.
    let other = folder();
    for (image, split) in [(SPOILED, "test"), ("images/train/000002.png", "train")] {
        let table = fs::read_to_string(other.path("pictures/captions.csv")).expect("a table");
        let kept = table.lines().filter(|line| !line.starts_with(image));
        let kept: String = kept.map(|line| format!("{line}\n")).collect();
        other.write("pictures/captions.csv", kept);
        let card = fs::read_to_string(other.path("datasets/folder.yaml")).expect("a card");
        let (images, fewer) = match split {
            "test" => ("images: 5, texts: 25", "images: 4, texts: 20"),
            _ => ("images: 6, texts: 30", "images: 5, texts: 25"),
        };
        other.write("datasets/folder.yaml", card.replace(images, fewer));
    }
    other.run(CONFIG, &[]);
    let values =
        |lab: &Lab| -> Vec<f64> { lab.scores("lab").iter().map(|row| row.value).collect() };
    assert_eq!(values(&lab), values(&other));
}

#[test]
fn a_split_without_a_sound_image_is_refused() {
    let lab = folder();
    for at in 0..5 {
        lab.write(&format!("pictures/images/test/{at:06}.png"), "a note");
    }
    let parts = [
        "none of the 5 images of `folder/test` can be decoded",
        "000000.png",
    ];
    lab.refuses(skipping(), &[], &parts);
    let config = format!("{CONFIG}compute: {{image_batch: 0}}\n");
    lab.refuses(config, &[], &["compute.image_batch", "at least 1"]);
}

#[test]
fn captions_that_do_not_fit() {
    let more = |line: &'static str| move |table: &str| format!("{table}{line}\n");
    refuses_table(
        more("../config.yaml,test,words"),
        &["not a path inside the folder"],
    );
    refuses_table(
        more("images/test/000003.png,tset,words"),
        &["\"tset\"", "test, train"],
    );
    refuses_table(
        more("images/test/000003.png,test, "),
        &["empty caption", SPOILED],
    );
    refuses_table(
        more("images/test/000003.png,train,words"),
        &[SPOILED, "\"train\"", "\"test\""],
    );
    refuses_table(
        |table| table.replace("caption\n", "words\n"),
        &["line 1", "\"caption\""],
    );
}

#[test]
fn a_missing_table() {
    let lab = folder();
    fs::remove_file(lab.path("pictures/captions.csv")).expect("it was there");
    lab.refuses(
        CONFIG,
        &[],
        &["captions.csv: no such file", "source: {files: "],
    );
}

#[test]
fn counts_that_differ_from_the_card() {
    let lab = folder();
    let card = fs::read_to_string(lab.path("datasets/folder.yaml")).expect("a card");
    lab.write(
        "datasets/folder.yaml",
        card.replace("texts: 25", "texts: 26"),
    );
    let parts = [
        "\"folder\"",
        "split \"test\"",
        "5 images and 25 texts",
        "5 and 26",
    ];
    lab.refuses(CONFIG, &[], &parts);
}

#[test]
fn a_checkpoint_that_is_not_there() {
    let lab = folder();
    lab.write(
        "models/clip.yaml",
        "name: clip\nfamily: clip\nsource: {path: ../absent}\n",
    );
    lab.refuses(
        CONFIG,
        &[],
        &["clip.yaml", "model `clip`", "absent", "no folder"],
    );
    lab.write(
        "models/clip.yaml",
        "name: clip\nfamily: clipp\nsource: {path: ../pictures}\n",
    );
    let parts = [
        "clip.yaml",
        "unknown model family `clipp`",
        "did you mean `clip`?",
    ];
    lab.refuses(CONFIG, &[], &parts);
    lab.write(
        "models/clip.yaml",
        "name: clip\nfamily: clip\nsource: {path: ../pictures}\n",
    );
    let parts = [
        "model `clip`",
        "config.json is missing from",
        "captions.csv",
    ];
    lab.refuses(CONFIG, &[], &parts);
}
