//! From a config as written to checked methods, metrics and settings; nothing is loaded or computed here.

use crate::bank_search::{BankSearch, top_means};
use crate::metrics::{Metrics, Objective};
use crate::registry;
use crate::sources::cards::{self, DatasetEntry, ModelEntry};
use crate::spec::{Choose, ComputeSpec, EmbeddingsSpec, MethodSpec, Spec, Values};
use anyhow::{Context, Result, bail, ensure};
use nnn_core::{Blocking, MethodFamily, Normalizer, ParamGrid, StatPlan, TieRule};
use nnn_data::Direction;
use nnn_encode::Compute;
use nnn_metrics::{Metric, Resampling};
use nnn_report::AbsentModel;
use std::path::{Path, PathBuf};

/// A checked experiment.
pub(crate) struct Plan {
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
}

impl Plan {
    /// All data sets, and whether each is evaluated or only drawn from: in the order in which they are opened.
    pub(crate) fn all_datasets(&self) -> impl Iterator<Item = (&DatasetEntry, bool)> {
        let evaluated = self.datasets.iter().map(|entry| (entry, true));
        let drawn_from = self.reference_datasets.iter().map(|entry| (entry, false));
        evaluated.chain(drawn_from)
    }
}

/// What holds for every group of an experiment.
pub(crate) struct Settings {
    pub(crate) metrics: Metrics,
    pub(crate) objective: Objective,
    pub(crate) ties: TieRule,
    pub(crate) top: usize,
    pub(crate) blocking: Blocking,
    pub(crate) bank_search: Option<BankSearch>,
    /// Where and in which numbers encoders run.
    pub(crate) encoders: Compute,
    /// How many items of each list the matching head ranks again.
    pub(crate) rerank: Option<usize>,
    /// Whether every search is done again by itself, for its time.
    pub(crate) time_methods: bool,
}

/// A method with all its parameter points.
pub(crate) struct Method {
    pub(crate) family: &'static dyn MethodFamily,
    pub(crate) points: Vec<Box<dyn Normalizer>>,
    /// [`Choose::Fixed`] wherever there is nothing to choose.
    pub(crate) choose: Choose,
    /// Whether the points are those of the published search, not of the config.
    pub(crate) published: bool,
}

impl Method {
    /// The same with the points of a published search that vectors of this dimension allow, and the signatures of the others;
    /// none where all are allowed. What a config lists is kept, to be refused.
    pub(crate) fn within(&self, dim: usize) -> Result<Option<(Self, Vec<String>)>> {
        let points = match self.published {
            true => self.family.published_grid()?,
            false => Vec::new(),
        };
        let (points, beyond): (Vec<_>, Vec<_>) = points
            .into_iter()
            .partition(|point| point.least_dim() <= dim);
        if points.is_empty() || beyond.is_empty() {
            return Ok(None);
        }
        let left_out = beyond.iter().map(|point| point.signature()).collect();
        Ok(Some((Self { points, ..*self }, left_out)))
    }

    /// The parameters of a point as in its signature, without the name: `k=128,alpha=0.75`.
    pub(crate) fn params(&self, point: usize) -> String {
        let signature = self.points[point].signature();
        let inside = signature.split_once('(').map_or("", |(_, rest)| rest);
        inside.trim_end_matches(')').to_owned()
    }

    /// How the parameters came about; empty where there are none.
    pub(crate) fn chosen_word(&self) -> &'static str {
        if self.family.params().is_empty() {
            ""
        } else {
            self.choose.name()
        }
    }

    /// Whether it is what all others are compared with.
    pub(crate) fn is_raw(&self) -> bool {
        self.family.name() == "raw"
    }

    /// How many of its points are reported.
    pub(crate) fn reported(&self) -> usize {
        match self.choose {
            Choose::Fixed => self.points.len(),
            _ => 1,
        }
    }

    /// The statistics that its points need.
    pub(crate) fn stat_plan(&self) -> StatPlan {
        let mut plan = StatPlan::default();
        for point in &self.points {
            point.needs(&mut plan);
        }
        plan
    }
}

/// Checks every name, value and card of a config.
pub(crate) fn resolve(spec: Spec, config: &Path) -> Result<Plan> {
    resolve_spec(spec, config).with_context(|| format!("{} cannot be run", config.display()))
}

fn resolve_spec(spec: Spec, config: &Path) -> Result<Plan> {
    check_experiment_name(&spec.experiment)?;
    check_directions(&spec.directions)?;
    check_references(&spec)?;
    if let Some(captions) = spec.captions_per_image {
        positive("captions_per_image", captions)?;
    }
    check_embeddings(&spec.embeddings)?;
    check_roles(&spec)?;
    let settings = settings(&spec)?;
    let methods = methods(&spec)?;
    check_banks(&spec, &methods)?;
    check_bank_search(&settings, &methods)?;
    let configs = cards::folder_of(config);
    let models = cards::models(&spec.models, &configs)?;
    check_rerank(&spec, &settings, &models.public)?;
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
    })
}

/// Names become parts of file names, which systems limit to 255 bytes.
const LONGEST_NAME: usize = 80;

/// More threads than any machine has cores take minutes to start and gain nothing.
const MOST_THREADS: usize = 1024;

/// The name becomes a folder, so it must be one plain path part.
fn check_experiment_name(name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let fits = (1..=LONGEST_NAME).contains(&name.len());
    ensure!(
        fits && name.chars().all(plain) && !name.starts_with('.'),
        "`experiment` is {name:?}; expected 1 to {LONGEST_NAME} letters, digits, `-`, `_` and `.`, as it names a folder"
    );
    Ok(())
}

fn check_directions(directions: &[Direction]) -> Result<()> {
    ensure!(
        !directions.is_empty(),
        "`directions` is empty; expected t2i, i2t or both"
    );
    let repeated = (1..directions.len()).any(|i| directions[..i].contains(&directions[i]));
    ensure!(!repeated, "`directions` names one direction twice");
    Ok(())
}

fn check_references(spec: &Spec) -> Result<()> {
    let mut labels = Vec::new();
    for reference in &spec.reference_sets {
        let label = reference.label();
        ensure!(
            reference.share > 0.0 && reference.share <= 1.0,
            "reference set `{label}`: share is {}, expected a number above 0 and at most 1, such as 0.2 for 20 %",
            reference.share
        );
        let beside = [
            ("dataset", reference.dataset.is_some()),
            ("split", reference.split.is_some()),
        ];
        if let (Some(_), Some((key, _))) = (&reference.texts, beside.iter().find(|it| it.1)) {
            bail!("reference set `{label}`: `texts` and `{key}` exclude each other");
        }
        ensure!(
            reference.texts.is_none() || !spec.directions.contains(&Direction::I2t),
            "reference set `{label}`: `texts` can only be asked in t2i, but `directions` has i2t"
        );
        ensure!(
            !label.trim().is_empty() && label.chars().count() <= LONGEST_NAME,
            "reference set {label:?}: expected a name of 1 to {LONGEST_NAME} characters"
        );
        ensure!(
            !labels.contains(&label),
            "two reference sets are called `{label}`; give them names"
        );
        labels.push(label);
    }
    Ok(())
}

/// Rows are told apart by data set and model.
fn check_embeddings(embeddings: &[EmbeddingsSpec]) -> Result<()> {
    for (index, source) in embeddings.iter().enumerate() {
        let same =
            |other: &EmbeddingsSpec| other.name == source.name && other.model == source.model;
        ensure!(
            !embeddings[..index].iter().any(same),
            "`embeddings` lists `{}` twice; give each a name or a model of its own",
            source.name
        );
    }
    Ok(())
}

/// A source by role or similarity brings its own direction, split and reference set along: what a config says of them beside is a
/// mistake where nothing else reads it.
fn check_roles(spec: &Spec) -> Result<()> {
    let by_role = |source: &&EmbeddingsSpec| source.by_dataset.is_none();
    let Some(source) = spec.embeddings.iter().find(by_role) else {
        return Ok(());
    };
    let own = source.direction.unwrap_or(Direction::T2i);
    ensure!(
        spec.directions.contains(&own),
        "`directions` leaves out {own}, the direction of `{}`; set `direction` there, not `directions`",
        source.name
    );
    let alone = spec.datasets.is_empty() && spec.embeddings.iter().all(|it| by_role(&it));
    if !alone {
        return Ok(());
    }
    let own = [
        ("split", spec.split == crate::spec::test_split()),
        (
            "reference_sets",
            spec.reference_sets == crate::spec::default_reference_sets(),
        ),
        (
            "hold_out.split",
            spec.hold_out.split == crate::spec::HoldOutSpec::default().split,
        ),
    ];
    match own.iter().find(|(_, is_default)| !is_default) {
        Some((key, _)) => bail!(
            "`{key}` is given, but `{}` has no splits: its queries and past queries are the files that it names",
            source.name
        ),
        None => Ok(()),
    }
}

/// Without a reference set, a method that reads one would have no row.
fn check_banks(spec: &Spec, methods: &[Method]) -> Result<()> {
    let reader = methods.iter().find(|method| !method.stat_plan().is_empty());
    match reader {
        Some(method) if spec.reference_sets.is_empty() => bail!(
            "`reference_sets` is empty, but `{}` reads one",
            method.family.name()
        ),
        _ => Ok(()),
    }
}

/// A search that nothing reads would be ignored, and a number that no bank fits is known to be wrong already.
fn check_bank_search(settings: &Settings, methods: &[Method]) -> Result<()> {
    let Some(search) = settings.bank_search else {
        return Ok(());
    };
    let read = methods
        .iter()
        .any(|m| !top_means(&m.stat_plan()).is_empty());
    ensure!(
        read,
        "`compute.bank_search` is set, but no method here reads means of the largest similarities to the query bank, as `nnn` \
         and `csls` do"
    );
    search.check(usize::MAX)
}

/// Ranking again takes a head that looks at items, not vectors, and says which of equals comes first.
fn check_rerank(spec: &Spec, settings: &Settings, models: &[ModelEntry]) -> Result<()> {
    if settings.rerank.is_none() {
        return Ok(());
    }
    ensure!(
        spec.embeddings.is_empty(),
        "`rerank` looks at images and captions, but `embeddings` gives vectors; use `models` and `datasets`"
    );
    ensure!(
        settings.ties == TieRule::Index,
        "`rerank` goes with `ties: index`, received `{}`",
        settings.ties.name()
    );
    for ModelEntry { card, .. } in models {
        if !registry::model_family(&card.family)?.matches {
            let heads = registry::MODELS.iter().filter(|family| family.matches);
            let heads: Vec<_> = heads.map(|family| family.name).collect();
            bail!(
                "`rerank` is set, but model `{}` is of family `{}`, which has no matching head (families that have one: {})",
                card.name,
                card.family,
                heads.join(", ")
            );
        }
    }
    Ok(())
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

fn settings(spec: &Spec) -> Result<Settings> {
    let resampling = Resampling {
        seed: spec.statistics.seed,
        bootstraps: draws(
            ("statistics.resamples", spec.statistics.resamples),
            (
                LEAST_RESAMPLES,
                "an interval leaves 2.5 % of them out on either side",
            ),
        )?,
        permutations: draws(
            ("statistics.permutations", spec.statistics.permutations),
            (
                LEAST_PERMUTATIONS,
                "with fewer no p-value is as small as 5 %",
            ),
        )?,
    };
    let ties: Result<TieRule, _> = spec.ties.parse();
    let metrics = metrics(&spec.metrics)?;
    let objective = Objective(spec.objective.parse().context("`objective`")?);
    Ok(Settings {
        metrics: Metrics::new(metrics, objective, resampling),
        objective,
        ties: ties.map_err(anyhow::Error::msg).context("`ties`")?,
        top: spec.top,
        blocking: blocking(&spec.compute)?,
        bank_search: spec.compute.bank_search.as_ref().map(BankSearch::new),
        encoders: Compute::new(spec.compute.device.name(), spec.compute.dtype.name())
            .context("`compute.device`")?,
        rerank: (spec.rerank)
            .map(|it| positive("rerank.depth", it.depth))
            .transpose()?,
        time_methods: spec.time_methods,
    })
}

fn metrics(names: &[String]) -> Result<Vec<Metric>> {
    ensure!(
        !names.is_empty(),
        "`metrics` is empty; see `runner list metrics`"
    );
    let mut metrics: Vec<Metric> = Vec::new();
    for name in names {
        let metric = name.parse().context("`metrics`")?;
        ensure!(
            !metrics.contains(&metric),
            "`metrics` names `{metric}` twice"
        );
        metrics.push(metric);
    }
    Ok(metrics)
}

fn blocking(compute: &ComputeSpec) -> Result<Blocking> {
    let threads = compute.threads.unwrap_or(1);
    ensure!(
        (1..=MOST_THREADS).contains(&threads),
        "`compute.threads` is {threads}, expected 1 to {MOST_THREADS}"
    );
    let mut blocking = Blocking::default();
    if let Some(columns) = compute.block_columns {
        blocking.columns = positive("compute.block_columns", columns)?;
    }
    if let Some(rows) = compute.block_rows {
        blocking.rows = positive("compute.block_rows", rows)?;
    }
    if let Some(images) = compute.image_batch {
        positive("compute.image_batch", images)?;
    }
    Ok(blocking)
}

/// More resamples or sign flips than this move no printed digit, and their sums would not fit in memory.
const MOST_DRAWS: usize = 1_000_000;

/// Of fewer resamples than this not one lies beyond either end of a 95 % interval.
const LEAST_RESAMPLES: usize = 40;

/// The smallest p-value of n sign flips is 1 / (n + 1).
const LEAST_PERMUTATIONS: usize = 19;

fn draws((key, value): (&str, usize), (least, reason): (usize, &str)) -> Result<usize> {
    ensure!(
        (least..=MOST_DRAWS).contains(&value),
        "`{key}` is {value}, expected {least} to {MOST_DRAWS}: {reason}"
    );
    Ok(value)
}

fn positive(key: &str, value: usize) -> Result<usize> {
    ensure!(value > 0, "`{key}` is 0, expected at least 1");
    Ok(value)
}

fn methods(spec: &Spec) -> Result<Vec<Method>> {
    ensure!(
        !spec.methods.is_empty(),
        "`methods` is empty; see `runner list methods`"
    );
    let mut methods: Vec<Method> = Vec::new();
    for (index, written) in spec.methods.iter().enumerate() {
        let planned = method(written, spec.choose)
            .with_context(|| format!("methods[{index}] ({})", written.name))?;
        let repeats = |other: &Method| {
            other.choose == planned.choose && signatures(other) == signatures(&planned)
        };
        if methods.iter().any(repeats) {
            bail!(
                "methods[{index}]: `{}` with these values is listed twice",
                written.name
            );
        }
        methods.push(planned);
    }
    Ok(methods)
}

fn signatures(method: &Method) -> Vec<String> {
    method
        .points
        .iter()
        .map(|point| point.signature())
        .collect()
}

fn method(written: &MethodSpec, default: Choose) -> Result<Method> {
    let family = registry::method(&written.name)?;
    let choose = written.options.choose.unwrap_or(default);
    let published = searches_as_published(family, written, choose);
    let points = if published {
        family.published_grid()?
    } else {
        family.expand(&grid(family, written, choose))?
    };
    // One point leaves nothing to choose.
    let choose = if points.len() == 1 {
        Choose::Fixed
    } else {
        choose
    };
    Ok(Method {
        family,
        points,
        choose,
        published,
    })
}

/// Whether the points are those of the published search, which need not be every combination of values.
fn searches_as_published(family: &dyn MethodFamily, written: &MethodSpec, choose: Choose) -> bool {
    let params = &written.options.params;
    let known = |name: &String| family.params().iter().any(|info| info.name == name);
    let published = |info: &nnn_core::ParamInfo| match params.get(info.name) {
        Some(values) => *values == Values::Published,
        None => choose != Choose::Fixed,
    };
    params.keys().all(known) && family.params().iter().all(published)
}

/// Listed values, and the published ones where a search lists none.
fn grid(family: &dyn MethodFamily, written: &MethodSpec, choose: Choose) -> ParamGrid {
    let mut grid = ParamGrid::new();
    for (name, values) in &written.options.params {
        let published = family.params().iter().find(|info| info.name == name);
        let values = match (values, published) {
            (Values::Listed(values), _) => values.clone(),
            (Values::Published, Some(info)) => info.grid.to_vec(),
            // `expand` refuses the name.
            (Values::Published, None) => Vec::new(),
        };
        grid.insert(name.clone(), values);
    }
    if choose != Choose::Fixed {
        for info in family.params() {
            grid.entry(info.name.to_owned())
                .or_insert_with(|| info.grid.to_vec());
        }
    }
    grid
}
