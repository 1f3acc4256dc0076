//! Ids that an engine can tell apart.

use crate::bias_file::Ids;
use crate::error::ExportError;
use std::collections::HashMap;

impl Ids {
    /// Refuses ids of which two are the same.
    ///
    /// # Errors
    /// [`ExportError::SameId`].
    pub fn check_unique(&self) -> Result<(), ExportError> {
        let Self::Named(names) = self else {
            return Ok(());
        };
        let mut seen = HashMap::with_capacity(names.len());
        for (row, id) in names.iter().enumerate() {
            if let Some(earlier) = seen.insert(id, row) {
                let (rows, id) = ([earlier, row], id.clone());
                return Err(ExportError::SameId { rows, id });
            }
        }
        Ok(())
    }
}
