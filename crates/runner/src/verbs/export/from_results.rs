//! From the results of a sweep: the bias that it wrote, or the map that it fitted, over the gallery that it ranked.

use super::options::{ExportOptions, servable};
use super::whole::Items;
use crate::fetch;
use crate::open::trials::{TrialPlan, Trials};
use crate::open::{Side, Sources, Table};
use crate::plan::names::{bias_file, trial_name};
use crate::plan::{self, Plan};
use crate::results::run_record::Ran;
use crate::run::TrialRunner;
use crate::verbs::arrays::{labels, parts_in};
use anyhow::{Context, Result, bail, ensure};
use nnn_core::{Embeddings, Fitted, MethodKind};
use nnn_export::{FileSum, Ids, Manifest};
use nnn_files::sha256_file;
use nnn_report::{CellId, read_bias, read_scores};
use nnn_trial::from_signature;
use std::path::Path;

pub(super) fn export(options: &ExportOptions, results: &Path) -> Result<Manifest> {
    let ran = Ran::read(results)?;
    let cell = choose(options, results)?;
    let method = cell.method_signature();
    let kind = servable(&method)?;
    let plan = plan::resolve(ran.config, &ran.config_file)?;
    let hub = fetch::hub(&options.cache, options.offline);
    let ready = fetch::all(std::slice::from_ref(&plan), &hub, &options.cache)?;
    let ready = ready.into_iter().next().context("a plan has its data")?;
    let sources = Sources::open(&plan, ready, &options.cache)?;
    ensure!(
        sources.checksums() == ran.inputs,
        "{}: its data or its models have changed since; run its config again",
        results.display()
    );
    let trials = Trials::lay_out(&plan, &sources)?;
    let trial = trials.all.iter().find(|trial| is_of(trial, &cell));
    let trial = trial.with_context(|| format!("no trial of the config is {}", title(&cell)))?;
    let mut runner = TrialRunner::new(&plan, &sources, &options.cache);
    let gallery = runner.gallery(trial)?;
    ensure!(
        !gallery.is_basis(),
        "only similarities are known of this gallery, no vectors to export"
    );
    let mut items = Items {
        ids: ids(&plan, &sources, &trial.test.gallery)?,
        inputs: inputs(&sources),
        method,
    };
    if kind == MethodKind::VectorMoving {
        let (_, point) = from_signature(&items.method)?;
        let Fitted::VectorMoving(moved) = runner.fit(trial, &*point)? else {
            bail!("`{}` does not move vectors", items.method);
        };
        return items.moved(options, &moved);
    }
    // Encoders give unit length within 1e-4, more than the forms allow.
    let gallery = match trial.model {
        Some(_) => Embeddings::normalize(gallery.rows().data().to_vec(), gallery.dim())?,
        None => (*gallery).clone(),
    };
    let (file, bias) = bias(results, trial, &items.method, gallery.len())?;
    items.inputs.push(file);
    items.biased(options, gallery.rows(), &bias)
}

/// The one setting of the results that is meant.
fn choose(options: &ExportOptions, results: &Path) -> Result<CellId> {
    let mut cells: Vec<CellId> = Vec::new();
    for row in read_scores(results)? {
        // What a matching head ranked again is no list of the method.
        if !row.cell.method.contains('+') && row.cell.method != "raw" && !cells.contains(&row.cell)
        {
            cells.push(row.cell);
        }
    }
    let known = listed(&cells);
    if let Some(method) = &options.method {
        let method: String = method.split_whitespace().collect();
        cells.retain(|it| it.method_signature() == method || it.method == method);
    }
    if let Some(trial) = &options.trial {
        cells.retain(|cell| title(cell) == *trial);
    }
    let given = options.method.is_some() || options.trial.is_some();
    let results = results.display();
    match cells.as_slice() {
        [only] => Ok(only.clone()),
        [] if given => {
            bail!("{results}: nothing there is of this --method and --trial; there are{known}")
        }
        [] => bail!("{results}: no method there can be exported"),
        several => bail!(
            "{results}: name one by --method, and by --trial if several trials have it; there are{}",
            listed(several)
        ),
    }
}

fn listed(cells: &[CellId]) -> String {
    let line = |cell: &CellId| {
        format!(
            "\n  --method '{}' --trial '{}'",
            cell.method_signature(),
            title(cell)
        )
    };
    cells.iter().map(line).collect()
}

/// How a cell's trial is called, as in the names of its files.
fn title(cell: &CellId) -> String {
    let reference = match cell.reference_set.as_str() {
        "" => "none",
        name => name,
    };
    trial_name([&cell.model, &cell.dataset, &cell.direction, reference])
}

fn is_of(trial: &TrialPlan, cell: &CellId) -> bool {
    let labels = &trial.labels;
    let reference = labels.reference.clone().unwrap_or_default();
    (
        &labels.model,
        &labels.dataset,
        &labels.split,
        &labels.direction,
    ) == (&cell.model, &cell.dataset, &cell.split, &cell.direction)
        && reference == (cell.reference_set.clone(), cell.reference_size)
}

/// The bias that the trial's run wrote, and its file.
fn bias(
    results: &Path,
    trial: &TrialPlan,
    method: &str,
    items: usize,
) -> Result<(FileSum, Vec<f32>)> {
    let name = bias_file(&trial.file_name, method);
    let path = results.join(&name);
    let read = read_bias(&path)?;
    ensure!(
        read.len() == items,
        "{}: {} biases, expected {items}, one for each gallery item",
        path.display(),
        read.len()
    );
    let sha256 = sha256_file(&path)?;
    let file = path.display().to_string();
    Ok((FileSum { file, sha256 }, read))
}

/// What the gallery's items are called.
fn ids(plan: &Plan, sources: &Sources, side: &Side) -> Result<Ids> {
    let source = &sources.all()[side.source];
    Ok(match &side.table {
        Table::Images(split) => {
            let names = source.pairs(split)?.images();
            Ids::Named(
                side.rows
                    .iter()
                    .map(|&row| names[row as usize].clone())
                    .collect(),
            )
        }
        Table::Gallery => role_ids(plan, &source.name)?.unwrap_or(Ids::Rows(0..side.len())),
        // The wording of texts is not theirs alone.
        _ => Ids::Rows(0..side.len()),
    })
}

/// The ids that the config names for a gallery by role.
fn role_ids(plan: &Plan, name: &str) -> Result<Option<Ids>> {
    let mut specs = plan.spec.embeddings.iter();
    let roles = specs.find(|spec| spec.name == name);
    let files = roles.and_then(|spec| spec.by_role.as_ref()?.gallery_ids.as_ref());
    let Some(files) = files else {
        return Ok(None);
    };
    let base = plan.config.parent().unwrap_or(Path::new(""));
    let ids = labels(&parts_in(base, files.all())?)?;
    Ok(Some(Ids::Named(ids)))
}

/// What the trials were computed from.
fn inputs(sources: &Sources) -> Vec<FileSum> {
    let all = sources.all().iter().map(|source| FileSum {
        file: source.name.clone(),
        sha256: source.sha256.clone(),
    });
    all.collect()
}
