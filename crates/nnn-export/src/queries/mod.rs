//! `queries.md`: how each engine is given the items and asked.

use crate::manifest::Manifest;

/// The name of the file.
pub(crate) const FILE: &str = "queries.md";

pub(crate) fn text(manifest: &Manifest) -> String {
    format!("# {}\n", manifest.method)
}
