//! What must fit between the files of one source.

use super::array_file::ArrayFiles;
use super::error::SourceError;
use nnn_core::Embeddings;
use std::path::Path;

/// The embeddings of a file, at least one; `role` says in the message what they are.
pub(super) fn filled(
    file: &ArrayFiles,
    base: &Path,
    role: &'static str,
) -> Result<Embeddings, SourceError> {
    let rows = file.embeddings(base)?;
    if rows.is_empty() {
        let file = file.clone();
        return Err(SourceError::Empty { role, file });
    }
    Ok(rows)
}

/// Refuses two files whose vectors have different dimensions.
pub(super) fn check_dims(
    first: (&ArrayFiles, &Embeddings),
    second: (&ArrayFiles, &Embeddings),
) -> Result<(), SourceError> {
    let (first_dim, second_dim) = (first.1.dim(), second.1.dim());
    if first_dim == second_dim {
        return Ok(());
    }
    Err(SourceError::Dimensions {
        first: first.0.clone(),
        first_dim,
        second: second.0.clone(),
        second_dim,
    })
}

/// Refuses a file that does not have one entry for each row of another.
pub(super) fn check_entries(
    entries: (&ArrayFiles, usize),
    rows: (&ArrayFiles, usize),
) -> Result<(), SourceError> {
    if entries.1 == rows.1 {
        return Ok(());
    }
    Err(SourceError::Entries {
        entries: entries.0.clone(),
        found: entries.1,
        rows: rows.0.clone(),
        expected: rows.1,
    })
}
