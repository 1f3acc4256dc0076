//! Comparing vectors and matching logits with a reference: what the tests of the families with a matching head share.

use nnn_encode::{Encoder, ImageStates, Reranker, RgbImage};

/// Every value within 1e-4.
pub(crate) fn assert_close(ours: &[f32], theirs: &[f32], what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let apart = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    let worst = apart.fold(0.0, f32::max);
    println!("{what}: max {worst:e}");
    assert!(worst <= 1e-4, "{what}: {worst:e}");
}

/// Cosines (images, texts).
pub(crate) fn cosines(images: &[f32], texts: &[f32], dim: usize) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
        products.sum()
    };
    let cosine = |a: &[f32], b: &[f32]| (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()) as f32;
    let image_rows = images.chunks_exact(dim);
    image_rows
        .flat_map(|image| texts.chunks_exact(dim).map(move |text| cosine(image, text)))
        .collect()
}

/// The ten best of each row, best first.
pub(crate) fn top10(scores: &[f32], width: usize) -> Vec<Vec<usize>> {
    let best = |row: &[f32]| {
        let mut items: Vec<usize> = (0..width).collect();
        items.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
        items.truncate(10);
        items
    };
    scores.chunks_exact(width).map(best).collect()
}

pub(crate) fn states(encoder: &dyn Encoder, images: &[RgbImage]) -> Vec<ImageStates> {
    let pixels: Vec<Vec<f32>> = images
        .iter()
        .map(|image| encoder.prepare_image(image).expect("pixels"))
        .collect();
    let head = encoder.reranker().expect("a matching head");
    head.image_states(&pixels).expect("states")
}

/// Logits (images, texts), a pair at a time.
pub(crate) fn logits(head: &dyn Reranker, states: &[ImageStates], ids: &[Vec<u32>]) -> Vec<f32> {
    let one = |image, ids: &Vec<u32>| {
        let found = head.matches(image, std::slice::from_ref(ids));
        found.expect("a logit")[0]
    };
    let pairs = states
        .iter()
        .flat_map(|image| ids.iter().map(move |ids| one(image, ids)));
    pairs.collect()
}
