//! What items are called.

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

/// The ids of some items, all of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ids {
    /// Rows of the gallery.
    Rows(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
}

impl Ids {
    /// None yet, of texts or of rows.
    #[must_use]
    pub fn none(texts: bool) -> Self {
        match texts {
            true => Self::Texts(Vec::new()),
            false => Self::Rows(Vec::new()),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Rows(rows) => rows.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them.
    ///
    /// # Panics
    /// There are not so many.
    #[must_use]
    pub fn at(&self, place: usize) -> Id {
        match self {
            Self::Rows(rows) => Id::Row(rows[place]),
            Self::Texts(texts) => Id::Text(texts[place].clone()),
        }
    }

    /// Adds one.
    ///
    /// # Panics
    /// It is of the other kind.
    pub fn push(&mut self, id: Id) {
        match (self, id) {
            (Self::Rows(rows), Id::Row(row)) => rows.push(row),
            (Self::Texts(texts), Id::Text(text)) => texts.push(text),
            _ => panic!("ids are all rows or all texts"),
        }
    }
}
