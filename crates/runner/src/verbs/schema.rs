//! `runner schema`.

use crate::spec::Spec;
use crate::terminal::output::print;
use anyhow::Result;

/// Prints the JSON Schema of a config.
///
/// # Errors
/// Standard output cannot be written.
pub fn schema() -> Result<()> {
    let schema = schemars::schema_for!(Spec);
    Ok(print(&serde_json::to_string_pretty(&schema)?)?)
}
