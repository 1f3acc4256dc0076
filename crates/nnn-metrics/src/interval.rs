//! Confidence intervals of a value.

use crate::error::MetricError;

/// A two-sided 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// A value over a run with what is known of its uncertainty.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measurement {
    /// The value, in the unit of its metric; proportions are fractions.
    pub value: f64,
    /// The interval; hubness statistics have none.
    pub interval: Option<Interval>,
    /// The number of queries behind the value.
    pub n: usize,
}

/// The normal quantile as the NNN paper rounds it.
const Z: f64 = 1.96;

/// The share of the resamples that an interval leaves out on either side.
const TAIL: f64 = 0.025;

/// The binomial normal interval `p -+ 1.96 sqrt(p (1 - p) / n)` of a proportion `p` of `n` queries.
///
/// It is the interval of the NNN paper: all 504 printed half-widths of its Tables A8 to A11 follow from it. It takes the
/// queries for independent, has no width at `p = 0` and `p = 1`, and is not cut at 0 and 1.
///
/// # Errors
/// [`MetricError::NotAProbability`] for `p` outside `[0, 1]`, [`MetricError::NoQueries`] for `n = 0`.
pub fn binomial_interval(p: f64, n: usize) -> Result<Interval, MetricError> {
    if n == 0 {
        return Err(MetricError::NoQueries);
    }
    check_probability("a proportion", p)?;
    let half = Z * (p * (1.0 - p) / n as f64).sqrt();
    Ok(Interval {
        low: p - half,
        high: p + half,
    })
}

/// The interval between the outer percentiles of values in any order.
pub(crate) fn percentile_interval(mut sorted: Vec<f64>) -> Result<Interval, MetricError> {
    let Some(last) = sorted.len().checked_sub(1) else {
        return Err(MetricError::NoResamples);
    };
    sorted.sort_unstable_by(f64::total_cmp);
    let quantile = |share: f64| {
        let place = share * last as f64;
        let (below, above) = (
            sorted[place.floor() as usize],
            sorted[place.ceil() as usize],
        );
        below + (above - below) * place.fract()
    };
    Ok(Interval {
        low: quantile(TAIL),
        high: quantile(1.0 - TAIL),
    })
}

pub(crate) fn check_probability(what: &'static str, value: f64) -> Result<(), MetricError> {
    if (0.0..=1.0).contains(&value) {
        Ok(())
    } else {
        Err(MetricError::NotAProbability { what, value })
    }
}
