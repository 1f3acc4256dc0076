//! What is asked for.

use anyhow::Result;
use nnn_core::Embeddings;
use nnn_data::{ArrayFile, ArrayFiles};
use std::path::{Path, PathBuf};

/// The options of `runner bias`.
#[derive(Debug, Clone)]
pub struct BiasRequest {
    /// Files of the gallery's vectors, in the order of their rows.
    pub gallery: Vec<ArrayFile>,
    /// Files of the items' ids, in the same order; none: items are called by their rows.
    pub ids: Vec<ArrayFile>,
    /// Files of the query bank: reference items of the queries' modality.
    pub reference: Vec<ArrayFile>,
    /// Files of the gallery bank: reference items of the gallery's modality.
    pub reference_gallery: Vec<ArrayFile>,
    /// The method at one point, such as `nnn(k=128,alpha=0.75)`.
    pub method: String,
    /// The file to write.
    pub out: PathBuf,
    /// Whether the items are added to those of the file.
    pub append: bool,
    /// Whether a file that is there is replaced.
    pub overwrite: bool,
    /// Threads; all cores unless said.
    pub threads: Option<usize>,
}

/// Files with the key of the array in each.
pub(super) type Parts = Vec<(PathBuf, Option<String>)>;

impl BiasRequest {
    pub(super) fn gallery_parts(&self) -> Result<Parts> {
        parts(&self.gallery)
    }

    pub(super) fn id_parts(&self) -> Result<Parts> {
        parts(&self.ids)
    }
}

/// All vectors of some files; none of no files.
pub(super) fn vectors(files: &[ArrayFile]) -> Result<Option<Embeddings>> {
    if files.is_empty() {
        return Ok(None);
    }
    let files = ArrayFiles::Several(files.to_vec());
    Ok(Some(files.embeddings(Path::new(""))?))
}

/// The files that names, folders and patterns stand for.
fn parts(files: &[ArrayFile]) -> Result<Parts> {
    let mut all = Vec::new();
    for file in files {
        let paths = file.paths(Path::new(""))?.into_iter();
        all.extend(paths.map(|path| (path, file.key.clone())));
    }
    Ok(all)
}
