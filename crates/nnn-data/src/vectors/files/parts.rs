//! The files that a name stands for: one, those of a pattern, or those in a folder, in the natural order of their numbers.

use super::kind::extension;
use crate::{FileError, FileProblem};
use glob::{MatchOptions, Pattern, glob_with};
use nnn_files::names_in;
use std::cmp::Ordering;
use std::fs;
use std::path::{Path, PathBuf};

/// A file, and the key of the array in it.
pub(in crate::vectors) type Part<'a> = (PathBuf, Option<&'a str>);

/// Folders in each other at most; a link may lead back up.
const DEEPEST: usize = 16;

/// What writers and viewers of folders leave beside the data.
const BESIDE: [&str; 7] = [
    "dataset_info.json",
    "state.json",
    "README.md",
    "LICENSE",
    "Thumbs.db",
    "desktop.ini",
    "dataset_infos.json",
];

/// The files that `file` stands for, relative to `base`. Whether they can be read is not looked at.
///
/// # Errors
/// A pattern or folder has no file of data, or files of several formats, or cannot be read.
pub(in crate::vectors) fn parts(base: &Path, file: &Path) -> Result<Vec<PathBuf>, FileError> {
    let path = base.join(file);
    let failed = |problem| FileError::new(&path, problem);
    let found = match file.to_str() {
        _ if path.is_dir() => folder(&path).map_err(failed)?,
        Some(text) if !path.exists() && text.contains(['*', '?', '[']) => {
            matches(base, text).map_err(failed)?
        }
        _ => return Ok(vec![path]),
    };
    match found.as_slice() {
        [] => Err(failed(FileProblem::Unusable(
            "a folder without a file of data".to_owned(),
        ))),
        _ => one_format(&found).map(|()| found),
    }
}

/// All files of data in a folder and below it.
fn folder(root: &Path) -> Result<Vec<PathBuf>, FileProblem> {
    let mut found = Vec::new();
    let mut folders = vec![(root.to_path_buf(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        if depth > DEEPEST {
            let said = format!("folders lie more than {DEEPEST} deep; a link may lead back up");
            return Err(FileProblem::Unusable(said));
        }
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            match path.is_dir() {
                _ if is_beside(&path)? => (),
                true => folders.push((path, depth + 1)),
                false => found.push(path),
            }
        }
    }
    found.sort_by(|a, b| natural(a, b));
    Ok(found)
}

/// Whether a writer left it beside the data, as Spark does with `_SUCCESS` and its checksums.
fn is_beside(path: &Path) -> Result<bool, FileProblem> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name == "_delta_log" {
        // Its log says which of the files are no longer part of it.
        return Err(FileProblem::Unusable(
            "a Delta table, whose folder may hold files that are no longer part of it; write its rows into plain parquet \
             files and name those"
                .to_owned(),
        ));
    }
    let hidden = name.starts_with(['.', '_']) || extension(path) == "crc";
    Ok(hidden || BESIDE.contains(&name.as_ref()))
}

/// The files that a pattern matches; of a folder, what is in it.
fn matches(base: &Path, text: &str) -> Result<Vec<PathBuf>, FileProblem> {
    let bad = |error: &dyn ToString| {
        FileProblem::Unusable(format!("no pattern of files: {}", error.to_string()))
    };
    let Some(literal) = base.to_str() else {
        let said = "a pattern below a folder whose name is not UTF-8; name the files one by one, or the folder that they lie in";
        return Err(FileProblem::Unusable(said.to_owned()));
    };
    let pattern = match Path::new(text).is_absolute() || literal.is_empty() {
        true => text.to_owned(),
        false => format!("{}/{text}", Pattern::escape(literal)),
    };
    let options = MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    let mut found = Vec::new();
    for path in glob_with(&pattern, options).map_err(|it| bad(&it))? {
        let path = path.map_err(|it| bad(&it))?;
        match path.is_dir() {
            _ if is_beside(&path)? => (),
            true => found.extend(folder(&path)?),
            false => found.push(path),
        }
    }
    found.sort_by(|a, b| natural(a, b));
    match found.is_empty() {
        true => Err(no_match(&base.join(text))),
        false => Ok(found),
    }
}

/// By the numbers in names: part 2 before part 10, and so in every folder.
fn natural(a: &Path, b: &Path) -> Ordering {
    let name = |it: std::path::Component<'_>| it.as_os_str().to_string_lossy().into_owned();
    let each = a.components().map(name).zip(b.components().map(name));
    let by_name = each.map(|(a, b)| natord::compare(&a, &b));
    by_name
        .fold(Ordering::Equal, Ordering::then)
        // Numbers that differ by zeros in front only.
        .then_with(|| a.cmp(b))
}

/// The error of a pattern that matches nothing, with what is there under nearly its name.
fn no_match(pattern: &Path) -> FileProblem {
    let folder = pattern.parent().unwrap_or(Path::new(""));
    let wanted = pattern.file_name().unwrap_or_default().to_string_lossy();
    let bare = |name: &str| -> String {
        let dropped = |it: char| it.is_ascii_digit() || "*?[]-".contains(it);
        name.chars().filter(|it| !dropped(*it)).collect()
    };
    let distance = |name: &String| strsim::osa_distance(&bare(name), &bare(&wanted));
    let names = names_in(folder);
    let near = names.iter().min_by_key(|it| distance(it));
    let there = match near {
        Some(name) => format!("; there is {name:?}"),
        None if folder.is_dir() => "; the folder is empty".to_owned(),
        None => "; there is no such folder".to_owned(),
    };
    FileProblem::Unusable(format!("no file matches{there}"))
}

/// Refuses files of several formats: some would be no part of the data.
fn one_format(files: &[PathBuf]) -> Result<(), FileError> {
    let first = extension(&files[0]);
    match files.iter().find(|it| extension(it) != first) {
        None => Ok(()),
        Some(other) => Err(FileError::new(
            other,
            FileProblem::Unusable(format!(
                "a file of another kind among those of {}; name those that belong together by a pattern, such as *.{first}",
                files[0].display()
            )),
        )),
    }
}
