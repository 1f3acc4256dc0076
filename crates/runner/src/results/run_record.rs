//! `run.json`: what ran on what, and how it went.

use crate::open::{Counts, Sources};
use crate::plan::Plan;
use crate::plan::published::Coverage;
use crate::provenance::{self, Machine};
use crate::results::seal::{sealed, unsealed};
use crate::results::trial_record::TrialRecord;
use crate::spec::Spec;
use crate::warning::Warning;
use anyhow::{Context, Result};
use nnn_files::write_atomically;
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
        let (path, text) = (results.join(FILE), sealed(&record)?);
        write_atomically(&path, |out| out.write_all(text.as_bytes()))
            .with_context(|| format!("{}: cannot be written", path.display()))
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
    parse(&text).with_context(|| {
        format!(
            "{}: not a run's record; run its config again",
            path.display()
        )
    })
}

/// Earlier versions wrote no checksum, and whoever changes a record by hand can take it out.
fn parse<T: DeserializeOwned>(text: &str) -> Result<T> {
    let checked = unsealed(text)?;
    Ok(serde_json::from_str(checked.as_deref().unwrap_or(text))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Guards against a flipped digit in `run.json` that went onto the page or into a check.
    #[test]
    fn no_bit_of_a_record_goes_unnoticed() {
        let record = json!({"complete": true, "experiment": "lab", "seconds": 0.1 + 0.2});
        let good = sealed(&record).expect("a record");
        assert_eq!(parse::<Value>(&good).expect("a record"), record);
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone().into_bytes();
            bad[bit / 8] ^= 1 << (bit % 8);
            let read = String::from_utf8(bad).ok();
            let read = read.and_then(|bad| parse::<Value>(&bad).ok());
            // In the name of the checksum a bit has no consequence.
            for (key, value) in read.iter().flat_map(|it| it.as_object().expect("a map")) {
                assert!(
                    record.get(key) == Some(value)
                        || value.as_str().is_some_and(|it| it.len() == 64),
                    "bit {bit}"
                );
            }
        }
    }

    #[test]
    fn a_record_without_a_checksum_is_read() {
        assert!(parse::<Value>("{\n  \"complete\": true\n}\n").is_ok());
    }
}
