//! `runner list`.

use crate::fetch::{self, availability, megabytes};
use crate::plan::cards::{self, ModelEntry};
use crate::plan::registry::MODELS;
use crate::terminal::output::print;
use anyhow::Result;
use clap::ValueEnum;
use nnn_core::{MethodFamily, ParamInfo};
use nnn_data::{DatasetCard, DatasetSource, ModelSource};
use nnn_files::{RemoteSource, RepoKind, counted};
use nnn_hub::{Hub, State};
use nnn_trial::METHODS;
use nnn_trial::kind;
use std::fmt::Write;
use std::path::Path;

/// What can be listed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum What {
    /// Model families and cards.
    Models,
    /// Data set cards.
    Datasets,
    /// Methods with their parameters.
    Methods,
    /// Metrics.
    Metrics,
}

/// Prints one list, of cards below `configs` as far as it is of cards; downloads are looked for in `cache` and in the hub's own.
///
/// # Errors
/// A card cannot be read.
pub fn list(what: What, configs: &Path, cache: &Path) -> Result<()> {
    let text = match what {
        What::Models => models(configs, cache)?,
        What::Datasets => datasets(configs, cache)?,
        What::Methods => METHODS.iter().map(|family| method(*family)).collect(),
        What::Metrics => metrics(),
    };
    Ok(print(&text)?)
}

fn method(family: &dyn MethodFamily) -> String {
    let mut text = format!(
        "{} ({})\n    {}\n",
        family.name(),
        kind(family),
        family.doc()
    );
    for info in family.params() {
        let _ = writeln!(
            text,
            "    {} = {} ({}): {}",
            info.name,
            info.default,
            info.range(),
            info.doc
        );
        let _ = writeln!(text, "        published grid: {}", grid(info));
    }
    text
}

fn grid(info: &ParamInfo) -> String {
    let values: Vec<_> = info.grid.iter().map(f64::to_string).collect();
    values.join(", ")
}

fn models(configs: &Path, cache: &Path) -> Result<String> {
    let mut text = String::from("families\n");
    for family in MODELS {
        let _ = writeln!(text, "    {}: {}", family.name, family.doc);
    }
    text.push_str("cards\n");
    // Nothing is asked of the network for a list.
    let hub = fetch::hub(cache, true);
    for model in cards::all_models(configs)? {
        text.push_str(&describe(&model, &hub));
    }
    Ok(text)
}

/// A card: what it is, whether it can be had, where from, and what to know of it.
fn describe(model: &ModelEntry, hub: &Hub) -> String {
    let card = &model.card;
    let mut text = format!(
        "    {} ({}): {}\n",
        card.name,
        card.family,
        card.notes.join(" ")
    );
    let mut line = |key: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "        {key}: {value}");
        }
    };
    line("checkpoint", &checkpoint(model, hub));
    line("trained on", &card.trained_on.join(", "));
    let rows = card.published_rows.iter();
    let rows = rows.map(|(publication, row)| format!("{row} in {publication}"));
    line("published as", &rows.collect::<Vec<_>>().join("; "));
    line("uncertain", &card.uncertain.join(" "));
    text
}

/// Whether and from where a checkpoint can be had.
fn checkpoint(model: &ModelEntry, hub: &Hub) -> String {
    let card = &model.card;
    let found = availability(model, hub);
    let origins = match &card.source {
        ModelSource::Path(_) => return format!("local ({})", megabytes(Some(found.bytes))),
        ModelSource::Unavailable(reason) => return format!("not public: {reason}"),
        ModelSource::Files(sources) => sources.iter().map(origin).collect::<Vec<_>>(),
    };
    let origins = origins.join("; ");
    if found.away.is_empty() {
        let size = megabytes(Some(found.bytes));
        return format!("cached ({size}), from {origins}");
    }
    let known: u64 = found.away.iter().filter_map(|file| file.bytes).sum();
    let all_known = found.away.iter().all(|file| file.bytes.is_some());
    let size = match (known, all_known) {
        (0, _) => megabytes(None),
        (known, true) => megabytes(Some(known)),
        (known, false) => format!("more than {}", megabytes(Some(known))),
    };
    format!("to download ({size}), from {origins}")
}

fn origin(source: &RemoteSource) -> String {
    match source {
        RemoteSource::Hub(hub) => {
            let revision = hub.revision.get(..10).unwrap_or(&hub.revision);
            let folder = match hub.kind {
                RepoKind::Model => "",
                RepoKind::Dataset => "datasets/",
            };
            format!("{folder}{}@{revision}", hub.repo)
        }
        RemoteSource::Url(url) => url.mirrors.join(" or "),
    }
}

fn datasets(configs: &Path, cache: &Path) -> Result<String> {
    let hub = fetch::hub(cache, true);
    let mut text = String::new();
    for entry in cards::all_datasets(configs)? {
        text.push_str(&dataset(&entry.card, &hub));
    }
    Ok(text)
}

/// A data set's card: what it is, what it has, where it comes from, on which terms.
fn dataset(card: &DatasetCard, hub: &Hub) -> String {
    let mut text = format!("{}: {}\n", card.name, card.description);
    for (split, counts) in &card.splits {
        let number = |number: Option<usize>, of| match number {
            Some(number) => counted(number, of),
            None => format!("{of}s as they are found"),
        };
        let images = number(counts.images, "image");
        let _ = writeln!(
            text,
            "    {split}: {images}, {}",
            number(counts.texts, "text")
        );
    }
    let mut line = |key: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(text, "    {key}: {value}");
        }
    };
    line("licence", &card.licence);
    if let DatasetSource::Files(source) = &card.source {
        line("terms", source.notice.as_deref().unwrap_or_default());
        let origins: Vec<_> = source.download.iter().map(origin).collect();
        line("from", &origins.join("; "));
        let files = card.remote_files().unwrap_or_default();
        let cached = files.iter().filter(|file| hub.state(file) != State::Away);
        let cached = cached.count();
        if !files.is_empty() {
            line("cached", &format!("{cached} of {} files", files.len()));
        }
    }
    line("notes", &card.notes.join(" "));
    text
}

fn metrics() -> String {
    nnn_metrics::list()
        .into_iter()
        .map(|info| format!("{}: {}\n", info.pattern, info.doc))
        .collect()
}
