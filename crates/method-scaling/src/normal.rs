//! The normal distribution, down to where its probabilities are no f64.

use crate::ROUNDOFF;
use nnn_core::{Bank, BankStats, FitError, Stat, StatPlan};
use std::f64::consts::FRAC_1_SQRT_2;

/// Declares what every item sees over the query bank: mean and deviation.
pub(crate) fn need_means_and_deviations(plan: &mut StatPlan) {
    plan.need(Bank::Query, Stat::Mean);
    plan.need(Bank::Query, Stat::Deviation);
}

/// The two, one number each per item.
pub(crate) fn means_and_deviations(stats: &BankStats) -> Result<(&[f64], &[f64]), FitError> {
    let means = stats.get(Bank::Query, Stat::Mean)?;
    Ok((means, stats.get(Bank::Query, Stat::Deviation)?))
}

/// Mean and deviation of similarities; a deviation is held at or above the roundoff of one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Normal {
    mean: f64,
    /// One over the deviation.
    scale: f64,
}

impl Normal {
    pub(crate) fn new(mean: f64, deviation: f64) -> Self {
        let scale = 1.0 / deviation.max(ROUNDOFF);
        Self { mean, scale }
    }

    /// Of a whole row, which is not empty: deviations from the mean squared, divided by their number.
    pub(crate) fn of(row: &[f32]) -> Self {
        let (mean, deviation) = Self::mean_and_deviation(row);
        Self::new(mean, deviation)
    }

    /// The two of a whole row, which is not empty.
    pub(crate) fn mean_and_deviation(row: &[f32]) -> (f64, f64) {
        let size = row.len() as f64;
        let mean = row.iter().map(|&s| f64::from(s)).sum::<f64>() / size;
        let squares = row.iter().map(|&s| (f64::from(s) - mean).powi(2));
        (mean, (squares.sum::<f64>() / size).sqrt())
    }

    /// `(s - mean) / deviation`.
    pub(crate) fn standard(&self, s: f64) -> f64 {
        (s - self.mean) * self.scale
    }
}

/// Below this, the asymptotic series is exact to the last place.
const TAIL: f64 = -30.0;

/// `ln P(X < x)` of a standard normal `X`, to a few units in the last place for `|x| < 1e154`. No function of the system's
/// library is used, so that it has the same bits everywhere.
pub(crate) fn log_cdf(x: f64) -> f64 {
    if x > 0.0 {
        libm::log1p(-0.5 * libm::erfc(x * FRAC_1_SQRT_2))
    } else if x > TAIL {
        libm::log(0.5 * libm::erfc(-x * FRAC_1_SQRT_2))
    } else {
        log_tail(x)
    }
}

/// `ln(2 pi) / 2`
const HALF_LOG_TWO_PI: f64 = 0.918_938_533_204_672_7;

/// `-x^2/2 - ln(-x sqrt(2 pi)) + ln(1 - 1/x^2 + 3/x^4 - 15/x^6 + 105/x^8 - 945/x^10 + ...)` (Abramowitz, Stegun
/// 26.2.12); the first term left out is 2e-14 at `TAIL`, beside a sum of 454.
fn log_tail(x: f64) -> f64 {
    -0.5 * x * x - libm::log(-x) - HALF_LOG_TWO_PI + log_series(x)
}

/// The last logarithm of [`log_tail`].
fn log_series(x: f64) -> f64 {
    let y = 1.0 / (x * x);
    libm::log1p(y * (-1.0 + y * (3.0 + y * (-15.0 + y * (105.0 - y * 945.0)))))
}

/// `ln P(X > y) + y^2/2` for `y >= 0`: what is left of the tail without the factor that makes it small.
pub(crate) fn log_tail_excess(y: f64) -> f64 {
    if y < -TAIL {
        log_cdf(-y) + 0.5 * y * y
    } else {
        log_series(y) - libm::log(y) - HALF_LOG_TWO_PI
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy's `norm.logcdf` (`tools/reference/scaling_goldens.py`). Rounding `x / sqrt(2)` moves the tail by `x^2` units;
    /// the functions themselves, scipy's included, add a few.
    #[test]
    fn logarithms_equal_those_of_scipy() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../tests/golden/log_cdf.json")).expect("JSON");
        let numbers = |name: &str| -> Vec<f64> {
            let list = golden[name].as_array().expect("a list").iter();
            list.map(|v| v.as_f64().expect("a number")).collect()
        };
        for (x, want) in numbers("x").into_iter().zip(numbers("log")) {
            // Past 37 deviations scipy's is zero.
            let bound =
                1e-300 + (4.0 * x * x * want.abs().min(1.0) + 16.0 * want.abs()) * f64::EPSILON;
            let found = log_cdf(x);
            assert!(
                (found - want).abs() <= bound,
                "{x}: {found}, expected {want}"
            );
        }
    }

    #[test]
    fn logarithms_rise_across_the_joins() {
        let values: Vec<f64> = (-50_000..50_000)
            .map(|i| log_cdf(f64::from(i) / 1250.0))
            .collect();
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
        let (below, above) = (log_cdf(TAIL), log_cdf(TAIL.next_up()));
        assert!((below / above - 1.0).abs() <= 4.0 * f64::EPSILON);
    }
}
