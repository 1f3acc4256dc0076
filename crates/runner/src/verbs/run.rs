//! `runner run`.

use crate::plan::Plan;
use crate::sweep::{Finished, Folders, sweep};
use crate::terminal::output::{self, print, print_data};
use crate::terminal::progress::say;
use anyhow::Result;
use clap::ValueEnum;
use nnn_report::{Style, summary};
use serde_json::json;
use std::io;

/// What a run prints to standard output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A summary for a person.
    #[default]
    Text,
    /// One line of JSON for each config.
    Json,
}

/// Runs plans and prints what each has found as it ends.
///
/// # Errors
/// As [`sweep()`](crate::sweep()).
pub fn run(plans: &[Plan], folders: &Folders, offline: bool, format: Format) -> Result<()> {
    sweep(plans, folders, offline, |plan, finished| match format {
        Format::Text => Ok(print_text(finished)?),
        Format::Json => Ok(print_data(&in_json(plan, finished))?),
    })
}

/// The summary in the room that is left by what follows: the answer, and where to read on.
fn print_text(finished: &Finished) -> io::Result<()> {
    let style = output::style();
    let pointer = pointer(finished);
    let following = [&finished.answer, &pointer];
    let following: usize = following.map(|text| height(text, style)).iter().sum();
    let above = Style {
        // One more line for what is typed next.
        height: style.height.saturating_sub(following + 1),
        ..style
    };
    print(&summary(&finished.scores, above))?;
    print(&finished.answer)?;
    // On standard error: standard output has what was found, wherever it lies.
    say(&pointer);
    Ok(())
}

/// Lines of a terminal that a text takes.
fn height(text: &str, style: Style) -> usize {
    text.chars().count().div_ceil(style.width.max(1)).max(1)
}

/// Where to read on.
fn pointer(finished: &Finished) -> String {
    let (page, results) = (finished.page.display(), finished.results.display());
    format!("more in {page}; all files are in {results}")
}

fn in_json(plan: &Plan, finished: &Finished) -> String {
    let Finished {
        results,
        page,
        answer,
        warnings,
        scores,
    } = finished;
    let line = json!({
        "experiment": plan.spec.experiment,
        "results": results,
        "page": page,
        "answer": answer,
        "warnings": warnings,
        "scores": scores,
    });
    line.to_string()
}
