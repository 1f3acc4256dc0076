//! The golden checkpoints and what `transformers` makes of them.
#![allow(dead_code)]

use nnn_encode::{CheckpointFiles, Compute, Encoder, ImageLimits, LoadError, RgbImage, load_image};
use safetensors::SafeTensors;
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) const CHECKPOINTS: [&str; 3] = ["siglip-f32", "siglip2-bf16", "siglip-pickle-f16"];

/// What `transformers` makes of some texts and images.
pub(crate) struct Golden {
    pub(crate) texts: Vec<String>,
    /// Without the padding after the first of it.
    pub(crate) ids: Vec<Vec<u32>>,
    pub(crate) images: Vec<RgbImage>,
    pub(crate) text_rows: Vec<f32>,
    pub(crate) image_rows: Vec<f32>,
}

impl Golden {
    pub(crate) fn texts(&self) -> Vec<&str> {
        self.texts.iter().map(String::as_str).collect()
    }
}

/// A golden checkpoint's folder, or any other given by its whole path.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// A file of the golden tokenizers and images, which belong to nnn-encode.
pub(crate) fn shared(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../nnn-encode/tests/golden")
        .join(name)
}

fn json(name: &str) -> serde_json::Value {
    let text = fs::read_to_string(folder(name).join("golden.json")).expect("golden.json");
    serde_json::from_str(&text).expect("JSON")
}

/// The golden tokenizer that a golden checkpoint was made with.
pub(crate) fn tokenizer(name: &str) -> PathBuf {
    let tokenizer = json(name)["tokenizer"].as_str().expect("a name").to_owned();
    shared(&tokenizer).join("tokenizer.json")
}

pub(crate) fn golden(name: &str) -> Golden {
    let json = json(name);
    let bytes = fs::read(folder(name).join("golden.safetensors")).expect("golden.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let rows = |name| {
        let data = tensors.tensor(name).expect(name).data().as_chunks().0;
        data.iter().map(|it| f32::from_le_bytes(*it)).collect()
    };
    let names: Vec<String> = serde_json::from_value(json["images"].clone()).expect("names");
    let image = |name: &String| {
        let file = shared("images").join(name);
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

pub(crate) fn load(folder: &Path) -> Result<Box<dyn Encoder>, LoadError> {
    encoder_siglip::load(&CheckpointFiles::folder(folder)?, &Compute::default())
}

pub(crate) fn checkpoint(name: &str) -> Box<dyn Encoder> {
    let files = CheckpointFiles::folder(&folder(name)).expect("a folder");
    let files = files.with_file("tokenizer.json", tokenizer(name));
    encoder_siglip::load(&files, &Compute::default()).expect("a checkpoint")
}

pub(crate) fn dot(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    products.sum()
}

/// The ten nearest rows of `gallery` by cosine, for every row of `queries`.
pub(crate) fn top10(queries: &[f32], gallery: &[f32], dim: usize) -> Vec<Vec<usize>> {
    let cosine = |a: &[f32], b: &[f32]| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt();
    let nearest = |query: &[f32]| {
        let mut items: Vec<(usize, f64)> = gallery
            .chunks_exact(dim)
            .map(|it| cosine(query, it))
            .enumerate()
            .collect();
        items.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        items.iter().take(10).map(|it| it.0).collect()
    };
    queries.chunks_exact(dim).map(nearest).collect()
}
