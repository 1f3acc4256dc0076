//! Every relative link in a Markdown file leads somewhere.

use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};
use xtask::links::{anchors, destinations};

/// The Markdown files of the workspace, with their texts.
fn markdown() -> HashMap<PathBuf, String> {
    let is_markdown = |file: &PathBuf| file.extension().is_some_and(|it| it == "md");
    let files = xtask::tracked().into_iter().filter(is_markdown);
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(xtask::root().join(&file)).expect("readable file");
        (file, text)
    };
    files.map(read).collect()
}

/// Whether a destination is an address, which is not looked at.
fn is_address(destination: &str) -> bool {
    let scheme = destination.split(':').next().unwrap_or_default();
    destination.contains(':') && scheme.chars().all(|c| c.is_ascii_alphanumeric())
}

/// A path without `.` and `..`; none if it leaves the workspace.
fn plain(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => plain.push(part),
            Component::CurDir => {}
            Component::ParentDir => plain.pop().then_some(())?,
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(plain)
}

/// What is wrong with a link, if anything is.
fn problem(
    from: &Path,
    destination: &str,
    files: &[PathBuf],
    texts: &HashMap<PathBuf, String>,
) -> Option<&'static str> {
    let (path, anchor) = match destination.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (destination, None),
    };
    let folder = from.parent().unwrap_or(Path::new(""));
    let target = match path {
        "" => Some(from.to_path_buf()),
        path => plain(&folder.join(path.replace("%20", " "))),
    };
    let Some(target) = target else {
        return Some("it leaves the workspace");
    };
    if !files.iter().any(|file| file.starts_with(&target)) {
        return Some("there is no such file");
    }
    match (anchor, texts.get(&target)) {
        (Some(anchor), Some(text)) if !anchors(text).contains(anchor) => {
            Some("the file has no such heading")
        }
        _ => None,
    }
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let (files, texts) = (xtask::tracked(), markdown());
    assert!(texts.contains_key(Path::new("README.md")), "no README.md");
    let mut broken = Vec::new();
    for (file, text) in &texts {
        for destination in destinations(text).iter().filter(|it| !is_address(it)) {
            if let Some(problem) = problem(file, destination, &files, &texts) {
                broken.push(format!("{}: {destination:?}: {problem}", file.display()));
            }
        }
    }
    broken.sort();
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}
