//! The golden checkpoints and what `torchscale` makes of them.
#![allow(dead_code)]

use nnn_encode::{CheckpointFiles, Compute, Encoder, LoadError, RgbImage, load_image};
use safetensors::SafeTensors;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) const CHECKPOINTS: [&str; 3] = ["base-384-f16", "large-224-f32", "itc-resized-bf16"];

/// What the reference makes of some texts and images.
pub(crate) struct Golden {
    pub(crate) texts: Vec<String>,
    pub(crate) ids: Vec<Vec<u32>>,
    pub(crate) images: Vec<RgbImage>,
    pub(crate) text_rows: Vec<f32>,
    pub(crate) image_rows: Vec<f32>,
}

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn encode_golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../nnn-encode/tests/golden")
}

/// The files of a folder, less what the reference made of them, with the tokenizer, which all checkpoints share.
pub(crate) fn files(folder: &Path) -> CheckpointFiles {
    let all = CheckpointFiles::folder(folder).expect("a folder");
    let checkpoint = all.names().filter(|name| !name.starts_with("golden."));
    let path = |name| all.path(name).expect("a file").to_path_buf();
    let files = CheckpointFiles::default();
    let files = checkpoint.fold(files, |files, name| files.with_file(name, path(name)));
    let model = encode_golden().join("sentencepiece/unigram.model");
    files.with_file("beit3.spm", model)
}

pub(crate) fn load(folder: &Path) -> Result<Box<dyn Encoder>, LoadError> {
    encoder_beit3::load(&files(folder), &Compute::default())
}

pub(crate) fn checkpoint(name: &str) -> Box<dyn Encoder> {
    load(&folder(name)).expect("a checkpoint")
}

pub(crate) fn golden(name: &str) -> Golden {
    let json = fs::read_to_string(folder(name).join("golden.json")).expect("golden.json");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let bytes = fs::read(folder(name).join("golden.safetensors")).expect("golden.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let rows = |name| {
        let data = tensors.tensor(name).expect(name).data().as_chunks().0;
        data.iter().map(|it| f32::from_le_bytes(*it)).collect()
    };
    let names: Vec<String> = serde_json::from_value(json["images"].clone()).expect("names");
    let image = |name: &String| {
        let file = encode_golden().join("images").join(name);
        load_image(&file, Default::default()).expect("an image")
    };
    Golden {
        texts: serde_json::from_value(json["texts"].clone()).expect("texts"),
        ids: serde_json::from_value(json["ids"].clone()).expect("ids"),
        images: names.iter().map(image).collect(),
        text_rows: rows("texts"),
        image_rows: rows("images"),
    }
}
