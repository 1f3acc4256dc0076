//! What a trial is computed from: the vectors of a task and of the banks.

use crate::open::Task;
use nnn_core::{BankSizes, Banks, Embeddings, Rankings};
use nnn_metrics::{Audit, Ranked};
use std::sync::Arc;

/// A task whose queries and gallery are vectors.
pub(crate) type TaskVectors = Task<Arc<Embeddings>>;

impl TaskVectors {
    /// Scores of one pass over the queries.
    pub(crate) fn pairs(&self) -> u64 {
        (self.queries.len() * self.gallery.len()) as u64
    }

    /// Rankings of it, with the groups that metrics may read.
    pub(crate) fn ranked<'a>(&'a self, rankings: &'a Rankings) -> Ranked<'a> {
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
pub(crate) struct BankVectors {
    pub(crate) query: Option<Arc<Embeddings>>,
    pub(crate) gallery: Option<Arc<Embeddings>>,
}

impl BankVectors {
    /// Sizes of all that a correction for the task may learn from.
    pub(crate) fn sizes(&self, task: &TaskVectors) -> BankSizes {
        let size = |bank: &Option<Arc<Embeddings>>| bank.as_ref().map(|bank| bank.len());
        BankSizes {
            query: size(&self.query),
            gallery: size(&self.gallery),
            evaluated: Some(task.queries.len()),
        }
    }

    /// With the queries of the task that is evaluated, for what is transductive.
    pub(crate) fn rows<'a>(&'a self, task: &'a TaskVectors) -> Banks<'a> {
        Banks {
            query: self.query.as_ref().map(|bank| bank.rows()),
            gallery: self.gallery.as_ref().map(|bank| bank.rows()),
            evaluated: Some(task.queries.rows()),
        }
    }
}
