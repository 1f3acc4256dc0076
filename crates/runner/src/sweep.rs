//! The six stages in a row: fetch, open, run and record, for plans that are checked already.

use crate::fetch::{self, Ready};
use crate::open::Sources;
use crate::open::trials::Trials;
use crate::plan::Plan;
use crate::provenance;
use crate::results::folder::{PAGE, ResultsFolder};
use crate::results::page;
use crate::results::run_record::{self, Done};
use crate::results::trial_record::TrialRecord;
use crate::run::TrialRunner;
use crate::terminal::progress::say;
use crate::threads::with_threads;
use crate::warning::Warning;
use anyhow::{Context, Result};
use nnn_report::ScoreRow;
use std::path::PathBuf;
use std::time::Instant;

/// Where a sweep keeps its files.
#[derive(Debug, Clone)]
pub struct Folders {
    /// Parent of `<experiment>/`, the results of an experiment.
    pub results: PathBuf,
    /// Embeddings, drawn data sets, and downloads from outside the hub, kept between runs.
    pub cache: PathBuf,
}

/// What a sweep of one plan has found.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The folder with everything.
    pub results: PathBuf,
    /// The page in it for a person to read.
    pub page: PathBuf,
    /// What was found, in one sentence, as the page says it.
    pub answer: String,
    /// What a reader of the results has to know, as `run.json` has it in words.
    pub warnings: Vec<String>,
    /// The rows of `scores`, in fractions.
    pub scores: Vec<ScoreRow>,
}

/// Runs the plans, one after the other: `each` gets what was found of every plan as it ends. All that any
/// of them needs is fetched before the first begins, or found where `offline` forbids the network. Progress and warnings go
/// to standard error.
///
/// A sweep that is interrupted is resumed by the same call: finished trials are kept, and the results are the same to the byte.
///
/// # Errors
/// Something cannot be fetched or read, does not fit its card, leaks evaluated items into a bank, or cannot be written.
pub fn sweep(
    plans: &[Plan],
    folders: &Folders,
    offline: bool,
    mut each: impl FnMut(&Plan, &Finished) -> Result<()>,
) -> Result<()> {
    let hub = fetch::hub(&folders.cache, offline);
    let ready = fetch::all(plans, &hub, &folders.cache)?;
    for (plan, ready) in plans.iter().zip(ready) {
        let finished = sweep_one(plan, ready, folders)?;
        each(plan, &finished)?;
    }
    Ok(())
}

fn sweep_one(plan: &Plan, ready: Ready, folders: &Folders) -> Result<Finished> {
    with_threads(plan.spec.compute.threads, || {
        let results = ResultsFolder::create(&folders.results, &plan.spec.experiment)?;
        let sources = Sources::open(plan, ready, &folders.cache)?;
        let trials = Trials::lay_out(plan, &sources)?;
        Sweep::new(plan, &sources, &trials, results)?.run(folders)
    })?
}

/// One plan with its data open.
struct Sweep<'a> {
    plan: &'a Plan,
    sources: &'a Sources,
    trials: &'a Trials,
    /// Of every trial, the checksum of all that its record depends on.
    keys: Vec<String>,
    results: ResultsFolder,
    warnings: Vec<Warning>,
    started: Instant,
}

impl<'a> Sweep<'a> {
    fn new(
        plan: &'a Plan,
        sources: &'a Sources,
        trials: &'a Trials,
        results: ResultsFolder,
    ) -> Result<Self> {
        let keys = trials.all.iter().map(|trial| trial.key(plan, sources));
        let mut sweep = Self {
            plan,
            sources,
            trials,
            keys: keys.collect::<Result<_>>()?,
            results,
            warnings: Vec::new(),
            started: Instant::now(),
        };
        if provenance::is_dirty() {
            let commit = provenance::commit().to_owned();
            sweep.warn(&Warning::DirtyBuild { commit });
        }
        for absent in &plan.absent_models {
            sweep.warn(&Warning::NoPublicCheckpoint {
                model: absent.name.clone(),
                reason: absent.reason.clone(),
            });
        }
        for checkpoint in &sources.checkpoints {
            if let Some(warning) = checkpoint.warning() {
                sweep.warn(&warning);
            }
        }
        let before = run_record::counts_before(sweep.results.path());
        let changed = sources.changed(plan, &before);
        for warning in sources.warnings().chain(&trials.warnings).chain(&changed) {
            sweep.warn(warning);
        }
        for source in sources.all() {
            source.take_rebuilt().iter().for_each(|it| sweep.warn(it));
        }
        Ok(sweep)
    }

    /// Runs the trials that are not recorded yet; the tables are made anew after each.
    fn run(mut self, folders: &Folders) -> Result<Finished> {
        let mut records = Vec::new();
        let trials = self.trials;
        let mut runner = TrialRunner::new(self.plan, self.sources, &folders.cache);
        runner.check_memory(&trials.all)?;
        for (index, trial) in trials.all.iter().enumerate() {
            let damaged = match self.results.finished(&self.keys[index]) {
                Ok(Some(record)) => {
                    for warning in &record.warnings {
                        self.keep(warning);
                    }
                    records.push(record);
                    continue;
                }
                Ok(None) => Vec::new(),
                Err(damaged) => damaged,
            };
            let record = self.trial(&mut runner, index, damaged, &records);
            records.push(record.with_context(|| trial.title())?);
            self.results.write_tables(&records, self.plan)?;
            self.record(&records, false)?;
        }
        self.results.remove_stale(&self.keys, &records)?;
        let scores = self.results.write_tables(&records, self.plan)?;
        self.results.sync()?;
        self.record(&records, true)?;
        let page = self.results.path().join(PAGE);
        let answers = page::write(&[self.results.path()], &page)?;
        Ok(Finished {
            results: self.results.path().to_owned(),
            page,
            answer: answers.concat(),
            warnings: self.warnings.iter().map(Warning::to_string).collect(),
            scores,
        })
    }

    /// Runs a trial and writes its files and its record; `damaged` says what is wrong with those of an earlier run, `before` are the
    /// trials that are done.
    fn trial(
        &mut self,
        runner: &mut TrialRunner<'_>,
        index: usize,
        damaged: Vec<Warning>,
        before: &[TrialRecord],
    ) -> Result<TrialRecord> {
        let trial = &self.trials.all[index];
        damaged.iter().for_each(|it| self.warn(it));
        let warn = |warnings: &[Warning]| warnings.iter().for_each(|it| self.warn(it));
        let mut finished = runner.run(trial, warn)?;
        drop(finished.warnings.splice(0..0, damaged));
        finished.warnings.iter().for_each(|it| self.warn(it));
        if let Some(search) = &finished.rows.bank_search {
            say(&format!("{}: {search}", trial.title()));
        }
        // From here on the folder holds something of this run, and not all of it.
        self.record(before, false)?;
        self.results.remove_page()?;
        self.results.sync()?;
        let key = &self.keys[index];
        self.results.finish(key, &trial.file_name, finished)
    }

    /// Says a warning and keeps it, once.
    fn warn(&mut self, warning: &Warning) {
        if self.keep(warning) && !warning.is_said_at_fetching() {
            say(&format!("warning: {warning}"));
        }
    }

    /// Keeps a warning; whether it is a new one.
    fn keep(&mut self, warning: &Warning) -> bool {
        let new = !self.warnings.contains(warning);
        if new {
            self.warnings.push(warning.clone());
        }
        new
    }

    /// Writes `run.json`; `complete` once the tables hold all trials.
    fn record(&self, records: &[TrialRecord], complete: bool) -> Result<()> {
        let plans = self.trials.all.iter().zip(&self.keys);
        let done = plans.zip(records).map(|((trial, key), record)| Done {
            title: trial.title(),
            key,
            record,
        });
        let record = run_record::Writing {
            plan: self.plan,
            sources: self.sources,
            trials: done.collect(),
            warnings: &self.warnings,
            seconds: self.started.elapsed().as_secs_f64(),
            complete,
        };
        record.write(self.results.path())
    }
}
