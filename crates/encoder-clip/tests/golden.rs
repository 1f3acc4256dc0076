//! Token ids and embeddings against `transformers` and `open_clip_torch`, on tiny random checkpoints and on the shipped
//! one.
// Tests say what they skip and what they measured.
#![allow(clippy::print_stdout)]

use nnn_encode::{CheckpointFiles, Compute, Encoder};
use nnn_testkit::checkpoints::{
    Golden, assert_alone_as_in_batches, assert_close, assert_directions, assert_ids, dot,
    golden_folder, test_compute, workspace,
};
use std::path::{Path, PathBuf};

/// Hugging Face's layout against `transformers`, open_clip's against `open_clip_torch`.
const CHECKPOINTS: [&str; 7] = [
    "quick-gelu-f32",
    "gelu-f16",
    "pickle-2021",
    "legacy-eos-bf16",
    "open-clip-quick-gelu-f32",
    "open-clip-gelu-f16",
    "open-clip-custom-text",
];

fn folder(name: &str) -> PathBuf {
    golden_folder("encoder-clip", name)
}

fn load(folder: &Path) -> Box<dyn Encoder> {
    let files = CheckpointFiles::folder(folder).expect("a folder");
    encoder_clip::load(&files, &test_compute()).expect("a checkpoint")
}

/// Every value within 1e-4, every direction within 1e-6.
fn assert_golden(encoder: &dyn Encoder, golden: &Golden, name: &str) {
    assert_ids(encoder, golden, name);
    let texts = encoder.encode_texts(&golden.texts()).expect("texts");
    let images = encoder.encode_images(&golden.images).expect("images");
    for (what, ours, theirs) in [
        ("texts", &texts, &golden.text_rows),
        ("images", &images, &golden.image_rows),
    ] {
        let what = format!("{name} {what}");
        assert_close(ours, theirs, 1e-4, &what);
        assert_directions(ours, theirs, encoder.info().dim, 1e-6, &what);
    }
}

#[test]
fn ids_and_embeddings_are_those_of_the_reference() {
    for name in CHECKPOINTS {
        let golden = Golden::read(&folder(name));
        assert_eq!((golden.texts.len(), golden.images.len()), (14, 14));
        assert_golden(&*load(&folder(name)), &golden, name);
    }
}

#[test]
fn the_shipped_checkpoint_is_that_of_transformers() {
    let shipped = workspace().join("data/blocks/blocks-clip");
    let golden = folder("blocks-clip");
    if !shipped.join("model.safetensors").exists() || !golden.join("golden.json").exists() {
        println!("skipped: no shipped checkpoint, or no golden of it");
        return;
    }
    assert_golden(&*load(&shipped), &Golden::read(&golden), "blocks-clip");
}

#[test]
fn alone_is_as_in_a_batch_to_the_bit() {
    for name in CHECKPOINTS {
        let golden = Golden::read(&folder(name));
        assert_alone_as_in_batches(&*load(&folder(name)), &golden, name);
    }
}

#[test]
fn the_text_tower_looks_back_only_and_pools_at_the_first_end() {
    let encoder = load(&folder("quick-gelu-f32"));
    let ids = encoder.prepare_text("a red circle").expect("ids");
    let end = *ids.last().expect("an end token");
    let plain = encoder
        .encode_tokens(std::slice::from_ref(&ids))
        .expect("features");
    // Whatever follows the first end token changes nothing.
    let longer = [ids.as_slice(), &[7, end, 9]].concat();
    let longer = encoder.encode_tokens(&[longer]).expect("features");
    assert_close(&longer, &plain, 1e-4, "tail");
    assert_directions(&longer, &plain, encoder.info().dim, 1e-6, "tail");
    let mut other = ids.clone();
    other[1] += 1;
    assert_ne!(encoder.encode_tokens(&[other]).expect("features"), plain);
}

/// Half types keep 10 and 7 bits after the point. Each of some thirty roundings on the way through two layers turns a
/// vector by about 2^-11 or 2^-8 at random; directions stay within three times their root sum of squares. In bf16 there are
/// twelve layers with two rounded factors each, and nothing else is rounded.
#[test]
fn half_precision_is_close_to_single() {
    for (dtype, named, roundings, unit) in [
        ("f16", "f16", 30.0, 2f64.powi(-11)),
        ("bf16", "bf16 products", 24.0, 2f64.powi(-8)),
    ] {
        let folder = folder("quick-gelu-f32");
        let compute = Compute::new("cpu", dtype).expect("a number type");
        let files = CheckpointFiles::folder(&folder).expect("a folder");
        let encoder = encoder_clip::load(&files, &compute).expect("a checkpoint");
        assert_eq!(encoder.info().dtype, named);
        let golden = Golden::read(&folder);
        let ours = [
            encoder.encode_texts(&golden.texts()).expect("texts"),
            encoder.encode_images(&golden.images).expect("images"),
        ];
        let dim = encoder.info().dim;
        let angle = 3.0 * f64::sqrt(roundings) * unit;
        for (ours, theirs) in ours.iter().zip([&golden.text_rows, &golden.image_rows]) {
            assert_ne!(ours, theirs, "{dtype} was not used");
            for (a, b) in ours.chunks_exact(dim).zip(theirs.chunks_exact(dim)) {
                let cosine = dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
                assert!(cosine >= angle.cos(), "{dtype}: cosine {cosine}");
            }
        }
    }
}

#[test]
fn unknown_devices_and_number_types_are_named() {
    let error = |device, dtype| {
        Compute::new(device, dtype)
            .expect_err("refused")
            .to_string()
    };
    assert_eq!(
        error("tpu", "f32"),
        "unknown device `tpu`, expected `cpu` or `cuda`"
    );
    assert_eq!(
        error("cpu", "f64"),
        "unknown number type `f64`, expected `f32`, `f16` or `bf16`"
    );
    if !cfg!(feature = "cuda") {
        assert!(error("cuda", "f32").contains("built without the feature `cuda`"));
    }
}
