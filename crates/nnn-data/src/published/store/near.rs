//! The name that one which is nowhere may have meant.

use std::fs;
use std::path::Path;
use unicode_normalization::UnicodeNormalization;

/// The first of `names` that is `image` but for letter case, the form of accented letters (systems write one letter in two ways)
/// and folders in front; else the first that has another folder.
pub(super) fn nearest(image: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let wanted = folded(image);
    let mut elsewhere = None;
    for name in names {
        let found = folded(&name);
        let front = found.strip_suffix(&wanted);
        if front.is_some_and(|front| front.is_empty() || front.ends_with('/')) {
            return Some(name);
        }
        if elsewhere.is_none() && base(&found) == base(&wanted) {
            elsewhere = Some(name);
        }
    }
    elsewhere
}

fn folded(name: &str) -> String {
    name.nfc().collect::<String>().to_lowercase()
}

fn base(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// All files below a folder, by their paths from there; links to folders are not followed, and what cannot be read is left out.
pub(super) fn below(root: &Path) -> Vec<String> {
    let mut folders = vec![root.to_path_buf()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => files.push(entry.path()),
            }
        }
    }
    files.sort();
    let from_root = |file: &Path| Some(file.strip_prefix(root).ok()?.to_str()?.replace('\\', "/"));
    files.iter().filter_map(|file| from_root(file)).collect()
}
