//! Embeddings of a data set: all its images and texts, with their splits.

use super::array_file::{ArrayFiles, paths_of};
use super::checks::{check_dims, check_entries, filled};
use super::error::SourceError;
use crate::{FileError, Pairs, Subset};
use nnn_core::Embeddings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A data set of which only embeddings are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EmbeddingSource {
    /// One vector per image, `(images, dim)`.
    pub images: ArrayFiles,
    /// One vector per text, `(texts, dim)`.
    pub texts: ArrayFiles,
    /// For every text the row of its image.
    pub text_to_image: ArrayFiles,
    /// For every image the name of its split; texts are in their image's split.
    pub split: ArrayFiles,
    /// For every image an id; without it, its row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_ids: Option<ArrayFiles>,
    /// For every text its wording or an id; without it, its row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text_ids: Option<ArrayFiles>,
}

/// One split of an [`EmbeddedDataset`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmbeddedSplit {
    /// Ids and pairing, numbered within the split.
    pub pairs: Pairs,
    /// For every image and text of the split its row in the data set's matrices.
    pub rows: Subset,
}

/// A data set of embeddings in memory.
#[derive(Debug, Clone)]
pub struct EmbeddedDataset {
    /// All images of all splits, unit length.
    pub images: Embeddings,
    /// All texts of all splits, unit length, in the same dimension.
    pub texts: Embeddings,
    /// The splits by name.
    pub splits: BTreeMap<String, EmbeddedSplit>,
}

impl EmbeddingSource {
    /// All files, for their checksums, in the order of their rows.
    ///
    /// # Errors
    /// As [`ArrayFiles::paths`].
    pub fn files(&self, base: &Path) -> Result<Vec<PathBuf>, FileError> {
        let needed = [&self.images, &self.texts, &self.text_to_image, &self.split];
        let ids = [&self.image_ids, &self.text_ids];
        paths_of(needed.into_iter().chain(ids.into_iter().flatten()), base)
    }

    /// Reads and checks everything; files lie relative to `base`.
    ///
    /// # Errors
    /// [`SourceError`] names the files that do not fit, with their sizes.
    pub fn load(&self, base: &Path) -> Result<EmbeddedDataset, SourceError> {
        let images = filled(&self.images, base, "images")?;
        let texts = filled(&self.texts, base, "texts")?;
        check_dims((&self.images, &images), (&self.texts, &texts))?;
        let all = self.pairs(base, images.len(), texts.len())?;
        let split = self.split.labels(base)?;
        check_entries((&self.split, split.len()), (&self.images, images.len()))?;
        Ok(EmbeddedDataset {
            images,
            texts,
            splits: part(&all, split),
        })
    }

    fn pairs(&self, base: &Path, images: usize, texts: usize) -> Result<Pairs, SourceError> {
        let text_to_image = self.text_to_image.indices(base)?;
        check_entries(
            (&self.text_to_image, text_to_image.len()),
            (&self.texts, texts),
        )?;
        let image_ids = ids(self.image_ids.as_ref(), base, (&self.images, images))?;
        let text_ids = ids(self.text_ids.as_ref(), base, (&self.texts, texts))?;
        Pairs::new(image_ids, text_ids, text_to_image).map_err(|error| SourceError::Pairs {
            file: self.text_to_image.clone(),
            error: Box::new(error),
        })
    }
}

fn ids(
    file: Option<&ArrayFiles>,
    base: &Path,
    rows: (&ArrayFiles, usize),
) -> Result<Vec<String>, SourceError> {
    let Some(file) = file else {
        return Ok((0..rows.1).map(|row| row.to_string()).collect());
    };
    let ids = file.labels(base)?;
    check_entries((file, ids.len()), rows)?;
    Ok(ids)
}

/// Parts a data set by the split of every image.
fn part(all: &Pairs, split: Vec<String>) -> BTreeMap<String, EmbeddedSplit> {
    let mut images: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for (image, name) in (0u32..).zip(split) {
        images.entry(name).or_default().push(image);
    }
    let split = |(name, images)| {
        let rows = all.with_texts(images);
        let pairs = all.select(&rows);
        (name, EmbeddedSplit { pairs, rows })
    };
    images.into_iter().map(split).collect()
}
