//! Token ids, embeddings and matching logits against the authors' model as LAVIS carries it, on tiny random checkpoints.

use nnn_encode::{CheckpointFiles, Encoder};
use nnn_testkit::checkpoints::{
    Golden, assert_alone_as_in_batches, assert_close, assert_ids, assert_pairs_alone_as_in_batches,
    coco_caption_ids, cosines, golden_folder, json, logits, states, test_compute, top10,
};
use std::path::PathBuf;

/// As fine-tuned; as pre-trained, within a masked language model and with positions to interpolate.
const CHECKPOINTS: [(&str, &str); 2] = [
    ("finetuned", "model.safetensors"),
    ("pretrained", "albef.pth"),
];

/// How far a value may lie from the reference's.
const MOST: f32 = 1e-4;

fn folder(name: &str) -> PathBuf {
    golden_folder("encoder-albef", name)
}

fn checkpoint(name: &str, weights: &str) -> Box<dyn Encoder> {
    let card = json(&folder(name).join("card.json"));
    let parts = ["config.json", "preprocessor_config.json"];
    let files = CheckpointFiles::default()
        .with_file("vocab.txt", folder(name).join("vocab.txt"))
        .with_file(weights, folder(name).join(weights));
    let files = parts.into_iter().fold(files, |files, part| {
        files.with_json(part, card[part].clone())
    });
    encoder_albef::load(&files, &test_compute()).expect("a checkpoint")
}

fn all() -> impl Iterator<Item = (&'static str, Box<dyn Encoder>, Golden)> {
    CHECKPOINTS.into_iter().map(|(name, weights)| {
        let golden = Golden::read(&folder(name));
        (name, checkpoint(name, weights), golden)
    })
}

#[test]
fn ids_and_embeddings_are_those_of_the_authors() {
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
        let theirs = cosines(&golden.image_rows, &golden.text_rows, dim);
        assert_eq!(top10(&ours, 14), top10(&theirs, 14), "{name}");
    }
}

#[test]
fn logits_of_a_match_are_those_of_the_authors() {
    for (name, encoder, golden) in all() {
        let head = encoder.reranker().expect("a matching head");
        assert!(!head.adds_similarity());
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
fn every_coco_caption_has_the_ids_of_the_authors_tokenizer() {
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
