//! Runs YAML-specified sweeps of models, data sets, reference sets and methods; see `runner --help`.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(std::env::args_os()) {
        Ok(code) => code,
        Err(error) => {
            runner::say(&format!("error: {}", in_one_line(&error)));
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
