//! What every encoder family offers.

use crate::error::EncodeError;
use crate::layers::ImageStates;
use image::RgbImage;

/// Texts that share one forward pass.
const TEXT_BATCH: usize = 64;

/// Images that share one forward pass, unless they are large.
pub(crate) const IMAGE_BATCH: usize = 32;

/// Everything that decides which numbers an encoder gives; the cache key is made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncoderInfo {
    /// The model family, such as `clip`.
    pub family: String,
    /// Length of an embedding.
    pub dim: usize,
    /// All that the forward pass reads from the configuration, as canonical JSON.
    pub architecture: String,
    /// SHA-256 of the weights, see [`files_sha256`](crate::files_sha256).
    pub weights_sha256: String,
    /// Image preprocessing as canonical JSON, see [`PixelSpec::canonical`](crate::PixelSpec::canonical).
    pub preprocessing: String,
    /// SHA-256 of the tokenizer, its context length included.
    pub tokenizer_sha256: String,
    /// Number type of the forward pass, such as `f32`; `bf16 products` where only linear layers are in bf16.
    pub dtype: String,
    /// The crate that computes and its revision, such as `encoder-clip 0.1.0`; changes whenever a number can move.
    pub code: String,
}

/// A dual encoder: images and texts into one space.
///
/// Two stages, so that decoding can run beside the forward pass and texts of equal length can share one. A row of a
/// result is a function of its own item: bit for bit the same alone and in any batch.
pub trait Encoder: Send + Sync {
    /// What identifies the encoder.
    fn info(&self) -> &EncoderInfo;

    /// Pixels of one image as the model takes them, channel by channel, row by row.
    ///
    /// # Errors
    /// The image has no size that the model takes.
    fn prepare_image(&self, image: &RgbImage) -> Result<Vec<f32>, EncodeError>;

    /// Token ids of one text, start and end tokens included, cut to the context length.
    ///
    /// # Errors
    /// The tokenizer refuses the text, or gives an id that the model lacks.
    fn prepare_text(&self, text: &str) -> Result<Vec<u32>, EncodeError>;

    /// Projected image features, row-major (batch x dim), not normalised.
    ///
    /// # Errors
    /// An item is not what [`prepare_image`](Self::prepare_image) gives, or the forward pass fails.
    fn encode_pixels(&self, batch: &[Vec<f32>]) -> Result<Vec<f32>, EncodeError>;

    /// Projected text features, row-major (batch x dim), not normalised. All of the batch have one length.
    ///
    /// # Errors
    /// Lengths differ, an item is not what [`prepare_text`](Self::prepare_text) gives, or the forward pass fails.
    fn encode_tokens(&self, batch: &[Vec<u32>]) -> Result<Vec<f32>, EncodeError>;

    /// The model's head that looks at an image and a text together, if it has one.
    fn reranker(&self) -> Option<&dyn Reranker> {
        None
    }

    /// Images that share one forward pass during extraction: as many as fit a gigabyte, but no more than speed gains by.
    /// No result depends on it.
    fn image_batch(&self) -> usize {
        IMAGE_BATCH
    }

    /// Bytes that one image takes on its way through the model, by estimate from above; 0 if not known.
    fn image_bytes(&self) -> usize {
        0
    }

    /// Both stages for images: row-major (batch x dim), not normalised.
    ///
    /// # Errors
    /// As the two stages.
    fn encode_images(&self, batch: &[RgbImage]) -> Result<Vec<f32>, EncodeError> {
        let pixels: Result<Vec<_>, _> = batch.iter().map(|it| self.prepare_image(it)).collect();
        self.encode_pixels(&pixels?)
    }

    /// Both stages for texts of any lengths: row-major (batch x dim), not normalised.
    ///
    /// # Errors
    /// As the two stages.
    fn encode_texts(&self, batch: &[&str]) -> Result<Vec<f32>, EncodeError> {
        let ids: Result<Vec<_>, _> = batch.iter().map(|it| self.prepare_text(it)).collect();
        let (ids, dim) = (ids?, self.info().dim);
        encode_by_length(dim, &ids, |tokens| self.encode_tokens(tokens))
    }
}

/// A head that looks at an image and a text together, to re-rank the top of lists.
///
/// Its score of a pair is a function of the pair, bit for bit the same alone and in any batch.
pub trait Reranker: Send + Sync {
    /// What the head looks at in each image, from what [`prepare_image`](Encoder::prepare_image) gives.
    ///
    /// # Errors
    /// An item has another number of pixels, or the forward pass fails.
    fn image_states(&self, batch: &[Vec<f32>]) -> Result<Vec<ImageStates>, EncodeError>;

    /// How well an image goes with each of some texts of one length, from what [`prepare_text`](Encoder::prepare_text)
    /// gives: the logit of a match.
    ///
    /// # Errors
    /// Lengths differ, or the forward pass fails.
    fn matches(&self, image: &ImageStates, batch: &[Vec<u32>]) -> Result<Vec<f32>, EncodeError>;

    /// Whether the authors rank by the logit plus the cosine of the embeddings, or by the logit alone.
    fn adds_similarity(&self) -> bool;
}

/// Places of `ids` that share a forward pass, batch by batch: those of one batch have one length, and places whose
/// sequences are equal stand together, as they share a row.
pub(crate) fn batches_by_length(ids: &[Vec<u32>]) -> Vec<Vec<Vec<usize>>> {
    let mut order: Vec<usize> = (0..ids.len()).collect();
    order.sort_by_key(|&item| (ids[item].len(), &ids[item]));
    let copies: Vec<&[usize]> = order.chunk_by(|&a, &b| ids[a] == ids[b]).collect();
    let lengths = copies.chunk_by(|a, b| ids[a[0]].len() == ids[b[0]].len());
    lengths
        .flat_map(|equals| equals.chunks(TEXT_BATCH))
        .map(|batch| batch.iter().map(|items| items.to_vec()).collect())
        .collect()
}

/// Rows of one of [`batches_by_length`]: its places one after the other, and their rows in that order.
pub(crate) fn encode_batch(
    dim: usize,
    ids: &[Vec<u32>],
    batch: &[Vec<usize>],
    encode: impl FnOnce(&[Vec<u32>]) -> Result<Vec<f32>, EncodeError>,
) -> Result<(Vec<usize>, Vec<f32>), EncodeError> {
    let tokens: Vec<Vec<u32>> = batch.iter().map(|items| ids[items[0]].clone()).collect();
    let encoded = exact(encode(&tokens)?, tokens.len() * dim)?;
    let copies = batch.iter().zip(encoded.chunks_exact(dim));
    let rows = copies.flat_map(|(items, row)| row.repeat(items.len()));
    Ok((batch.concat(), rows.collect()))
}

/// Encodes token sequences of any lengths; the result is in the order of `ids`.
pub(crate) fn encode_by_length(
    dim: usize,
    ids: &[Vec<u32>],
    encode: impl Fn(&[Vec<u32>]) -> Result<Vec<f32>, EncodeError>,
) -> Result<Vec<f32>, EncodeError> {
    let mut rows = vec![0.0; ids.len() * dim];
    for batch in batches_by_length(ids) {
        let (items, encoded) = encode_batch(dim, ids, &batch, &encode)?;
        for (item, row) in items.into_iter().zip(encoded.chunks_exact(dim)) {
            rows[item * dim..(item + 1) * dim].copy_from_slice(row);
        }
    }
    Ok(rows)
}

/// `rows` if it holds `expected` values.
pub(crate) fn exact(rows: Vec<f32>, expected: usize) -> Result<Vec<f32>, EncodeError> {
    if rows.len() == expected {
        return Ok(rows);
    }
    Err(EncodeError::RowCount {
        expected,
        received: rows.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn equal_lengths_share_a_batch_and_equal_sequences_a_row() {
        let ids = [vec![5, 6], vec![1], vec![5, 6], vec![9], vec![7, 8]];
        let batches = RefCell::new(Vec::new());
        let rows = encode_by_length(1, &ids, |batch| {
            batches.borrow_mut().push(batch.to_vec());
            Ok(batch.iter().map(|it| it[0] as f32).collect())
        });
        assert_eq!(rows.expect("rows"), [5.0, 1.0, 5.0, 9.0, 7.0]);
        assert_eq!(
            batches.into_inner(),
            [vec![vec![1], vec![9]], vec![vec![5, 6], vec![7, 8]]]
        );
    }

    #[test]
    fn a_short_answer_is_an_error() {
        let answer = encode_by_length(2, &[vec![1]], |_| Ok(vec![0.0]));
        assert!(matches!(
            answer,
            Err(EncodeError::RowCount {
                expected: 2,
                received: 1
            })
        ));
    }
}
