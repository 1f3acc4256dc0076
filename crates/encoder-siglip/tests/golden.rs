//! Token ids and embeddings against `transformers`, on tiny random checkpoints.

mod common;

use common::{checkpoint, folder};
use nnn_testkit::checkpoints::{
    Golden, assert_alone_as_in_batches, assert_close, assert_directions, nearest,
};

const CHECKPOINTS: [&str; 3] = ["siglip-f32", "siglip2-bf16", "siglip-pickle-f16"];

/// How far a value may lie from the reference's: sums of some hundred products of numbers around one, in single precision
/// on both sides.
const MOST: f32 = 1e-5;

/// The same of a direction, as one less the cosine.
const MOST_TURNED: f64 = 1e-9;

#[test]
fn ids_embeddings_and_top_lists_are_those_of_transformers() {
    for name in CHECKPOINTS {
        let (encoder, golden) = (checkpoint(name), Golden::read(&folder(name)));
        let dim = encoder.info().dim;
        assert_eq!((golden.texts.len(), golden.images.len()), (20, 14));
        // The reference's ids are without the padding after the first of it.
        for (text, ids) in golden.texts.iter().zip(&golden.ids) {
            let ours = encoder.prepare_text(text).expect("ids");
            let mut theirs = ids.clone();
            theirs.resize(ours.len(), *ids.last().expect("an id"));
            assert_eq!(ours, theirs, "{name}: {text}");
        }
        let texts = encoder.encode_texts(&golden.texts()).expect("texts");
        let images = encoder.encode_images(&golden.images).expect("images");
        for (what, ours, theirs) in [
            ("texts", &texts, &golden.text_rows),
            ("images", &images, &golden.image_rows),
        ] {
            let what = format!("{name} {what}");
            assert_close(ours, theirs, MOST, &what);
            assert_directions(ours, theirs, dim, MOST_TURNED, &what);
        }
        let theirs = nearest(&golden.text_rows, &golden.image_rows, dim);
        assert_eq!(nearest(&texts, &images, dim), theirs, "{name}");
    }
}

#[test]
fn alone_is_as_in_a_batch_to_the_bit() {
    for name in CHECKPOINTS {
        let (encoder, golden) = (checkpoint(name), Golden::read(&folder(name)));
        assert_alone_as_in_batches(&*encoder, &golden, name);
    }
}

#[test]
fn padding_counts_and_every_token_sees_all() {
    let encoder = checkpoint("siglip-f32");
    let ids = encoder.prepare_text("a red circle").expect("ids");
    assert_eq!(ids.len(), 24, "filled up to the context");
    let features = |ids: &[u32]| encoder.encode_tokens(&[ids.to_vec()]).expect("features");
    let plain = features(&ids);
    assert_ne!(features(&ids[..10]), plain, "less padding");
    for at in [0, 23] {
        let mut other = ids.clone();
        other[at] = 0;
        assert_ne!(features(&other), plain, "position {at}");
    }
}
