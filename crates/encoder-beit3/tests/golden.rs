//! Token ids and embeddings against `torchscale`, on tiny random checkpoints of the published layouts.

mod common;

use common::{checkpoint, folder};
use nnn_testkit::checkpoints::{
    Golden, assert_alone_as_in_batches, assert_close, assert_ids, nearest,
};

const CHECKPOINTS: [&str; 3] = ["base-384-f16", "large-224-f32", "itc-resized-bf16"];

/// How far a value may lie from the reference's: twelve products and norms deep in single precision at values of a few
/// units, of which torch sums in another order.
const MOST: f32 = 2e-5;

/// The reference padded its texts and masked the padding; here batches hold texts of one length and no padding.
/// Guards against a fast path through the layers that leaves out the norms of sub-LN.
#[test]
fn ids_embeddings_and_rankings_are_those_of_torchscale() {
    for name in CHECKPOINTS {
        let (encoder, golden) = (checkpoint(name), Golden::read(&folder(name)));
        assert_eq!((golden.texts.len(), golden.images.len()), (40, 14));
        assert_ids(&*encoder, &golden, name);
        let dim = encoder.info().dim;
        let texts = encoder.encode_texts(&golden.texts()).expect("texts");
        let images = encoder.encode_images(&golden.images).expect("images");
        assert_close(&texts, &golden.text_rows, MOST, &format!("{name} texts"));
        assert_close(&images, &golden.image_rows, MOST, &format!("{name} images"));
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
fn texts_see_all_their_tokens_and_are_cut_with_the_end_kept() {
    let encoder = checkpoint("large-224-f32");
    let long = encoder
        .prepare_text(&"a man on a horse ".repeat(30))
        .expect("ids");
    assert_eq!((long.len(), long[0], long[63]), (64, 0, 2));
    let plain = encoder
        .encode_tokens(std::slice::from_ref(&long))
        .expect("features");
    let mut other = long.clone();
    other[62] = 5;
    assert_ne!(encoder.encode_tokens(&[other]).expect("features"), plain);
    assert_eq!(encoder.prepare_text("").expect("ids"), [0, 2]);
}
