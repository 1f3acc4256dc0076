//! What the tests of the workspace itself (in `tests/`) share: which files there are, what a crate's files import from each
//! other, and where the links of a Markdown file lead.

pub mod imports;
pub mod links;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's folder.
#[must_use]
pub fn root() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    folder.parent().unwrap_or(folder).to_path_buf()
}

/// The files of the workspace that git tracks or would track, relative to its folder, sorted.
///
/// # Panics
/// Git does not run, or the folder is no repository.
#[must_use]
pub fn tracked() -> Vec<PathBuf> {
    let listed = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others"])
        .arg("--exclude-standard")
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(listed.status.success(), "the workspace is a git repository");
    let names = String::from_utf8_lossy(&listed.stdout);
    let names = names.split('\0').filter(|name| !name.is_empty());
    let mut files: Vec<PathBuf> = names.map(PathBuf::from).collect();
    // Git goes on listing a file that was moved or deleted and not yet staged.
    files.retain(|file| root().join(file).is_file());
    files.sort();
    files
}

/// The Rust files below a folder, as deep as they lie, sorted.
///
/// # Panics
/// A folder cannot be read.
#[must_use]
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("readable folder") {
        let path = entry.expect("readable entry").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
