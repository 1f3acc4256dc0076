//! The trials of an experiment: which items are queries, gallery, hold-out and banks. Every check that needs no weight
//! is made here, so that nothing is encoded for a run that cannot end well.

use crate::open::reference::{Drawn, draw_references};
use crate::open::{Side, Source, Sources, TaskItems};
use crate::plan::Plan;
use crate::plan::names::trial_name;
use crate::provenance::{self, short};
use crate::warning::Warning;
use anyhow::{Context, Result, bail, ensure};
use nnn_core::{Bank, BankSizes, FitError, Groups, MethodKind, StatPlan};
use nnn_data::Direction;
use nnn_files::Sha256;
use nnn_trial::Choose;
use nnn_trial::MOST_COMPARED;
use nnn_trial::Method;
use nnn_trial::top_means;

/// All trials, in the order of the tables.
#[derive(Default)]
pub(crate) struct Trials {
    pub(crate) all: Vec<TrialPlan>,
    pub(crate) warnings: Vec<Warning>,
}

impl Trials {
    /// Lays out every trial: by model, data set, direction and reference set.
    pub(crate) fn lay_out(plan: &Plan, sources: &Sources) -> Result<Self> {
        let mut trials = Self::default();
        for model in (0..plan.models.len()).map(Some).chain([None]) {
            for source in sources.evaluated_with(model) {
                for direction in source.directions(&plan.spec.directions) {
                    let task = TaskTrials {
                        plan,
                        sources,
                        model,
                        source,
                        direction,
                    };
                    task.lay_out(&mut trials)?;
                }
            }
        }
        name_files(&mut trials.all);
        Ok(trials)
    }
}

/// How the rows of a trial are labelled.
#[derive(Debug, Clone)]
pub(crate) struct Labels {
    pub(crate) experiment: String,
    pub(crate) model: String,
    pub(crate) dataset: String,
    pub(crate) split: String,
    pub(crate) direction: String,
    /// Name and size of the reference set; none for the methods that read no bank.
    pub(crate) reference: Option<(String, usize)>,
    /// `name#checksum` of the data and the model, number type, and bank as they stand in signatures.
    pub(crate) data_signature: String,
    pub(crate) model_signature: String,
    pub(crate) dtype: String,
    pub(crate) bank_signature: Option<String>,
}

/// One model, data set, direction and reference set, with the methods that are measured on it.
pub(crate) struct TrialPlan {
    /// Position among the plan's models; none where the vectors come from files.
    pub(crate) model: Option<usize>,
    pub(crate) labels: Labels,
    /// Start of the names of this trial's files.
    pub(crate) file_name: String,
    /// Positions among the plan's methods.
    pub(crate) methods: Vec<usize>,
    pub(crate) test: TaskItems,
    pub(crate) validation: Option<TaskItems>,
    pub(crate) query_bank: Option<Side>,
    pub(crate) gallery_bank: Option<Side>,
}

impl TrialPlan {
    /// What the trial is, for messages.
    pub(crate) fn title(&self) -> String {
        let labels = &self.labels;
        let reference = labels
            .reference
            .as_ref()
            .map_or("no reference set", |r| r.0.as_str());
        format!(
            "{} / {} / {} / {reference}",
            labels.model, labels.dataset, labels.direction
        )
    }

    /// Checksum of everything that the trial's record depends on.
    pub(crate) fn key(&self, plan: &Plan, sources: &Sources) -> Result<String> {
        let mut key = Sha256::new()
            .part(provenance::sources())
            .part(format!("{:?}", self.labels));
        for &index in &self.methods {
            let method = &plan.methods[index];
            key = key.part(method.choose.name());
            key = method
                .points
                .iter()
                .fold(key, |key, point| key.part(point.signature()));
        }
        let spec = &plan.spec;
        let settings = (
            &spec.metrics,
            &spec.objective,
            &spec.ties,
            spec.top,
            &spec.statistics,
            &spec.compute.bank_search,
            &spec.rerank,
            spec.time_methods,
        );
        key = key.part(serde_json::to_vec(&settings)?);
        for task in [Some(&self.test), self.validation.as_ref()]
            .into_iter()
            .flatten()
        {
            let labels = (&task.relevance, &task.query_classes, &task.groups);
            key = key.part(format!("{labels:?}"));
        }
        for side in self.sides() {
            key = key.part(sources.content_key(side));
        }
        Ok(key.hex())
    }

    /// Every side that becomes vectors.
    pub(crate) fn sides(&self) -> impl Iterator<Item = &Side> {
        let tasks = [Some(&self.test), self.validation.as_ref()]
            .into_iter()
            .flatten();
        let of_tasks = tasks.flat_map(|task| [&task.queries, &task.gallery]);
        of_tasks.chain(&self.query_bank).chain(&self.gallery_bank)
    }
}

/// One model, data set and direction.
struct TaskTrials<'a> {
    plan: &'a Plan,
    sources: &'a Sources,
    model: Option<usize>,
    source: &'a Source,
    direction: Direction,
}

impl TaskTrials<'_> {
    fn lay_out(&self, trials: &mut Trials) -> Result<()> {
        self.note_training(trials);
        self.check_vectors()
            .with_context(|| format!("`{}`", self.source.name))?;
        self.note_answers(trials)?;
        let (alone, referenced): (Vec<usize>, Vec<usize>) =
            (0..self.plan.methods.len()).partition(|&index| self.reads_no_set(index));
        let held_out = |&index: &usize| {
            // Where there is nothing to choose, it is fixed.
            self.plan.methods[index].choose == Choose::Validation
        };
        let drawn = match referenced.is_empty() && !alone.iter().any(held_out) {
            true => Vec::new(),
            false => self.draw()?,
        };
        if !alone.is_empty() {
            let mut trial = self.trial(alone.clone(), None)?;
            // Every reference set of a data set has the same hold-out.
            let first = drawn.first().filter(|_| alone.iter().any(held_out));
            trial.validation = first.and_then(|drawn| drawn.validation.clone());
            self.push(trials, trial);
        }
        if referenced.is_empty() {
            return Ok(());
        }
        let needs = self.needs(&referenced);
        for drawn in drawn {
            let label = drawn.label.clone();
            trials.warnings.extend(drawn.warnings.iter().cloned());
            let size = |side: &Option<Side>| side.as_ref().map(Side::len);
            let sizes = BankSizes {
                query: size(&drawn.query_bank),
                gallery: size(&drawn.gallery_bank),
                evaluated: Some(1),
            };
            let checked = self
                .check_sizes(&referenced, sizes)
                .and_then(|()| self.check_search(&needs, size(&drawn.query_bank), trials));
            checked.with_context(|| {
                format!(
                    "reference set `{label}` of `{}` ({})",
                    self.source.name, self.direction
                )
            })?;
            self.push(trials, self.trial(referenced.clone(), Some(drawn))?);
        }
        Ok(())
    }

    fn draw(&self) -> Result<Vec<Drawn>> {
        draw_references(
            self.plan,
            self.sources,
            self.source,
            self.direction,
            self.plan.chooses_on_hold_out(),
        )
        .with_context(|| format!("`{}`", self.source.name))
    }

    /// Whether a method has a trial without a reference set: it reads no bank, or none but the evaluated queries where there are
    /// several sets, as it would be the same for each. Beside a single one it stays, to be compared with the others; raw is beside all.
    fn reads_no_set(&self, index: usize) -> bool {
        let method = &self.plan.methods[index];
        let needs = method.stat_plan();
        let reads_one = needs.uses(Bank::Query) || needs.uses(Bank::Gallery);
        match self.plan.spec.reference_sets.len() {
            0 => needs.is_empty(),
            1 => method.is_raw(),
            _ => !reads_one,
        }
    }

    /// Where only similarities are known, nothing that reads vectors can be had.
    fn check_vectors(&self) -> Result<()> {
        if !self.source.is_given_as_similarities() {
            return Ok(());
        }
        let reads = |method: &&Method| {
            let moves = method.family.kind() == MethodKind::VectorMoving;
            moves
                || method.normalizers().any(|point| point.reads_gallery())
                || method
                    .stat_plan()
                    .iter()
                    .any(|(_, stat)| stat.reads_vectors())
        };
        let readers = self.plan.methods.iter().filter(reads);
        let readers: Vec<&str> = readers.map(|method| method.family.name()).collect();
        ensure!(
            readers.is_empty(),
            "it is given by similarity, but these methods read vectors: {}",
            readers.join(", ")
        );
        ensure!(
            self.plan.settings.measures.bank_search.is_none(),
            "it is given by similarity, but `compute.bank_search` reads vectors"
        );
        Ok(())
    }

    /// Refuses a bank that some method needs and that is not there or too small; names the methods.
    fn check_sizes(&self, methods: &[usize], sizes: BankSizes) -> Result<()> {
        let fault = |&index: &usize| {
            let method = &self.plan.methods[index];
            let error = method.stat_plan().check(sizes).err()?;
            // Some of its points are left to it.
            let yields = method.within(usize::MAX, sizes).ok().flatten().is_some();
            (!yields).then_some((method, error))
        };
        let Some((method, error)) = methods.iter().find_map(fault) else {
            return Ok(());
        };
        let name = method.family.name();
        let remedy = match &error {
            FitError::MissingBank { .. } => {
                "; leave the method out, or name such a bank (`reference_gallery`, or a split with images)"
            }
            FitError::KExceedsBank { .. } if !method.is_written => {
                "; this value is not the config's: list one that the bank allows"
            }
            _ => "",
        };
        bail!("`{name}`: {error}{remedy}")
    }

    /// An index needs a bank that fills its lists; one whose errors nobody measures is worth a warning.
    fn check_search(
        &self,
        needs: &StatPlan,
        bank: Option<usize>,
        trials: &mut Trials,
    ) -> Result<()> {
        let search = self.plan.settings.measures.bank_search.as_ref();
        let Some(search) = search.filter(|_| !top_means(needs).is_empty()) else {
            return Ok(());
        };
        search
            .check_bank(bank.unwrap_or(0))
            .context("`compute.bank_search.ivf`")?;
        if !search.check {
            let index = search.ivf.to_string();
            trials.warnings.push(Warning::SearchUnchecked { index });
        }
        Ok(())
    }

    fn push(&self, trials: &mut Trials, trial: TrialPlan) {
        trials.warnings.extend(self.many_settings(&trial));
        trials.all.push(trial);
    }

    /// Says where not every two settings will be compared.
    fn many_settings(&self, trial: &TrialPlan) -> Option<Warning> {
        let methods = trial.methods.iter().map(|&index| &self.plan.methods[index]);
        let others = methods.filter(|method| !method.is_raw());
        let lists = 1 + usize::from(self.plan.settings.rerank.is_some());
        let settings = lists * (1 + others.map(Method::reported).sum::<usize>());
        (settings > MOST_COMPARED).then(|| Warning::ComparedWithRaw {
            reference_set: trial.labels.reference.clone().unwrap_or_default().0,
            dataset: trial.labels.dataset.clone(),
            settings,
            most: MOST_COMPARED,
        })
    }

    fn needs(&self, methods: &[usize]) -> StatPlan {
        let methods = methods.iter().map(|&index| &self.plan.methods[index]);
        StatPlan::of(methods.flat_map(Method::normalizers))
    }

    fn trial(&self, methods: Vec<usize>, drawn: Option<Drawn>) -> Result<TrialPlan> {
        let test = self.source.evaluated_task(
            &self.plan.spec.split,
            self.direction,
            self.plan.spec.captions_per_image,
        )?;
        let labels = self.labels(drawn.as_ref(), test.groups.as_ref());
        let needs = self.needs(&methods);
        let (mut validation, mut query_bank, mut gallery_bank) = (None, None, None);
        if let Some(drawn) = drawn {
            validation = drawn.validation;
            // A bank that no method reads is not worth encoding.
            query_bank = drawn.query_bank.filter(|_| needs.uses(Bank::Query));
            gallery_bank = drawn.gallery_bank.filter(|_| needs.uses(Bank::Gallery));
        }
        let trial = TrialPlan {
            model: self.model,
            labels,
            file_name: String::new(),
            methods,
            test,
            validation,
            query_bank,
            gallery_bank,
        };
        self.check_galleries(&trial)
            .with_context(|| format!("`{}` ({})", self.source.name, self.direction))?;
        Ok(trial)
    }

    /// Metrics that read top lists need a gallery that fills them.
    fn check_galleries(&self, trial: &TrialPlan) -> Result<()> {
        let settings = &self.plan.settings;
        let gallery = trial.test.gallery.len();
        settings
            .measures
            .metrics
            .check_gallery(gallery, trial.test.groups.as_ref())?;
        if let Some(depth) = settings.rerank {
            ensure!(
                depth <= gallery,
                "`rerank.depth` is {depth}, but the gallery has {gallery} items"
            );
        }
        let fixed = |index: &usize| self.plan.methods[*index].choose == Choose::Fixed;
        if trial.methods.iter().all(fixed) {
            return Ok(());
        }
        let tasks = [Some(&trial.test), trial.validation.as_ref()];
        let mut tasks = tasks.into_iter().flatten();
        tasks.try_for_each(|task| {
            let groups = task.groups.as_ref();
            let objective = settings.measures.objective;
            objective
                .check_gallery(task.gallery.len(), groups)
                .context("`objective`")
        })
    }

    fn labels(&self, drawn: Option<&Drawn>, groups: Option<&Groups>) -> Labels {
        let (model, model_signature, dtype) = match self.model {
            Some(index) => {
                let (model, signature) = self.sources.checkpoints[index].labels();
                (
                    model,
                    signature,
                    self.plan.spec.compute.dtype.name().to_owned(),
                )
            }
            None => self.source.vector_labels(),
        };
        let size = |side: &Option<Side>| side.as_ref().map_or(0, Side::len);
        // Which group is the first decides the sign of a bias.
        let groups = groups.map_or(String::new(), |groups| {
            format!("[{}]", groups.names().join(","))
        });
        Labels {
            experiment: self.plan.spec.experiment.clone(),
            model,
            dataset: self.source.name.clone(),
            split: (self.source)
                .split_label(&self.plan.spec.split, self.plan.spec.captions_per_image),
            direction: self.direction.to_string(),
            reference: drawn.map(|drawn| (drawn.label.clone(), size(&drawn.query_bank))),
            data_signature: format!(
                "{}#{}{groups}",
                self.source.name,
                short(self.source.identity(&self.plan.spec.split))
            ),
            model_signature,
            dtype,
            bank_signature: drawn.map(|drawn| drawn.signature.clone()),
        }
    }

    /// Says where ranks mean nothing, as every item answers every query.
    fn note_answers(&self, trials: &mut Trials) -> Result<()> {
        let task = self.source.evaluated_task(
            &self.plan.spec.split,
            self.direction,
            self.plan.spec.captions_per_image,
        )?;
        let gallery = task.gallery.len();
        let mut queries = 0..task.queries.len();
        if gallery > 1 && queries.all(|query| task.relevance.of(query).len() == gallery) {
            trials.warnings.push(Warning::EverythingAnswers {
                dataset: self.source.name.clone(),
            });
        }
        Ok(())
    }

    fn note_training(&self, trials: &mut Trials) {
        let Some(model) = self.model.map(|index| &self.plan.models[index]) else {
            return;
        };
        let evaluated = format!("{}/{}", self.source.name, self.plan.spec.split);
        let trained = |name: &String| *name == self.source.name || *name == evaluated;
        if model.card.trained_on.iter().any(trained) {
            trials.warnings.push(Warning::TrainedOnEvaluated {
                model: model.card.name.clone(),
                dataset: self.source.name.clone(),
            });
        }
    }
}

/// Gives each trial a file name of its own.
fn name_files(trials: &mut [TrialPlan]) {
    for index in 0..trials.len() {
        let labels = &trials[index].labels;
        let reference = labels
            .reference
            .as_ref()
            .map_or("none", |reference| reference.0.as_str());
        let name = trial_name([&labels.model, &labels.dataset, &labels.direction, reference]);
        let taken = trials[..index].iter().any(|trial| trial.file_name == name);
        trials[index].file_name = if taken {
            format!("{name}--{index}")
        } else {
            name
        };
    }
}
