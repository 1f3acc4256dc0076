//! The name that one which is nowhere may have meant.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The first of `names` that is `image` but for letter case, the form of accented letters (systems write one letter in two ways),
/// backslashes and folders in front; else the first that has another folder; else one that has another ending or one at all.
pub(super) fn nearest(image: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let wanted = folded(image);
    let (mut elsewhere, mut other_ending) = (None, None);
    for name in names {
        let found = folded(&name);
        let front = found.strip_suffix(&wanted);
        if front.is_some_and(|front| front.is_empty() || front.ends_with('/')) {
            return Some(name);
        }
        if base(&found) == base(&wanted) {
            elsewhere.get_or_insert(name);
        } else if stem(&found) == stem(&wanted) || stem(&found) == base(&wanted) {
            other_ending.get_or_insert(name);
        }
    }
    elsewhere.or(other_ending)
}

fn folded(name: &str) -> String {
    nnn_files::folded(&name.replace('\\', "/"))
}

/// The last part of a path without its ending.
fn stem(name: &str) -> &str {
    let base = base(name);
    base.rsplit_once('.').map_or(base, |(stem, _)| stem)
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// All files below a folder, by their paths from there; links to folders are followed, each folder once, and what cannot be read
/// is left out.
pub(super) fn below(root: &Path) -> Vec<String> {
    let mut folders = vec![root.to_path_buf()];
    let mut seen = BTreeSet::new();
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        if !folder.canonicalize().is_ok_and(|it| seen.insert(it)) {
            continue;
        }
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.path() {
                path if path.is_dir() => folders.push(path),
                path => files.push(path),
            }
        }
    }
    files.sort();
    let from_root = |file: &Path| Some(file.strip_prefix(root).ok()?.to_str()?.replace('\\', "/"));
    files.iter().filter_map(|file| from_root(file)).collect()
}
