//! COCO's own captions of 2017, where they lie beside the workspace.
#![allow(clippy::print_stdout)] // the reader of a test run must see what it left out

use crate::part;
use nnn_data::{
    AnnotationFormat, Annotations, FoundFile, Identities, OnGap, Overlap, Pairs, Reading, hold_out,
    overlap, read_annotations, reference_set,
};
use nnn_files::sha256_file;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The file, or none with a message.
fn captions() -> Option<PathBuf> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let file = shared.join("data/coco-val2017/captions_val2017.json");
    if !file.is_file() {
        println!("skipped: {} is not there", file.display());
        return None;
    }
    Some(file)
}

fn read(path: &Path) -> Result<Annotations, String> {
    let mut coco = part(AnnotationFormat::Coco, &["captions.json"]);
    coco.split = Some("val".to_owned());
    let found = FoundFile {
        path: path.to_path_buf(),
        sha256: sha256_file(path).expect("a checksum"),
    };
    let reading = Reading {
        files: &BTreeMap::from([("captions.json".to_owned(), found)]),
        splits: &["val"],
        wanted: &["val"],
        on_gap: OnGap::Fail,
        groups: None,
    };
    read_annotations(&[coco], &reading).map_err(|error| error.to_string())
}

#[test]
fn counts_and_splits() {
    let Some(file) = captions() else {
        return;
    };
    let read = read(&file).expect("COCO's captions");
    let val = &read.splits["val"];
    assert_eq!((val.images().len(), val.texts().len()), (5_000, 25_014));
    assert_eq!(read.addresses.len(), 5_000);
    assert!(read.findings.is_empty());
    let held = hold_out(val, 1_000, 3).expect("a hold-out");
    let bank = reference_set(val, &held.rest, 0.2, 3).expect("a reference set");
    assert_eq!(
        (held.validation.images.len(), bank.images.len()),
        (1_000, 800)
    );
    let (validation, bank) = (val.select(&held.validation), val.select(&bank));
    assert!(!between(&bank, &validation).is_leak());
    assert!(between(val, &validation).is_leak());
    // Every caption went with its image.
    for part in [&validation, &bank] {
        let of = |pairs: &Pairs| {
            let images = pairs
                .text_to_image()
                .iter()
                .map(|&at| pairs.images()[at as usize].clone());
            images
                .zip(pairs.texts().iter().cloned())
                .collect::<Vec<_>>()
        };
        let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
        of(val)
            .into_iter()
            .for_each(|(image, text)| all.entry(image).or_default().push(text));
        let mut some: BTreeMap<String, Vec<String>> = BTreeMap::new();
        of(part)
            .into_iter()
            .for_each(|(image, text)| some.entry(image).or_default().push(text));
        assert_eq!(some.len(), part.images().len());
        assert!(some.iter().all(|(image, texts)| all[image] == *texts));
    }
}

fn between(bank: &Pairs, evaluated: &Pairs) -> Overlap {
    let of = |pairs| identities(pairs);
    overlap(of(bank), of(evaluated))
}

fn identities(pairs: &Pairs) -> Identities<'_> {
    Identities {
        dataset: "coco",
        images: pairs.images(),
        contents: &[],
        texts: pairs.texts(),
    }
}

/// Copies with one thing wrong each; the message says where.
#[test]
fn malformed_copies_are_named_by_place() {
    let Some(file) = captions() else {
        return;
    };
    let text = fs::read_to_string(file).expect("text");
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("captions.json");
    let fault = |text: &str| {
        fs::write(&copy, text).expect("a copy");
        let message = read(&copy).expect_err("a bad copy");
        message.replace(&format!("{}", copy.display()), "captions.json")
    };
    let lists = text.find("\"annotations\"").expect("the captions");
    // The caption before which 100 others stand.
    let at = nth(&text[lists..], "\"image_id\": ", 100) + lists;
    let value = at + "\"image_id\": ".len();
    let unknown = format!("{}9{}", &text[..value], &text[value..]);
    let number: String = text[value..]
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    assert_eq!(
        fault(&unknown),
        format!("captions.json, annotations[100]: image \"9{number}\" does not exist")
    );
    let words = format!("{}\"{}{}", &text[..value], number, &text[value..]);
    assert!(fault(&words).starts_with("captions.json: not readable as JSON: "));
    let image = nth(&text, "\"file_name\": \"", 7) + "\"file_name\": \"".len();
    let climbing = format!("{}../{}", &text[..image], &text[image..]);
    let name: String = text[image..].chars().take_while(|&it| it != '"').collect();
    assert_eq!(
        fault(&climbing),
        format!("captions.json, images[7]: image \"../{name}\" is not a path inside the folder")
    );
    let blank = nth(&text[lists..], "\"caption\": \"", 100) + lists + "\"caption\": \"".len();
    let end = blank + text[blank..].find('"').expect("its end");
    let empty = fault(&format!("{} {}", &text[..blank], &text[end..]));
    assert!(empty.starts_with("captions.json, images["), "{empty}");
    assert!(empty.contains("empty caption for image"), "{empty}");
    let cut = fault(&text[..text.len() / 2]);
    assert!(
        cut.starts_with("captions.json: not readable as JSON: EOF"),
        "{cut}"
    );
}

/// Where the pattern stands for the time after `before` others.
fn nth(text: &str, pattern: &str, before: usize) -> usize {
    text.match_indices(pattern)
        .nth(before)
        .expect("enough of them")
        .0
}
