//! Token ids and embeddings against `transformers`, on tiny random checkpoints.
// Tests say what they measured.
#![allow(clippy::print_stdout)]

mod common;

use common::{CHECKPOINTS, Golden, checkpoint, dot, golden, top10};
use nnn_encode::Encoder;

/// Every value within 1e-5, every direction within 1e-9: sums of some hundred products of numbers around one, in single
/// precision on both sides.
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
        worst <= 1e-5 && worst_cosine <= 1e-9,
        "{what}: {worst:e}, {worst_cosine:e}"
    );
}

fn features(encoder: &dyn Encoder, golden: &Golden) -> [Vec<f32>; 2] {
    [
        encoder.encode_texts(&golden.texts()).expect("texts"),
        encoder.encode_images(&golden.images).expect("images"),
    ]
}

#[test]
fn ids_embeddings_and_top_lists_are_those_of_transformers() {
    for name in CHECKPOINTS {
        let (encoder, golden) = (checkpoint(name), golden(name));
        let dim = encoder.info().dim;
        assert_eq!((golden.texts.len(), golden.images.len()), (20, 14));
        for (text, ids) in golden.texts.iter().zip(&golden.ids) {
            let ours = encoder.prepare_text(text).expect("ids");
            let mut theirs = ids.clone();
            theirs.resize(ours.len(), *ids.last().expect("an id"));
            assert_eq!(ours, theirs, "{name}: {text}");
        }
        let [texts, images] = features(&*encoder, &golden);
        assert_close(&texts, &golden.text_rows, dim, &format!("{name} texts"));
        assert_close(&images, &golden.image_rows, dim, &format!("{name} images"));
        for (ours, theirs) in [
            (
                top10(&texts, &images, dim),
                top10(&golden.text_rows, &golden.image_rows, dim),
            ),
            (
                top10(&images, &texts, dim),
                top10(&golden.image_rows, &golden.text_rows, dim),
            ),
        ] {
            assert_eq!(ours, theirs, "{name}");
        }
    }
}

#[test]
fn alone_is_as_in_a_batch_to_the_bit() {
    for name in CHECKPOINTS {
        let (encoder, golden) = (checkpoint(name), golden(name));
        let [texts, images] = features(&*encoder, &golden);
        for size in [1, 2, 3, 5] {
            let batches = golden.texts();
            let rows = batches
                .chunks(size)
                .map(|it| encoder.encode_texts(it).expect("texts"));
            assert_eq!(
                rows.collect::<Vec<_>>().concat(),
                texts,
                "{name}, batches of {size}"
            );
            let batches = golden.images.chunks(size);
            let rows = batches.map(|it| encoder.encode_images(it).expect("images"));
            assert_eq!(
                rows.collect::<Vec<_>>().concat(),
                images,
                "{name}, batches of {size}"
            );
        }
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
