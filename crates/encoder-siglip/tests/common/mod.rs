//! The golden checkpoints, less what `transformers` makes of them.
#![allow(dead_code)]

use nnn_encode::{CheckpointFiles, Encoder, LoadError};
use nnn_testkit::checkpoints::{golden_folder, json, test_compute};
use std::path::{Path, PathBuf};

/// A golden checkpoint's folder, or any other given by its whole path.
pub(crate) fn folder(name: &str) -> PathBuf {
    golden_folder("encoder-siglip", name)
}

/// The golden tokenizer that a golden checkpoint was made with; it belongs to nnn-encode.
pub(crate) fn tokenizer(name: &str) -> PathBuf {
    let golden = json(&folder(name).join("golden.json"));
    let tokenizer = golden["tokenizer"].as_str().expect("a name");
    golden_folder("nnn-encode", tokenizer).join("tokenizer.json")
}

pub(crate) fn load(folder: &Path) -> Result<Box<dyn Encoder>, LoadError> {
    encoder_siglip::load(&CheckpointFiles::folder(folder)?, &test_compute())
}

pub(crate) fn checkpoint(name: &str) -> Box<dyn Encoder> {
    let files = CheckpointFiles::folder(&folder(name)).expect("a folder");
    let files = files.with_file("tokenizer.json", tokenizer(name));
    encoder_siglip::load(&files, &test_compute()).expect("a checkpoint")
}
