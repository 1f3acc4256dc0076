//! Carries out a plan: opens the data, lays out the groups, runs those that are not finished yet, writes the tables.

use crate::cli::RunArgs;
use crate::clock::timed;
use crate::fetch::Ready;
use crate::files::{Cell, ResultsFolder, write_json};
use crate::group::{BankSet, Group, Outcome, Reranking, Task};
use crate::layout::{GroupPlan, Layout, lay_out};
use crate::output;
use crate::plan::{Method, Plan};
use crate::progress::{Progress, say};
use crate::provenance::{self, Machine};
use crate::sources::{Embedder, Matcher, Side, Sources, TaskItems};
use crate::spec::Choose;
use crate::warning::Warning;
use anyhow::{Context, Result};
use nnn_core::{Embeddings, MethodKind, PassOptions, StatPlan};
use nnn_report::{ScoreRow, summary};
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

/// Runs one checked experiment on what is here.
pub(crate) fn run(plan: &Plan, ready: Ready, arguments: &RunArgs) -> Result<()> {
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = plan.spec.compute.threads {
        pool = pool.num_threads(threads);
    }
    let pool = pool.build().context("worker threads cannot be started")?;
    pool.install(|| {
        let results = ResultsFolder::create(&arguments.results, &plan.spec.experiment)?;
        let sources = Sources::open(plan, ready, arguments.cache())?;
        let layout = lay_out(plan, &sources)?;
        let scores = Run::new(plan, arguments, &sources, &layout, results)?.all()?;
        Ok(output::print(&summary(&scores, output::style()))?)
    })
}

struct Run<'a> {
    plan: &'a Plan,
    sources: &'a Sources,
    layout: &'a Layout,
    keys: Vec<String>,
    results: ResultsFolder,
    embedder: Embedder<'a>,
    warnings: Vec<Warning>,
    started: Instant,
}

/// The vectors of one group.
struct Inputs {
    test: Task,
    validation: Option<Task>,
    banks: BankSet,
}

impl<'a> Run<'a> {
    fn new(
        plan: &'a Plan,
        arguments: &RunArgs,
        sources: &'a Sources,
        layout: &'a Layout,
        results: ResultsFolder,
    ) -> Result<Self> {
        let keys: Result<Vec<String>> = layout
            .groups
            .iter()
            .map(|group| group.key(plan, sources))
            .collect();
        let mut run = Self {
            plan,
            sources,
            layout,
            keys: keys?,
            results,
            embedder: Embedder::new(plan, sources, arguments),
            warnings: Vec::new(),
            started: Instant::now(),
        };
        if provenance::is_dirty() {
            let commit = provenance::commit().to_owned();
            run.warn(Warning::DirtyBuild { commit });
        }
        for absent in &plan.absent_models {
            run.warn(Warning::NoPublicCheckpoint {
                model: absent.name.clone(),
                reason: absent.reason.clone(),
            });
        }
        for warning in sources.warnings().chain(&layout.warnings) {
            run.warn(warning.clone());
        }
        Ok(run)
    }

    fn all(mut self) -> Result<Vec<ScoreRow>> {
        let mut cells = Vec::new();
        let layout = self.layout;
        let objective = self.plan.settings.objective.name();
        for (index, group) in layout.groups.iter().enumerate() {
            if let Some(cell) = self.results.finished(&self.keys[index]) {
                self.warnings.extend(cell.warnings.iter().cloned());
                cells.push(cell);
                continue;
            }
            let cell = self.group(index, group, &cells);
            cells.push(cell.with_context(|| group.title())?);
            self.results.write_tables(&cells, self.plan, &objective)?;
        }
        self.results.remove_stale(&self.keys, &cells)?;
        let scores = self.results.write_tables(&cells, self.plan, &objective)?;
        self.record(&cells, true)?;
        say(&format!("results are in {}", self.results.path().display()));
        Ok(scores)
    }

    fn warn(&mut self, warning: Warning) {
        if !self.warnings.contains(&warning) {
            if !warning.is_said_at_fetching() {
                say(&format!("warning: {warning}"));
            }
            self.warnings.push(warning);
        }
    }

    /// Computes a group and writes its files and its record; `before` are the groups that are done.
    fn group(&mut self, index: usize, group: &GroupPlan, before: &[Cell]) -> Result<Cell> {
        let (inputs, encoded) = timed(|| self.inputs(group));
        let inputs = inputs?;
        let (allowed, left_out) = self.allowed(group, inputs.test.gallery.dim())?;
        let mut warnings = std::mem::take(&mut self.embedder.warnings);
        warnings.extend(left_out);
        warnings
            .iter()
            .for_each(|warning| self.warn(warning.clone()));
        let outcome = self.compute(group, &allowed, &inputs)?;
        if let Some(search) = &outcome.bank_search {
            say(&format!("{}: {search}", group.title()));
        }
        let mut seconds = vec![("embeddings".to_owned(), encoded)];
        seconds.extend(outcome.seconds.iter().cloned());
        // From here on the folder holds something of this run, and not all of it.
        self.record(before, false)?;
        let key = &self.keys[index];
        self.results
            .finish(key, &group.file_name, outcome, warnings, seconds)
    }

    fn inputs(&mut self, group: &GroupPlan) -> Result<Inputs> {
        Ok(Inputs {
            test: self.task(group, &group.test)?,
            validation: match &group.validation {
                Some(task) => Some(self.task(group, task)?),
                None => None,
            },
            banks: BankSet {
                query: self.side(group, group.query_bank.as_ref())?,
                gallery: self.side(group, group.gallery_bank.as_ref())?,
            },
        })
    }

    fn task(&mut self, group: &GroupPlan, items: &TaskItems) -> Result<Task> {
        Ok(Task {
            queries: self.embedder.embed(group.model, &items.queries)?,
            gallery: self.embedder.embed(group.model, &items.gallery)?,
            relevance: items.relevance.clone(),
            clusters: items.clusters.clone(),
            cluster: items.cluster,
            query_ids: items.query_ids.clone(),
            query_classes: items.query_classes.clone(),
            groups: items.groups.clone(),
        })
    }

    fn side(&mut self, group: &GroupPlan, side: Option<&Side>) -> Result<Option<Arc<Embeddings>>> {
        side.map(|side| self.embedder.embed(group.model, side))
            .transpose()
    }

    /// For every method of a group, what takes its place on vectors of this dimension, if its published search goes beyond it.
    fn allowed(
        &self,
        group: &GroupPlan,
        dim: usize,
    ) -> Result<(Vec<Option<Method>>, Vec<Warning>)> {
        let (mut allowed, mut warnings) = (Vec::new(), Vec::new());
        for &index in &group.methods {
            let within = self.plan.methods[index].within(dim)?;
            allowed.push(within.map(|(method, points)| {
                warnings.push(Warning::BeyondDimension { points, dim });
                method
            }));
        }
        Ok((allowed, warnings))
    }

    fn compute(
        &mut self,
        group: &GroupPlan,
        allowed: &[Option<Method>],
        inputs: &Inputs,
    ) -> Result<Outcome> {
        let planned = group.methods.iter().map(|&index| &self.plan.methods[index]);
        let methods: Vec<&Method> = planned
            .zip(allowed)
            .map(|(planned, allowed)| allowed.as_ref().unwrap_or(planned))
            .collect();
        let progress = Progress::new(&group.title(), inputs.scores(&methods), "scores");
        let advance = |scores| progress.advance(scores);
        let matcher = Matcher::new(&mut self.embedder, group.model, &group.test);
        let reranking = self.plan.settings.rerank.map(|depth| Reranking {
            depth,
            matcher: &matcher,
        });
        let group = Group {
            reranking,
            labels: &group.labels,
            methods: &methods,
            test: &inputs.test,
            validation: inputs.validation.as_ref(),
            banks: &inputs.banks,
            settings: &self.plan.settings,
            pass: PassOptions {
                blocking: self.plan.settings.blocking,
                progress: Some(&advance),
                ..PassOptions::default()
            },
        };
        group.run()
    }

    /// Writes `run.json`: what ran on what, so far. `complete` once the tables hold all groups.
    fn record(&self, cells: &[Cell], complete: bool) -> Result<()> {
        let groups = self.layout.groups.iter().zip(cells);
        let seconds: Vec<_> = groups
            .map(|(group, cell)| {
                json!({"group": group.title(), "seconds": cell.seconds, "bank_search": cell.bank_search})
            })
            .collect();
        let record = json!({
            "experiment": self.plan.spec.experiment,
            "config_file": self.plan.config,
            "config": self.plan.spec,
            "overrides": self.plan.overrides,
            "published": self.plan.published,
            "complete": complete,
            "code": {"version": provenance::code_version(), "commit": provenance::commit(),
                     "dirty": provenance::is_dirty(), "sources": provenance::sources()},
            "machine": Machine::here(),
            "inputs": self.sources.checksums(),
            "groups": seconds,
            "absent_models": self.plan.absent_models,
            "bank_searches": cells.iter().flat_map(Cell::searches).collect::<Vec<_>>(),
            "seconds_this_run": self.started.elapsed().as_secs_f64(),
            "warnings": self.warnings.iter().map(warning_record).collect::<Vec<_>>(),
        });
        write_json(&self.results.path().join("run.json"), &record)
    }
}

/// A warning as data and in words.
fn warning_record(warning: &Warning) -> serde_json::Value {
    json!({"warning": warning, "message": warning.to_string()})
}

impl Inputs {
    /// Scores of all passes over the banks and the queries, for the progress bar.
    fn scores(&self, methods: &[&Method]) -> u64 {
        let mut plan = StatPlan::default();
        for point in methods.iter().flat_map(|method| &method.points) {
            point.needs(&mut plan);
        }
        let searched = |choose: Choose| methods.iter().any(|method| method.choose == choose);
        let reported = |method: &Method| method.reported() as u64;
        let report = self.test.pairs() * (1 + moving(methods, reported));
        let search =
            |task: &Task| task.pairs() * (1 + moving(methods, |method| method.points.len() as u64));
        let statistics = |task: &Task| {
            let sizes = self.banks.sizes(task);
            plan.scores(task.gallery.len(), sizes)
        };
        let validation = self
            .validation
            .iter()
            .filter(|_| searched(Choose::Validation));
        let validation: u64 = validation.map(|task| statistics(task) + search(task)).sum();
        let tests = if methods.iter().any(|method| method.choose != Choose::Fixed) {
            search(&self.test)
        } else {
            0
        };
        statistics(&self.test) + validation + tests + report
    }
}

/// Passes over the queries that methods with vectors of their own take.
fn moving(methods: &[&Method], passes: impl Fn(&Method) -> u64) -> u64 {
    let moving = methods
        .iter()
        .filter(|method| method.family.kind() == MethodKind::VectorMoving);
    moving.map(|method| passes(method)).sum()
}
