//! Which file of a crate imports from which, read from the sources.
//!
//! An import is a pair of files: the first names, in a `use` or in a path, something that the second defines. A name that is
//! re-exported is followed to the file that defines it; the re-export itself is an import too. What only tests import
//! (`#[cfg(test)]`) does not count, nor does a file's import from itself.

mod circles;
mod modules;

use modules::Modules;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// The stages of the runner, lowest first: a file imports from its own stage or from an earlier one. A stage is the first part
/// of a file's path below `src`; those of one line stand side by side.
pub const RUNNER_STAGES: [&[&str]; 11] = [
    &["terminal", "warning", "provenance", "threads", "signals"],
    &["spec"],
    &["plan", "memory"],
    &["fetch"],
    &["open"],
    &["run"],
    &["results"],
    &["sweep"],
    &["verbs"],
    &["lib"],
    &["cli", "main"],
];

/// One file's import from another; paths are relative to the crate's `src`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// The file that imports.
    pub from: PathBuf,
    /// The file that defines what is imported.
    pub to: PathBuf,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} -> {}", self.from.display(), self.to.display())
    }
}

/// The files of a crate and the imports between them.
#[derive(Debug)]
pub struct Imports {
    /// All files that the crate's root declares, directly or through others.
    pub files: BTreeSet<PathBuf>,
    /// The imports, each pair of files once.
    pub imports: BTreeSet<Import>,
}

impl Imports {
    /// Reads the crate in `folder`, from `src/lib.rs` and `src/main.rs` on.
    ///
    /// # Panics
    /// A file cannot be read or is not valid Rust.
    #[must_use]
    pub fn read(folder: &Path) -> Self {
        let modules = Modules::read(folder);
        Self {
            files: modules.files(),
            imports: modules.imports(),
        }
    }

    /// Files that belong to none of the stages.
    #[must_use]
    pub fn without_stage(&self, stages: &[&[&str]]) -> Vec<&Path> {
        let files = self.files.iter().map(PathBuf::as_path);
        files.filter(|file| stage(file, stages).is_none()).collect()
    }

    /// Imports from a later stage than the importing file's own.
    #[must_use]
    pub fn against(&self, stages: &[&[&str]]) -> Vec<&Import> {
        let runs_against = |import: &&Import| {
            let of = |file| stage(file, stages);
            matches!((of(&import.from), of(&import.to)), (Some(from), Some(to)) if to > from)
        };
        self.imports.iter().filter(runs_against).collect()
    }

    /// Files that import each other in a circle. A circle is allowed, and not listed, where it goes through a module's file
    /// and all its other files lie in that module.
    #[must_use]
    pub fn circles(&self) -> Vec<BTreeSet<&Path>> {
        circles::circles(&self.files, &self.imports)
    }

    /// The imports between files of `some`.
    pub fn among(&self, some: &BTreeSet<&Path>) -> impl Iterator<Item = &Import> {
        let inside = |file: &PathBuf| some.contains(file.as_path());
        self.imports
            .iter()
            .filter(move |import| inside(&import.from) && inside(&import.to))
    }
}

/// The number of the stage that a file belongs to.
fn stage(file: &Path, stages: &[&[&str]]) -> Option<usize> {
    let first = file.iter().next()?.to_str()?;
    let name = first.strip_suffix(".rs").unwrap_or(first);
    stages.iter().position(|stage| stage.contains(&name))
}
