//! What a side of a task is before it becomes vectors.

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

impl Table {
    /// The split, unless the source is by role.
    pub(crate) fn split(&self) -> Option<&str> {
        match self {
            Self::Images(split) | Self::Texts(split) => Some(split),
            _ => None,
        }
    }
}

impl Side {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}
