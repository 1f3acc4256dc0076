//! `runner schema`.

mod page;

use crate::spec::Spec;
use crate::terminal::output::print;
use anyhow::Result;
use page::page;

/// Prints the JSON Schema of a config, or as `markdown` the page made from it.
///
/// # Errors
/// Standard output cannot be written.
pub fn schema(markdown: bool) -> Result<()> {
    let schema = schemars::schema_for!(Spec);
    let text = match markdown {
        true => page(schema.as_value()).trim_end().to_owned(),
        false => serde_json::to_string_pretty(&schema)?,
    };
    Ok(print(&text)?)
}
