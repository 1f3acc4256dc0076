//! Runs trials: every item is encoded or found in the cache, and one bank pass and one query pass serve all settings.

mod embedder;
mod matcher;
mod memory;
mod parity;
mod pass_device;
mod rows;
mod shown;

use crate::open::trials::TrialPlan;
use crate::open::{Side, Sources, TaskItems};
use crate::plan::Plan;
use crate::terminal::progress::Progress;
use crate::warning::Warning;
use anyhow::{Context, Result};
use embedder::Embedder;
use matcher::Matcher;
use memory::Need;
use nnn_core::{BankStats, Banks, Embeddings, Fitted, Normalizer, PassOptions, StatPlan};
use nnn_report::Shown;
use nnn_trial::{BankVectors, Method, Reranking, Task, Trial, TrialError, timed};
use pass_device::PassDevice;
use rows::Named;
pub(crate) use rows::TrialRows;
use std::path::Path;
use std::sync::Arc;

/// Runs the trials of a plan, one after the other, on sources that are open.
pub(crate) struct TrialRunner<'a> {
    plan: &'a Plan,
    embedder: Embedder<'a>,
    pass_device: PassDevice,
}

/// What a trial came to.
pub(crate) struct FinishedTrial {
    pub(crate) rows: TrialRows,
    /// What the page shows of it besides numbers.
    pub(crate) shown: Option<Shown>,
    /// What came up on the way.
    pub(crate) warnings: Vec<Warning>,
    /// Seconds of every step, encoding first.
    pub(crate) seconds: Vec<(String, f64)>,
}

/// The vectors of one trial.
struct Inputs {
    test: Task,
    validation: Option<Task>,
    banks: BankVectors,
}

impl<'a> TrialRunner<'a> {
    /// Embeddings are kept in `cache`.
    pub(crate) fn new(plan: &'a Plan, sources: &'a Sources, cache: &Path) -> Self {
        Self {
            plan,
            embedder: Embedder::new(plan, sources, cache),
            pass_device: PassDevice::new(&plan.settings.encoders),
        }
    }

    /// Encodes what a trial reads and computes it; warnings are handed to `warn` before the passes begin.
    pub(crate) fn run(
        &mut self,
        trial: &TrialPlan,
        warn: impl FnOnce(&[Warning]),
    ) -> Result<FinishedTrial> {
        let (inputs, encoding) = timed(|| self.inputs(trial));
        let inputs = inputs?;
        let parity = self.embedder.parity(trial)?;
        let (allowed, left_out) = self.allowed(trial, &inputs)?;
        let mut warnings = std::mem::take(&mut self.embedder.warnings);
        warnings.extend(left_out);
        warn(&warnings);
        let (rows, steps) = self.compute(trial, &allowed, &inputs, parity)?;
        let (shown, unseen) = shown::shown(trial, self.embedder.sources, &rows);
        warnings.extend(unseen);
        warnings.extend(self.pass_device.left_out());
        let mut seconds = vec![("embeddings".to_owned(), encoding)];
        seconds.extend(steps);
        Ok(FinishedTrial {
            rows,
            shown,
            warnings,
            seconds,
        })
    }

    /// Refuses trials one of which would take more memory than the run may, before anything is encoded; says what the one that takes most
    /// takes.
    pub(crate) fn check_memory(&mut self, trials: &[TrialPlan]) -> Result<()> {
        let Some(most) = self.plan.spec.compute.memory else {
            return Ok(());
        };
        let mut largest: Option<(Need, &TrialPlan)> = None;
        for of_model in trials.chunk_by(|a, b| a.model == b.model) {
            // Vectors of a model are kept for its other trials.
            let sides = distinct(of_model.iter().flat_map(TrialPlan::sides));
            for trial in of_model {
                let (dim, image) = self.embedder.sizes(trial)?;
                let vectors = || Need::of_vectors(&sides, dim);
                let single = self.embedder.single_bytes();
                let encoding = vectors().and_image(image).and_single(single);
                let passes = vectors().and_passes(self.plan, trial, dim);
                let needs = [passes, encoding].map(|need| (need, trial));
                largest = largest
                    .into_iter()
                    .chain(needs)
                    .max_by_key(|it| it.0.bytes());
                let images = vectors().images(most, image);
                let before = self.embedder.image_batch.unwrap_or(usize::MAX);
                self.embedder.image_batch = Some(images.min(before));
            }
        }
        largest.map_or(Ok(()), |(need, trial)| need.check(trial, most))
    }

    /// The vectors of a trial's gallery.
    pub(crate) fn gallery(&mut self, trial: &TrialPlan) -> Result<Arc<Embeddings>> {
        self.embedder.embed(trial.model, &trial.test.gallery)
    }

    /// One method alone, fitted to a trial's gallery and banks.
    pub(crate) fn fit(&mut self, trial: &TrialPlan, point: &dyn Normalizer) -> Result<Fitted> {
        let gallery = self.gallery(trial)?;
        let banks = self.banks(trial)?;
        let banks = Banks {
            query: banks.query.as_ref().map(|bank| bank.rows()),
            gallery: banks.gallery.as_ref().map(|bank| bank.rows()),
            evaluated: None,
        };
        let plan = StatPlan::of([point]);
        let pass = PassOptions::default();
        let stats = BankStats::collect(&plan, gallery.rows(), banks, pass)?;
        Ok(point.fit(&stats, gallery.rows())?)
    }

    fn banks(&mut self, trial: &TrialPlan) -> Result<BankVectors> {
        Ok(BankVectors {
            query: self.side(trial, trial.query_bank.as_ref())?,
            gallery: self.side(trial, trial.gallery_bank.as_ref())?,
        })
    }

    fn inputs(&mut self, trial: &TrialPlan) -> Result<Inputs> {
        Ok(Inputs {
            test: self.task(trial, &trial.test)?,
            validation: match &trial.validation {
                Some(task) => Some(self.task(trial, task)?),
                None => None,
            },
            banks: self.banks(trial)?,
        })
    }

    fn task(&mut self, trial: &TrialPlan, items: &TaskItems) -> Result<Task> {
        items.vectors(|side| self.embedder.embed(trial.model, side))
    }

    fn side(&mut self, trial: &TrialPlan, side: Option<&Side>) -> Result<Option<Arc<Embeddings>>> {
        side.map(|side| self.embedder.embed(trial.model, side))
            .transpose()
    }

    /// For every method of a trial, what takes its place on these vectors and banks, if its published grid goes beyond them.
    fn allowed(
        &self,
        trial: &TrialPlan,
        inputs: &Inputs,
    ) -> Result<(Vec<Option<Method>>, Vec<Warning>)> {
        let (mut allowed, mut warnings) = (Vec::new(), Vec::new());
        let dim = inputs.test.gallery.dim();
        let sizes = inputs.banks.sizes(&inputs.test);
        for &index in &trial.methods {
            let method = &self.plan.methods[index];
            let fits = method.stat_plan().check_dim(dim);
            fits.with_context(|| format!("`{}`", method.family.name()))?;
            let within = method.within(dim, sizes)?;
            allowed.push(within.map(|(method, beyond)| {
                warnings.push(Warning::LeftOutOfGrid {
                    points: beyond.points,
                    instead: beyond.instead,
                    reason: beyond.error.to_string(),
                });
                method
            }));
        }
        Ok((allowed, warnings))
    }

    fn compute(
        &mut self,
        trial: &TrialPlan,
        allowed: &[Option<Method>],
        inputs: &Inputs,
        parity: Option<f64>,
    ) -> Result<(TrialRows, Vec<(String, f64)>)> {
        let planned = trial.methods.iter().map(|&index| &self.plan.methods[index]);
        let methods: Vec<&Method> = planned
            .zip(allowed)
            .map(|(planned, allowed)| allowed.as_ref().unwrap_or(planned))
            .collect();
        let matcher = Matcher::new(&mut self.embedder, trial.model, &trial.test);
        let reranking = self.plan.settings.rerank.map(|depth| Reranking {
            depth,
            matcher: &matcher,
        });
        let computed = Trial {
            reranking,
            methods: &methods,
            test: &inputs.test,
            validation: inputs.validation.as_ref(),
            banks: &inputs.banks,
            measures: &self.plan.settings.measures,
            pass: PassOptions {
                blocking: self.plan.settings.blocking,
                device: self.pass_device.device(),
                ..PassOptions::default()
            },
        };
        let progress = Progress::new(&trial.title(), computed.scores(), "scores");
        let advance = |scores| progress.advance(scores);
        let watched = Trial {
            pass: PassOptions {
                progress: Some(&advance),
                ..computed.pass
            },
            ..computed
        };
        let outcome = watched.run().map_err(with_key)?;
        let named = Named {
            labels: &trial.labels,
            parity,
            settings: &self.plan.settings,
            methods: &methods,
            items: &trial.test,
            test: &inputs.test,
            held_out: inputs.validation.as_ref().map_or(0, |it| it.queries.len()),
            outcome: &outcome,
        };
        Ok((named.rows()?, outcome.seconds.clone()))
    }
}

fn distinct<'t>(all: impl Iterator<Item = &'t Side>) -> Vec<&'t Side> {
    let mut sides: Vec<&Side> = Vec::new();
    for side in all {
        if !sides.contains(&side) {
            sides.push(side);
        }
    }
    sides
}

/// With the key of the config that it is about.
fn with_key(error: TrialError) -> anyhow::Error {
    match error {
        TrialError::Search(_) => anyhow::Error::new(error).context("`compute.bank_search`"),
        TrialError::Matching(error) => anyhow::anyhow!(error),
        error => error.into(),
    }
}
