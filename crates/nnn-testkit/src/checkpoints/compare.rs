//! Comparing ids, vectors and matching logits with a reference. Bounds are the caller's, who knows where they come from.

use super::golden::Golden;
use nnn_encode::{Encoder, ImageStates, Reranker, RgbImage};

/// Sizes of the batches that must give the bits of all items together.
const BATCHES: [usize; 4] = [1, 2, 3, 5];

/// Every text has the ids of the reference.
///
/// # Panics
/// A text has others.
pub fn assert_ids(encoder: &dyn Encoder, golden: &Golden, what: &str) {
    assert_eq!(golden.texts.len(), golden.ids.len(), "{what}");
    for (text, ids) in golden.texts.iter().zip(&golden.ids) {
        let ours = encoder.prepare_text(text).expect("ids");
        assert_eq!(&ours, ids, "{what}: {text:?}");
    }
}

/// Texts and images have the same bits alone, in batches of a few, and all together.
///
/// # Panics
/// One has not.
pub fn assert_alone_as_in_batches(encoder: &dyn Encoder, golden: &Golden, what: &str) {
    let texts = golden.texts();
    let text_rows = encoder.encode_texts(&texts).expect("texts");
    let image_rows = encoder.encode_images(&golden.images).expect("images");
    for size in BATCHES {
        let batches = texts.chunks(size);
        let rows = batches.flat_map(|batch| encoder.encode_texts(batch).expect("texts"));
        let rows: Vec<f32> = rows.collect();
        assert_eq!(rows, text_rows, "{what}, texts in batches of {size}");
        let batches = golden.images.chunks(size);
        let rows = batches.flat_map(|batch| encoder.encode_images(batch).expect("images"));
        let rows: Vec<f32> = rows.collect();
        assert_eq!(rows, image_rows, "{what}, images in batches of {size}");
    }
}

/// Every value within `most` of the reference's.
///
/// # Panics
/// One is not, or the numbers of values differ.
pub fn assert_close(ours: &[f32], theirs: &[f32], most: f32, what: &str) {
    let worst = difference(ours, theirs);
    println!("{what}: max {worst:e}");
    assert!(worst <= most, "{what}: {worst:e}");
}

/// Every row of `dim` values in the reference's direction: a cosine of at least 1 - `most`.
///
/// # Panics
/// One is not, or the numbers of values differ.
pub fn assert_directions(ours: &[f32], theirs: &[f32], dim: usize, most: f64, what: &str) {
    assert_eq!(ours.len(), theirs.len(), "{what}");
    let pairs = ours.chunks_exact(dim).zip(theirs.chunks_exact(dim));
    let worst = pairs.map(|(a, b)| 1.0 - cosine(a, b)).fold(0.0, f64::max);
    println!("{what}: cosine distance {worst:e}");
    assert!(worst <= most, "{what}: cosine distance {worst:e}");
}

/// The largest difference of two values in the same place.
///
/// # Panics
/// The numbers of values differ.
#[must_use]
pub fn difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let apart = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs());
    // What is no number is worse than all, and stays so.
    apart.fold(0.0, |worst, it| match it.is_nan() || it > worst {
        true => it,
        false => worst,
    })
}

/// The inner product in double precision.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f64 {
    let products = a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b));
    products.sum()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Cosines (queries, gallery) of rows of `dim` values.
#[must_use]
pub fn cosines(queries: &[f32], gallery: &[f32], dim: usize) -> Vec<f64> {
    let rows = queries.chunks_exact(dim);
    rows.flat_map(|query| gallery.chunks_exact(dim).map(move |row| cosine(query, row)))
        .collect()
}

/// The places of the ten best of each row of `width` scores, best first; of equal scores the first.
#[must_use]
pub fn top10<S: Copy + Into<f64>>(scores: &[S], width: usize) -> Vec<Vec<usize>> {
    let best = |row: &[S]| {
        let mut items: Vec<usize> = (0..width).collect();
        items.sort_by(|&a, &b| row[b].into().total_cmp(&row[a].into()));
        items.truncate(10);
        items
    };
    scores.chunks_exact(width).map(best).collect()
}

/// The ten nearest images of each text, and the ten nearest texts of each image, by cosine; rows have `dim` values.
#[must_use]
pub fn nearest(texts: &[f32], images: &[f32], dim: usize) -> [Vec<Vec<usize>>; 2] {
    [(texts, images), (images, texts)].map(|(queries, gallery)| {
        let scores = cosines(queries, gallery, dim);
        top10(&scores, gallery.len() / dim)
    })
}

/// What the matching head looks at in images.
///
/// # Panics
/// The encoder has no such head, or refuses an image.
#[must_use]
pub fn states(encoder: &dyn Encoder, images: &[RgbImage]) -> Vec<ImageStates> {
    let pixels: Vec<Vec<f32>> = images
        .iter()
        .map(|image| encoder.prepare_image(image).expect("pixels"))
        .collect();
    let head = encoder.reranker().expect("a matching head");
    head.image_states(&pixels).expect("states")
}

/// Logits (images, texts), one pair at a time.
///
/// # Panics
/// The head refuses a pair.
#[must_use]
pub fn logits(head: &dyn Reranker, states: &[ImageStates], ids: &[Vec<u32>]) -> Vec<f32> {
    let one = |image, ids: &Vec<u32>| {
        let found = head.matches(image, std::slice::from_ref(ids));
        found.expect("a logit")[0]
    };
    let pairs = states
        .iter()
        .flat_map(|image| ids.iter().map(move |ids| one(image, ids)));
    pairs.collect()
}

/// Logits of a pair have the same bits alone and in a batch, and an image's states alone and among others.
///
/// # Panics
/// They have not.
pub fn assert_pairs_alone_as_in_batches(encoder: &dyn Encoder, golden: &Golden, what: &str) {
    let head = encoder.reranker().expect("a matching head");
    let ids = vec![golden.ids[0].clone(); 40];
    let image = &states(encoder, &golden.images)[3];
    let alone = &states(encoder, &golden.images[3..4])[0];
    let many = head.matches(image, &ids).expect("logits");
    let one = head.matches(alone, &ids[..1]).expect("a logit");
    assert!(many.iter().all(|it| *it == one[0]), "{what}");
}
