//! `run.json`: what ran on what, and how it went.

use crate::open::{Counts, Sources};
use crate::plan::Plan;
use crate::plan::published::Coverage;
use crate::provenance::{self, Machine};
use crate::results::folder::write_json;
use crate::results::trial_record::TrialRecord;
use crate::spec::Spec;
use crate::warning::Warning;
use anyhow::{Context, Result};
use nnn_report::{AbsentModel, Expectation, SearchRow};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name of the file.
const FILE: &str = "run.json";

/// What is recorded of a run so far.
pub(crate) struct Writing<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) sources: &'a Sources,
    /// The trials that are done.
    pub(crate) trials: Vec<Done<'a>>,
    pub(crate) warnings: &'a [Warning],
    /// Since this process began.
    pub(crate) seconds: f64,
    /// Whether the tables hold all trials.
    pub(crate) complete: bool,
}

/// A trial that is done.
pub(crate) struct Done<'a> {
    /// What the trial is.
    pub(crate) title: String,
    /// What its record is called.
    pub(crate) key: &'a str,
    /// What it left.
    pub(crate) record: &'a TrialRecord,
}

impl Writing<'_> {
    /// Writes the record into a results folder.
    pub(crate) fn write(&self, results: &Path) -> Result<()> {
        let plan = self.plan;
        let trials = self.trials.iter().map(|done| {
            json!({"trial": done.title, "record": done.key, "seconds": done.record.seconds,
                   "bank_search": done.record.bank_search})
        });
        let searches = self.trials.iter().flat_map(|done| done.record.searches());
        let record = json!({
            "experiment": plan.spec.experiment,
            "config_file": plan.config.to_string_lossy(),
            "config": plan.spec,
            "overrides": plan.overrides,
            "published": plan.published,
            "complete": self.complete,
            "code": {"version": provenance::code_version(), "commit": provenance::commit(),
                     "dirty": provenance::is_dirty(), "sources": provenance::sources()},
            "machine": Machine::here(),
            "inputs": self.sources.checksums(),
            "counts": self.sources.counts(),
            "trials": trials.collect::<Vec<_>>(),
            "absent_models": plan.absent_models,
            "bank_searches": searches.collect::<Vec<_>>(),
            "seconds_this_run": self.seconds,
            "warnings": self.warnings.iter().map(in_words).collect::<Vec<_>>(),
        });
        write_json(&results.join(FILE), &record)
    }
}

/// A warning as data and in words.
fn in_words(warning: &Warning) -> serde_json::Value {
    json!({"warning": warning, "message": warning.to_string()})
}

/// The part of `run.json` that is read back.
#[derive(Deserialize)]
pub(crate) struct RunRecord {
    pub(crate) experiment: String,
    pub(crate) config: Config,
    pub(crate) complete: bool,
    #[serde(default)]
    pub(crate) overrides: Vec<String>,
    #[serde(default)]
    pub(crate) published: Vec<Coverage>,
    #[serde(default)]
    pub(crate) absent_models: Vec<AbsentModel>,
    #[serde(default)]
    pub(crate) bank_searches: Vec<SearchRow>,
    #[serde(default)]
    pub(crate) counts: Counts,
}

/// How many items the last run into a results folder found; nothing if there was none.
pub(crate) fn counts_before(results: &Path) -> Counts {
    RunRecord::read(results).map_or_else(|_| Counts::new(), |record| record.counts)
}

/// The part of its config that is read back.
#[derive(Deserialize)]
pub(crate) struct Config {
    #[serde(default)]
    pub(crate) expect: Vec<Expectation>,
}

impl RunRecord {
    /// Reads the record of a results folder.
    pub(crate) fn read(results: &Path) -> Result<Self> {
        read(results)
    }
}

/// The part of a run's record by which what it computed from is found again.
#[derive(Deserialize)]
pub(crate) struct Ran {
    pub(crate) config: Spec,
    pub(crate) config_file: PathBuf,
    /// The checksums of all that was read.
    pub(crate) inputs: serde_json::Value,
}

impl Ran {
    /// Reads it from a results folder.
    pub(crate) fn read(results: &Path) -> Result<Self> {
        read(results)
    }
}

/// What else of a run's record the page shows.
#[derive(Deserialize)]
pub(crate) struct Told {
    pub(crate) config_file: String,
    /// As written.
    pub(crate) config: serde_json::Map<String, serde_json::Value>,
    pub(crate) code: nnn_report::Code,
    pub(crate) machine: BTreeMap<String, serde_json::Value>,
    pub(crate) inputs: Vec<ToldInput>,
    pub(crate) trials: Vec<ToldTrial>,
    pub(crate) warnings: Vec<ToldWarning>,
}

/// A source or a checkpoint of a run's record.
#[derive(Deserialize)]
pub(crate) struct ToldInput {
    pub(crate) data: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) files: BTreeMap<String, String>,
}

/// A trial of a run's record.
#[derive(Deserialize)]
pub(crate) struct ToldTrial {
    pub(crate) trial: String,
    /// What its record is called.
    pub(crate) record: String,
    pub(crate) seconds: Vec<(String, f64)>,
}

/// A warning of a run's record, in words.
#[derive(Deserialize)]
pub(crate) struct ToldWarning {
    pub(crate) message: String,
}

impl Told {
    /// Reads it from a results folder.
    pub(crate) fn read(results: &Path) -> Result<Self> {
        read(results)
    }
}

fn read<T: DeserializeOwned>(results: &Path) -> Result<T> {
    let path = results.join(FILE);
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "{}: cannot be read; expected a folder that `runner run` wrote",
            path.display()
        )
    })?;
    serde_json::from_str(&text).with_context(|| format!("{}: not a run's record", path.display()))
}
