//! The vectors of a source that were given as files.

use super::{Content, Source};
use crate::open::side::{Side, Table};
use anyhow::{Context, Result};
use nnn_core::Embeddings;

impl Source {
    /// Length of the vectors that were given; 0 of items that are encoded.
    pub(crate) fn dim(&self) -> usize {
        match &self.content {
            Content::Vectors(_, data) => data.images.dim(),
            Content::Roles(_, _, data) => data.gallery.dim(),
            Content::Items(_) | Content::Texts(_) => 0,
        }
    }

    /// Rows of the matrices that were given.
    pub(crate) fn vectors(&self, side: &Side) -> Result<Embeddings> {
        let rows = &side.rows;
        let found = match (&self.content, &side.table) {
            (Content::Vectors(_, data), Table::Images(split)) => data
                .splits
                .get(split)
                .map(|split| data.images.select(&pick(&split.rows.images, rows))),
            (Content::Vectors(_, data), Table::Texts(split)) => data
                .splits
                .get(split)
                .map(|split| data.texts.select(&pick(&split.rows.texts, rows))),
            (Content::Roles(_, _, data), Table::Gallery) => Some(data.gallery.select(rows)),
            (Content::Roles(_, _, data), Table::Queries) => Some(data.queries.select(rows)),
            (Content::Roles(_, _, data), Table::ReferenceQueries) => {
                Some(data.reference_queries.select(rows))
            }
            (Content::Roles(_, _, data), Table::ReferenceGallery) => data
                .reference_gallery
                .as_ref()
                .map(|vectors| vectors.select(rows)),
            _ => None,
        };
        found.with_context(|| format!("`{}` has no vectors for {:?}", self.name, side.table))
    }
}

fn pick(rows: &[u32], places: &[u32]) -> Vec<u32> {
    places.iter().map(|&place| rows[place as usize]).collect()
}
