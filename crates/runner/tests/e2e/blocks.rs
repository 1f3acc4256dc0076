//! Images and captions of Blocks, and the shipped checkpoint that encodes them.

use crate::lab::{Lab, workspace};

/// The weights of the shipped checkpoint.
pub(crate) const WEIGHTS: &str = "model.safetensors";

/// All files of it.
pub(crate) const FILES: [&str; 5] = [
    "config.json",
    WEIGHTS,
    "preprocessor_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
];

/// A lab with the cards of the shipped checkpoint (`clip`) and of a small data set that is drawn (`tiny`).
pub(crate) fn drawn(train: usize, test: usize) -> Lab {
    let lab = Lab::new();
    card_of_the_model(&lab);
    let card = format!(
        "name: tiny
description: A few images.
licence: MIT
source: {{generate: {{seed: 3, image_size: 32, style: everyday}}}}
splits:
  train: {{images: {train}, texts: {}}}
  test: {{images: {test}, texts: {}}}
",
        5 * train,
        5 * test
    );
    lab.write("datasets/tiny.yaml", card);
    lab
}

/// The card `clip`.
pub(crate) fn card_of_the_model(lab: &Lab) {
    let folder = workspace().join("data/blocks/blocks-clip");
    let folder = folder.display();
    let card = format!("name: clip\nfamily: clip\nsource: {{path: '{folder}'}}\n");
    lab.write("models/clip.yaml", card);
}

/// A sweep on the cards `clip` and `tiny` that takes every path: fixed, chosen and gated methods, two directions.
pub(crate) const SWEEP: &str = "
experiment: lab
models: [clip]
datasets: [tiny]
reference_sets:
  - {name: all}
  - {name: half, share: 0.5, seed: 4}
methods:
  - raw
  - nnn: {k: [1, 4], alpha: [0.5, 1]}
  - is: {beta: 20}
  - dis: {beta: 20}
  - nnn: {k: [1, 2, 8], alpha: [0.25, 0.75], choose: validation}
  - is: {beta: [5, 50], choose: oracle}
metrics: [R@1, R@10, MedR, MRR, k_skewness@10]
statistics: {resamples: 50, permutations: 50}
";
