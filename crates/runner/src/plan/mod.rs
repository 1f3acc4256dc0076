//! From a config as written to checked methods, metrics and settings; nothing is loaded or computed here.

pub(crate) mod cards;
pub(crate) mod checks;
pub(crate) mod expect;
pub(crate) mod generators;
pub(crate) mod methods;
pub(crate) mod names;
pub(crate) mod needs;
pub(crate) mod overrides;
pub(crate) mod published;
pub(crate) mod registry;
mod schema;
pub(crate) mod settings;
pub(crate) mod unlisted;

pub(crate) use settings::Settings;

use crate::spec::{Spec, read_spec};
use anyhow::{Context, Result, bail, ensure};
use cards::{DatasetEntry, ModelEntry};
use nnn_core::StatPlan;
use nnn_report::AbsentModel;
use nnn_trial::{Choose, Method};
use published::Coverage;
use std::path::{Path, PathBuf};

/// A checked experiment.
pub struct Plan {
    pub(crate) spec: Spec,
    pub(crate) config: PathBuf,
    /// Values of the config that were replaced on the command line, as `key=value`.
    pub(crate) overrides: Vec<String>,
    pub(crate) settings: Settings,
    pub(crate) methods: Vec<Method>,
    pub(crate) models: Vec<ModelEntry>,
    /// Models of the config that have no public checkpoint: not measured, and named wherever the others are.
    pub(crate) absent_models: Vec<AbsentModel>,
    pub(crate) datasets: Vec<DatasetEntry>,
    /// Cards of data sets that only reference sets use.
    pub(crate) reference_datasets: Vec<DatasetEntry>,
    /// How much of the published tables in `expect:` this experiment measures.
    pub(crate) published: Vec<Coverage>,
}

impl Plan {
    /// All data sets, and whether each is evaluated or only drawn from: in the order in which they are opened.
    pub(crate) fn all_datasets(&self) -> impl Iterator<Item = (&DatasetEntry, bool)> {
        let evaluated = self.datasets.iter().map(|entry| (entry, true));
        let drawn_from = self.reference_datasets.iter().map(|entry| (entry, false));
        evaluated.chain(drawn_from)
    }

    /// What all methods together read of their banks.
    pub(crate) fn statistics(&self) -> StatPlan {
        StatPlan::of(self.methods.iter().flat_map(Method::normalizers))
    }

    /// Whether any method that reads a reference set is chosen on the hold-out.
    pub(crate) fn chooses_on_hold_out(&self) -> bool {
        let mut methods = self.methods.iter();
        methods.any(|it| it.choose == Choose::Validation && !it.stat_plan().is_empty())
    }
}

/// Reads configs, replaces values by `key=value` overrides, and checks every one, before the first is run.
///
/// # Errors
/// A config cannot be read, says something that cannot be run, expects a number that it will not measure, or two share the
/// name of an experiment.
pub fn read_plans(configs: &[PathBuf], overrides: &[String]) -> Result<Vec<Plan>> {
    let mut plans = Vec::new();
    for path in configs {
        let spec = read_spec(path, overrides)?;
        let mut plan = Plan {
            overrides: overrides.to_vec(),
            ..resolve(spec, path)?
        };
        published::resolve(&mut plan)?;
        plans.push(plan);
    }
    check_names(&plans)?;
    Ok(plans)
}

/// Two experiments of one name would write into one folder, and the second would remove what the first wrote.
fn check_names(plans: &[Plan]) -> Result<()> {
    for (index, plan) in plans.iter().enumerate() {
        let name = &plan.spec.experiment;
        let same = |other: &&Plan| other.spec.experiment == *name;
        if let Some(earlier) = plans[..index].iter().find(same) {
            bail!(
                "{} and {} both have the experiment `{name}`; give each a name of its own",
                earlier.config.display(),
                plan.config.display()
            );
        }
    }
    Ok(())
}

/// Checks every name, value and card of a config.
pub(crate) fn resolve(spec: Spec, config: &Path) -> Result<Plan> {
    resolve_spec(spec, config).with_context(|| format!("{} cannot be run", config.display()))
}

fn resolve_spec(spec: Spec, config: &Path) -> Result<Plan> {
    checks::experiment_name(&spec.experiment)?;
    checks::directions(&spec.directions)?;
    checks::references(&spec)?;
    if let Some(captions) = spec.captions_per_image {
        settings::positive("captions_per_image", captions)?;
    }
    checks::embeddings(&spec.embeddings)?;
    checks::roles(&spec)?;
    let settings = settings::settings(&spec)?;
    let methods = methods::methods(&spec)?;
    checks::banks(&spec, &methods)?;
    checks::bank_search(&settings, &methods)?;
    let configs = cards::folder_of(config);
    let models = cards::models(&spec.models, &configs)?;
    checks::rerank(&spec, &settings, &models.public)?;
    let datasets = cards::datasets(&spec.datasets, &configs)?;
    let elsewhere = reference_names(&spec);
    let reference_datasets = cards::datasets(&elsewhere, &configs).context("`reference_sets`")?;
    ensure!(
        spec.datasets.is_empty() == spec.models.is_empty(),
        "`models` and `datasets` go together: one is given without the other"
    );
    ensure!(
        !spec.datasets.is_empty() || !spec.embeddings.is_empty(),
        "nothing to measure: give `models` and `datasets`, or `embeddings`"
    );
    Ok(Plan {
        spec,
        config: config.to_owned(),
        overrides: Vec::new(),
        settings,
        methods,
        models: models.public,
        absent_models: models.absent,
        datasets,
        reference_datasets,
        published: Vec::new(),
    })
}

/// Data sets that are named by a reference set and not evaluated.
fn reference_names(spec: &Spec) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let known = |name: &str| spec.embeddings.iter().any(|source| source.name == name);
    for name in spec
        .reference_sets
        .iter()
        .filter_map(|reference| reference.dataset.as_ref())
    {
        if !spec.datasets.contains(name) && !names.contains(name) && !known(name) {
            names.push(name.clone());
        }
    }
    names
}
