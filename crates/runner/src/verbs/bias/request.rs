//! What is asked for.

use crate::verbs::arrays::{Parts, parts};
use anyhow::Result;
use nnn_data::ArrayFile;
use std::path::PathBuf;

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

impl BiasRequest {
    pub(super) fn gallery_parts(&self) -> Result<Parts> {
        parts(&self.gallery)
    }

    pub(super) fn id_parts(&self) -> Result<Parts> {
        parts(&self.ids)
    }
}
