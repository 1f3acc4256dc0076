//! What a side of a task is before it becomes vectors.

use nnn_core::{Groups, Relevance};
use nnn_data::Cluster;
use nnn_metrics::Clusters;

/// Some items of one modality: what becomes one matrix of embeddings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Side {
    pub(crate) source: usize,
    pub(crate) table: Table,
    /// Positions within the table, in order.
    pub(crate) rows: Vec<u32>,
}

/// What the rows of a side count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Table {
    /// Images of a split.
    Images(String),
    /// Texts of a split.
    Texts(String),
    /// The gallery, of a source by role.
    Gallery,
    /// The evaluated queries, of a source by role.
    Queries,
    /// Past queries, of a source by role.
    ReferenceQueries,
    /// Items like the gallery's, of a source by role.
    ReferenceGallery,
}

impl Side {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

/// Queries and gallery by name, and which answers which.
pub(crate) struct TaskItems {
    pub(crate) queries: Side,
    pub(crate) gallery: Side,
    pub(crate) relevance: Relevance,
    pub(crate) clusters: Clusters,
    /// What a cluster is.
    pub(crate) cluster: Cluster,
    pub(crate) query_ids: Vec<String>,
    /// Of every query its class, where it has one.
    pub(crate) query_classes: Option<Vec<String>>,
    /// The groups of the gallery, where they are known.
    pub(crate) groups: Option<Groups>,
}
