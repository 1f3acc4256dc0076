//! Reference sets and hold-outs: seeded subsets of a split, by image.
//!
//! Which images are drawn depends on the seed and on the number of images to draw from, on nothing else, and is the same
//! on every machine. The algorithm, so that any other program can repeat it:
//!
//! 1. The generator is ChaCha with 8 rounds; its key is the seed as eight little-endian bytes and 24 zero bytes; its
//!    stream (the nonce) is 0 for a hold-out and 1 for a share; it yields 64-bit words, the low half first.
//! 2. A number below `m` is a word shifted right until as many bits are left as `m - 1` has (no word is drawn for
//!    `m = 1`); a result of `m` or more is thrown away and the next word is tried.
//! 3. Fisher and Yates's shuffle, stopped early: for `i` from 0 to `count - 1`, swap places `i` and `i +` a number
//!    below `n - i`. The first `count` places are the subset, sorted afterwards.
//!
//! So of two shares with one seed the smaller is part of the larger.

use crate::{Pairs, Subset};
use nnn_files::counted;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use thiserror::Error;

const HOLD_OUT_STREAM: u64 = 0;
const SHARE_STREAM: u64 = 1;

/// Why a subset cannot be drawn.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum SelectError {
    /// The share is not a share.
    #[error("share {found}, expected a number above 0 and at most 1")]
    Share {
        /// What was asked for.
        found: f64,
    },
    /// Nothing to draw from.
    #[error("there are no images to choose a reference set from")]
    Empty,
    /// A hold-out would leave no reference set, or would be none.
    #[error(
        "a hold-out of {} does not fit: the training split has {available}, \
         and from 1 to {} can be held out", counted(*wanted, "image"), .available.saturating_sub(1)
    )]
    HoldOut {
        /// Images wanted, usually as many as the test split has.
        wanted: usize,
        /// Images of the training split.
        available: usize,
    },
}

/// A training split, parted for choosing hyper-parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HoldOut {
    /// What is evaluated while choosing.
    pub validation: Subset,
    /// Everything else: what reference sets are then drawn from.
    pub rest: Subset,
}

/// Takes `images` random images, with all their texts, out of a training split. It comes before [`reference_set`], so
/// that what is held out is in no bank.
///
/// # Errors
/// [`SelectError::HoldOut`] unless at least one image is held out and at least one is left.
pub fn hold_out(train: &Pairs, images: usize, seed: u64) -> Result<HoldOut, SelectError> {
    let available = train.images().len();
    if images == 0 || images >= available {
        return Err(SelectError::HoldOut {
            wanted: images,
            available,
        });
    }
    let everything = train.everything().images;
    let (held, left) = draw(everything, images, seed, HOLD_OUT_STREAM);
    Ok(HoldOut {
        validation: train.with_texts(held),
        rest: train.with_texts(left),
    })
}

/// Chooses a share of the images of `from` at random and without replacement, with all their texts: the text bank and
/// the image bank of a reference set thus fit together. `share * n` images are taken, rounded to the nearest number
/// (halves up), at least one; a share of 1 takes everything.
///
/// # Errors
/// [`SelectError::Share`] unless `0 < share <= 1`; [`SelectError::Empty`].
pub fn reference_set(
    split: &Pairs,
    from: &Subset,
    share: f64,
    seed: u64,
) -> Result<Subset, SelectError> {
    if !(share > 0.0 && share <= 1.0) {
        return Err(SelectError::Share { found: share });
    }
    let available = from.images.len();
    if available == 0 {
        return Err(SelectError::Empty);
    }
    let count = (share * available as f64).round().max(1.0) as usize;
    let (chosen, _) = draw(from.images.clone(), count, seed, SHARE_STREAM);
    Ok(split.with_texts(chosen))
}

/// Parts `items` into `count` drawn ones and the others, both ascending.
fn draw(mut items: Vec<u32>, count: usize, seed: u64, stream: u64) -> (Vec<u32>, Vec<u32>) {
    let mut random = generator(seed, stream);
    for place in 0..count {
        let offset = below(&mut random, (items.len() - place) as u64);
        items.swap(place, place + offset as usize);
    }
    let mut others = items.split_off(count);
    items.sort_unstable();
    others.sort_unstable();
    (items, others)
}

fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    let mut random = ChaCha8Rng::from_seed(key);
    random.set_stream(stream);
    random
}

/// A uniform number below `bound`, which is at least 1.
fn below(random: &mut impl Rng, bound: u64) -> u64 {
    if bound <= 1 {
        return 0;
    }
    let shift = (bound - 1).leading_zeros();
    loop {
        let number = random.next_u64() >> shift;
        if number < bound {
            return number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(images: u32, texts_each: u32) -> Pairs {
        let ids = (0..images).map(|image| image.to_string()).collect();
        let text_to_image: Vec<u32> = (0..images * texts_each)
            .map(|text| text / texts_each)
            .collect();
        let texts = text_to_image
            .iter()
            .map(|image| format!("text of {image}"))
            .collect();
        Pairs::new(ids, texts, text_to_image).expect("valid pairs")
    }

    #[test]
    fn shares_nest_and_round() {
        let split = split(13, 2);
        let everything = split.everything();
        let set = |share| reference_set(&split, &everything, share, 7).expect("a set");
        assert_eq!(set(0.01).images.len(), 1);
        assert_eq!(set(0.5).images.len(), 7);
        assert_eq!(set(1.0), everything);
        assert!(
            set(0.2)
                .images
                .iter()
                .all(|image| set(0.5).images.contains(image))
        );
    }

    /// The numbers come from a separate implementation, in Python, of the algorithm at the head of this file.
    #[test]
    fn known_draws() {
        let split = split(30, 1);
        let parts = hold_out(&split, 10, 42).expect("it fits");
        let held = [3, 6, 10, 11, 14, 17, 19, 20, 21, 27];
        assert_eq!(parts.validation.images, held);
        let set = reference_set(&split, &parts.rest, 0.4, 42).expect("a set");
        assert_eq!(set.images, [5, 8, 9, 12, 15, 23, 25, 26]);
    }

    #[test]
    fn bad_requests_are_named() {
        let split = split(3, 1);
        let everything = split.everything();
        for share in [0.0, -0.1, 1.01, f64::NAN] {
            let error = reference_set(&split, &everything, share, 0).expect_err("no share");
            assert_eq!(
                error.to_string(),
                format!("share {share}, expected a number above 0 and at most 1")
            );
        }
        let nothing = split.with_texts(Vec::new());
        let error = reference_set(&split, &nothing, 1.0, 0);
        assert_eq!(error, Err(SelectError::Empty));
        for wanted in [0, 3, 1000] {
            let error = hold_out(&split, wanted, 0).expect_err("does not fit");
            assert_eq!(
                error.to_string(),
                format!(
                    "a hold-out of {wanted} images does not fit: the training split has 3, \
                     and from 1 to 2 can be held out"
                )
            );
        }
    }

    #[test]
    fn every_image_is_drawn_equally_often() {
        let split = split(5, 1);
        let everything = split.everything();
        let mut counts = [0u32; 5];
        for seed in 0..5000 {
            let set = reference_set(&split, &everything, 0.4, seed).expect("a set");
            set.images
                .iter()
                .for_each(|&image| counts[image as usize] += 1);
        }
        // Binomial(5000, 0.4): standard deviation 34.6; five of them are left for chance.
        assert!(counts.iter().all(|&n| n.abs_diff(2000) < 174), "{counts:?}");
    }

    proptest! {
        #[test]
        fn a_hold_out_parts_the_split(images in 2u32..60, each in 0u32..4, held in 1u32..60, seed: u64) {
            prop_assume!(held < images);
            let split = split(images, each);
            let parts = hold_out(&split, held as usize, seed).expect("it fits");
            prop_assert_eq!(parts.validation.images.len(), held as usize);
            let mut joined = [parts.validation.images.clone(), parts.rest.images.clone()].concat();
            joined.sort_unstable();
            prop_assert_eq!(joined, split.everything().images);
            let mut texts = [parts.validation.texts.clone(), parts.rest.texts.clone()].concat();
            texts.sort_unstable();
            prop_assert_eq!(texts, split.everything().texts);
            let set = reference_set(&split, &parts.rest, 0.5, seed).expect("a set");
            let image = |text: &u32| split.text_to_image()[*text as usize];
            prop_assert!(set.images.iter().all(|i| parts.rest.images.contains(i)));
            prop_assert!(set.texts.iter().all(|t| set.images.contains(&image(t))));
            prop_assert_eq!(set.texts.len(), set.images.len() * each as usize);
        }
    }
}
