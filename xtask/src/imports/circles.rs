//! Circles of files: sets in which every file imports, directly or through others, from every other.

use super::Import;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// From every file the files that it imports from.
type Graph<'a> = BTreeMap<&'a Path, BTreeSet<&'a Path>>;

/// The largest circles that are not a module and what lies in it.
pub(super) fn circles<'a>(
    files: &'a BTreeSet<PathBuf>,
    imports: &'a BTreeSet<Import>,
) -> Vec<BTreeSet<&'a Path>> {
    let mut graph: Graph<'a> = files
        .iter()
        .map(|it| (it.as_path(), BTreeSet::new()))
        .collect();
    for import in imports {
        graph.entry(&import.from).or_default().insert(&import.to);
    }
    let mut found = Vec::new();
    collect(&graph, graph.keys().copied().collect(), &mut found);
    found
}

/// Adds the circles among `files`. Where one is held together by a module's file, what is left without it is looked at.
fn collect<'a>(graph: &Graph<'a>, files: BTreeSet<&'a Path>, found: &mut Vec<BTreeSet<&'a Path>>) {
    for circle in components(graph, &files) {
        let module = circle.iter().copied().find(|file| holds(file, &circle));
        match module {
            Some(module) => {
                let rest = circle.into_iter().filter(|&file| file != module);
                collect(graph, rest.collect(), found);
            }
            None => found.push(circle),
        }
    }
}

/// Sets of two files or more that all reach each other.
fn components<'a>(graph: &Graph<'a>, files: &BTreeSet<&'a Path>) -> Vec<BTreeSet<&'a Path>> {
    let reached: Graph<'a> = files
        .iter()
        .map(|&file| (file, reach(graph, files, file)))
        .collect();
    let mut found: Vec<BTreeSet<&Path>> = Vec::new();
    for &file in files {
        let back = |other: &&&Path| reached[*other].contains(file);
        let circle: BTreeSet<&Path> = reached[file].iter().filter(back).copied().collect();
        if circle.len() > 1 && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

/// The files among `files` that `start` imports from, directly or through others; `start` itself only through others.
fn reach<'a>(graph: &Graph<'a>, files: &BTreeSet<&'a Path>, start: &'a Path) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(file) = open.pop() {
        let next = graph[file].iter().filter(|it| files.contains(*it));
        open.extend(next.filter(|it| reached.insert(**it)));
    }
    reached
}

/// Whether all the other files lie in the module of which `file` is the file.
fn holds(file: &Path, others: &BTreeSet<&Path>) -> bool {
    let folder = match file.file_name().and_then(|name| name.to_str()) {
        Some("mod.rs" | "lib.rs" | "main.rs") => file.parent().unwrap_or(file).to_path_buf(),
        _ => file.with_extension(""),
    };
    others
        .iter()
        .all(|other| *other == file || other.starts_with(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(edges: &[(&str, &str)]) -> Vec<Vec<String>> {
        let import = |&(from, to): &(&str, &str)| Import {
            from: from.into(),
            to: to.into(),
        };
        let imports: BTreeSet<Import> = edges.iter().map(import).collect();
        let ends = |it: &Import| [it.from.clone(), it.to.clone()];
        let files: BTreeSet<PathBuf> = imports.iter().flat_map(ends).collect();
        let names =
            |it: BTreeSet<&Path>| it.iter().map(|file| file.display().to_string()).collect();
        circles(&files, &imports).into_iter().map(names).collect()
    }

    #[test]
    fn a_module_and_its_children_are_no_circle() {
        let edges = [
            ("a/mod.rs", "a/b.rs"),
            ("a/b.rs", "a/c.rs"),
            ("a/c.rs", "a/mod.rs"),
            ("lib.rs", "a/mod.rs"),
            ("a/c.rs", "lib.rs"),
        ];
        assert!(found(&edges).is_empty());
    }

    #[test]
    fn siblings_that_import_each_other_are_a_circle_beside_their_module_too() {
        let edges = [
            ("a/mod.rs", "a/b.rs"),
            ("a/b.rs", "a/mod.rs"),
            ("a/b.rs", "a/c.rs"),
            ("a/c.rs", "a/b.rs"),
        ];
        assert_eq!(found(&edges), [["a/b.rs", "a/c.rs"]]);
    }

    #[test]
    fn two_modules_that_import_each_other_are_a_circle() {
        let edges = [
            ("a/mod.rs", "a/b.rs"),
            ("a/b.rs", "c/mod.rs"),
            ("c/mod.rs", "a/mod.rs"),
        ];
        assert_eq!(found(&edges), [["a/b.rs", "a/mod.rs", "c/mod.rs"]]);
    }
}
