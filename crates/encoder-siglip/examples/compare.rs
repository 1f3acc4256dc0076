//! Embeddings of a checkpoint beside those of `transformers`, as `tools/reference/siglip_goldens.py real` writes them:
//! `cargo run -p encoder-siglip --example compare -- FOLDER`
#![allow(clippy::print_stdout)]

#[path = "../tests/common/mod.rs"]
mod common;

use common::{checkpoint, folder};
use nnn_testkit::checkpoints::{Golden, difference, nearest};

fn main() {
    for name in std::env::args().skip(1) {
        let (encoder, golden) = (checkpoint(&name), Golden::read(&folder(&name)));
        let dim = encoder.info().dim;
        let texts = encoder.encode_texts(&golden.texts()).expect("texts");
        let images = encoder.encode_images(&golden.images).expect("images");
        for (what, ours, theirs) in [
            ("texts", &texts, &golden.text_rows),
            ("images", &images, &golden.image_rows),
        ] {
            let worst = difference(ours, theirs);
            let most = theirs.iter().fold(0f32, |most, it| most.max(it.abs()));
            println!("{name} {what}: largest difference {worst:e} of values up to {most:e}");
        }
        let theirs = nearest(&golden.text_rows, &golden.image_rows, dim);
        let same = nearest(&texts, &images, dim) == theirs;
        println!(
            "{name}: lists of the ten nearest {}",
            if same { "are the same" } else { "differ" }
        );
    }
}
