//! What items are called.

use crate::bias_file::Ids;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An item's id: its row in the gallery where it has no other.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    /// The row, from zero.
    Row(i64),
    /// A text.
    Text(String),
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Row(row) => write!(f, "{row}"),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

impl Ids {
    /// None yet, of items with ids of their own (`named`) or called by their rows.
    pub(crate) fn none(named: bool, first: usize) -> Self {
        match named {
            true => Self::Named(Vec::new()),
            false => Self::Rows(first..first),
        }
    }

    /// One of them.
    ///
    /// # Panics
    /// `place` is not below [`Ids::len`].
    #[must_use]
    pub fn id(&self, place: usize) -> Id {
        match self {
            Self::Named(names) => Id::Text(names[place].clone()),
            Self::Rows(rows) => Id::Row((rows.start + place) as i64),
        }
    }

    /// Adds one; of rows it is the next.
    pub(crate) fn push(&mut self, id: Id) {
        match (self, id) {
            (Self::Named(names), Id::Text(name)) => names.push(name),
            (Self::Named(names), Id::Row(row)) => names.push(row.to_string()),
            (Self::Rows(rows), _) => rows.end += 1,
        }
    }
}
