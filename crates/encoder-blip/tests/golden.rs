//! Token ids, embeddings and matching logits against `transformers`, on tiny random checkpoints.
// Tests say what they skip and what they measured.
#![allow(clippy::print_stdout)]

#[path = "../../nnn-encode/tests/common/heads.rs"]
mod heads;

use heads::{assert_close, cosines, logits, states, top10};
use nnn_encode::{
    CheckpointFiles, Compute, Encoder, ExtractOptions, ImageLimits, Pair, RgbImage, load_image,
    match_pairs,
};
use safetensors::SafeTensors;
use std::fs;
use std::path::{Path, PathBuf};

/// As on the hub; a PyTorch archive at half precision; the authors' names, with positions to interpolate.
const CHECKPOINTS: [(&str, &str); 3] = [
    ("base-f32", "model.safetensors"),
    ("pickle-f16", "pytorch_model.bin"),
    ("authors-f32", "blip.pth"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder(name: &str) -> PathBuf {
    root().join("crates/encoder-blip/tests/golden").join(name)
}

/// What `transformers` makes of some texts and images.
struct Golden {
    texts: Vec<String>,
    ids: Vec<Vec<u32>>,
    files: Vec<PathBuf>,
    images: Vec<RgbImage>,
    text_rows: Vec<f32>,
    image_rows: Vec<f32>,
    /// Cosines, (images, texts).
    itc: Vec<f32>,
    /// Logits of a match, (images, texts).
    itm: Vec<f32>,
}

fn golden(name: &str) -> Golden {
    let json = fs::read_to_string(folder(name).join("golden.json")).expect("golden.json");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let bytes = fs::read(folder(name).join("golden.safetensors")).expect("golden.safetensors");
    let tensors = SafeTensors::deserialize(&bytes).expect("tensors");
    let rows = |name| {
        let data = tensors.tensor(name).expect(name).data().as_chunks().0;
        data.iter().map(|it| f32::from_le_bytes(*it)).collect()
    };
    let names: Vec<String> = serde_json::from_value(json["images"].clone()).expect("names");
    let images = root().join("crates/nnn-encode/tests/golden/images");
    let files: Vec<PathBuf> = names.iter().map(|name| images.join(name)).collect();
    let image = |file: &PathBuf| load_image(file, ImageLimits::default()).expect("an image");
    Golden {
        texts: serde_json::from_value(json["texts"].clone()).expect("texts"),
        ids: serde_json::from_value(json["ids"].clone()).expect("ids"),
        images: files.iter().map(image).collect(),
        files,
        text_rows: rows("texts"),
        image_rows: rows("images"),
        itc: rows("itc"),
        itm: rows("itm"),
    }
}

fn checkpoint(name: &str, weights: &str) -> Box<dyn Encoder> {
    let parts = [
        weights,
        "config.json",
        "preprocessor_config.json",
        "tokenizer.json",
        "vocab.txt",
    ];
    let present = parts.map(|it| (it, folder(name).join(it)));
    let files = present
        .into_iter()
        .filter(|(_, path)| path.exists())
        .fold(CheckpointFiles::default(), |files, (part, path)| {
            files.with_file(part, path)
        });
    encoder_blip::load(&files, &Compute::default()).expect("a checkpoint")
}

fn all() -> impl Iterator<Item = (&'static str, Box<dyn Encoder>, Golden)> {
    CHECKPOINTS
        .into_iter()
        .map(|(name, weights)| (name, checkpoint(name, weights), golden(name)))
}

fn texts(golden: &Golden) -> Vec<&str> {
    golden.texts.iter().map(String::as_str).collect()
}

#[test]
fn ids_embeddings_and_cosines_are_those_of_transformers() {
    for (name, encoder, golden) in all() {
        let dim = encoder.info().dim;
        assert_eq!((golden.texts.len(), golden.images.len()), (14, 14));
        for (text, ids) in golden.texts.iter().zip(&golden.ids) {
            let ours = encoder.prepare_text(text).expect("ids");
            assert_eq!(&ours, ids, "{name}: {text}");
        }
        let text_rows = encoder.encode_texts(&texts(&golden)).expect("texts");
        assert_close(&text_rows, &golden.text_rows, &format!("{name} texts"));
        let image_rows = encoder.encode_images(&golden.images).expect("images");
        assert_close(&image_rows, &golden.image_rows, &format!("{name} images"));
        let ours = cosines(&image_rows, &text_rows, dim);
        assert_close(&ours, &golden.itc, &format!("{name} cosines"));
        assert_eq!(top10(&ours, 14), top10(&golden.itc, 14), "{name}");
    }
}

#[test]
fn logits_of_a_match_are_those_of_transformers() {
    for (name, encoder, golden) in all() {
        let head = encoder.reranker().expect("a matching head");
        assert!(head.adds_similarity());
        let ours = logits(head, &states(&*encoder, &golden.images), &golden.ids);
        assert_close(&ours, &golden.itm, &format!("{name} logits"));
        assert_eq!(top10(&ours, 14), top10(&golden.itm, 14), "{name}");
    }
}

#[test]
fn alone_is_as_in_a_batch_to_the_bit() {
    for (name, encoder, golden) in all() {
        let dim = encoder.info().dim;
        let together = encoder.encode_texts(&texts(&golden)).expect("texts");
        for (text, row) in golden.texts.iter().zip(together.chunks_exact(dim)) {
            let alone = encoder.encode_texts(&[text]).expect("a text");
            assert_eq!(alone, row, "{name}: {text}");
        }
        let together = encoder.encode_images(&golden.images).expect("images");
        for (image, row) in golden.images.iter().zip(together.chunks_exact(dim)) {
            let alone = encoder.encode_images(std::slice::from_ref(image));
            assert_eq!(alone.expect("an image"), row, "{name}");
        }
        let head = encoder.reranker().expect("a matching head");
        let ids = vec![golden.ids[0].clone(); 40];
        let image = &states(&*encoder, &golden.images)[3];
        let alone = &states(&*encoder, &golden.images[3..4])[0];
        let many = head.matches(image, &ids).expect("logits");
        let one = head.matches(alone, &ids[..1]).expect("a logit");
        assert!(many.iter().all(|it| *it == one[0]), "{name}");
    }
}

#[test]
fn pairs_in_any_order_have_the_logits_of_single_pairs() {
    let (name, weights) = CHECKPOINTS[0];
    let (encoder, golden) = (checkpoint(name, weights), golden(name));
    let head = encoder.reranker().expect("a matching head");
    let expected = logits(head, &states(&*encoder, &golden.images), &golden.ids);
    let pair = |at: u32| Pair {
        image: at * 5 % 14,
        text: at * 3 % 13,
    };
    let pairs: Vec<Pair> = (0..60).map(pair).collect();
    let done = std::sync::Mutex::new(Vec::new());
    let note = |pairs: usize| done.lock().expect("a list").push(pairs);
    let options = ExtractOptions {
        progress: Some(&note),
        ..ExtractOptions::default()
    };
    let found = match_pairs(
        (&*encoder, head),
        &golden.files,
        &golden.texts,
        &pairs,
        &options,
    );
    let wanted = pairs
        .iter()
        .map(|it| expected[it.image as usize * 14 + it.text as usize]);
    assert_eq!(found.expect("logits"), wanted.collect::<Vec<_>>());
    let done = done.into_inner().expect("a list");
    assert_eq!((done.len(), done.last()), (14, Some(&60)));
}

#[test]
fn the_matching_head_sees_another_first_token_and_the_contrastive_one_no_image() {
    let (name, weights) = CHECKPOINTS[0];
    let (encoder, golden) = (checkpoint(name, weights), golden(name));
    let head = encoder.reranker().expect("a matching head");
    let mut other = golden.ids[0].clone();
    other[0] = 7;
    let image = &states(&*encoder, &golden.images)[0];
    let both = [golden.ids[0].clone(), other.clone()];
    let logits = head.matches(image, &both).expect("logits");
    assert_eq!(logits[0], logits[1]);
    let rows = encoder.encode_tokens(&both).expect("rows");
    let (first, second) = rows.split_at(encoder.info().dim);
    assert_ne!(first, second);
    assert_ne!(first.len(), 0);
}

#[test]
fn every_coco_caption_has_the_ids_of_transformers() {
    let file = root().join("../shared/data/coco-val2017/captions_val2017.json");
    if !file.exists() {
        println!("skipped: {} is absent", file.display());
        return;
    }
    let golden = fs::read_to_string(folder("coco-tokens.json")).expect("coco-tokens.json");
    let golden: serde_json::Value = serde_json::from_str(&golden).expect("JSON");
    let captions = fs::read_to_string(file).expect("captions");
    let captions: serde_json::Value = serde_json::from_str(&captions).expect("JSON");
    let captions = captions["annotations"].as_array().expect("annotations");
    for (name, weights) in CHECKPOINTS {
        let encoder = checkpoint(name, weights);
        let mut serialised = Vec::new();
        for caption in captions {
            let ids = encoder.prepare_text(caption["caption"].as_str().expect("a caption"));
            let ids = ids.expect("ids");
            serialised.extend((ids.len() as u32).to_le_bytes());
            serialised.extend(ids.iter().flat_map(|id| id.to_le_bytes()));
        }
        assert_eq!(golden["captions"], captions.len());
        assert_eq!(golden["tokens"], serialised.len() / 4 - captions.len());
        let sum = nnn_files::sha256_bytes(&serialised);
        assert_eq!(golden["sha256"], sum, "{name}");
    }
}
