//! `runner run --dry-run`: what would be done.

mod data;
mod remaining;

use crate::fetch::checkpoint::Checkpoint;
use crate::fetch::{self, Availability, availability, megabytes};
use crate::plan::Plan;
use crate::plan::cards::ModelEntry;
use crate::sweep::Folders;
use crate::terminal::output;
use anyhow::{Context, Result};
use data::DataLines;
use nnn_files::{RemoteFile, counted};
use nnn_hub::{Hub, State};
use nnn_report::AbsentModel;
use nnn_trial::Choose;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Prints what runs of the plans would do and writes nothing. Sizes of downloads are asked for where there is a network.
///
/// # Errors
/// What a run would stop at when it reads annotations, queries and embeddings that are here; after the plan.
pub fn dry_run(plans: &[Plan], folders: &Folders, offline: bool) -> Result<()> {
    let hub = fetch::hub(&folders.cache, offline);
    plans.iter().try_for_each(|plan| print(plan, &hub, folders))
}

fn print(plan: &Plan, hub: &Hub, folders: &Folders) -> Result<()> {
    let Folders { results, cache } = folders;
    let mut text = format!("experiment {}\n", plan.spec.experiment);
    let mut downloads = Downloads::default();
    for model in &plan.models {
        let _ = writeln!(text, "  model {}: {}", model.card.name, origin(model, hub));
        for file in model.card.remote_files()? {
            if hub.state(&file) == State::Away {
                downloads.add(&file, hub);
            }
        }
    }
    for absent in &plan.absent_models {
        let AbsentModel { name, reason } = absent;
        let _ = writeln!(
            text,
            "  model {name}: not measured, no public checkpoint: {reason}"
        );
    }
    let data = DataLines::new(plan, hub, cache, downloads);
    text.push_str(&data.text);
    for source in &plan.spec.embeddings {
        let _ = writeln!(text, "  data {}: embeddings from files", source.name);
    }
    if let Some(search) = &plan.settings.measures.bank_search {
        let check = if search.check { "checked" } else { "unchecked" };
        let _ = writeln!(text, "  bank search: {}, {check}", search.ivf);
    }
    if let Some(depth) = plan.settings.rerank {
        let _ = writeln!(text, "  re-ranking: the first {depth} of every list");
    }
    for coverage in &plan.published {
        let _ = writeln!(text, "  expected: {coverage}");
    }
    text.push_str(&cells(plan));
    text.push_str(&remaining::lines(plan, results));
    text.push_str(&data.downloads.text());
    let results = results.join(&plan.spec.experiment);
    let _ = writeln!(text, "  results: {}", results.display());
    output::print(&text)?;
    plan.models.iter().try_for_each(check)?;
    data.problem.map_or(Ok(()), Err)
}

/// What a run would refuse of a checkpoint that is in a folder.
fn check(model: &ModelEntry) -> Result<()> {
    match model.folder() {
        Some(folder) => {
            Checkpoint::check_folder(&model.card, &folder).with_context(|| model.title())
        }
        None => Ok(()),
    }
}

/// Files to download, each once however often it is named.
#[derive(Default)]
struct Downloads {
    lines: String,
    places: BTreeSet<String>,
    bytes: u64,
    /// How many have no known size.
    unknown: usize,
}

impl Downloads {
    fn add(&mut self, file: &RemoteFile, hub: &Hub) {
        let place = file.place.to_string();
        if !self.places.insert(place.clone()) {
            return;
        }
        let size = hub.size(file);
        self.bytes += size.unwrap_or(0);
        self.unknown += usize::from(size.is_none());
        let size = megabytes(size);
        let _ = writeln!(self.lines, "    {}: {size} from {place}", file.name);
    }

    fn text(&self) -> String {
        let (files, unknown) = (self.places.len(), self.unknown);
        let total = self.bytes as f64 / 1e9;
        let Self { lines, .. } = self;
        match (files, unknown) {
            (0, _) => "  downloads: none\n".to_owned(),
            (_, 0) => format!(
                "  downloads: {}, {total:.1} GB\n{lines}",
                counted(files, "file")
            ),
            _ => format!(
                "  downloads: {}, {total:.1} GB and {unknown} of unknown size\n{lines}",
                counted(files, "file")
            ),
        }
    }
}

/// Where a model's files are, as far as they are here.
fn origin(model: &ModelEntry, hub: &Hub) -> String {
    if let Some(repository) = &model.repository {
        let (name, revision) = (&repository.name, &repository.revision);
        return format!("files of {name}@{revision}, chosen when they are fetched");
    }
    let Availability { here, away, bytes } = availability(model, hub);
    let size = megabytes(Some(bytes));
    match (model.folder(), away.len()) {
        (Some(folder), _) => format!("{} ({size}, here)", folder.display()),
        (None, 0) => format!("{} ({size}, cached)", counted(here, "file")),
        (None, away) => format!(
            "{} cached ({size}), {away} to download",
            counted(here, "file")
        ),
    }
}

/// The methods with their numbers of points, and how many cells the sweep has.
fn cells(plan: &Plan) -> String {
    let mut text = String::new();
    let mut rows = 0;
    for method in &plan.methods {
        let points = method.points.len();
        let sets = if method.stat_plan().is_empty() {
            1
        } else {
            plan.spec.reference_sets.len()
        };
        rows += sets
            * if method.choose == Choose::Fixed {
                points
            } else {
                1
            };
        let word = if method.chosen_word().is_empty() {
            "no parameters"
        } else {
            method.choose.name()
        };
        let _ = writeln!(
            text,
            "  method {}: {}, {word}",
            method.family.name(),
            counted(points, "point")
        );
    }
    let tasks = (plan.models.len() * plan.datasets.len() + plan.spec.embeddings.len())
        * plan.spec.directions.len();
    let _ = writeln!(
        text,
        "  {}: {} x {}, {} each",
        counted(tasks * rows, "cell"),
        counted(tasks, "task"),
        counted(rows, "row"),
        counted(plan.spec.reference_sets.len(), "reference set")
    );
    text
}
