//! open_clip's cleaning of texts against `open_clip_torch` and `ftfy`.
// Tests say what they skip and what they measured.
#![allow(clippy::print_stdout)]

mod common;

use common::json;
use nnn_encode::OpenClipCleaning;
use nnn_files::sha256_bytes;
use std::fs;
use std::path::Path;

#[test]
fn hard_cases_are_cleaned_as_by_open_clip() {
    let golden = json("open-clip-cleaning.json");
    let examples = golden["examples"].as_array().expect("examples");
    let mut differ = Vec::new();
    for example in examples {
        let text = example["text"].as_str().expect("a text");
        for mode in ["lower", "whitespace", "canonicalize"] {
            let cleaning = OpenClipCleaning::named(mode).expect(mode);
            let (ours, theirs) = (cleaning.clean(text), &example[mode]);
            if ours != *theirs {
                differ.push(format!("{mode} of {text:?}: {ours:?}, not {theirs}"));
            }
        }
    }
    assert!(examples.len() > 100);
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// The captions as one text, a line each, against the checksum of what open_clip makes of them.
fn assert_sum(name: &str, captions: &[String]) {
    let clean = |text: &String| OpenClipCleaning::Lower.clean(text);
    let cleaned: Vec<String> = captions.iter().map(clean).collect();
    let golden = &json("open-clip-cleaning.json")["sums"][name];
    assert_eq!(golden["texts"], captions.len(), "{name}");
    assert_eq!(
        golden["sha256"],
        sha256_bytes(cleaned.join("\n").as_bytes()),
        "{name}"
    );
}

#[test]
fn every_coco_caption_is_cleaned_as_by_open_clip() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/coco-val2017/captions_val2017.json");
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: {} is absent", path.display());
        return;
    };
    let coco: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let captions = coco["annotations"].as_array().expect("annotations");
    let captions = captions
        .iter()
        .map(|it| it["caption"].as_str().expect("a caption").to_owned());
    assert_sum("coco", &captions.collect::<Vec<_>>());
}
