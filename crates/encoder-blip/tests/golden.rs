//! Token ids, embeddings and matching logits against `transformers`, on tiny random checkpoints.

use nnn_encode::{CheckpointFiles, Encoder, ExtractOptions, Pair, match_pairs};
use nnn_testkit::checkpoints::{
    Golden, assert_alone_as_in_batches, assert_close, assert_ids, assert_pairs_alone_as_in_batches,
    coco_caption_ids, cosines, golden_folder, json, logits, states, test_compute, top10,
};
use std::path::PathBuf;

/// As on the hub; a PyTorch archive at half precision; the authors' names, with positions to interpolate.
const CHECKPOINTS: [(&str, &str); 3] = [
    ("base-f32", "model.safetensors"),
    ("pickle-f16", "pytorch_model.bin"),
    ("authors-f32", "blip.pth"),
];

/// How far a value may lie from the reference's.
const MOST: f32 = 1e-4;

fn folder(name: &str) -> PathBuf {
    golden_folder("encoder-blip", name)
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
    encoder_blip::load(&files, &test_compute()).expect("a checkpoint")
}

fn all() -> impl Iterator<Item = (&'static str, Box<dyn Encoder>, Golden)> {
    CHECKPOINTS.into_iter().map(|(name, weights)| {
        let golden = Golden::read(&folder(name));
        (name, checkpoint(name, weights), golden)
    })
}

/// The first checkpoint and what the reference makes of it.
fn first() -> (Box<dyn Encoder>, Golden) {
    let (name, weights) = CHECKPOINTS[0];
    (checkpoint(name, weights), Golden::read(&folder(name)))
}

#[test]
fn ids_embeddings_and_cosines_are_those_of_transformers() {
    for (name, encoder, golden) in all() {
        let dim = encoder.info().dim;
        assert_eq!((golden.texts.len(), golden.images.len()), (14, 14));
        assert_ids(&*encoder, &golden, name);
        let text_rows = encoder.encode_texts(&golden.texts()).expect("texts");
        assert_close(
            &text_rows,
            &golden.text_rows,
            MOST,
            &format!("{name} texts"),
        );
        let image_rows = encoder.encode_images(&golden.images).expect("images");
        assert_close(
            &image_rows,
            &golden.image_rows,
            MOST,
            &format!("{name} images"),
        );
        let ours = cosines(&image_rows, &text_rows, dim);
        let single: Vec<f32> = ours.iter().map(|&it| it as f32).collect();
        assert_close(
            &single,
            golden.tensor("itc"),
            MOST,
            &format!("{name} cosines"),
        );
        assert_eq!(top10(&ours, 14), top10(golden.tensor("itc"), 14), "{name}");
    }
}

#[test]
fn logits_of_a_match_are_those_of_transformers() {
    for (name, encoder, golden) in all() {
        let head = encoder.reranker().expect("a matching head");
        assert!(head.adds_similarity());
        let ours = logits(head, &states(&*encoder, &golden.images), &golden.ids);
        assert_close(&ours, golden.tensor("itm"), MOST, &format!("{name} logits"));
        assert_eq!(top10(&ours, 14), top10(golden.tensor("itm"), 14), "{name}");
    }
}

#[test]
fn alone_is_as_in_a_batch_to_the_bit() {
    for (name, encoder, golden) in all() {
        assert_alone_as_in_batches(&*encoder, &golden, name);
        assert_pairs_alone_as_in_batches(&*encoder, &golden, name);
    }
}

#[test]
fn pairs_in_any_order_have_the_logits_of_single_pairs() {
    let (encoder, golden) = first();
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
    let (encoder, golden) = first();
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
    let golden = json(&folder("coco-tokens.json"));
    for (name, weights) in CHECKPOINTS {
        let Some(ours) = coco_caption_ids(&*checkpoint(name, weights)) else {
            return;
        };
        assert_eq!(golden["captions"], ours.captions);
        assert_eq!(golden["tokens"], ours.tokens);
        assert_eq!(golden["sha256"], ours.sha256, "{name}");
    }
}
