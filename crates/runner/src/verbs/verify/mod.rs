//! `runner verify`.

mod options;
mod queries;
mod report;

use crate::terminal::output::print;
use crate::terminal::progress::Progress;
use crate::threads::with_threads;
use crate::verbs::arrays::parts;
use crate::verbs::biased::each_biased;
use anyhow::{Context, Result, bail, ensure};
use nnn_export::{Answer, BiasFile, Exact, Id, List, Manifest, read_answers, read_items};
use nnn_files::write_atomically;
use queries::Queries;
use report::Report;
use serde_json::json;
use std::path::Path;

pub use options::VerifyOptions;

/// Computes the exact corrected lists of some queries from an export and prints or writes them; with an engine's answers, prints how
/// these compare. Whether they are as good as was asked.
///
/// # Errors
/// The export was changed, queries do not fit it, answers are no answers, or something cannot be read or written.
pub fn verify(options: &VerifyOptions) -> Result<bool> {
    with_threads(None, || compare(options))?
}

fn compare(options: &VerifyOptions) -> Result<bool> {
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
    if let Some(path) = &options.bias {
        is_source(path, manifest)?;
        let gallery = parts(&options.gallery)?;
        each_biased(path, &gallery, None, |ids, vectors, biases| {
            progress.advance(ids.len() as u64);
            Ok(exact.push_biased(ids, vectors, biases)?)
        })?;
        return Ok(exact.into_lists());
    }
    let shape = manifest.shape();
    read_items(manifest.items, &options.export, shape, &mut |ids, rows| {
        exact.push(ids, rows);
        progress.advance(ids.len() as u64);
        Ok(())
    })?;
    Ok(exact.into_lists())
}

/// Refuses biases of another method, or of other items than were exported.
fn is_source(path: &Path, manifest: &Manifest) -> Result<()> {
    let file = BiasFile::open(path)?;
    let found = (
        file.header().method.as_str(),
        file.len() as u64,
        file.is_named(),
    );
    let expected = (manifest.method.as_str(), manifest.count, manifest.named_ids);
    let constants = manifest.constants();
    ensure!(
        found == expected && constants.is_some(),
        "{}: {} biases of `{}`, but the export has {} items of `{}`",
        path.display(),
        found.1,
        found.0,
        expected.1,
        expected.0
    );
    Ok(())
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
