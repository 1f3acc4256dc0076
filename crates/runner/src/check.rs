//! `runner check`.

use crate::expect::narrowed;
use crate::output::{self, print};
use crate::published::Coverage;
use anyhow::{Context, Result};
use nnn_report::{
    AbsentModel, Check, CheckRow, Expectation, Records, SearchRow, Verdict, check, format_check,
    read_scores, tally, write_check,
};
use serde::Deserialize;
use std::path::Path;
use std::process::ExitCode;

/// The part of `run.json` that is read back.
#[derive(Deserialize)]
struct RunRecord {
    experiment: String,
    config: Config,
    complete: bool,
    #[serde(default)]
    overrides: Vec<String>,
    #[serde(default)]
    published: Vec<Coverage>,
    #[serde(default)]
    absent_models: Vec<AbsentModel>,
    #[serde(default)]
    bank_searches: Vec<SearchRow>,
}

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    expect: Vec<Expectation>,
}

/// Holds results against their configs' expectations; exit status 1 where one fails or a run is not complete.
pub(crate) fn run(results: &[impl AsRef<Path>], summary: Option<&Path>) -> Result<ExitCode> {
    let (mut checks, mut failed) = (Vec::new(), false);
    for folder in results {
        let folder = folder.as_ref();
        let record = read(folder)?;
        failed |= !record.complete;
        if results.len() > 1 {
            print(&format!("{}:", record.experiment))?;
        }
        checks.extend(check_one(folder, record)?);
    }
    let rows = || checks.iter().flat_map(|check| &check.rows);
    if results.len() > 1 {
        print(&format!("all together: {}", tally(rows())))?;
    }
    if let Some(folder) = summary {
        write_check(folder, &checks)?;
    }
    let wrong = |row: &CheckRow| row.verdict == Verdict::Fail;
    Ok(match failed || rows().any(wrong) {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    })
}

fn read(results: &Path) -> Result<RunRecord> {
    let path = results.join("run.json");
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "{}: cannot be read; expected a folder that `runner run` wrote",
            path.display()
        )
    })?;
    serde_json::from_str(&text).with_context(|| format!("{}: not a run's record", path.display()))
}

/// Checks one folder, writes the check into it and prints it; none where nothing is expected.
fn check_one(results: &Path, record: RunRecord) -> Result<Option<Check>> {
    for coverage in &record.published {
        print(&coverage.to_string())?;
    }
    if record.config.expect.is_empty() {
        let why = match record.published.is_empty() {
            true => "its config has no `expect:`",
            false => "it measures no published number",
        };
        let results = results.display();
        print(&format!("{results}: {why}, so there is nothing to check"))?;
        return Ok(None);
    }
    let scores = read_scores(results)?;
    let narrowed = narrowed(&record.overrides);
    let records = Records {
        scores: &scores,
        searches: &record.bank_searches,
        absent_models: &record.absent_models,
        narrowed: narrowed.as_deref(),
        ..Records::default()
    };
    let checked = Check {
        rows: check(&records, &record.config.expect),
        experiment: record.experiment,
    };
    write_check(&results.join("tables"), std::slice::from_ref(&checked))?;
    print(&format_check(&checked.rows, output::style()))?;
    if !record.complete {
        print("the run is not complete: run its config again")?;
    }
    Ok(Some(checked))
}
