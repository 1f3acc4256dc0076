//! What holds for every trial of an experiment: metrics, statistics, blocks, and how the query bank is searched.

use crate::spec::{BankSearchSpec, ComputeSpec, Spec};
use anyhow::{Context, Result, ensure};
use nnn_ann::Ivf;
use nnn_core::{Blocking, TieRule};
use nnn_encode::Compute;
use nnn_metrics::{Metric, Resampling};
use nnn_trial::{BankSearch, Measures, Metrics, Objective};

/// What holds for every trial of an experiment.
pub(crate) struct Settings {
    /// What is measured, and how.
    pub(crate) measures: Measures,
    pub(crate) blocking: Blocking,
    /// Where and in which numbers encoders run.
    pub(crate) encoders: Compute,
    /// How many items of each list the matching head ranks again.
    pub(crate) rerank: Option<usize>,
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
        measures: Measures {
            metrics: Metrics::new(metrics, objective, resampling),
            objective,
            ties: ties.map_err(anyhow::Error::msg).context("`ties`")?,
            top: spec.top,
            bank_search: spec.compute.bank_search.as_ref().map(bank_search),
            time_methods: spec.time_methods,
        },
        blocking: blocking(&spec.compute)?,
        encoders: Compute::new(spec.compute.device.name(), spec.compute.dtype.name())
            .context("`compute.device`")?,
        rerank: (spec.rerank)
            .map(|it| positive("rerank.depth", it.depth))
            .transpose()?,
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

fn bank_search(spec: &BankSearchSpec) -> BankSearch {
    BankSearch {
        ivf: Ivf {
            lists: spec.ivf.lists,
            probes: spec.ivf.probes,
            seed: spec.ivf.seed,
        },
        check: spec.check,
    }
}
