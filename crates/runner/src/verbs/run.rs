//! `runner run`.

use crate::plan::Plan;
use crate::sweep::{Folders, sweep};
use crate::terminal::output;
use anyhow::Result;
use nnn_report::summary;

/// Runs plans and prints a summary of each.
///
/// # Errors
/// As [`sweep()`](crate::sweep()).
pub fn run(plans: &[Plan], folders: &Folders, offline: bool) -> Result<()> {
    sweep(plans, folders, offline, |_, scores| {
        Ok(output::print(&summary(scores, output::style()))?)
    })
}
