//! One convention for files of modules: a module with children is a folder with a `mod.rs`.

use std::collections::BTreeSet;
use std::path::PathBuf;

#[test]
fn no_file_stands_beside_the_folder_of_its_module() {
    let mut sources = xtask::tracked();
    sources.retain(|file| file.extension().is_some_and(|it| it == "rs"));
    let folders: BTreeSet<PathBuf> = sources
        .iter()
        .filter_map(|file| Some(file.parent()?.to_path_buf()))
        .collect();
    let beside = |file: &&PathBuf| folders.contains(&file.with_extension(""));
    let found: Vec<String> = sources
        .iter()
        .filter(beside)
        .map(|file| file.display().to_string())
        .collect();
    assert!(
        found.is_empty(),
        "move each to `mod.rs` in the folder of its name:\n{}",
        found.join("\n")
    );
}
