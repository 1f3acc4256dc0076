//! Every number of a row: value, intervals and the gain over raw.

use crate::group::Task;
use anyhow::{Context, Result, ensure};
use nnn_core::{Groups, Rankings};
use nnn_metrics::{
    Comparison, Contest, Metric, Needs, QueryMetric, Ranked, Resampling, binomial_interval,
    compare_all,
};
use nnn_report::{Gain, Interval};

/// More rankings than this, raw included, are compared with raw only. Of so many there are 496 pairs: at 10,000 flips the
/// smallest p-value is still below 5 % after Holm's correction over them, and of one more it is not.
pub(crate) const MOST_COMPARED: usize = 32;

/// The metrics of an experiment and the statistics that go with them.
pub(crate) struct Metrics {
    metrics: Vec<Metric>,
    /// The objective, if it is compared and not among the metrics.
    beside: Option<QueryMetric>,
    needs: Needs,
    resampling: Resampling,
}

/// What several rankings of the same queries come to.
pub(crate) struct Standings {
    /// Of every ranking, metric by metric.
    pub(crate) numbers: Vec<Vec<Number>>,
    /// Every two rankings under every metric that is a mean over queries.
    pub(crate) pairs: Vec<Pair>,
}

/// One metric of one method, with its statistics.
pub(crate) struct Number {
    pub(crate) metric: String,
    pub(crate) value: f64,
    pub(crate) ci: Option<Interval>,
    pub(crate) binomial: Option<Interval>,
    pub(crate) gain: Option<Gain>,
}

/// Two rankings, by their places, under one metric.
pub(crate) struct Pair {
    pub(crate) metric: String,
    pub(crate) method: usize,
    pub(crate) other: usize,
    pub(crate) comparison: Comparison,
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

    /// Values with their intervals, gains over the first ranking, which is raw, and comparisons.
    pub(crate) fn standings(&self, task: &Task, rankings: &[Rankings]) -> Result<Standings> {
        let rankings: Vec<Ranked<'_>> = rankings.iter().map(|r| task.ranked(r)).collect();
        let mut numbers: Vec<Vec<Number>> = rankings.iter().map(|_| Vec::new()).collect();
        let mut pairs = Vec::new();
        for &metric in &self.metrics {
            let found = match metric {
                Metric::Query(metric) => {
                    let contest = QueryContest::of(metric, &rankings, task, &self.resampling)?;
                    pairs.extend(contest.pairs());
                    contest.numbers()?
                }
                whole => whole_numbers(whole, &rankings)?,
            };
            for (own, number) in numbers.iter_mut().zip(found) {
                own.push(number);
            }
        }
        if let Some(metric) = self.beside {
            let contest = QueryContest::of(metric, &rankings, task, &self.resampling)?;
            pairs.extend(contest.pairs());
        }
        Ok(Standings { numbers, pairs })
    }
}

/// All rankings under one metric that has a value for every query.
struct QueryContest {
    metric: QueryMetric,
    values: Vec<Vec<f64>>,
    /// Places of a ranking and of an earlier one.
    pairs: Vec<(usize, usize)>,
    contest: Contest,
}

impl QueryContest {
    fn of(
        metric: QueryMetric,
        rankings: &[Ranked<'_>],
        task: &Task,
        resampling: &Resampling,
    ) -> Result<Self> {
        rankings.iter().try_for_each(|&r| metric.check(r))?;
        let values: Vec<Vec<f64>> = rankings.iter().map(|&r| metric.values(r)).collect();
        let methods: Vec<&[f64]> = values.iter().map(Vec::as_slice).collect();
        let all = metric.is_mean() && rankings.len() <= MOST_COMPARED;
        let earlier = |place: usize| if all { 0..place } else { 0..place.min(1) };
        let pairs: Vec<_> = (0..rankings.len())
            .flat_map(|a| earlier(a).map(move |b| (a, b)))
            .collect();
        Ok(Self {
            metric,
            contest: compare_all(metric, &methods, &pairs, &task.clusters, resampling)?,
            pairs,
            values,
        })
    }

    fn numbers(&self) -> Result<Vec<Number>> {
        (0..self.values.len())
            .map(|place| self.number(place))
            .collect()
    }

    fn number(&self, place: usize) -> Result<Number> {
        let values = &self.values[place];
        let value = self.metric.aggregate(values)?;
        let binomial = match self.metric.is_proportion() {
            true => Some(interval(binomial_interval(value, values.len())?)),
            false => None,
        };
        let with_raw = self.pairs.iter().position(|&pair| pair == (place, 0));
        let gain = with_raw.map(|at| &self.contest.comparisons[at]);
        Ok(Number {
            metric: self.metric.to_string(),
            value,
            ci: Some(interval(self.contest.intervals[place])),
            binomial,
            gain: gain.map(|comparison| Gain {
                delta: comparison.delta,
                interval: Some(interval(comparison.interval)),
                p_value: Some(comparison.p_value),
            }),
        })
    }

    /// The pairs; none of a metric that is no mean.
    fn pairs(&self) -> Vec<Pair> {
        if !self.metric.is_mean() {
            return Vec::new();
        }
        let found = self.pairs.iter().zip(&self.contest.comparisons);
        let pair = |(&(method, other), &comparison)| Pair {
            metric: self.metric.to_string(),
            method,
            other,
            comparison,
        };
        found.map(pair).collect()
    }
}

/// Numbers of a metric of whole runs, with plain differences to the first.
fn whole_numbers(metric: Metric, rankings: &[Ranked<'_>]) -> Result<Vec<Number>> {
    let values: Result<Vec<f64>, _> = rankings.iter().map(|&r| metric.value(r)).collect();
    let values = values?;
    let number = |(place, &value): (usize, &f64)| Number {
        metric: metric.to_string(),
        value,
        ci: None,
        binomial: None,
        gain: (place > 0).then(|| Gain {
            delta: value - values[0],
            interval: None,
            p_value: None,
        }),
    };
    Ok(values.iter().enumerate().map(number).collect())
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

/// An interval as results hold it.
pub(crate) fn interval(interval: nnn_metrics::Interval) -> Interval {
    Interval {
        low: interval.low,
        high: interval.high,
    }
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
