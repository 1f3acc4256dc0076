//! Items that are in memory: what results and methods that move vectors have.

use super::options::ExportOptions;
use crate::provenance::code_version;
use anyhow::{Result, ensure};
use nnn_core::{MovedVectors, Rows};
use nnn_export::{About, FileSum, Ids, Manifest, Shape, Spread};

/// Items, and what they were made from.
pub(super) struct Items {
    pub(super) ids: Ids,
    pub(super) method: String,
    pub(super) inputs: Vec<FileSum>,
}

impl Items {
    fn shape(&self, dim: usize) -> Shape {
        Shape {
            rows: self.ids.len() as u64,
            dim,
            named: matches!(self.ids, Ids::Named(_)),
        }
    }

    /// Writes vectors with a bias each.
    pub(super) fn biased(
        self,
        options: &ExportOptions,
        gallery: Rows<'_>,
        biases: &[f32],
    ) -> Result<Manifest> {
        self.ids.check_unique()?;
        let mut spread = Spread::default();
        spread.extend(biases.iter().copied());
        let constants = options.constants(&spread, gallery.dim(), &self.method)?;
        let mut delivery = options.begin(self.shape(gallery.dim()), Some(constants))?;
        delivery.push(&self.ids, gallery.data(), biases)?;
        Ok(delivery.finish(About {
            method: self.method,
            spread: Some(&spread),
            query_map: None,
            inputs: self.inputs,
            program: code_version(),
        })?)
    }

    /// Writes vectors that were moved, and what moves queries.
    pub(super) fn moved(self, options: &ExportOptions, moved: &MovedVectors) -> Result<Manifest> {
        self.ids.check_unique()?;
        ensure!(
            options.like.is_none() && options.scale.is_none(),
            "--like and --scale are for biases, but `{}` moves vectors",
            self.method
        );
        let vectors = &moved.gallery;
        let mut delivery = options.begin(self.shape(vectors.dim()), None)?;
        delivery.push(&self.ids, vectors.data(), &[])?;
        Ok(delivery.finish(About {
            method: self.method,
            spread: None,
            query_map: Some(&moved.query),
            inputs: self.inputs,
            program: code_version(),
        })?)
    }
}
