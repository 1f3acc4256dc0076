//! A method is found by its own name: METHODS.md links to a section of that name in the README of its crate.

use std::path::Path;

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Names that the families of a crate have: what `fn name` of each `impl MethodFamily` returns.
fn names(folder: &Path) -> Vec<String> {
    let files = xtask::rust_files(&folder.join("src"));
    let texts = files.iter().map(|file| read(file));
    texts.flat_map(|text| names_in(&text)).collect()
}

fn names_in(text: &str) -> Vec<String> {
    let name = |family: &str| {
        let body = family.split_once("fn name(&self)")?.1;
        Some(body.split('"').nth(1)?.to_owned())
    };
    text.split("impl MethodFamily for ")
        .skip(1)
        .map(|family| name(family).expect("a family with a name"))
        .collect()
}

/// The name of a crate, and those of its methods.
fn methods() -> Vec<(String, Vec<String>)> {
    let crates = std::fs::read_dir(xtask::root().join("crates")).expect("readable folder");
    let folders = crates.map(|entry| entry.expect("readable entry").path());
    let name = |folder: &Path| {
        folder
            .file_name()
            .and_then(|n| n.to_str())
            .map(String::from)
    };
    let named = folders.filter_map(|folder| Some((name(&folder)?, folder)));
    let own = named.filter(|(name, _)| name == "nnn-core" || name.starts_with("method-"));
    own.map(|(name, folder)| (name, names(&folder))).collect()
}

#[test]
fn every_method_is_found_by_its_own_name() {
    let table = read(&xtask::root().join("METHODS.md"));
    let methods = methods();
    for (package, names) in &methods {
        let readme = read(&xtask::root().join("crates").join(package).join("README.md"));
        assert!(!names.is_empty(), "`{package}` has no method");
        for name in names {
            let link = format!("[`{name}`](crates/{package}/README.md#{name})");
            assert!(table.contains(&link), "METHODS.md lacks {link}");
            let heading = format!("\n## `{name}`\n");
            assert!(
                readme.contains(&heading),
                "README of `{package}` lacks a section `{name}`"
            );
        }
    }
    let rows = table
        .lines()
        .filter(|line| line.starts_with("| [`"))
        .count();
    let known: usize = methods.iter().map(|(_, names)| names.len()).sum();
    assert_eq!(
        rows, known,
        "METHODS.md has rows of methods that are not there"
    );
}

#[test]
fn every_family_is_registered() {
    let registry = read(&xtask::root().join("crates/nnn-trial/src/registry.rs"));
    for (package, _) in methods() {
        let folder = xtask::root().join("crates").join(&package);
        for file in xtask::rust_files(&folder.join("src")) {
            let text = read(&file);
            for family in text.split("impl MethodFamily for ").skip(1) {
                let family = family.split_whitespace().next().expect("a type");
                let entry = ["&", "::"].map(|before| format!("{before}{family},"));
                let is_there = entry.iter().any(|entry| registry.contains(entry));
                assert!(is_there, "registry.rs lacks `{family}` of `{package}`");
            }
        }
    }
}
