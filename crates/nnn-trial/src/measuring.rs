//! Every number of a row: value, intervals and the gain over raw.

use crate::metrics::{MOST_COMPARED, Metrics};
use crate::task::Task;
use nnn_core::Rankings;
use nnn_metrics::{
    Comparison, Contest, Interval, Metric, MetricError, QueryMetric, Ranked, Resampling,
    binomial_interval, compare_all,
};

/// What several rankings of the same queries come to.
pub(crate) struct Standings {
    /// Of every ranking, metric by metric.
    pub(crate) numbers: Vec<Vec<Number>>,
    /// Every two rankings under every metric that is a mean over queries.
    pub(crate) pairs: Vec<Pair>,
}

/// One metric of one method, with its statistics.
pub struct Number {
    /// Its name.
    pub metric: String,
    /// A fraction, a rank or a count, as the metric has it.
    pub value: f64,
    /// The bootstrap's 95 % interval, where the metric has a value for every query.
    pub ci: Option<Interval>,
    /// The binomial 95 % interval of a proportion.
    pub binomial: Option<Interval>,
    /// What it is above raw; none for raw itself.
    pub gain: Option<Gain>,
}

/// What a ranking gains over raw.
pub struct Gain {
    /// Its value less raw's.
    pub delta: f64,
    /// The difference's 95 % interval; none of a metric of whole runs.
    pub interval: Option<Interval>,
    /// Of the randomisation test, two-sided; none of a metric of whole runs.
    pub p_value: Option<f64>,
}

/// Two rankings, by their places, under one metric.
pub struct Pair {
    /// The metric.
    pub metric: String,
    /// Place of the one.
    pub method: usize,
    /// Place of the other, which stands before it.
    pub other: usize,
    /// How they differ.
    pub comparison: Comparison,
}

/// Values with their intervals, gains over the first ranking, which is raw, and comparisons.
pub(crate) fn standings(
    metrics: &Metrics,
    task: &Task,
    rankings: &[Rankings],
) -> Result<Standings, MetricError> {
    let rankings: Vec<Ranked<'_>> = rankings.iter().map(|r| task.ranked(r)).collect();
    let mut numbers: Vec<Vec<Number>> = rankings.iter().map(|_| Vec::new()).collect();
    let mut pairs = Vec::new();
    for &metric in &metrics.metrics {
        let found = match metric {
            Metric::Query(metric) => {
                let contest = QueryContest::of(metric, &rankings, task, &metrics.resampling)?;
                pairs.extend(contest.pairs());
                contest.numbers()?
            }
            whole => whole_numbers(whole, &rankings)?,
        };
        for (own, number) in numbers.iter_mut().zip(found) {
            own.push(number);
        }
    }
    if let Some(metric) = metrics.beside {
        let contest = QueryContest::of(metric, &rankings, task, &metrics.resampling)?;
        pairs.extend(contest.pairs());
    }
    Ok(Standings { numbers, pairs })
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
    ) -> Result<Self, MetricError> {
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

    fn numbers(&self) -> Result<Vec<Number>, MetricError> {
        (0..self.values.len())
            .map(|place| self.number(place))
            .collect()
    }

    fn number(&self, place: usize) -> Result<Number, MetricError> {
        let values = &self.values[place];
        let value = self.metric.aggregate(values)?;
        let binomial = match self.metric.is_proportion() {
            true => Some(binomial_interval(value, values.len())?),
            false => None,
        };
        let with_raw = self.pairs.iter().position(|&pair| pair == (place, 0));
        let gain = with_raw.map(|at| &self.contest.comparisons[at]);
        Ok(Number {
            metric: self.metric.to_string(),
            value,
            ci: Some(self.contest.intervals[place]),
            binomial,
            gain: gain.map(|comparison| Gain {
                delta: comparison.delta,
                interval: Some(comparison.interval),
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
fn whole_numbers(metric: Metric, rankings: &[Ranked<'_>]) -> Result<Vec<Number>, MetricError> {
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
