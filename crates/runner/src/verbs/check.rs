//! `runner check`.

use crate::plan::overrides::narrowed;
use crate::results::run_record::RunRecord;
use crate::terminal::output::{self, print};
use anyhow::Result;
use nnn_report::{
    Check, CheckRow, Records, Verdict, format_check, read_scores, tally, write_check,
};
use std::path::Path;

/// Holds results against their configs' expectations and prints how they compare; whether none fails and every run is
/// complete. With `summary`, one check of all results is written into that folder.
///
/// # Errors
/// A folder was not written by a run, or a file cannot be read or written.
pub fn check(results: &[impl AsRef<Path>], summary: Option<&Path>) -> Result<bool> {
    let (mut checks, mut failed) = (Vec::new(), false);
    for folder in results {
        let folder = folder.as_ref();
        let record = RunRecord::read(folder)?;
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
    Ok(!(failed || rows().any(wrong)))
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
        rows: nnn_report::check(&records, &record.config.expect),
        experiment: record.experiment,
    };
    write_check(&results.join("tables"), std::slice::from_ref(&checked))?;
    print(&format_check(&checked.rows, output::style()))?;
    if !record.complete {
        print("the run is not complete: run its config again")?;
    }
    Ok(Some(checked))
}
