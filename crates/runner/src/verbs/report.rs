//! `runner report`.

use crate::results::folder::{PAGE, tidy};
use crate::results::page;
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
    let page = match out {
        Some(out) => out.to_path_buf(),
        None if results.len() == 1 => first.join(PAGE),
        None => holding(first)?.join(PAGE),
    };
    let _lock = first.is_dir().then(|| tidy(first)).flatten();
    let folders: Vec<&Path> = results.iter().map(PathBuf::as_path).collect();
    for answer in page::write(&folders, &page)? {
        print(&answer)?;
    }
    Ok(print(&format!("the page is {}", page.display()))?)
}

/// The folder that a results folder lies in, as it is called: that of `results/a` is `results`, that of `.` has to be looked up.
fn holding(folder: &Path) -> Result<PathBuf> {
    if let (Some(parent), Some(_)) = (folder.parent(), folder.file_name()) {
        return Ok(parent.to_path_buf());
    }
    let whole = folder.canonicalize();
    let whole = whole.with_context(|| folder.display().to_string())?;
    Ok(whole.parent().unwrap_or(&whole).to_path_buf())
}
