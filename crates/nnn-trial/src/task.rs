//! What a trial is computed from: the vectors of a task and of the banks.

use nnn_core::{BankSizes, Banks, Embeddings, Groups, Rankings, Relevance};
use nnn_metrics::{Audit, Clusters, Ranked};
use std::sync::Arc;

/// Queries, a gallery, and which item answers which query.
pub struct Task {
    /// Who asks, one row each.
    pub queries: Arc<Embeddings>,
    /// Who answers.
    pub gallery: Arc<Embeddings>,
    /// Of every query the gallery items that answer it.
    pub relevance: Relevance,
    /// What the bootstrap resamples, of every query: its image, for example.
    pub clusters: Clusters,
    /// The groups of the gallery, where they are known.
    pub groups: Option<Groups>,
}

impl Task {
    /// Scores of one pass over the queries.
    #[must_use]
    pub fn pairs(&self) -> u64 {
        (self.queries.len() * self.gallery.len()) as u64
    }

    /// Rankings of it, with the groups that metrics may read.
    #[must_use]
    pub fn ranked<'a>(&'a self, rankings: &'a Rankings) -> Ranked<'a> {
        let audit = |groups| Audit {
            groups,
            relevance: &self.relevance,
        };
        Ranked {
            rankings,
            audit: self.groups.as_ref().map(audit),
        }
    }
}

/// The reference items of one trial.
#[derive(Debug, Clone, Default)]
pub struct BankVectors {
    /// Items like the queries.
    pub query: Option<Arc<Embeddings>>,
    /// Items like the gallery's.
    pub gallery: Option<Arc<Embeddings>>,
}

impl BankVectors {
    /// Sizes of all that a correction for the task may learn from.
    #[must_use]
    pub fn sizes(&self, task: &Task) -> BankSizes {
        let size = |bank: &Option<Arc<Embeddings>>| bank.as_ref().map(|bank| bank.len());
        BankSizes {
            query: size(&self.query),
            gallery: size(&self.gallery),
            evaluated: Some(task.queries.len()),
        }
    }

    /// With the queries of the task that is evaluated, for what is transductive.
    #[must_use]
    pub fn rows<'a>(&'a self, task: &'a Task) -> Banks<'a> {
        Banks {
            query: self.query.as_ref().map(|bank| bank.rows()),
            gallery: self.gallery.as_ref().map(|bank| bank.rows()),
            evaluated: Some(task.queries.rows()),
        }
    }
}
