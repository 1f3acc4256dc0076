//! Golden checkpoints of the model families: reading what a reference made of them, comparing with it, and spoiling copies.
//!
//! A golden checkpoint is a folder `tests/golden/<name>` of its encoder's crate: a tiny checkpoint, `golden.json` with texts,
//! their token ids and names of images, and `golden.safetensors` with what the reference computed. Scripts in
//! `tools/reference` make them.
// Tests say what they skip and what they measured.
#![allow(clippy::print_stdout)]

mod coco;
mod compare;
mod device;
mod golden;
pub mod measure;
mod spoil;

pub use coco::{CaptionIds, coco_caption_ids};
pub use compare::{
    assert_alone_as_in_batches, assert_close, assert_directions, assert_ids,
    assert_pairs_alone_as_in_batches, cosines, difference, dot, logits, nearest, states, top10,
};
pub use device::{test_compute, test_device};
pub use golden::{Golden, golden_folder, golden_images, json, workspace};
pub use spoil::{Tensors, copy, edit, faults, refusal, rewrite};
