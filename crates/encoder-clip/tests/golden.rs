//! Token ids and embeddings against `transformers` and `open_clip_torch`, on tiny random checkpoints and on the shipped
//! one.
// Tests say what they skip and what they measured.
#![allow(clippy::print_stdout)]

use nnn_encode::{CheckpointFiles, Compute, Encoder, ImageLimits, RgbImage, load_image};
use safetensors::SafeTensors;
use std::fs;
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

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// What the reference makes of some texts and images.
struct Golden {
    texts: Vec<String>,
    ids: Vec<Vec<u32>>,
    images: Vec<RgbImage>,
    text_rows: Vec<f32>,
    image_rows: Vec<f32>,
}

fn golden(name: &str) -> Golden {
    let folder = root().join("crates/encoder-clip/tests/golden").join(name);
    let json = fs::read_to_string(folder.join("golden.json")).expect("golden.json");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let bytes = fs::read(folder.join("golden.safetensors")).expect("golden.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let rows = |name| {
        let data = tensors.tensor(name).expect(name).data().as_chunks().0;
        data.iter().map(|it| f32::from_le_bytes(*it)).collect()
    };
    let names: Vec<String> = serde_json::from_value(json["images"].clone()).expect("names");
    let image = |name: &String| {
        let file = root()
            .join("crates/nnn-encode/tests/golden/images")
            .join(name);
        load_image(&file, ImageLimits::default()).expect("an image")
    };
    Golden {
        texts: serde_json::from_value(json["texts"].clone()).expect("texts"),
        ids: serde_json::from_value(json["ids"].clone()).expect("ids"),
        images: names.iter().map(image).collect(),
        text_rows: rows("texts"),
        image_rows: rows("images"),
    }
}

fn load(folder: &Path) -> Box<dyn Encoder> {
    let files = CheckpointFiles::folder(folder).expect("a folder");
    encoder_clip::load(&files, &Compute::default()).expect("a checkpoint")
}

fn checkpoint(name: &str) -> Box<dyn Encoder> {
    let folder = root().join("crates/encoder-clip/tests/golden").join(name);
    load(&folder)
}

fn texts(golden: &Golden) -> Vec<&str> {
    golden.texts.iter().map(String::as_str).collect()
}

/// Every value within 1e-4, every direction within 1e-6.
fn assert_close(ours: &[f32], theirs: &[f32], dim: usize, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let (mut worst, mut worst_cosine) = (0f32, 0f64);
    for (ours, theirs) in ours.chunks_exact(dim).zip(theirs.chunks_exact(dim)) {
        let largest = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
        worst = largest.fold(worst, f32::max);
        worst_cosine = worst_cosine
            .max(1.0 - dot(ours, theirs) / (dot(ours, ours) * dot(theirs, theirs)).sqrt());
    }
    println!("{what}: max {worst:e}, cosine distance {worst_cosine:e}");
    assert!(
        worst <= 1e-4 && worst_cosine <= 1e-6,
        "{what}: {worst:e}, {worst_cosine:e}"
    );
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(&a, &b)| f64::from(a) * f64::from(b))
        .sum()
}

fn assert_golden(encoder: &dyn Encoder, golden: &Golden, name: &str) {
    let dim = encoder.info().dim;
    for (text, ids) in golden.texts.iter().zip(&golden.ids) {
        assert_eq!(
            &encoder.prepare_text(text).expect("ids"),
            ids,
            "{name}: {text}"
        );
    }
    let ours = encoder.encode_texts(&texts(golden)).expect("texts");
    assert_close(&ours, &golden.text_rows, dim, &format!("{name} texts"));
    let ours = encoder.encode_images(&golden.images).expect("images");
    assert_close(&ours, &golden.image_rows, dim, &format!("{name} images"));
}

#[test]
fn ids_and_embeddings_are_those_of_the_reference() {
    for name in CHECKPOINTS {
        let golden = golden(name);
        assert_eq!((golden.texts.len(), golden.images.len()), (14, 14));
        assert_golden(&*checkpoint(name), &golden, name);
    }
}

#[test]
fn the_shipped_checkpoint_is_that_of_transformers() {
    let folder = root().join("data/blocks/blocks-clip");
    let golden_file = root().join("crates/encoder-clip/tests/golden/blocks-clip/golden.json");
    if !folder.join("model.safetensors").exists() || !golden_file.exists() {
        println!("skipped: no shipped checkpoint, or no golden of it");
        return;
    }
    let encoder = load(&folder);
    assert_golden(&*encoder, &golden("blocks-clip"), "blocks-clip");
}

#[test]
fn alone_is_as_in_a_batch_to_the_bit() {
    for name in CHECKPOINTS {
        let (encoder, golden) = (checkpoint(name), golden(name));
        let dim = encoder.info().dim;
        let texts = texts(&golden);
        let together = encoder.encode_texts(&texts).expect("texts");
        for (text, row) in texts.iter().zip(together.chunks_exact(dim)) {
            assert_eq!(
                encoder.encode_texts(&[text]).expect("a text"),
                row,
                "{name}: {text}"
            );
        }
        let together = encoder.encode_images(&golden.images).expect("images");
        for size in [1, 2, 3, 5] {
            let batches = golden.images.chunks(size);
            let rows: Vec<f32> = batches
                .flat_map(|batch| encoder.encode_images(batch).expect("a batch"))
                .collect();
            assert_eq!(rows, together, "{name}, batches of {size}");
        }
    }
}

#[test]
fn the_text_tower_looks_back_only_and_pools_at_the_first_end() {
    let encoder = checkpoint("quick-gelu-f32");
    let ids = encoder.prepare_text("a red circle").expect("ids");
    let end = *ids.last().expect("an end token");
    let plain = encoder
        .encode_tokens(std::slice::from_ref(&ids))
        .expect("features");
    // Whatever follows the first end token changes nothing.
    let longer = [ids.as_slice(), &[7, end, 9]].concat();
    let longer = encoder.encode_tokens(&[longer]).expect("features");
    assert_close(&longer, &plain, encoder.info().dim, "tail");
    let mut other = ids.clone();
    other[1] += 1;
    assert_ne!(encoder.encode_tokens(&[other]).expect("features"), plain);
}

/// Half types keep 10 and 7 bits after the point. Each of some thirty roundings on the way through two layers turns a
/// vector by about 2^-11 or 2^-8 at random; directions stay within three times their root sum of squares.
#[test]
fn half_precision_is_close_to_single() {
    for (dtype, unit) in [("f16", 2f64.powi(-11)), ("bf16", 2f64.powi(-8))] {
        let folder = root().join("crates/encoder-clip/tests/golden/quick-gelu-f32");
        let compute = Compute::new("cpu", dtype).expect("a number type");
        let files = CheckpointFiles::folder(&folder).expect("a folder");
        let encoder = encoder_clip::load(&files, &compute).expect("a checkpoint");
        assert_eq!(encoder.info().dtype, dtype);
        let golden = golden("quick-gelu-f32");
        let ours = [
            encoder.encode_texts(&texts(&golden)).expect("texts"),
            encoder.encode_images(&golden.images).expect("images"),
        ];
        let dim = encoder.info().dim;
        let angle = 3.0 * 30f64.sqrt() * unit;
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
