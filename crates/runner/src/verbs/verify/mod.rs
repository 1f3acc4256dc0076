//! `runner verify`.

mod queries;
mod report;

use crate::terminal::output::print;
use crate::terminal::progress::Progress;
use crate::verbs::arrays::array_file;
use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use nnn_data::ArrayFile;
use nnn_export::{Answer, Exact, Id, List, Manifest, read_answers, read_items};
use nnn_files::write_atomically;
use queries::Queries;
use report::Report;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What is verified, and against what.
#[derive(Debug, Args)]
pub struct VerifyOptions {
    /// An export that `runner export` wrote.
    #[arg(value_name = "DIR")]
    pub export: PathBuf,
    /// Vectors of queries, as they are before anything is appended: FILE, FILE[KEY], patterns or folders.
    #[arg(long, required = true, num_args = 1.., value_name = "FILE", value_parser = array_file)]
    pub queries: Vec<ArrayFile>,
    /// Ids of the queries, one for every row, where answers name queries by ids.
    #[arg(long, num_args = 1.., value_name = "FILE", value_parser = array_file)]
    pub query_ids: Vec<ArrayFile>,
    /// An engine's answers: `{"query": ROW OR ID, "ids": [...]}` in every line, best first.
    #[arg(long, value_name = "FILE", conflicts_with = "sample")]
    pub results: Option<PathBuf>,
    /// How many queries are looked at, evenly spread, where there are no answers.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub sample: usize,
    /// Length of the lists.
    #[arg(long, default_value_t = 10)]
    pub k: usize,
    /// Exit with status 1 where recall or the share of queries with the order kept is less.
    #[arg(long, value_name = "SHARE", requires = "results")]
    pub at_least: Option<f64>,
    /// A file for the exact lists, one line of JSON for every query.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Computes the exact corrected lists of some queries from an export and prints or writes them; with an engine's answers, prints how
/// these compare. Whether they are as good as was asked.
///
/// # Errors
/// The export was changed, queries do not fit it, answers are no answers, or something cannot be read or written.
pub fn verify(options: &VerifyOptions) -> Result<bool> {
    let manifest = Manifest::read(&options.export)?;
    check(options, &manifest)?;
    manifest.check_files(&options.export)?;
    let all = Queries::read(options, &manifest)?;
    let answers = match &options.results {
        Some(path) => read_answers(path, options.k, manifest.named_ids)?,
        None => Vec::new(),
    };
    let rows = match answers.as_slice() {
        [] => all.spread(options.sample),
        answers => all.answered(answers, options.results.as_deref())?,
    };
    let lists = exact(options, &manifest, all.vectors(&rows), &answers)?;
    if let Some(path) = &options.results {
        check_known(path, &answers, &lists)?;
    }
    let names: Vec<Id> = rows.iter().map(|&row| all.name(row)).collect();
    match (&options.out, answers.is_empty()) {
        (Some(out), _) => write(out, &names, &lists)?,
        (None, true) => print(lines(&names, &lists).trim_end())?,
        (None, false) => (),
    }
    if answers.is_empty() {
        return Ok(true);
    }
    let report = Report::new(options.k, &answers, &lists);
    print(&report.text())?;
    Ok(options.at_least.is_none_or(|least| report.reaches(least)))
}

fn check(options: &VerifyOptions, manifest: &Manifest) -> Result<()> {
    let (k, count) = (options.k as u64, manifest.count);
    ensure!(
        k >= 1 && k <= count,
        "--k is {k}, expected 1 to {count}, the number of items"
    );
    ensure!(options.sample >= 1, "--sample is 0, expected at least 1");
    if let Some(share) = options.at_least {
        let range = 0.0..=1.0;
        ensure!(
            range.contains(&share),
            "--at-least is {share}, expected a share from 0 to 1"
        );
    }
    Ok(())
}

/// The exact lists of queries over all items, read block by block.
fn exact(
    options: &VerifyOptions,
    manifest: &Manifest,
    queries: Vec<Vec<f32>>,
    answers: &[Answer],
) -> Result<Vec<List>> {
    let answered: Vec<&[Id]> = answers.iter().map(|it| &it.ids[..options.k]).collect();
    let form = (manifest.form, manifest.constants());
    let mut exact = Exact::new(options.k, form, queries, &answered);
    let progress = Progress::new("exact ranking", manifest.count, "items");
    let shape = manifest.shape();
    read_items(manifest.items, &options.export, shape, &mut |ids, rows| {
        exact.push(ids, rows);
        progress.advance(ids.len() as u64);
        Ok(())
    })?;
    Ok(exact.into_lists())
}

/// Refuses answers with ids that no item has.
fn check_known(path: &Path, answers: &[Answer], lists: &[List]) -> Result<()> {
    for (answer, list) in answers.iter().zip(lists) {
        if let Some(place) = list.answered.iter().position(Option::is_none) {
            bail!(
                "{}: line {}: no item of the export has the id {}",
                path.display(),
                answer.line,
                answer.ids[place]
            );
        }
    }
    Ok(())
}

/// The exact lists as an engine's answers are written.
fn lines(names: &[Id], lists: &[List]) -> String {
    let line = |(name, list): (&Id, &List)| {
        let ids: Vec<&Id> = list.best.iter().map(|it| &it.id).collect();
        let scores: Vec<f64> = list.best.iter().map(|it| it.score).collect();
        format!("{}\n", json!({"query": name, "ids": ids, "scores": scores}))
    };
    names.iter().zip(lists).map(line).collect()
}

fn write(path: &Path, names: &[Id], lists: &[List]) -> Result<()> {
    let text = lines(names, lists);
    write_atomically(path, |out| out.write_all(text.as_bytes()))
        .with_context(|| format!("{}: cannot be written", path.display()))
}
