//! What holds for every trial of an experiment: metrics, statistics, blocks, and how the query bank is searched.

use crate::plan::metrics::{Metrics, Objective};
use crate::spec::{BankSearchSpec, ComputeSpec, Spec};
use anyhow::{Context, Result, ensure};
use nnn_ann::Ivf;
use nnn_core::{Bank, Blocking, Stat, StatPlan, TieRule};
use nnn_encode::Compute;
use nnn_metrics::{Metric, Resampling};

/// What holds for every trial of an experiment.
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
    /// Whether every method's parameters are chosen once more by itself, for its time.
    pub(crate) time_methods: bool,
}

pub(super) fn settings(spec: &Spec) -> Result<Settings> {
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

/// More threads than any machine has cores take minutes to start and gain nothing.
const MOST_THREADS: usize = 1024;

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

pub(super) fn positive(key: &str, value: usize) -> Result<usize> {
    ensure!(value > 0, "`{key}` is 0, expected at least 1");
    Ok(value)
}

/// What searches are compared by.
pub(crate) const SEARCH_METRIC: &str = "R@1";

/// The search that an experiment asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BankSearch {
    pub(crate) ivf: Ivf,
    pub(crate) check: bool,
}

impl BankSearch {
    pub(crate) fn new(spec: &BankSearchSpec) -> Self {
        Self {
            ivf: Ivf {
                lists: spec.ivf.lists,
                probes: spec.ivf.probes,
                seed: spec.ivf.seed,
            },
            check: spec.check,
        }
    }

    /// Refuses numbers that do not fit each other or a query bank of `bank` rows.
    pub(crate) fn check(&self, bank: usize) -> Result<()> {
        self.ivf.check(bank).context("`compute.bank_search.ivf`")
    }
}

/// Every `k` of which a plan needs the mean of the largest similarities to the query bank, ascending.
pub(crate) fn top_means(plan: &StatPlan) -> Vec<usize> {
    plan.iter().filter_map(top_mean).collect()
}

/// The `k` of a mean of the largest similarities to the query bank.
pub(crate) fn top_mean(need: (Bank, &Stat)) -> Option<usize> {
    match need {
        (Bank::Query, Stat::TopMean { k }) => Some(*k),
        _ => None,
    }
}
