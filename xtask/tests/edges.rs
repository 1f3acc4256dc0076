//! Which crate may see which. A new edge is a decision: it is made in ARCHITECTURE.md and then here.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(xtask::root().join("Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata runs")
}

/// Of tests only: nothing that is built for users may depend on it.
const FOR_TESTS: &str = "nnn-testkit";

/// Whether a crate may depend on another of the workspace.
fn may_see(name: &str, other: &str) -> bool {
    let among = |crates: &[&str]| crates.contains(&other);
    match name {
        "runner" => other != FOR_TESTS,
        "nnn-amx" | "nnn-files" | "nnn-pickle" | "xtask" => false,
        "nnn-core" => among(&["nnn-amx"]),
        "nnn-ann" | "nnn-gpu" | "nnn-metrics" => among(&["nnn-core"]),
        "nnn-encode" => among(&["nnn-amx", "nnn-files", "nnn-pickle"]),
        "nnn-hub" | "nnn-report" => among(&["nnn-files"]),
        "nnn-data" => among(&["nnn-core", "nnn-files", "nnn-pickle"]),
        "nnn-export" => among(&["nnn-core", "nnn-files"]),
        // It registers every method.
        "nnn-trial" => {
            other.starts_with("method-")
                || among(&["nnn-ann", "nnn-core", "nnn-files", "nnn-metrics"])
        }
        // It knows the crates whose tests it serves.
        FOR_TESTS => among(&["nnn-core", "nnn-encode", "nnn-files"]),
        _ if name.starts_with("method-") => among(&["nnn-core"]),
        _ if name.starts_with("encoder-") => among(&["nnn-encode"]),
        _ if name.starts_with("dataset-") => false,
        _ => panic!("crate `{name}` has no place in the layout; see ARCHITECTURE.md"),
    }
}

/// Heavy or far-reaching libraries, and who may use them.
fn allowed_users(library: &str) -> Option<fn(&str) -> bool> {
    match library {
        "candle-core" | "candle-nn" => {
            Some(|user| user == "nnn-encode" || user == "nnn-gpu" || user.starts_with("encoder-"))
        }
        "hf-hub" | "ureq" => Some(|user| user == "nnn-hub"),
        "ann-search-rs" => Some(|user| user == "nnn-ann"),
        "polars-core" | "polars-io" | "plotters" => Some(|user| user == "nnn-report"),
        "parquet" => {
            Some(|user| ["nnn-data", "nnn-export", "nnn-files", "nnn-report"].contains(&user))
        }
        "arrow-ipc" | "hdf5-reader" | "tar" | "memmap2" => Some(|user| user == "nnn-data"),
        "anyhow" | "indicatif" | "serde-saphyr" => Some(|user| user == "runner"),
        "clap" => Some(|user| user == "runner" || user == "xtask"),
        "pulldown-cmark" | "syn" => Some(|user| user == "xtask"),
        _ => None,
    }
}

fn normal_dependencies(package: &Package) -> impl Iterator<Item = &str> {
    let normal = package
        .dependencies
        .iter()
        .filter(|d| d.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.name.as_str())
}

#[test]
fn crates_see_only_what_lies_below_them() {
    let metadata = metadata();
    let own: Vec<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    for package in &metadata.packages {
        for dependency in normal_dependencies(package).filter(|d| own.contains(d)) {
            assert!(
                may_see(&package.name, dependency),
                "`{}` must not depend on `{dependency}`",
                package.name
            );
        }
    }
}

#[test]
fn the_test_kit_is_for_tests_alone() {
    for package in &metadata().packages {
        let uses = package.dependencies.iter();
        for dependency in uses.filter(|dependency| dependency.name == "nnn-testkit") {
            assert_eq!(
                dependency.kind,
                DependencyKind::Development,
                "`{}` may use `nnn-testkit` in tests only",
                package.name
            );
        }
    }
}

#[test]
fn heavy_libraries_stay_where_they_belong() {
    for package in &metadata().packages {
        for dependency in normal_dependencies(package) {
            let allowed = allowed_users(dependency).is_none_or(|allows| allows(&package.name));
            assert!(allowed, "`{}` must not use `{dependency}`", package.name);
        }
    }
}

/// Where methods, encoders and generators of data are registered.
const REGISTRIES: [&str; 3] = [
    "crates/nnn-trial/src/registry.rs",
    "crates/runner/src/plan/registry.rs",
    "crates/runner/src/plan/generators.rs",
];

#[test]
fn every_method_encoder_and_data_set_is_registered() {
    let read = |file| std::fs::read_to_string(xtask::root().join(file)).expect("readable source");
    let registry = REGISTRIES.map(read).concat();
    let metadata = metadata();
    let plugins = metadata.packages.iter().filter(|package| {
        ["method-", "encoder-", "dataset-"]
            .iter()
            .any(|kind| package.name.starts_with(kind))
    });
    for package in plugins {
        let name = package.name.replace('-', "_");
        assert!(
            registry.contains(&format!("{name}::")),
            "`{}` is missing in registry.rs",
            package.name
        );
    }
}

#[test]
fn every_crate_inherits_the_lints() {
    for package in &metadata().packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("manifest");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "`{}` has lints of its own",
            package.name
        );
    }
}
