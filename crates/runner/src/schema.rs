//! `runner schema`.

use crate::output::print;
use crate::schema_page::page;
use crate::spec::Spec;
use anyhow::Result;
use clap::Args;
use std::process::ExitCode;

/// Options of `schema`.
#[derive(Args)]
pub(crate) struct SchemaArgs {
    /// Print it as a page of Markdown, as in docs/config.md.
    #[arg(long)]
    markdown: bool,
}

/// Prints the JSON Schema of a config, or the page made from it.
pub(crate) fn run(arguments: &SchemaArgs) -> Result<ExitCode> {
    let schema = schemars::schema_for!(Spec);
    let text = match arguments.markdown {
        true => page(schema.as_value()).trim_end().to_owned(),
        false => serde_json::to_string_pretty(&schema)?,
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}
