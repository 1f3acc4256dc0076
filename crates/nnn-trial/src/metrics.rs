//! What is measured, and what parameters are chosen by.

use crate::TrialError;
use nnn_core::Groups;
use nnn_metrics::{Metric, Needs, QueryMetric, Ranked, Resampling};

/// More rankings than this, raw included, are compared with raw only. Of so many there are 496 pairs: at 10,000 flips the
/// smallest p-value is still below 5 % after Holm's correction over them, and of one more it is not.
pub const MOST_COMPARED: usize = 32;

/// The metrics of an experiment and the statistics that go with them.
pub struct Metrics {
    /// What is measured, in the order of results.
    pub metrics: Vec<Metric>,
    /// The objective, if it is compared and not among the metrics.
    pub beside: Option<QueryMetric>,
    needs: Needs,
    /// How intervals and tests are drawn.
    pub resampling: Resampling,
}

impl Metrics {
    /// These metrics beside what is chosen by.
    #[must_use]
    pub fn new(metrics: Vec<Metric>, objective: Objective, resampling: Resampling) -> Self {
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
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.metrics.iter().map(Metric::to_string).collect()
    }

    /// Length of the top lists that the metrics read.
    #[must_use]
    pub fn top_width(&self) -> usize {
        self.needs.top
    }

    /// Refuses a gallery that is shorter than the top lists that a metric reads, or has no groups where one reads them.
    ///
    /// # Errors
    /// [`TrialError::NoGroups`], [`TrialError::SmallGallery`].
    pub fn check_gallery(&self, items: usize, groups: Option<&Groups>) -> Result<(), TrialError> {
        self.metrics
            .iter()
            .try_for_each(|metric| check_gallery(*metric, items, groups))
    }

    /// The metrics of groups that have a value for every query.
    pub fn of_groups(&self) -> impl Iterator<Item = QueryMetric> + '_ {
        let query = self.metrics.iter().filter_map(|metric| match metric {
            Metric::Query(metric) => Some(*metric),
            Metric::Hubness(_) | Metric::Spread(_) => None,
        });
        query.filter(|metric| metric.info().reads.groups())
    }

    /// Whether a metric reads the ranks of all relevant items.
    #[must_use]
    pub fn need_all_relevant(&self) -> bool {
        self.needs.all_relevant
    }
}

fn check_gallery(metric: Metric, items: usize, groups: Option<&Groups>) -> Result<(), TrialError> {
    if groups.is_none() && metric.reads_groups() {
        return Err(TrialError::NoGroups {
            metric: metric.to_string(),
        });
    }
    let needed = metric.needs().top;
    match needed <= items || needed == Needs::WHOLE {
        true => Ok(()),
        false => Err(TrialError::SmallGallery {
            metric: metric.to_string(),
            needed,
            found: items,
        }),
    }
}

/// The metric that parameters are chosen by.
#[derive(Debug, Clone, Copy)]
pub struct Objective(pub Metric);

impl Objective {
    /// Name of the metric.
    #[must_use]
    pub fn name(self) -> String {
        self.0.to_string()
    }

    /// What it reads of rankings.
    #[must_use]
    pub fn needs(self) -> Needs {
        self.0.needs()
    }

    /// The rank above which it tells no ranks apart.
    #[must_use]
    pub fn depth(self) -> Option<usize> {
        match self.0 {
            Metric::Query(metric) => metric.depth(),
            Metric::Hubness(_) | Metric::Spread(_) => None,
        }
    }

    /// As [`Metrics::check_gallery`].
    ///
    /// # Errors
    /// As there.
    pub fn check_gallery(self, items: usize, groups: Option<&Groups>) -> Result<(), TrialError> {
        check_gallery(self.0, items, groups)
    }

    /// Its value.
    ///
    /// # Errors
    /// [`TrialError::Objective`]: the rankings do not hold what it reads.
    pub fn measure(self, ranked: Ranked<'_>) -> Result<f64, TrialError> {
        self.0.value(ranked).map_err(TrialError::Objective)
    }

    /// Position of the best value; the first of equals wins.
    #[must_use]
    pub fn best(self, values: &[f64]) -> usize {
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
