//! The JSON of checkpoints, `config.json` and after a line `---` `preprocessor_config.json`, with sound weights beside them. The
//! first byte picks the family.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nnn_encode::{CheckpointFiles, Compute, Encoder, LoadError, RgbImage};
use serde_json::Value;
use std::path::Path;
use std::sync::LazyLock;

type Load = fn(&CheckpointFiles, &Compute) -> Result<Box<dyn Encoder>, LoadError>;

const FAMILIES: [(Load, &str, &str); 6] = [
    (
        encoder_clip::load,
        "config.json",
        "encoder-clip/tests/golden/quick-gelu-f32",
    ),
    (
        encoder_clip::load,
        "open_clip_config.json",
        "encoder-clip/tests/golden/open-clip-quick-gelu-f32",
    ),
    (
        encoder_siglip::load,
        "config.json",
        "encoder-siglip/tests/golden/siglip-f32",
    ),
    (
        encoder_albef::load,
        "config.json",
        "encoder-albef/tests/golden/pretrained",
    ),
    (
        encoder_beit3::load,
        "config.json",
        "encoder-beit3/tests/golden/base-384-f16",
    ),
    (
        encoder_blip::load,
        "config.json",
        "encoder-blip/tests/golden/base-f32",
    ),
];

static COMPUTE: LazyLock<Compute> = LazyLock::new(|| Compute::new("cpu", "f32").expect("a CPU"));

fn files(folder: &str) -> CheckpointFiles {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let tokens = crates.join("nnn-encode/tests/golden");
    CheckpointFiles::folder(&crates.join(folder))
        .expect("a folder")
        .with_file("spiece.model", tokens.join("siglip/spiece.model"))
        .with_file("beit3.spm", tokens.join("sentencepiece/unigram.model"))
}

fuzz_target!(|bytes: &[u8]| {
    let Some(((load, name, folder), content)) = nnn_fuzz::pick(bytes, &FAMILIES) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(content) else {
        return;
    };
    let (config, pixels) = text.split_once("\n---\n").unwrap_or((text, ""));
    let Ok(config) = serde_json::from_str::<Value>(config) else {
        return;
    };
    let mut files = files(folder).with_json(name, config);
    if let Ok(pixels) = serde_json::from_str(pixels) {
        files = files.with_json("preprocessor_config.json", pixels);
    }
    match load(&files, &COMPUTE) {
        Ok(encoder) => {
            let _ = encoder.encode_images(&[RgbImage::new(5, 3)]);
            let _ = encoder.encode_texts(&["a dog"]);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
