//! The items of a gallery nearest to each of its items.

use crate::rank::Best;
use crate::score::DotScorer;
use crate::{Fitted, GalleryBias, Rows, best};

/// The `n` items nearest to each item of a gallery, itself left out: nearest first, of equally near ones the lower index. Of a gallery
/// of fewer others these are all.
///
/// It takes one pass over all pairs of the gallery.
///
/// # Panics
/// The gallery has 2^31 - 1 items or more.
#[must_use]
pub fn nearest_others(gallery: Rows<'_>, n: usize) -> Best {
    let scorer = DotScorer::new(gallery, gallery).expect("a gallery has one dimension");
    let raw = Fitted::Additive(GalleryBias::zero(gallery.len()));
    let with_itself = best(&scorer, &raw, n.saturating_add(1));
    let width = with_itself.width.saturating_sub(1);
    let mut others = Best {
        width,
        ..Best::default()
    };
    if width == 0 {
        return others;
    }
    let items = with_itself.items.chunks_exact(width + 1);
    let scores = with_itself.scores.chunks_exact(width + 1);
    for (own, list) in items.zip(scores).enumerate() {
        let pairs = list.0.iter().zip(list.1);
        // Where more than `n` copies of lower index go before it, an item is not in its own list.
        let left = pairs.filter(|pair| *pair.0 as usize != own).take(width);
        for (&item, &score) in left {
            others.items.push(item);
            others.scores.push(score);
        }
    }
    others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Embeddings;

    fn on_a_line(values: &[f32]) -> Embeddings {
        let data = values.iter().flat_map(|v| [v.cos(), v.sin()]).collect();
        Embeddings::normalize(data, 2).expect("no zero vectors")
    }

    #[test]
    fn lists_are_of_others_nearest_first() {
        let gallery = on_a_line(&[0.0, 0.1, 0.55, 0.3]);
        let found = nearest_others(gallery.rows(), 2);
        assert_eq!(found.width, 2);
        assert_eq!(found.items, [1, 3, 0, 3, 3, 1, 1, 2]);
        let pairs = found.items.chunks(2).zip(found.scores.chunks(2));
        for (own, (items, scores)) in pairs.enumerate() {
            for (&item, &score) in items.iter().zip(scores) {
                let (a, b) = (gallery.rows().row(own), gallery.rows().row(item as usize));
                let product = a[1].mul_add(b[1], a[0] * b[0]);
                assert!((score - product).abs() <= 2.0 * f32::EPSILON);
                assert!(scores[0] >= scores[1]);
            }
        }
    }

    #[test]
    fn copies_of_an_item_are_others() {
        let gallery = on_a_line(&[0.2; 5]);
        let found = nearest_others(gallery.rows(), 2);
        assert_eq!(found.items, [1, 2, 0, 2, 0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn a_small_gallery_has_few_others() {
        let three = nearest_others(on_a_line(&[0.0, 1.0, 0.4]).rows(), 7);
        assert_eq!((three.width, three.items.len()), (2, 6));
        let one = nearest_others(on_a_line(&[0.3]).rows(), 7);
        assert_eq!((one.width, one.items.len()), (0, 0));
        assert_eq!(
            nearest_others(on_a_line(&[0.0, 1.0]).rows(), 0).items.len(),
            0
        );
    }
}
