//! The files of a crate import downwards.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use xtask::imports::{Imports, RUNNER_STAGES};

/// Imports of the runner that may run against the order of its stages.
const MOST: usize = 5;

fn crates() -> Vec<PathBuf> {
    let folder = std::fs::read_dir(xtask::root().join("crates")).expect("crates/");
    let paths = folder.map(|entry| entry.expect("readable entry").path());
    let mut crates: Vec<PathBuf> = paths.filter(|path| path.join("src").is_dir()).collect();
    crates.push(xtask::root().join("xtask"));
    crates.sort();
    crates
}

fn listed(lines: impl IntoIterator<Item = impl ToString>) -> String {
    let lines = lines
        .into_iter()
        .map(|line| format!("\n  {}", line.to_string()));
    lines.collect()
}

#[test]
fn every_file_of_the_runner_has_a_stage() {
    let imports = Imports::read(&xtask::root().join("crates/runner"));
    let without = imports.without_stage(&RUNNER_STAGES);
    let names = listed(without.iter().map(|file| file.display()));
    assert!(without.is_empty(), "files without a stage:{names}");
}

#[test]
fn the_runner_imports_from_earlier_stages() {
    let imports = Imports::read(&xtask::root().join("crates/runner"));
    let against = imports.against(&RUNNER_STAGES);
    assert!(
        against.len() <= MOST,
        "{} of {} imports run against the order of the stages, at most {MOST} may:{}",
        against.len(),
        imports.imports.len(),
        listed(&against)
    );
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    let mut found = Vec::new();
    for folder in crates() {
        let imports = Imports::read(&folder);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        for circle in imports.circles() {
            found.push(format!("{name}:{}", listed(imports.among(&circle))));
        }
    }
    assert!(
        found.is_empty(),
        "files that import each other in a circle:\n{}",
        found.join("\n")
    );
}

/// Guards against a reader of sources that finds nothing and so allows everything.
#[test]
fn imports_are_found_through_re_exports_paths_and_macros() {
    let imports = Imports::read(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/crate_")
            .as_path(),
    );
    let found: BTreeSet<String> = imports.imports.iter().map(ToString::to_string).collect();
    let expected = [
        "b/c.rs -> a.rs",
        "b/c.rs -> b/mod.rs",
        "b/mod.rs -> b/c.rs",
        "lib.rs -> a.rs",
        "lib.rs -> b/c.rs",
        "main.rs -> b/c.rs",
        "main.rs -> b/mod.rs",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());
}
