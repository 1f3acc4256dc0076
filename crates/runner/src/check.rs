//! `runner check`.

use crate::output::{self, print};
use anyhow::{Context, Result};
use nnn_report::{Expectation, Verdict, check, format_check, read_scores, write_check};
use serde::Deserialize;
use std::path::Path;
use std::process::ExitCode;

/// The part of `run.json` that is read back.
#[derive(Deserialize)]
struct RunRecord {
    config: Config,
    complete: bool,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    expect: Vec<Expectation>,
}

/// Holds results against their config's expectations; exit status 1 where one fails or the run is not complete.
pub(crate) fn run(results: &Path) -> Result<ExitCode> {
    let path = results.join("run.json");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "{}: cannot be read; expected a folder that `runner run` wrote",
            path.display()
        )
    })?;
    let record: RunRecord = serde_json::from_str(&text)
        .with_context(|| format!("{}: not a run's record", path.display()))?;
    if record.config.expect.is_empty() {
        print(&format!(
            "{}: its config has no `expect:`, so there is nothing to check",
            results.display()
        ))?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows = check(&read_scores(results)?, &record.config.expect);
    write_check(results, &rows)?;
    print(&format_check(&rows, output::style()))?;
    if !record.complete {
        print("the run is not complete: run its config again")?;
    }
    let failed = !record.complete || rows.iter().any(|row| row.verdict == Verdict::Fail);
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
