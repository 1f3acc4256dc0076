//! What asks what: the same before and after its two sides become vectors.

use crate::open::side::Side;
use anyhow::Result;
use nnn_core::{Groups, Relevance};
use nnn_data::Cluster;
use nnn_metrics::Clusters;

/// Queries, a gallery, and which item answers which query. `S` is what a side is: items by name, or vectors.
pub(crate) struct Task<S> {
    pub(crate) queries: S,
    pub(crate) gallery: S,
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

/// A task whose items have names only.
pub(crate) type TaskItems = Task<Side>;

impl<S> Task<S> {
    /// The same task with its queries and its gallery made into something else.
    pub(crate) fn try_map<T>(&self, mut change: impl FnMut(&S) -> Result<T>) -> Result<Task<T>> {
        Ok(Task {
            queries: change(&self.queries)?,
            gallery: change(&self.gallery)?,
            relevance: self.relevance.clone(),
            clusters: self.clusters.clone(),
            cluster: self.cluster,
            query_ids: self.query_ids.clone(),
            query_classes: self.query_classes.clone(),
            groups: self.groups.clone(),
        })
    }
}
