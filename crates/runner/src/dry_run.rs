//! `runner run --dry-run`: what would be done.

use crate::cli::RunArgs;
use crate::output;
use crate::plan::Plan;
use crate::spec::Choose;
use anyhow::Result;
use nnn_data::DatasetSource;
use std::fmt::Write;

/// Prints the plan of an experiment without opening any data.
pub(crate) fn print(plan: &Plan, arguments: &RunArgs) -> Result<()> {
    let mut text = format!("experiment {}\n", plan.spec.experiment);
    for model in &plan.models {
        let bytes: u64 = model
            .files
            .iter()
            .filter_map(|(file, _)| Some(std::fs::metadata(file).ok()?.len()))
            .sum();
        let _ = writeln!(
            text,
            "  model {}: {} ({:.1} MB, here)",
            model.card.name,
            model.folder.display(),
            bytes as f64 / 1e6
        );
    }
    for entry in plan.datasets.iter().chain(&plan.reference_datasets) {
        let images: usize = entry.card.splits.values().map(|counts| counts.images).sum();
        let texts: usize = entry.card.splits.values().map(|counts| counts.texts).sum();
        let origin = match &entry.card.source {
            DatasetSource::Generate(_) => "drawn from its seed",
            _ => "from its folder",
        };
        let _ = writeln!(
            text,
            "  data {}: {images} images, {texts} texts, {origin}",
            entry.card.name
        );
    }
    for source in &plan.spec.embeddings {
        let _ = writeln!(text, "  data {}: embeddings from files", source.name);
    }
    if let Some(search) = &plan.settings.bank_search {
        let check = if search.check { "checked" } else { "unchecked" };
        let _ = writeln!(text, "  bank search: {}, {check}", search.ivf);
    }
    if let Some(depth) = plan.settings.rerank {
        let _ = writeln!(text, "  re-ranking: the first {depth} of every list");
    }
    text.push_str(&cells(plan));
    let _ = writeln!(text, "  downloads: none");
    let _ = writeln!(
        text,
        "  results: {}",
        arguments.results.join(&plan.spec.experiment).display()
    );
    Ok(output::print(&text)?)
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
            "  method {}: {points} point(s), {word}",
            method.family.name()
        );
    }
    let tasks = (plan.models.len() * plan.datasets.len() + plan.spec.embeddings.len())
        * plan.spec.directions.len();
    let _ = writeln!(
        text,
        "  {} cells: {tasks} task(s) x {rows} row(s), {} reference set(s) each",
        tasks * rows,
        plan.spec.reference_sets.len()
    );
    text
}
