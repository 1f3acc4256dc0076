//! `cargo run -p xtask -- imports crates/runner`: the imports between a crate's files that run against the order of its stages,
//! and the circles among them.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use xtask::imports::{Imports, RUNNER_STAGES};

const USAGE: &str = "\
usage: cargo run -p xtask -- imports CRATE_FOLDER [STAGE...]

A stage is the first part of paths below `src`, lowest first; several side by side are written `cli,main`.
Without stages those of the runner are taken for the runner, and none for other crates.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let printed = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["imports", folder, ref stages @ ..] => print(Path::new(folder), stages),
        _ => {
            let _ = io::stderr().write_all(USAGE.as_bytes());
            return ExitCode::from(2);
        }
    };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn print(folder: &Path, given: &[&str]) -> io::Result<()> {
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
