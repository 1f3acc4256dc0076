//! What asks what, before its two sides become vectors.

use crate::open::side::Side;
use anyhow::Result;
use nnn_core::{Embeddings, Groups, Relevance};
use nnn_data::Cluster;
use nnn_metrics::Clusters;
use std::sync::Arc;

/// Queries, a gallery, and which item answers which query, by name.
#[derive(Clone)]
pub(crate) struct TaskItems {
    pub(crate) queries: Side,
    pub(crate) gallery: Side,
    pub(crate) relevance: Relevance,
    /// What the bootstrap resamples, of every query: its image, for example.
    pub(crate) clusters: Clusters,
    /// What a cluster is.
    pub(crate) cluster: Cluster,
    pub(crate) query_ids: Vec<String>,
    /// Of every query its class, where it has one.
    pub(crate) query_classes: Option<Vec<String>>,
    /// The groups of the gallery, where they are known.
    pub(crate) groups: Option<Groups>,
}

impl TaskItems {
    /// The same with vectors on both sides.
    pub(crate) fn vectors(
        &self,
        mut embed: impl FnMut(&Side) -> Result<Arc<Embeddings>>,
    ) -> Result<nnn_trial::Task> {
        Ok(nnn_trial::Task {
            queries: embed(&self.queries)?,
            gallery: embed(&self.gallery)?,
            relevance: self.relevance.clone(),
            clusters: self.clusters.clone(),
            groups: self.groups.clone(),
        })
    }
}
