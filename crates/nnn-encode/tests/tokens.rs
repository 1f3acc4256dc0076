//! Token ids against `transformers`, under CLIP's own vocabulary and under small ones for SigLIP and SigLIP 2.
// Tests say what they skip and what they measured.
#![allow(clippy::print_stdout)]

mod common;

use common::json;
use nnn_encode::{CheckpointFiles, TextTokenizer, TokenSettings, TokenizerError};
use nnn_files::sha256_bytes;
use std::path::{Path, PathBuf};

/// Data that is not part of the repository; `None`, with a line that says so, where it is absent.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(name);
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn ids(value: &serde_json::Value) -> Vec<u32> {
    serde_json::from_value(value.clone()).expect("ids")
}

fn files(folder: &Path) -> CheckpointFiles {
    CheckpointFiles::folder(folder).expect("a folder")
}

#[test]
fn every_coco_caption_has_the_ids_of_transformers() {
    let (Some(vocabulary), Some(captions)) = (
        shared("clip-tokenizer"),
        shared("coco-val2017/captions_val2017.json"),
    ) else {
        return;
    };
    let tokenizer = TextTokenizer::clip(&files(&vocabulary), TokenSettings::cut_to(77))
        .expect("CLIP's tokenizer");
    let golden = json("coco-tokens.json");
    for key in ["examples", "texts"] {
        for example in golden[key].as_array().expect("examples") {
            let caption = example["caption"].as_str().expect("a caption");
            assert_eq!(
                tokenizer.ids(caption).expect("ids"),
                ids(&example["ids"]),
                "{caption}"
            );
        }
    }
    let captions = std::fs::read_to_string(captions).expect("captions");
    let captions: serde_json::Value = serde_json::from_str(&captions).expect("JSON");
    let captions = captions["annotations"].as_array().expect("annotations");
    let mut serialised = Vec::new();
    for caption in captions {
        let ids = tokenizer.ids(caption["caption"].as_str().expect("a caption"));
        let ids = ids.expect("ids");
        serialised.extend((ids.len() as u32).to_le_bytes());
        serialised.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
    }
    assert_eq!(golden["captions"], captions.len());
    assert_eq!(golden["tokens"], serialised.len() / 4 - captions.len());
    assert_eq!(golden["sha256"], sha256_bytes(&serialised));
}

/// A golden tokenizer of SigLIP or SigLIP 2, from the one file named.
fn siglip(name: &str, file: &str, context: usize) -> Result<TextTokenizer, TokenizerError> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = CheckpointFiles::default().with_file(file, folder.join(name).join(file));
    TextTokenizer::siglip(&files, context)
}

const SIGLIP_FILES: [(&str, &str); 4] = [
    ("siglip", "tokenizer.json"),
    ("siglip", "spiece.model"),
    ("siglip2", "tokenizer.json"),
    ("siglip2", "tokenizer.model"),
];

#[test]
fn siglip_texts_have_the_ids_of_transformers() {
    for (name, file) in SIGLIP_FILES {
        let tokenizer = siglip(name, file, 64).expect("a tokenizer");
        let golden = json(&format!("{name}/golden.json"));
        let texts = golden["texts"].as_array().expect("texts");
        assert!(texts.len() > 20);
        for example in texts {
            let text = example["text"].as_str().expect("a text");
            let mut expected = ids(&example["ids"]);
            expected.resize(64, *expected.last().expect("an id"));
            assert_eq!(
                tokenizer.ids(text).expect("ids"),
                expected,
                "{name}/{file}: {text:?}"
            );
        }
    }
}

#[test]
fn every_coco_caption_has_the_siglip_ids_of_transformers() {
    let Some(captions) = shared("coco-val2017/captions_val2017.json") else {
        return;
    };
    let captions = std::fs::read_to_string(captions).expect("captions");
    let captions: serde_json::Value = serde_json::from_str(&captions).expect("JSON");
    let captions = captions["annotations"].as_array().expect("annotations");
    for (name, file) in SIGLIP_FILES {
        let tokenizer = siglip(name, file, 64).expect("a tokenizer");
        let golden = json(&format!("{name}/golden.json"));
        assert_eq!(golden["captions"], captions.len());
        let mut serialised = Vec::new();
        for caption in captions {
            let ids = tokenizer.ids(caption["caption"].as_str().expect("a caption"));
            serialised.extend(ids.expect("ids").iter().flat_map(|id| id.to_le_bytes()));
        }
        assert_eq!(golden["sha256"], sha256_bytes(&serialised), "{name}/{file}");
    }
}

#[test]
fn siglip_fills_up_and_cuts_with_the_end_token_kept() {
    for (name, end, pad) in [("siglip", 1, 1), ("siglip2", 1, 0)] {
        let whole = siglip(name, "tokenizer.json", 64).expect("a tokenizer");
        let whole = whole.ids("a red dog on a mat").expect("ids");
        let length = whole.iter().position(|&id| id == end).expect("an end");
        assert!((4..20).contains(&length), "{whole:?}");
        assert_eq!(whole[length + 1..], vec![pad; 63 - length]);
        let cut = siglip(name, "tokenizer.json", 4).expect("a tokenizer");
        let cut = cut.ids("a red dog on a mat").expect("ids");
        assert_eq!(cut, [&whole[..3], &[end]].concat(), "{name}");
        let short = siglip(name, "tokenizer.json", 2).err();
        assert!(matches!(
            short,
            Some(TokenizerError::ContextLength { received: 2 })
        ));
    }
}

#[test]
fn long_texts_keep_both_ends() {
    let Some(vocabulary) = shared("clip-tokenizer") else {
        return;
    };
    let tokenizer = TextTokenizer::clip(&files(&vocabulary), TokenSettings::cut_to(5))
        .expect("CLIP's tokenizer");
    let ids = tokenizer.ids("a cat on a mat").expect("ids");
    assert_eq!(ids, [49_406, 320, 2368, 525, 49_407]);
    let other = TextTokenizer::clip(&files(&vocabulary), TokenSettings::cut_to(6))
        .expect("CLIP's tokenizer");
    assert_ne!(tokenizer.sha256(), other.sha256());
}

#[test]
fn a_folder_without_a_tokenizer_says_so() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let load =
        |length| match TextTokenizer::clip(&files(folder.path()), TokenSettings::cut_to(length)) {
            Ok(_) => panic!("there is no tokenizer"),
            Err(error) => error,
        };
    assert!(matches!(load(77), TokenizerError::Absent { .. }));
    std::fs::write(folder.path().join("vocab.json"), r#"{"a": 0, "b": 1}"#).expect("written");
    assert!(matches!(load(77), TokenizerError::Absent { .. }));
    std::fs::write(folder.path().join("merges.txt"), "#version: 0.2\n").expect("written");
    let error = load(77).to_string();
    assert!(error.contains("lacks <|startoftext|>"), "{error}");
    std::fs::write(folder.path().join("tokenizer.json"), "{").expect("written");
    assert!(matches!(load(77), TokenizerError::Format { .. }));
}

/// Guards against a mark that becomes part of a token, a carriage return that becomes part of a merge, and a library that takes
/// names of files in UTF-8 only.
#[cfg(target_os = "linux")]
#[test]
fn vocabularies_as_windows_saves_them_below_a_name_that_is_no_text() {
    use std::os::unix::ffi::OsStrExt;
    let clip = r#"{"<|startoftext|>": 0, "<|endoftext|>": 1, "a": 2, "b</w>": 3, "ab</w>": 4}"#;
    let written = [
        ("vocab.json", format!("{clip}\n")),
        ("merges.txt", "#version: 0.2\na b</w>\n".to_owned()),
        (
            "vocab.txt",
            "[PAD]\n[UNK]\n[CLS]\n[SEP]\nhello\n##s\n".to_owned(),
        ),
    ];
    let root = tempfile::tempdir().expect("a temporary folder");
    for (name, marked) in [(&b"a"[..], false), (b"a\xff", true)] {
        let folder = root.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::create_dir(&folder).expect("a folder");
        for (file, text) in &written {
            let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
            let text = if marked { &windows } else { text };
            std::fs::write(folder.join(file), text).expect("written");
        }
        let settings = || TokenSettings::cut_to(8);
        let clip = TextTokenizer::clip(&files(&folder), settings()).expect("a tokenizer");
        assert_eq!(clip.ids("AB").expect("ids"), [0, 4, 1], "{marked}");
        let bert = TextTokenizer::bert(&files(&folder), settings()).expect("a tokenizer");
        assert_eq!(bert.ids("Hellos").expect("ids"), [2, 4, 5, 3], "{marked}");
    }
}

#[test]
fn a_merge_that_is_none_is_named_by_its_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
    write("merges.txt", "#version: 0.2\na b c\n").expect("written");
    for (vocab, part) in [
        (
            r#"{"a": 0}"#,
            "merges.txt does not hold a tokenizer: line 2: \"a b c\"",
        ),
        (
            r#"{"a": "x"}"#,
            "vocab.json does not hold a tokenizer: token \"a\" has the id \"x\"",
        ),
        (
            "[]",
            "vocab.json does not hold a tokenizer: expected an object",
        ),
    ] {
        write("vocab.json", vocab).expect("written");
        let opened = TextTokenizer::clip(&files(folder.path()), TokenSettings::cut_to(8));
        let error = opened.err().expect("no tokenizer").to_string();
        assert!(error.contains(part), "{error}");
    }
}
