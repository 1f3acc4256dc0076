//! What is measured, and what parameters are chosen by.

use anyhow::{Context, Result, ensure};
use nnn_core::Groups;
use nnn_metrics::{Metric, Needs, QueryMetric, Ranked, Resampling};

/// More rankings than this, raw included, are compared with raw only. Of so many there are 496 pairs: at 10,000 flips the
/// smallest p-value is still below 5 % after Holm's correction over them, and of one more it is not.
pub(crate) const MOST_COMPARED: usize = 32;

/// The metrics of an experiment and the statistics that go with them.
pub(crate) struct Metrics {
    pub(crate) metrics: Vec<Metric>,
    /// The objective, if it is compared and not among the metrics.
    pub(crate) beside: Option<QueryMetric>,
    needs: Needs,
    pub(crate) resampling: Resampling,
}

impl Metrics {
    pub(crate) fn new(metrics: Vec<Metric>, objective: Objective, resampling: Resampling) -> Self {
        let beside = match objective.0 {
            Metric::Query(metric) if metric.is_mean() => Some(metric),
            _ => None,
        };
        let beside = beside.filter(|&metric| !metrics.contains(&metric.into()));
        let read = metrics.iter().copied().chain(beside.map(Metric::from));
        let needs = read.fold(Needs::default(), |needs, metric| needs.and(metric.needs()));
        Self {
            metrics,
            beside,
            needs,
            resampling,
        }
    }

    /// The metrics' names in results.
    pub(crate) fn names(&self) -> Vec<String> {
        self.metrics.iter().map(Metric::to_string).collect()
    }

    /// Length of the top lists that the metrics read.
    pub(crate) fn top_width(&self) -> usize {
        self.needs.top
    }

    /// Refuses a gallery that is shorter than the top lists that a metric reads, or has no groups where one reads them.
    pub(crate) fn check_gallery(&self, items: usize, groups: Option<&Groups>) -> Result<()> {
        self.metrics
            .iter()
            .try_for_each(|metric| check_gallery(*metric, items, groups))
    }

    /// The metrics of groups that have a value for every query.
    pub(crate) fn of_groups(&self) -> impl Iterator<Item = QueryMetric> {
        let query = self.metrics.iter().filter_map(|metric| match metric {
            Metric::Query(metric) => Some(*metric),
            Metric::Hubness(_) | Metric::Spread(_) => None,
        });
        query.filter(|metric| metric.info().reads.groups())
    }

    /// Whether a metric reads the ranks of all relevant items.
    pub(crate) fn need_all_relevant(&self) -> bool {
        self.needs.all_relevant
    }
}

fn check_gallery(metric: Metric, items: usize, groups: Option<&Groups>) -> Result<()> {
    ensure!(
        groups.is_some() || !metric.reads_groups(),
        "metric `{metric}` reads which of two groups the gallery items belong to, and there are none: groups of images are \
         asked for by texts (t2i), and come from a card's `groups` with a column, or from `groups` of embeddings by role"
    );
    let needed = metric.needs().top;
    ensure!(
        needed <= items || needed == Needs::WHOLE,
        "metric `{metric}` needs a gallery of at least {needed} items, found {items}"
    );
    Ok(())
}

/// The metric that parameters are chosen by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Objective(pub(crate) Metric);

impl Objective {
    /// Name of the metric.
    pub(crate) fn name(self) -> String {
        self.0.to_string()
    }

    pub(crate) fn needs(self) -> Needs {
        self.0.needs()
    }

    /// The rank above which it tells no ranks apart.
    pub(crate) fn depth(self) -> Option<usize> {
        match self.0 {
            Metric::Query(metric) => metric.depth(),
            Metric::Hubness(_) | Metric::Spread(_) => None,
        }
    }

    /// As [`Metrics::check_gallery`].
    pub(crate) fn check_gallery(self, items: usize, groups: Option<&Groups>) -> Result<()> {
        check_gallery(self.0, items, groups).context("`objective`")
    }

    pub(crate) fn measure(self, ranked: Ranked<'_>) -> Result<f64> {
        self.0
            .value(ranked)
            .context("the objective cannot be computed")
    }

    /// Position of the best value; the first of equals wins.
    pub(crate) fn best(self, values: &[f64]) -> usize {
        let goal = self.0.info().goal;
        let mut best = 0;
        for (index, &value) in values.iter().enumerate() {
            if goal.merit(value) > goal.merit(values[best]) {
                best = index;
            }
        }
        best
    }
}
