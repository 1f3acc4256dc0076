//! Embeddings of a checkpoint beside those of `transformers`, as `tools/reference/siglip_goldens.py real` writes them:
//! `cargo run -p encoder-siglip --example compare -- FOLDER`
#![allow(clippy::print_stdout)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::{checkpoint, golden, top10};

/// Largest absolute difference, and the largest value.
fn difference(ours: &[f32], theirs: &[f32]) -> (f32, f32) {
    assert_eq!(ours.len(), theirs.len());
    let pairs = ours.iter().zip(theirs);
    let worst = pairs.fold(0f32, |worst, (a, b)| worst.max((a - b).abs()));
    (
        worst,
        theirs.iter().fold(0f32, |most, it| most.max(it.abs())),
    )
}

fn main() {
    for folder in std::env::args().skip(1) {
        let (encoder, golden) = (checkpoint(&folder), golden(&folder));
        let dim = encoder.info().dim;
        let texts = encoder.encode_texts(&golden.texts()).expect("texts");
        let images = encoder.encode_images(&golden.images).expect("images");
        for (what, ours, theirs) in [
            ("texts", &texts, &golden.text_rows),
            ("images", &images, &golden.image_rows),
        ] {
            let (worst, most) = difference(ours, theirs);
            println!("{folder} {what}: largest difference {worst:e} of values up to {most:e}");
        }
        let same = top10(&texts, &images, dim) == top10(&golden.text_rows, &golden.image_rows, dim)
            && top10(&images, &texts, dim) == top10(&golden.image_rows, &golden.text_rows, dim);
        println!(
            "{folder}: lists of the ten nearest {}",
            if same { "are the same" } else { "differ" }
        );
    }
}
