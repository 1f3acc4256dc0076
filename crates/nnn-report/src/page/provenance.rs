//! What ran on what: warnings, code, machine, inputs with their checksums, times, and the config.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::page::View;

/// Where an experiment's numbers come from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Provenance {
    /// What the config says that it is about.
    pub description: String,
    /// Name of the config's file.
    pub config_file: String,
    /// The config as read, with what was replaced, as JSON in lines.
    pub config: String,
    /// What was replaced in it.
    pub overrides: Vec<String>,
    /// Whether all trials are finished.
    pub complete: bool,
    /// The code.
    pub code: Code,
    /// What is known of the machine, by name.
    pub machine: BTreeMap<String, Value>,
    /// Every file that was read.
    pub inputs: Vec<Input>,
    /// Seconds of every trial.
    pub trials: Vec<TrialTimes>,
    /// Everything a reader should know.
    pub warnings: Vec<String>,
    /// How many numbers of published tables the config measures, in words.
    pub published: Vec<String>,
}

/// The code that computed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// Version and commit.
    pub version: String,
    /// Whether there were changes that are not committed.
    pub dirty: bool,
    /// Checksum of the sources.
    pub sources: String,
}

/// A file that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Input {
    /// The data set or the model that it belongs to.
    pub of: String,
    /// Its path.
    pub file: String,
    /// Its SHA-256; empty where it was not read as a whole.
    pub sha256: String,
}

/// How long a trial took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialTimes {
    /// The trial.
    pub trial: String,
    /// Seconds by step.
    pub seconds: Vec<(String, f64)>,
}

pub(super) fn section(view: &View<'_>) -> Markup {
    let provenance = view.experiment.provenance;
    html! {
        section.provenance id={ (view.prefix) "-provenance" } {
            h2 { "Provenance" }
            (warnings(&provenance.warnings))
            dl {
                dt { "Config" } dd { (provenance.config_file) @if !provenance.overrides.is_empty() { ", with " (provenance.overrides.join(" ")) } }
                dt { "Code" } dd { (provenance.code.version) @if provenance.code.dirty { ", with changes that are not committed" }
                    "; sources " (provenance.code.sources) }
                dt { "Machine" } dd { (machine(&provenance.machine)) }
            }
            (inputs(&provenance.inputs))
            (times(&provenance.trials))
            details { summary { "The config as read" } pre tabindex="0" { (provenance.config) } }
        }
    }
}

fn warnings(warnings: &[String]) -> Markup {
    html! {
        @if warnings.is_empty() { p { "No warnings." } } @else {
            h3 { "Warnings" }
            ul.warnings { @for warning in warnings { li { (warning) } } }
        }
    }
}

/// `arch x86_64, cores 2`.
fn machine(machine: &BTreeMap<String, Value>) -> String {
    let said = machine.iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name} {text}"),
        other => format!("{name} {other}"),
    });
    said.collect::<Vec<_>>().join(", ")
}

fn inputs(inputs: &[Input]) -> Markup {
    html! {
        @if !inputs.is_empty() {
            details {
                summary { "Files that were read, with their SHA-256" }
                div.wide tabindex="0" role="group" aria-label="Files that were read" {
                    table {
                        thead { tr { th scope="col" { "Of" } th scope="col" { "File" } th scope="col" { "SHA-256" } } }
                        tbody { @for input in inputs { tr { td { (input.of) } td { (input.file) } td { code { (input.sha256) } } } } }
                    }
                }
            }
        }
    }
}

fn times(trials: &[TrialTimes]) -> Markup {
    html! {
        @if !trials.is_empty() {
            details {
                summary { "Seconds of every trial" }
                div.wide tabindex="0" role="group" aria-label="Seconds of every trial" {
                    table {
                        thead { tr { th scope="col" { "Trial" } th.n scope="col" { "Seconds" } th scope="col" { "By step" } } }
                        tbody { @for trial in trials { tr {
                            td { (trial.trial) }
                            td.n { (format!("{:.1}", trial.seconds.iter().map(|it| it.1).sum::<f64>())) }
                            td { (steps(&trial.seconds)) }
                        } } }
                    }
                }
            }
        }
    }
}

fn steps(seconds: &[(String, f64)]) -> String {
    let said = seconds
        .iter()
        .map(|(step, seconds)| format!("{step} {seconds:.2}"));
    said.collect::<Vec<_>>().join(", ")
}
