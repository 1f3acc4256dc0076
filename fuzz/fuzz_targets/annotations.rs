//! Published annotation files; the first byte picks the format.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_data::{
    AnnotationFormat, AnnotationPart, ColumnNames, FoundFile, OnGap, Reading, read_annotations,
};
use std::collections::BTreeMap;

const FORMATS: [(AnnotationFormat, &str); 12] = [
    (AnnotationFormat::Table, "it.csv"),
    (AnnotationFormat::Table, "it.tsv"),
    (AnnotationFormat::Visogender, "it.tsv"),
    (AnnotationFormat::Table, "it.txt"),
    (AnnotationFormat::Table, "it.token"),
    (AnnotationFormat::Parquet, "it.parquet"),
    (AnnotationFormat::Karpathy, "it.json"),
    (AnnotationFormat::List, "it.json"),
    (AnnotationFormat::List, "it.jsonl"),
    (AnnotationFormat::Coco, "it.json"),
    (AnnotationFormat::ImageParquet, "it.parquet"),
    (AnnotationFormat::Shards, "it.tar"),
];

fuzz_target!(|bytes: &[u8]| {
    let Some(((format, name), content)) = nnn_fuzz::pick(bytes, &FORMATS) else {
        return;
    };
    let path = nnn_fuzz::file(name, content);
    let part = AnnotationPart {
        files: vec![name.into()],
        format,
        split: Some("test".to_owned()),
        splits: BTreeMap::new(),
        columns: ColumnNames::default(),
        otherwise: None,
    };
    let sha256 = "0".repeat(64);
    let reading = Reading {
        files: &BTreeMap::from([(name.to_owned(), FoundFile { path, sha256 })]),
        splits: &["test"],
        wanted: &["test"],
        on_gap: OnGap::LeaveOut,
        groups: None,
    };
    let _ = read_annotations(&[part], &reading);
});
