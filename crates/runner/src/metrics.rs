//! Every number of a row: value, intervals and the gain over raw.

use anyhow::{Context, Result, ensure};
use nnn_core::Rankings;
use nnn_metrics::{
    Clusters, Metric, Needs, QueryMetric, Resampling, binomial_interval, bootstrap_interval,
    compare,
};
use nnn_report::{Gain, Interval};

/// The metrics of an experiment and the statistics that go with them.
pub(crate) struct Metrics {
    metrics: Vec<Metric>,
    needs: Needs,
    resampling: Resampling,
}

/// A ranking reduced to what the metrics read: values a query, or one value of the whole run.
pub(crate) struct Measured {
    numbers: Vec<Values>,
}

enum Values {
    PerQuery(QueryMetric, Vec<f64>),
    Whole(Metric, f64),
}

/// One metric of one method, with its statistics.
pub(crate) struct Number {
    pub(crate) metric: String,
    pub(crate) value: f64,
    pub(crate) ci: Option<Interval>,
    pub(crate) binomial: Option<Interval>,
    pub(crate) gain: Option<Gain>,
}

impl Metrics {
    pub(crate) fn new(metrics: Vec<Metric>, resampling: Resampling) -> Self {
        let none = Needs {
            all_relevant: false,
            top: 0,
        };
        let needs = metrics
            .iter()
            .fold(none, |needs, metric| needs.and(metric.needs()));
        Self {
            metrics,
            needs,
            resampling,
        }
    }

    /// Length of the top lists that the metrics read.
    pub(crate) fn top_width(&self) -> usize {
        self.needs.top
    }

    /// Refuses a gallery that is shorter than the top lists that a metric reads.
    pub(crate) fn check_gallery(&self, items: usize) -> Result<()> {
        self.metrics
            .iter()
            .try_for_each(|metric| check_gallery(*metric, items))
    }

    /// Whether a metric reads the ranks of all relevant items.
    pub(crate) fn need_all_relevant(&self) -> bool {
        self.needs.all_relevant
    }

    /// Reduces a ranking.
    pub(crate) fn measure(&self, rankings: &Rankings) -> Result<Measured> {
        let reduce = |metric: &Metric| match *metric {
            Metric::Query(query) => Ok(Values::PerQuery(query, query.values(rankings))),
            whole => Ok(Values::Whole(whole, whole.value(rankings)?)),
        };
        let numbers: Result<_> = self.metrics.iter().map(reduce).collect();
        Ok(Measured { numbers: numbers? })
    }

    /// Values with their intervals, and their gains over `baseline`.
    pub(crate) fn numbers(
        &self,
        measured: &Measured,
        baseline: Option<&Measured>,
        clusters: &Clusters,
    ) -> Result<Vec<Number>> {
        let mut numbers = Vec::new();
        for (index, values) in measured.numbers.iter().enumerate() {
            let baseline = baseline.map(|measured| &measured.numbers[index]);
            numbers.push(self.number(values, baseline, clusters)?);
        }
        Ok(numbers)
    }

    fn number(
        &self,
        values: &Values,
        baseline: Option<&Values>,
        clusters: &Clusters,
    ) -> Result<Number> {
        match values {
            Values::Whole(metric, value) => Ok(whole_number(*metric, *value, baseline)),
            Values::PerQuery(metric, values) => {
                let raw = match baseline {
                    Some(Values::PerQuery(_, raw)) => Some(raw.as_slice()),
                    _ => None,
                };
                self.query_number(*metric, values, raw, clusters)
            }
        }
    }

    fn query_number(
        &self,
        metric: QueryMetric,
        values: &[f64],
        raw: Option<&[f64]>,
        clusters: &Clusters,
    ) -> Result<Number> {
        let value = metric.aggregate(values)?;
        let binomial = match metric.is_proportion() {
            true => Some(interval(binomial_interval(value, values.len())?)),
            false => None,
        };
        let gain = match raw {
            Some(raw) => Some(self.gain(metric, values, raw, clusters)?),
            None => None,
        };
        Ok(Number {
            metric: metric.to_string(),
            value,
            ci: Some(interval(bootstrap_interval(
                metric,
                values,
                clusters,
                &self.resampling,
            )?)),
            binomial,
            gain,
        })
    }

    fn gain(
        &self,
        metric: QueryMetric,
        values: &[f64],
        raw: &[f64],
        clusters: &Clusters,
    ) -> Result<Gain> {
        let comparison = compare(metric, values, raw, clusters, &self.resampling)?;
        Ok(Gain {
            delta: comparison.delta,
            interval: Some(interval(comparison.interval)),
            p_value: Some(comparison.p_value),
        })
    }
}

fn check_gallery(metric: Metric, items: usize) -> Result<()> {
    let needed = metric.needs().top;
    ensure!(
        needed <= items,
        "metric `{metric}` needs a gallery of at least {needed} items, found {items}"
    );
    Ok(())
}

fn whole_number(metric: Metric, value: f64, baseline: Option<&Values>) -> Number {
    let gain = match baseline {
        Some(Values::Whole(_, raw)) => Some(Gain {
            delta: value - raw,
            interval: None,
            p_value: None,
        }),
        _ => None,
    };
    Number {
        metric: metric.to_string(),
        value,
        ci: None,
        binomial: None,
        gain,
    }
}

fn interval(interval: nnn_metrics::Interval) -> Interval {
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
            Metric::Hubness(_) => None,
        }
    }

    /// Refuses a gallery that is shorter than the top lists that it reads.
    pub(crate) fn check_gallery(self, items: usize) -> Result<()> {
        check_gallery(self.0, items).context("`objective`")
    }

    pub(crate) fn measure(self, rankings: &Rankings) -> Result<f64> {
        self.0
            .value(rankings)
            .context("the objective cannot be computed")
    }

    /// Position of the best value; the first of equals wins.
    pub(crate) fn best(self, values: &[f64]) -> usize {
        let sign = if self.0.info().higher_is_better {
            1.0
        } else {
            -1.0
        };
        let mut best = 0;
        for (index, &value) in values.iter().enumerate() {
            if sign * value > sign * values[best] {
                best = index;
            }
        }
        best
    }
}
