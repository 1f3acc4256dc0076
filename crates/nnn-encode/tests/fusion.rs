//! Alone as in a batch where the matrix products change their ways: inner dimensions above 512, few rows, few columns.

use candle_core::{Device, Tensor};
use nnn_encode::{
    Activation, BertSize, Compute, FusionModel, FusionSpec, Reranker, Towers, VitNames, VitSize,
    Weights,
};

const DIM: usize = 8;
const SIDE: usize = 32;
const VOCABULARY: usize = 50;

fn spec() -> FusionSpec {
    FusionSpec {
        vision: VitSize {
            image: SIDE,
            patch: 8,
            width: 320,
            layers: 1,
            heads: 5,
            inner: 600,
            activation: Activation::Gelu,
            eps: 1e-6,
        },
        vision_names: VitNames::TIMM,
        grid: 4,
        text: BertSize {
            vocabulary: VOCABULARY,
            positions: 40,
            token_types: Some(2),
            layers: 2,
            width: 640,
            inner: 1100,
            heads: 10,
            activation: Activation::Gelu,
            eps: 1e-12,
            cross_from: 1,
            cross_width: 320,
        },
        text_prefix: "text_encoder",
        text_layers: 1,
        dim: DIM,
        matching_token: None,
        adds_similarity: false,
    }
}

/// Uniform values around zero, from a linear congruential generator.
fn noise(count: usize, scale: f32, state: &mut u64) -> Vec<f32> {
    let mut next = || {
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((*state >> 40) as f32 / (1u64 << 24) as f32 - 0.5) * scale
    };
    (0..count).map(|_| next()).collect()
}

fn model() -> FusionModel {
    let mut state = 1;
    let weights: Weights = FusionModel::shapes(&spec())
        .into_iter()
        .map(|(name, shape)| {
            let values = noise(shape.iter().product(), 0.2, &mut state);
            let tensor = Tensor::from_vec(values, shape, &Device::Cpu);
            (name, tensor.expect("a tensor"))
        })
        .collect();
    FusionModel::new(&weights, spec(), &Compute::default()).expect("a model")
}

/// Sequences of one length, all different.
fn texts(count: usize, length: usize) -> Vec<Vec<u32>> {
    let id = |item: usize, at: usize| ((item * 31 + at * 7 + item * at) % VOCABULARY) as u32;
    (0..count)
        .map(|item| (0..length).map(|at| id(item, at)).collect())
        .collect()
}

#[test]
fn alone_is_as_in_a_batch_to_the_bit() {
    let model = model();
    let mut state = 9;
    let pixels: Vec<Vec<f32>> = (0..9)
        .map(|_| noise(3 * SIDE * SIDE, 4.0, &mut state))
        .collect();
    let together = model.images(pixels.concat(), 9).expect("images");
    assert!(together.iter().all(|it| it.is_finite()) && together[0] != together[DIM]);
    let alone = pixels.iter().map(|it| model.images(it.clone(), 1));
    let alone: Vec<f32> = alone.flat_map(|it| it.expect("an image")).collect();
    assert_eq!(alone, together);
    let images = model.image_states(&pixels).expect("states");
    let single = model.image_states(&pixels[4..5]).expect("states");
    for length in [3, 16] {
        let ids = texts(70, length);
        let together = model.texts(ids.concat(), 70).expect("texts");
        let logits = model.matches(&images[4], &ids).expect("logits");
        assert!(logits.iter().all(|it| it.is_finite()) && logits[0] != logits[1]);
        for size in [1, 13, 65] {
            let parts = ids.chunks(size).take(6);
            let rows = parts.clone().map(|it| model.texts(it.concat(), it.len()));
            let rows: Vec<f32> = rows.flat_map(|it| it.expect("texts")).collect();
            assert_eq!(rows, together[..rows.len()], "{size} texts of {length}");
            let found = parts.map(|it| model.matches(&single[0], it).expect("logits"));
            let found: Vec<f32> = found.flatten().collect();
            assert_eq!(found, logits[..found.len()], "{size} pairs of {length}");
        }
    }
}

#[test]
fn another_image_gives_another_logit() {
    let model = model();
    let mut state = 5;
    let pixels: Vec<Vec<f32>> = (0..2)
        .map(|_| noise(3 * SIDE * SIDE, 4.0, &mut state))
        .collect();
    let images = model.image_states(&pixels).expect("states");
    let ids = texts(3, 6);
    let logits: Vec<Vec<f32>> = images
        .iter()
        .map(|image| model.matches(image, &ids).expect("logits"))
        .collect();
    assert!(logits[0].iter().zip(&logits[1]).all(|(a, b)| a != b));
}
