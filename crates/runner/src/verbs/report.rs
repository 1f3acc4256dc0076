//! `runner report`.

use crate::results::page::{self, FILE};
use crate::terminal::output::print;
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// Writes one page of some results folders: into `out`, or else into the folder itself where there is one, and into the folder
/// that holds the first where there are several.
///
/// # Errors
/// A folder was not written by a run, or a file cannot be read or written.
pub fn report(results: &[PathBuf], out: Option<&Path>) -> Result<()> {
    let first = results.first().context("no results folder is given")?;
    let beside = || match results.len() {
        1 => first.join(FILE),
        _ => first.parent().unwrap_or(Path::new("")).join(FILE),
    };
    let page = out.map_or_else(beside, Path::to_path_buf);
    let folders: Vec<&Path> = results.iter().map(PathBuf::as_path).collect();
    for answer in page::write(&folders, &page)? {
        print(&answer)?;
    }
    Ok(print(&format!("the page is {}", page.display()))?)
}
