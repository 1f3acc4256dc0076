//! Bakes into the binary which code it is: the commit for people, and a checksum of the sources for the records, which
//! changes with every edit, committed or not.

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    let commit = git(&["rev-parse", "--short=10", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let changes = git(&[
        "status",
        "--porcelain",
        "--",
        ":/crates",
        ":/Cargo.toml",
        ":/Cargo.lock",
    ]);
    println!("cargo::rustc-env=NNN_COMMIT={commit}");
    println!(
        "cargo::rustc-env=NNN_DIRTY={}",
        changes.is_some_and(|changes| !changes.is_empty())
    );
    println!("cargo::rustc-env=NNN_SOURCES={}", sources_checksum());
    for path in ["HEAD", "index"] {
        if let Some(path) = git(&["rev-parse", "--git-path", path]) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// SHA-256 over the Rust sources and manifests of all crates and the lock file, each with its path.
fn sources_checksum() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut files = vec![root.join("Cargo.lock"), root.join("Cargo.toml")];
    collect(&root.join("crates"), &mut files);
    files.sort();
    let mut digest = Sha256::new();
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
        let name = file.strip_prefix(&root).unwrap_or(file).to_string_lossy();
        digest.update(name.as_bytes());
        digest.update(std::fs::read(file).unwrap_or_default());
    }
    digest
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Files below `src/` and manifests; tests, benches and what only tests use change no result.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let name = entry.file_name();
        let skipped = ["tests", "benches", "examples", "nnn-testkit"]
            .iter()
            .any(|skip| name == *skip);
        if path.is_dir() && !skipped {
            collect(&path, files);
        } else if path
            .extension()
            .is_some_and(|ext| ext == "rs" || ext == "toml")
        {
            files.push(path);
        }
    }
}
