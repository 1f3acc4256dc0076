//! Items that are in memory: what results and methods that move vectors have.

use super::options::ExportOptions;
use crate::provenance::code_version;
use anyhow::{Result, bail, ensure};
use nnn_core::{MovedVectors, Rows};
use nnn_export::{About, FileSum, Form, Ids, Manifest, Shape, Spread};
use std::collections::HashMap;

/// Items, and what they were made from.
pub(super) struct Items {
    pub(super) ids: Ids,
    pub(super) method: String,
    pub(super) inputs: Vec<FileSum>,
}

impl Items {
    fn check_ids(&self) -> Result<()> {
        let Ids::Named(names) = &self.ids else {
            return Ok(());
        };
        let mut rows = HashMap::new();
        for (row, name) in names.iter().enumerate() {
            if let Some(earlier) = rows.insert(name, row) {
                bail!(
                    "rows {earlier} and {row} of the gallery have the same id {name:?}; an engine would keep one of them"
                );
            }
        }
        Ok(())
    }

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
        self.check_ids()?;
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
        self.check_ids()?;
        ensure!(
            options.like.is_none() && options.scale.is_none(),
            "--like and --scale are for biases, but `{}` moves vectors",
            self.method
        );
        let vectors = &moved.gallery;
        self.check_directions(options.form, vectors.data(), vectors.dim())?;
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

    /// Moved vectors have unit length, where all forms rank alike, or none at all, which is right for inner products only.
    fn check_directions(&self, form: Form, values: &[f32], dim: usize) -> Result<()> {
        let zero = |row: &[f32]| row.iter().all(|value| *value == 0.0);
        let found = values.chunks_exact(dim).position(zero);
        let Some(row) = found.filter(|_| form != Form::Ip) else {
            return Ok(());
        };
        bail!(
            "row {row} (id {}) has length 0 once it is moved, which has no place in the form {}; use --form ip",
            self.ids.id(row),
            form.name()
        )
    }
}
