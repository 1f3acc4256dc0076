//! Files as pandas, pyarrow, zipfile and tarfile write them (`tools/reference/published_goldens.py`): every reader finds
//! the same captions of the same images, and every archive gives the same images.

use crate::{part, place, source};
use nnn_data::{
    AnnotationFormat, AnnotationPart, FilesSource, FoundFile, ImageStore, OnGap, Opening, Pairs,
    Reading, read_annotations,
};
use nnn_files::sha256_file;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

const SPLITS: [&str; 3] = ["train", "val", "test"];

#[derive(Deserialize)]
struct Expected {
    image: String,
    folder: String,
    split: String,
    captions: Vec<String>,
    url: String,
    sha256: String,
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/published/golden")
}

fn expected() -> Vec<Expected> {
    let text = fs::read_to_string(golden().join("expected.json")).expect("the expected content");
    serde_json::from_str(&text).expect("JSON")
}

/// All golden files by name; of archives the checksum is their own.
fn files() -> BTreeMap<String, FoundFile> {
    let entries = fs::read_dir(golden()).expect("golden files");
    let found = entries.map(|entry| {
        let path = entry.expect("a file").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        let sha256 = sha256_file(&path).expect("a checksum");
        (name, FoundFile { path, sha256 })
    });
    found.collect()
}

/// The Karpathy splits as they are used: train with restval.
fn mapped(format: AnnotationFormat, files: &[&str]) -> Vec<AnnotationPart> {
    let names = [
        ("train", "train"),
        ("restval", "train"),
        ("val", "val"),
        ("test", "test"),
    ];
    let mut part = part(format, files);
    part.splits = names
        .map(|(from, to)| (from.to_owned(), to.to_owned()))
        .into();
    vec![part]
}

/// A file for each split.
fn apart(format: AnnotationFormat, prefix: &str) -> Vec<AnnotationPart> {
    let of = |file: &str, split: &str| {
        let mut part = part(format, &[&format!("{prefix}_{file}.json")]);
        part.split = Some(split.to_owned());
        part
    };
    vec![
        of("train", "train"),
        of("restval", "train"),
        of("val", "val"),
        of("test", "test"),
    ]
}

fn read(
    parts: &[AnnotationPart],
    wanted: &[&str],
) -> (BTreeMap<String, Pairs>, Vec<(String, String)>) {
    let files = files();
    let reading = Reading {
        files: &files,
        splits: &SPLITS,
        wanted,
        on_gap: OnGap::Fail,
        groups: None,
    };
    let read = read_annotations(parts, &reading).expect("good annotations");
    assert!(read.findings.is_empty());
    let mut addresses: Vec<_> = read.addresses.into_iter().collect();
    addresses.sort();
    (read.splits, addresses)
}

/// What the splits should be; `order` lists the published splits in the order in which their files are read.
fn pairs(order: &[&[&str]], name: impl Fn(&Expected) -> String) -> BTreeMap<String, Pairs> {
    let mut splits = BTreeMap::new();
    let all = expected();
    for group in order {
        for row in all.iter().filter(|row| group.contains(&row.split.as_str())) {
            let split = if row.split == "restval" {
                "train"
            } else {
                &row.split
            };
            let (images, texts, of): &mut (Vec<_>, Vec<_>, Vec<u32>) =
                splits.entry(split.to_owned()).or_default();
            of.extend(row.captions.iter().map(|_| images.len() as u32));
            texts.extend(row.captions.iter().cloned());
            images.push(name(row));
        }
    }
    let make =
        |(split, (images, texts, of))| (split, Pairs::new(images, texts, of).expect("pairs"));
    splits.into_iter().map(make).collect()
}

const TOGETHER: [&[&str]; 1] = [&["train", "restval", "val", "test"]];
const APART: [&[&str]; 4] = [&["train"], &["restval"], &["val"], &["test"]];

#[test]
fn every_layout_says_the_same() {
    let wanted = pairs(&TOGETHER, |row| row.image.clone());
    for (format, file) in [
        (AnnotationFormat::Table, "json_lists.csv"),
        (AnnotationFormat::Table, "python_lists.csv"),
        (AnnotationFormat::Table, "captions.csv"),
        (AnnotationFormat::Parquet, "karpathy_snappy.parquet"),
        (AnnotationFormat::Parquet, "karpathy_zstd.parquet"),
        (AnnotationFormat::ImageParquet, "images_lists.parquet"),
        (AnnotationFormat::ImageParquet, "images_rows.parquet"),
        (
            AnnotationFormat::Karpathy,
            "caption_datasets.zip/dataset_coco.json",
        ),
    ] {
        assert_eq!(read(&mapped(format, &[file]), &SPLITS).0, wanted, "{file}");
    }
    let wanted = pairs(&APART, |row| row.image.clone());
    assert_eq!(
        read(&apart(AnnotationFormat::Coco, "coco"), &SPLITS).0,
        wanted
    );
    let wanted = pairs(&APART, |row| format!("{}/{}", row.folder, row.image));
    assert_eq!(
        read(&apart(AnnotationFormat::List, "blip"), &SPLITS).0,
        wanted
    );
}

#[test]
fn only_the_splits_that_are_wanted() {
    let mut wanted = pairs(&TOGETHER, |row| row.image.clone());
    wanted.retain(|split, _| split == "test");
    let parts = mapped(AnnotationFormat::Table, &["python_lists.csv"]);
    assert_eq!(read(&parts, &["test"]).0, wanted);
    // Files of other splits are not opened.
    let mut parts = apart(AnnotationFormat::Coco, "coco");
    parts[0].files = vec!["absent.json".into()];
    parts[1].files = vec!["absent.json".into()];
    assert_eq!(read(&parts, &["test"]).0, wanted);
}

#[test]
fn addresses_come_along() {
    let (_, addresses) = read(
        &mapped(AnnotationFormat::Parquet, &["karpathy_zstd.parquet"]),
        &SPLITS,
    );
    let mut wanted: Vec<_> = expected()
        .into_iter()
        .map(|row| (row.image, row.url))
        .collect();
    wanted.sort();
    assert_eq!(addresses, wanted);
}

/// CLIP_benchmark's lines and those of TSV have no line breaks within captions, TSV no tabs either. The latter is as pandas writes it:
/// captions with quotes in them are between quotes, the others are not.
#[test]
fn a_record_a_line() {
    let mut lines = part(AnnotationFormat::Table, &["test_karpathy.txt"]);
    lines.split = Some("test".to_owned());
    let tabbed = mapped(AnnotationFormat::Table, &["captions.tsv"]);
    for (parts, splits, changed) in [
        (vec![lines], &["test"][..], &['\n'][..]),
        (tabbed, &SPLITS, &['\n', '\t']),
    ] {
        let (found, _) = read(&parts, splits);
        for (split, pairs) in found {
            let wanted = &self::pairs(&TOGETHER, |row| row.image.clone())[&split];
            let texts = wanted.texts().iter().map(|text| text.replace(changed, " "));
            assert_eq!(pairs.texts(), texts.collect::<Vec<_>>());
            assert_eq!(pairs.images(), wanted.images());
            assert_eq!(pairs.text_to_image(), wanted.text_to_image());
        }
    }
}

#[test]
fn a_part_that_cannot_be_had_is_replaced() {
    let mut first = part(AnnotationFormat::Table, &["absent.csv"]);
    first.otherwise = Some(Box::new(
        mapped(AnnotationFormat::Table, &["json_lists.csv"]).remove(0),
    ));
    let wanted = pairs(&TOGETHER, |row| row.image.clone());
    assert_eq!(read(&[first], &SPLITS).0, wanted);
}

fn open(source: &FilesSource, cache: &Path) -> ImageStore {
    let files = files();
    let opening = Opening {
        base: &golden(),
        cache,
        images: &SPLITS,
        reading: Reading {
            files: &files,
            splits: &SPLITS,
            wanted: &SPLITS,
            on_gap: OnGap::Fail,
            groups: None,
        },
    };
    ImageStore::open(source, &opening).expect("a data set")
}

/// Provides all images twice and compares their contents.
fn check_images(store: &ImageStore, name: &str) {
    let sums: BTreeMap<String, String> = expected()
        .into_iter()
        .map(|row| (row.image, row.sha256))
        .collect();
    for (split, pairs) in store.splits() {
        let images = pairs.images();
        let last = |image: &String| image.rsplit('/').next().expect("a name").to_owned();
        let wanted: Vec<_> = images
            .iter()
            .map(|image| sums[&last(image)].clone())
            .collect();
        for _ in 0..2 {
            let told = AtomicU64::new(0);
            let progress = |some| {
                told.fetch_add(some, Ordering::Relaxed);
            };
            store.provide(images, &progress).expect("images");
            assert_eq!(told.load(Ordering::Relaxed), images.len() as u64, "{name}");
            assert_eq!(
                store.contents(images).expect("files"),
                wanted,
                "{name}, {split}"
            );
        }
    }
}

#[test]
fn every_archive_gives_the_same_images() {
    for name in [
        "images_stored.zip",
        "images_deflated.zip",
        "images_pax.tar",
        "images_gnu.tar",
        "images.tar.gz",
        "images_lists.parquet",
        "images_rows.parquet",
    ] {
        let cache = tempfile::tempdir().expect("a folder");
        let karpathy = mapped(
            AnnotationFormat::Karpathy,
            &["caption_datasets.zip/dataset_coco.json"],
        );
        check_images(&open(&source(karpathy, place(&[name])), cache.path()), name);
    }
}

#[test]
fn images_named_with_their_folder() {
    for name in ["images_stored.zip", "images_gnu.tar", "images.tar.gz"] {
        let cache = tempfile::tempdir().expect("a folder");
        let lists = apart(AnnotationFormat::List, "blip");
        check_images(&open(&source(lists, place(&[name])), cache.path()), name);
    }
}

#[test]
fn images_in_the_file_with_their_captions() {
    let cache = tempfile::tempdir().expect("a folder");
    let file = "images_rows.parquet";
    let inside = mapped(AnnotationFormat::ImageParquet, &[file]);
    check_images(&open(&source(inside, place(&[file])), cache.path()), file);
}

/// One caption per line in the first shard, a JSON list in the second.
#[test]
fn shards() {
    let names = ["test-000000.tar", "test-000001.tar"];
    let mut part = part(AnnotationFormat::Shards, &names);
    part.split = Some("test".to_owned());
    let files = files();
    let cache = tempfile::tempdir().expect("a folder");
    let opening = Opening {
        base: &golden(),
        cache: cache.path(),
        images: &["test"],
        reading: Reading {
            files: &files,
            splits: &SPLITS,
            wanted: &["test"],
            on_gap: OnGap::Fail,
            groups: None,
        },
    };
    let store = ImageStore::open(&source(vec![part], place(&names)), &opening).expect("shards");
    check_images(&store, "shards");
    let wanted = &pairs(&TOGETHER, |row| row.image.clone())["test"];
    assert_eq!(store.splits()["test"].images(), wanted.images());
    assert_eq!(
        store.splits()["test"].text_to_image(),
        wanted.text_to_image()
    );
    let flat = |texts: &[String]| -> Vec<String> {
        texts.iter().map(|text| text.replace('\n', " ")).collect()
    };
    assert_eq!(flat(store.splits()["test"].texts()), flat(wanted.texts()));
    let second = &wanted.images()[1];
    let url = expected()
        .into_iter()
        .find(|row| row.image == *second)
        .expect("the second");
    assert_eq!(store.address(second), Some(url.url.as_str()));
}
