//! The golden checkpoints, less what `torchscale` makes of them.
#![allow(dead_code)]

use nnn_encode::{CheckpointFiles, Encoder, LoadError};
use nnn_testkit::checkpoints::{golden_folder, test_compute};
use std::path::{Path, PathBuf};

pub(crate) fn folder(name: &str) -> PathBuf {
    golden_folder("encoder-beit3", name)
}

/// The files of a folder, less what the reference made of them, with the tokenizer, which all checkpoints share.
pub(crate) fn files(folder: &Path) -> CheckpointFiles {
    let all = CheckpointFiles::folder(folder).expect("a folder");
    let checkpoint = all.names().filter(|name| !name.starts_with("golden."));
    let path = |name| all.path(name).expect("a file").to_path_buf();
    let files = CheckpointFiles::default();
    let files = checkpoint.fold(files, |files, name| files.with_file(name, path(name)));
    let model = golden_folder("nnn-encode", "sentencepiece/unigram.model");
    files.with_file("beit3.spm", model)
}

pub(crate) fn load(folder: &Path) -> Result<Box<dyn Encoder>, LoadError> {
    encoder_beit3::load(&files(folder), &test_compute())
}

pub(crate) fn checkpoint(name: &str) -> Box<dyn Encoder> {
    load(&folder(name)).expect("a checkpoint")
}
