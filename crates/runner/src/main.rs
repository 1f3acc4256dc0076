//! Runs YAML-specified sweeps of models, data sets, reference sets and methods; see `runner --help`.

mod cli;
mod signals;

use std::process::ExitCode;

fn main() -> ExitCode {
    let ended = cli::run(std::env::args_os());
    let _end = signals::end();
    match ended {
        Ok(code) => code,
        Err(error) => {
            runner::say_error(&format!("error: {}", in_one_line(&error)));
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

#[cfg(test)]
mod tests {
    use super::in_one_line;
    use anyhow::anyhow;

    /// Guards against a cause that is said twice, once in the message about it and once behind.
    #[test]
    fn every_cause_is_said_once() {
        let ends_with_its_cause = anyhow!("no such file").context("a.yaml: no such file");
        let line = in_one_line(&ends_with_its_cause.context("config"));
        assert_eq!(line, "config: a.yaml: no such file");
    }
}
