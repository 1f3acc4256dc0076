//! Runs YAML-specified sweeps of models, data sets, reference sets and methods; see `runner --help`.

mod bank_search;
mod check;
mod cli;
mod clock;
mod dry_run;
mod execute;
mod expect;
mod fetch;
mod files;
mod group;
mod kind;
mod layout;
mod leakage;
mod list;
mod metrics;
mod needs;
mod output;
mod plan;
mod progress;
mod provenance;
mod reference;
mod registry;
mod schema;
mod schema_page;
mod sources;
mod spec;
mod warning;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(std::env::args_os()) {
        Ok(code) => code,
        Err(error) => {
            progress::say(&format!("error: {}", in_one_line(&error)));
            ExitCode::FAILURE
        }
    }
}

/// An error and its causes, each once: many messages end with their cause already.
fn in_one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if line.is_empty() {
            line = cause;
        } else if !line.ends_with(&cause) {
            line = format!("{line}: {cause}");
        }
    }
    line
}
