//! Token ids and embeddings against `torchscale`, on tiny random checkpoints of the published layouts.
// Tests say what they measured.
#![allow(clippy::print_stdout)]

mod common;

use common::{CHECKPOINTS, checkpoint, golden};

/// The largest difference of two values.
fn difference(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    let pairs = ours.iter().zip(theirs);
    pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn unit(rows: &[f32], dim: usize) -> Vec<f32> {
    let unit = |row: &[f32]| -> Vec<f32> {
        let length = row.iter().map(|it| it * it).sum::<f32>().sqrt();
        row.iter().map(|it| it / length).collect()
    };
    rows.chunks_exact(dim).flat_map(unit).collect()
}

/// For every row of `queries` the places of the ten nearest of `gallery`.
fn top_ten(queries: &[f32], gallery: &[f32], dim: usize) -> Vec<Vec<usize>> {
    let best = |query: &[f32]| {
        let score = |row: &[f32]| -> f32 { row.iter().zip(query).map(|(a, b)| a * b).sum() };
        let scores: Vec<f32> = gallery.chunks_exact(dim).map(score).collect();
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        order.truncate(10);
        order
    };
    queries.chunks_exact(dim).map(best).collect()
}

/// The reference padded its texts and masked the padding; here batches hold texts of one length and no padding.
#[test]
fn ids_embeddings_and_rankings_are_those_of_torchscale() {
    for name in CHECKPOINTS {
        let (encoder, golden) = (checkpoint(name), golden(name));
        assert_eq!((golden.texts.len(), golden.images.len()), (40, 14));
        for (text, ids) in golden.texts.iter().zip(&golden.ids) {
            assert_eq!(&encoder.prepare_text(text).expect("ids"), ids, "{text:?}");
        }
        let dim = encoder.info().dim;
        let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
        let texts = encoder.encode_texts(&texts).expect("texts");
        let images = encoder.encode_images(&golden.images).expect("images");
        let apart = [
            difference(&texts, &golden.text_rows),
            difference(&images, &golden.image_rows),
        ];
        println!("{name}: texts and images differ by at most {apart:?}");
        // Twelve products and norms deep in single precision at values of a few units, of which torch sums in another order.
        assert!(apart.iter().all(|&it| it < 2e-5), "{name}: {apart:?}");
        let ours = [unit(&texts, dim), unit(&images, dim)];
        let theirs = [unit(&golden.text_rows, dim), unit(&golden.image_rows, dim)];
        for (query, gallery) in [(0, 1), (1, 0)] {
            assert_eq!(
                top_ten(&ours[query], &ours[gallery], dim),
                top_ten(&theirs[query], &theirs[gallery], dim),
                "{name}"
            );
        }
    }
}

#[test]
fn alone_is_as_in_a_batch_to_the_bit() {
    for name in CHECKPOINTS {
        let (encoder, golden) = (checkpoint(name), golden(name));
        let dim = encoder.info().dim;
        let texts: Vec<&str> = golden.texts.iter().map(String::as_str).collect();
        let together = encoder.encode_texts(&texts).expect("texts");
        for (text, row) in texts.iter().zip(together.chunks_exact(dim)) {
            let alone = encoder.encode_texts(&[text]).expect("a text");
            assert_eq!(alone, row, "{name}: {text:?}");
        }
        let together = encoder.encode_images(&golden.images).expect("images");
        for size in [1, 3, 5] {
            let batches = golden.images.chunks(size);
            let rows: Vec<f32> = batches
                .flat_map(|batch| encoder.encode_images(batch).expect("a batch"))
                .collect();
            assert_eq!(rows, together, "{name}, batches of {size}");
        }
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
