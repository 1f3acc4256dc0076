//! `runner schema`.

use crate::output::print;
use crate::spec::Spec;
use anyhow::Result;
use std::process::ExitCode;

/// Prints the JSON Schema of a config.
pub(crate) fn run() -> Result<ExitCode> {
    let schema = schemars::schema_for!(Spec);
    print(&serde_json::to_string_pretty(&schema)?)?;
    Ok(ExitCode::SUCCESS)
}
