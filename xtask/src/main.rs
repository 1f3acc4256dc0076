//! `cargo run -p xtask -- imports crates/runner`: the imports between a crate's files that run against the order of its stages,
//! and the circles among them.

use clap::Parser;
use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use xtask::imports::{Imports, RUNNER_STAGES};

/// Looks at the workspace itself.
#[derive(Parser)]
enum Verb {
    /// The imports between a crate's files that run against the order of its stages, and the circles among them.
    Imports {
        /// Folder of the crate, such as crates/runner.
        folder: PathBuf,
        /// Stages, lowest first: the first part of paths below `src`; several side by side are written `cli,main`. Without any,
        /// those of the runner are taken for the runner, and none for other crates.
        stages: Vec<String>,
    },
}

fn main() -> io::Result<()> {
    let Verb::Imports { folder, stages } = Verb::parse();
    print(&folder, &stages)
}

fn print(folder: &Path, given: &[String]) -> io::Result<()> {
    let imports = Imports::read(folder);
    let given: Vec<Vec<&str>> = given.iter().map(|it| it.split(',').collect()).collect();
    let mut stages: Vec<&[&str]> = given.iter().map(Vec::as_slice).collect();
    if stages.is_empty() && folder.ends_with("runner") {
        stages = RUNNER_STAGES.to_vec();
    }
    let mut out = io::stdout().lock();
    let (count, files) = (imports.imports.len(), imports.files.len());
    writeln!(out, "{count} imports between {files} files")?;
    if !stages.is_empty() {
        print_stages(&mut out, &imports, &stages)?;
    }
    let circles = imports.circles();
    writeln!(out, "{} circles", circles.len())?;
    circles
        .iter()
        .try_for_each(|circle| print_circle(&mut out, &imports, circle))
}

fn print_stages(out: &mut dyn Write, imports: &Imports, stages: &[&[&str]]) -> io::Result<()> {
    for file in imports.without_stage(stages) {
        writeln!(out, "  without a stage: {}", file.display())?;
    }
    let against = imports.against(stages);
    writeln!(out, "{} against the order of the stages", against.len())?;
    against
        .iter()
        .try_for_each(|import| writeln!(out, "  {import}"))
}

fn print_circle(
    out: &mut dyn Write,
    imports: &Imports,
    circle: &BTreeSet<&Path>,
) -> io::Result<()> {
    writeln!(out, "  a circle of {} files", circle.len())?;
    imports
        .among(circle)
        .try_for_each(|import| writeln!(out, "    {import}"))
}
