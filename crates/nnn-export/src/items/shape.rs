//! What all files of items have in common.

use crate::bias_file::Ids;
use crate::error::ExportError;

/// What files of items have to be told before the first item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// How many items there are.
    pub rows: u64,
    /// Coordinates of each, with what is appended.
    pub dim: usize,
    /// Whether items have ids of their own, and are not called by their rows.
    pub named: bool,
}

/// Files that are being written. They have their names once they are finished.
pub(crate) trait Writer {
    /// Adds items: as many rows as ids.
    fn push(&mut self, ids: &Ids, vectors: &[f32]) -> Result<(), ExportError>;

    /// Ends the files and gives them their names.
    fn finish(self: Box<Self>) -> Result<(), ExportError>;
}

/// Items in a block that is written or read back; the last may have fewer.
pub(crate) const BLOCK: usize = 1024;

/// What is done with a block of items: their ids and as many rows.
pub type Take<'t> = &'t mut dyn FnMut(&Ids, &[f32]) -> Result<(), ExportError>;
