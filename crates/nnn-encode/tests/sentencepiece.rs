//! Token ids of SentencePiece models against the `sentencepiece` library and `transformers`' `XLMRobertaTokenizer`.
// Tests say what they skip.
#![allow(clippy::print_stdout)]

use nnn_encode::{CheckpointFiles, PieceFrame, TextTokenizer, TokenSettings, TokenizerError};
use nnn_files::sha256_bytes;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// Models beside the tests, and larger ones that the script makes where there is room for them.
const MODELS: [&str; 4] = ["unigram", "unigram-bytes", "bpe", "bpe-bytes"];
const LARGE: [&str; 2] = ["nfkc-unigram", "nfkc-bpe"];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sentencepiece")
}

fn large() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/sentencepiece")
}

fn json(path: &Path) -> Value {
    let text = fs::read_to_string(path).expect("a golden file");
    serde_json::from_str(&text).expect("JSON")
}

/// A file, or `None` and a line that says so.
fn present(path: PathBuf) -> Option<PathBuf> {
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}

fn captions() -> Option<Vec<String>> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let file = present(shared.join("coco-val2017/captions_val2017.json"))?;
    let captions = json(&file)["annotations"]
        .as_array()
        .expect("annotations")
        .clone();
    let caption = |it: &Value| it["caption"].as_str().expect("a caption").to_owned();
    Some(captions.iter().map(caption).collect())
}

fn files(path: PathBuf) -> CheckpointFiles {
    CheckpointFiles::default().with_file("a.model", path)
}

/// The model's own ids, uncut.
fn own(path: PathBuf) -> Result<TextTokenizer, TokenizerError> {
    let settings = TokenSettings::cut_to(10_000);
    TextTokenizer::sentencepiece(&files(path), "a.model", PieceFrame::default(), settings)
}

/// Every text's ids, and the checksum over those of all captions.
fn assert_golden(tokenizer: &TextTokenizer, file: &Path, captions: Option<&[String]>) {
    let golden = json(file);
    let texts: Vec<String> =
        serde_json::from_value(json(&self::golden().join("texts.json"))).expect("texts");
    let expected: Vec<Vec<u32>> = serde_json::from_value(golden["ids"].clone()).expect("ids");
    assert_eq!((texts.len(), expected.len()), (197, 197));
    let ids = |text: &str| tokenizer.ids(text).expect("ids");
    for (text, expected) in texts.iter().zip(&expected) {
        assert_eq!(&ids(text), expected, "{}: {text:?}", file.display());
    }
    let Some(captions) = captions else {
        return;
    };
    let mut bytes = Vec::new();
    for ids in captions.iter().map(|it| ids(it)) {
        bytes.extend((ids.len() as u32).to_le_bytes());
        bytes.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
    }
    assert_eq!(golden["captions"], captions.len());
    assert_eq!(golden["tokens"], bytes.len() / 4 - captions.len());
    assert_eq!(golden["sha256"], sha256_bytes(&bytes), "{}", file.display());
}

/// Guards against sums of scores in another precision than the library's, which split near-ties into other pieces.
#[test]
fn ids_are_those_of_the_library() {
    let captions = captions();
    let beside = MODELS.map(|name| (golden(), name));
    for (folder, name) in beside.into_iter().chain(LARGE.map(|name| (large(), name))) {
        let Some(model) = present(folder.join(format!("{name}.model"))) else {
            continue;
        };
        let tokenizer = own(model).expect("a model");
        assert_golden(
            &tokenizer,
            &folder.join(format!("{name}.json")),
            captions.as_deref(),
        );
    }
}

#[test]
fn ids_are_those_of_xlm_roberta() {
    let captions = captions();
    for (folder, name) in [(golden(), "unigram"), (large(), "nfkc-unigram")] {
        let Some(model) = present(folder.join(format!("{name}.model"))) else {
            continue;
        };
        let settings = TokenSettings::cut_to(64);
        let tokenizer = TextTokenizer::xlm_roberta(&files(model), "a.model", settings);
        let golden = folder.join(format!("xlm-{name}.json"));
        assert_golden(&tokenizer.expect("a model"), &golden, captions.as_deref());
    }
}

#[test]
fn a_frame_stands_around_every_text_and_is_kept() {
    let model = || files(golden().join("unigram.model"));
    let load = |frame, context| {
        let settings = TokenSettings::cut_to(context);
        TextTokenizer::sentencepiece(&model(), "a.model", frame, settings)
    };
    let plain = load(PieceFrame::default(), 100).expect("a model");
    let framed = PieceFrame {
        start: &["<s>"],
        end: &["</s>", "</s>"],
        whole: &["</s>"],
        dummy_prefix: None,
    };
    let ids = plain.ids("a man on a horse").expect("ids");
    assert!(ids.len() > 4);
    let around = load(framed, 100).expect("a model");
    assert_eq!(
        around.ids("a man on a horse").expect("ids"),
        [&[1], &ids[..], &[2, 2]].concat()
    );
    assert_eq!(
        around.ids("a man</s> on").expect("ids")[1..]
            .iter()
            .filter(|it| **it == 2)
            .count(),
        3
    );
    let cut = load(framed, 5).expect("a model");
    assert_eq!(
        cut.ids("a man on a horse").expect("ids"),
        [1, ids[0], ids[1], 2, 2]
    );
    assert_ne!(cut.sha256(), around.sha256());
    // Without the space in front, the first word is another.
    let bare = PieceFrame {
        dummy_prefix: Some(false),
        ..PieceFrame::default()
    };
    let bare = load(bare, 100).expect("a model");
    assert_ne!(
        bare.ids("horse").expect("ids"),
        plain.ids("horse").expect("ids")
    );
    assert_eq!(
        bare.ids("\u{2581}horse").expect("ids"),
        plain.ids("horse").expect("ids")
    );
    let unknown = PieceFrame {
        end: &["<eot>"],
        ..PieceFrame::default()
    };
    let error = load(unknown, 100).err().expect("no such piece").to_string();
    assert!(
        error.contains("a.model") || error.contains("unigram.model"),
        "{error}"
    );
    assert!(error.contains("lacks the piece <eot>"), "{error}");
}

/// A protobuf field of bytes.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [
        &[number << 3 | 2, u8::try_from(bytes.len()).expect("short")],
        bytes,
    ]
    .concat()
}

fn piece(text: &str, kind: u8) -> Vec<u8> {
    field(
        1,
        &[&field(1, text.as_bytes())[..], &[3 << 3, kind]].concat(),
    )
}

#[test]
fn what_is_no_model_is_refused() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("a.model");
    let unknown = piece("<unk>", 2);
    let broken_map = field(3, &field(2, &[9, 0, 0, 0, 1]));
    let bytes_asked_for = field(2, &[0x98, 2, 1]);
    for (bytes, part) in [
        (vec![], "one unknown piece is expected, received 0"),
        (vec![0xff; 30], "failed to decode"),
        (
            [&unknown[..], &unknown].concat(),
            "\"<unk>\" is there twice",
        ),
        ([&unknown[..], &piece("<u>", 2)].concat(), "received 2"),
        (
            [&unknown[..], &piece("", 1)].concat(),
            "piece 1 has the text \"\"",
        ),
        (
            [&unknown[..], &piece("a", 9)].concat(),
            "of an unknown kind",
        ),
        (
            [&unknown[..], &field(2, &[3 << 3, 3])].concat(),
            "received Word",
        ),
        (
            [&unknown[..], &field(2, &[3 << 3, 7])].concat(),
            "unknown kind",
        ),
        (
            [&unknown[..], &bytes_asked_for].concat(),
            "the byte piece <0x00> is missing",
        ),
        (
            [&unknown[..], &broken_map].concat(),
            "character map is broken",
        ),
    ] {
        fs::write(&path, bytes).expect("written");
        let error = own(path.clone()).err().expect(part);
        assert!(matches!(error, TokenizerError::Format { .. }), "{error}");
        let error = error.to_string();
        assert!(
            error.contains(part) && error.contains("a.model"),
            "{part}: {error}"
        );
    }
    fs::write(&path, [piece("a", 1), unknown].concat()).expect("written");
    assert_eq!(
        own(path.clone()).expect("a model").ids("a").expect("ids"),
        [1, 0]
    );
    let settings = TokenSettings::cut_to(64);
    let error = TextTokenizer::xlm_roberta(&files(path), "a.model", settings);
    let error = error
        .err()
        .expect("the unknown piece is second")
        .to_string();
    assert!(error.contains("expected first, received id 1"), "{error}");
    let absent = TextTokenizer::xlm_roberta(&CheckpointFiles::default(), "beit3.spm", settings);
    assert!(matches!(
        absent,
        Err(TokenizerError::Absent {
            expected: "beit3.spm",
            ..
        })
    ));
}
