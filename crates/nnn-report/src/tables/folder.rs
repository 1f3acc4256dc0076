//! The folder of the tables: names of files, and what of an earlier run goes.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use nnn_files::short_name;

use crate::error::ReportError;
use crate::records::frame::write_bytes;
use crate::tables::formats::{FORMATS, Format, MARK, PICTURE, Table, csv};

/// Between the name of a file of tables and what tells the CSV files of its tables apart.
const PART: &str = "--";

/// A name as part of a file name: letters and digits, `-`, and one `_` for whatever stands between them.
pub(crate) fn slug(name: &str) -> String {
    let kept = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let parts = name.split(|c| !kept(c)).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("_")
}

/// One file of all tables in each of the [`FORMATS`], and one CSV file per table.
pub(crate) fn files(name: &str, source: &str, tables: &[Table]) -> Vec<(String, String)> {
    let file = |format: &Format| {
        let name = format!("{name}.{}", format.extension);
        (name, (format.text)(source, tables))
    };
    let mut files: Vec<_> = FORMATS.iter().map(file).collect();
    for (at, table) in tables.iter().enumerate() {
        let part = match tables.len() {
            1 => String::new(),
            _ => format!("{PART}{}", short_name(slug(&table.part))),
        };
        let mut file = format!("{name}{part}.csv");
        if files.iter().any(|(taken, _)| *taken == file) {
            file = format!("{name}{part}{PART}{at}.csv");
        }
        files.push((file, csv(table)));
    }
    files
}

/// Writes files into a folder, each with its name and text, and removes those that an earlier run generated.
pub(crate) fn write(folder: &Path, files: Vec<(String, String)>) -> Result<(), ReportError> {
    let mut written = Vec::new();
    for (name, text) in files {
        let path = folder.join(name);
        write_bytes(&path, text.as_bytes())?;
        written.push(path);
    }
    remove_stale(folder, &written)
}

/// Removes generated files that were not just written.
fn remove_stale(folder: &Path, written: &[PathBuf]) -> Result<(), ReportError> {
    if !folder.is_dir() {
        return Ok(());
    }
    let entries = fs::read_dir(folder).map_err(ReportError::read(folder))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let paths: Result<Vec<_>, _> = paths.collect();
    // All are looked at before the first goes: a CSV file is known by the Markdown beside it.
    let mut stale = Vec::new();
    for path in paths.map_err(ReportError::read(folder))? {
        if !written.contains(&path) && is_generated(&path)? {
            stale.push(path);
        }
    }
    for path in stale {
        fs::remove_file(&path).map_err(ReportError::write(&path))?;
    }
    Ok(())
}

/// Whether a file is one of ours: by its first line or, as CSV has no comments, by that of the Markdown of the same tables.
fn is_generated(path: &Path) -> Result<bool, ReportError> {
    let extension = path.extension().and_then(OsStr::to_str);
    if extension == Some("csv") {
        let stem = path.file_stem().and_then(OsStr::to_str).unwrap_or_default();
        let name = stem.split(PART).next().unwrap_or_default();
        return is_generated(&path.with_file_name(format!("{name}.md")));
    }
    let Some(comment) = extension.and_then(comment).filter(|_| path.is_file()) else {
        return Ok(false);
    };
    let mark = format!("{comment}{MARK}");
    let mut start = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(mark.len() as u64).read_to_end(&mut start))
        .map_err(ReportError::read(path))?;
    Ok(start == mark.as_bytes())
}

/// The sign of a comment in files with an extension, if such files are generated.
fn comment(extension: &str) -> Option<&'static str> {
    let formats = FORMATS
        .iter()
        .map(|format| (format.extension, format.comment));
    let mut known = formats.chain([PICTURE]);
    Some(known.find(|(known, _)| *known == extension)?.1)
}
