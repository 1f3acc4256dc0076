//! `runner list`.

use crate::kind::kind;
use crate::output::print;
use crate::registry::{METHODS, MODELS};
use crate::sources::cards;
use anyhow::Result;
use clap::ValueEnum;
use nnn_core::{MethodFamily, ParamInfo};
use std::fmt::Write;
use std::path::Path;
use std::process::ExitCode;

/// What can be listed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum What {
    /// Model families and cards.
    Models,
    /// Data set cards.
    Datasets,
    /// Methods with their parameters.
    Methods,
    /// Metrics.
    Metrics,
}

/// Prints one list.
pub(crate) fn run(what: What, configs: &Path) -> Result<ExitCode> {
    let text = match what {
        What::Models => models(configs)?,
        What::Datasets => datasets(configs)?,
        What::Methods => METHODS.iter().map(|family| method(*family)).collect(),
        What::Metrics => metrics(),
    };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
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

fn models(configs: &Path) -> Result<String> {
    let mut text = String::from("families\n");
    for family in MODELS {
        let _ = writeln!(text, "    {}: {}", family.name, family.doc);
    }
    text.push_str("cards\n");
    for card in cards::all_models(configs)? {
        let _ = writeln!(
            text,
            "    {} ({}): {}",
            card.name,
            card.family,
            card.notes.join(" ")
        );
    }
    Ok(text)
}

fn datasets(configs: &Path) -> Result<String> {
    let mut text = String::new();
    for card in cards::all_datasets(configs)? {
        let _ = writeln!(text, "{}: {}", card.name, card.description);
        for (split, counts) in &card.splits {
            let _ = writeln!(
                text,
                "    {split}: {} images, {} texts",
                counts.images, counts.texts
            );
        }
    }
    Ok(text)
}

fn metrics() -> String {
    nnn_metrics::list()
        .into_iter()
        .map(|info| format!("{}: {}\n", info.pattern, info.doc))
        .collect()
}
