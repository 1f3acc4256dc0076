//! Scores of image-text pairs by a model's matching head.

use super::{ExtractError, ExtractOptions};
use crate::encoder::{Encoder, Reranker, encode_by_length};
use crate::error::EncodeError;
use crate::layers::ImageStates;
use crate::pixels::load_image;
use rayon::prelude::*;
use std::path::PathBuf;

/// Images whose states are held at a time; those of a base model take 43 MB per image.
const IMAGE_BATCH: usize = 4;

/// An image and a text, by their places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pair {
    /// Place of the image.
    pub image: u32,
    /// Place of the text.
    pub text: u32,
}

/// The logits of pairs, in their order.
///
/// One image at a time: its states are computed once and serve all its texts, and no more than a few images' are held, so
/// that memory does not grow with the data. Of `options`, the limits and the progress (in pairs) hold; nothing is cached.
///
/// # Errors
/// An image that cannot be loaded, a text that the encoder refuses, a failing forward pass.
///
/// # Panics
/// A pair names an image or a text that is not there.
pub fn match_pairs<S: AsRef<str> + Sync>(
    (encoder, reranker): (&dyn Encoder, &dyn Reranker),
    images: &[PathBuf],
    texts: &[S],
    pairs: &[Pair],
    options: &ExtractOptions<'_>,
) -> Result<Vec<f32>, ExtractError> {
    let ids = token_ids(encoder, texts)?;
    let mut order: Vec<usize> = (0..pairs.len()).collect();
    order.sort_unstable_by_key(|&place| pairs[place]);
    let by_image: Vec<&[usize]> = order
        .chunk_by(|&a, &b| pairs[a].image == pairs[b].image)
        .collect();
    let mut scores = vec![0.0; pairs.len()];
    let mut done = 0;
    for group in by_image.chunks(IMAGE_BATCH) {
        let places: Vec<u32> = group.iter().map(|own| pairs[own[0]].image).collect();
        let states = image_states((encoder, reranker), images, &places, options)?;
        for ((own, image), place) in group.iter().zip(states).zip(&places) {
            let own_ids: Vec<Vec<u32>> = own
                .iter()
                .map(|&at| ids[pairs[at].text as usize].clone())
                .collect();
            let found = encode_by_length(1, &own_ids, |batch| reranker.matches(&image, batch));
            for (&at, score) in own.iter().zip(found.map_err(at_item(*place))?) {
                scores[at] = score;
            }
            done += own.len();
            if let Some(progress) = options.progress {
                progress(done);
            }
        }
    }
    Ok(scores)
}

fn token_ids<S: AsRef<str> + Sync>(
    encoder: &dyn Encoder,
    texts: &[S],
) -> Result<Vec<Vec<u32>>, ExtractError> {
    let prepare = |(place, text): (usize, &S)| {
        let ids = encoder.prepare_text(text.as_ref());
        ids.map_err(at_item(place as u32))
    };
    let ids: Vec<Result<_, _>> = texts.par_iter().enumerate().map(prepare).collect();
    ids.into_iter().collect()
}

fn image_states(
    (encoder, reranker): (&dyn Encoder, &dyn Reranker),
    images: &[PathBuf],
    places: &[u32],
    options: &ExtractOptions<'_>,
) -> Result<Vec<ImageStates>, ExtractError> {
    let prepare = |&place: &u32| {
        let image = load_image(&images[place as usize], options.limits)?;
        encoder.prepare_image(&image).map_err(at_item(place))
    };
    let pixels: Vec<Result<Vec<f32>, ExtractError>> = places.par_iter().map(prepare).collect();
    let pixels: Vec<Vec<f32>> = pixels.into_iter().collect::<Result<_, _>>()?;
    let states = reranker.image_states(&pixels);
    states.map_err(at_item(places[0]))
}

fn at_item(place: u32) -> impl Fn(EncodeError) -> ExtractError {
    let items = place as usize..place as usize + 1;
    move |source| ExtractError::Encode {
        items: items.clone(),
        source,
    }
}
