//! The gamma distribution, down to where its probabilities are no f64.

mod table;

use crate::ROUNDOFF;
use crate::normal::{Normal, log_tail_excess};
use std::f64::consts::TAU;
use table::TABLE;

/// A gamma distribution of distances, by its shape `a = mean^2 / variance` and its mean.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gamma {
    shape: f64,
    mean: f64,
}

/// The logarithms of the probabilities that another's distance is smaller, and that it is larger.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LogTails {
    pub(crate) below: f64,
    pub(crate) above: f64,
}

impl Gamma {
    /// Of the distances `1 - s` to similarities of this mean and deviation. Either is held at or above the roundoff of a similarity.
    pub(crate) fn of_similarities(mean: f64, deviation: f64) -> Self {
        let mean = (1.0 - mean).max(ROUNDOFF);
        let ratio = mean / deviation.max(ROUNDOFF);
        Self {
            shape: ratio * ratio,
            mean,
        }
    }

    /// Of a whole row of similarities, which is not empty.
    pub(crate) fn of(row: &[f32]) -> Self {
        let (mean, deviation) = Normal::mean_and_deviation(row);
        Self::of_similarities(mean, deviation)
    }

    /// At the distance `1 - s`, held at or above the roundoff of a similarity: nearer ones cannot be told from zero.
    pub(crate) fn log_tails(&self, s: f64) -> LogTails {
        let distance = (1.0 - s).max(ROUNDOFF);
        log_tails(self.shape, distance / self.mean)
    }
}

/// From this shape on, [`TABLE`] is exact to some units in the last place.
const LARGE: f64 = 25.0;

/// Arguments, in means, between which [`TABLE`] is: `|eta| < 0.8`, where its last terms are below 1e-14.
const MIDDLE: std::ops::Range<f64> = 0.5..2.0;

/// `ln P(a, x)` and `ln Q(a, x)` of the regularised incomplete gamma functions at `x = a lambda`, for `a` and `lambda` above zero: the
/// smaller by a series or a fraction that has it as it is, the larger by its complement. No function of the system's library is
/// used, so that they have the same bits everywhere.
fn log_tails(a: f64, lambda: f64) -> LogTails {
    let x = a * lambda;
    if a >= LARGE && MIDDLE.contains(&lambda) {
        uniform(a, lambda - 1.0)
    } else if x < a.max(1.0) {
        LogTails::from_below(log_density(a, lambda) + libm::log(series(a, x)))
    } else {
        LogTails::from_above(log_density(a, lambda) + libm::log(a * fraction(a, x)))
    }
}

impl LogTails {
    fn from_below(below: f64) -> Self {
        let above = complement(below);
        Self { below, above }
    }

    fn from_above(above: f64) -> Self {
        let below = complement(above);
        Self { below, above }
    }
}

/// `ln(1 - e^log)`; the largest negative f64 where nothing is left, so that it stays a number.
fn complement(log: f64) -> f64 {
    let ln_2 = std::f64::consts::LN_2;
    let other = match log < -ln_2 {
        true => libm::log1p(-libm::exp(log)),
        false => libm::log(-libm::expm1(log.min(0.0))),
    };
    other.max(f64::MIN)
}

/// `ln(x^a e^-x / Gamma(a + 1))` at `x = a lambda`: `-a (lambda - 1 - ln lambda) - ln(2 pi a) / 2` and Stirling's series, or, of a small
/// shape, from the logarithm of the gamma function.
fn log_density(a: f64, lambda: f64) -> f64 {
    if a < 10.0 {
        let x = a * lambda;
        a * libm::log(x) - x - libm::lgamma(a + 1.0)
    } else {
        -a * deviance(lambda) - 0.5 * libm::log(TAU * a) - stirling(a)
    }
}

/// `ln Gamma(a) - ((a - 1/2) ln a - a + ln(2 pi) / 2)` for `a >= 10`; the first term left out is 6e-16 there.
fn stirling(a: f64) -> f64 {
    let y = 1.0 / (a * a);
    let inner = 1.0 / 1680.0 - y * (1.0 / 1188.0 - y * (691.0 / 360_360.0));
    (1.0 / 12.0 - y * (1.0 / 360.0 - y * (1.0 / 1260.0 - y * inner))) / a
}

/// `lambda - 1 - ln lambda`, without cancellation.
fn deviance(lambda: f64) -> f64 {
    let mu = lambda - 1.0;
    if mu.abs() > 0.125 {
        return mu - libm::log(lambda);
    }
    // mu^2/2 - mu^3/3 + ...: the first term left out is below 2^-57 of the first.
    let sum = (2..21)
        .rev()
        .fold(0.0, |sum, n| 1.0 / f64::from(n) - mu * sum);
    mu * mu * sum
}

/// `1 + x/(a + 1) + x^2/((a + 1)(a + 2)) + ...`, for `x < max(a, 1)`.
fn series(a: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, a);
    while term > sum * f64::EPSILON / 4.0 {
        n += 1.0;
        term *= x / n;
        sum += term;
    }
    sum
}

/// `Gamma(a, x) e^x x^-a = 1/(x + 1 - a - 1 (1 - a)/(x + 3 - a - 2 (2 - a)/(x + 5 - a - ...)))`, for `x >= max(a, 1)` (Lentz's
/// method: Thompson and Barnett, 1986). It ends sooner the larger `x` is; the count of steps is a bound that no argument reached.
fn fraction(a: f64, x: f64) -> f64 {
    let tiny = 1e-300;
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (1.0 / tiny, 1.0 / b);
    let mut value = d;
    for step in 1..MOST_STEPS {
        let n = f64::from(step);
        let numerator = -n * (n - a);
        b += 2.0;
        let denominator = numerator * d + b;
        d = 1.0
            / if denominator == 0.0 {
                tiny
            } else {
                denominator
            };
        c = b + numerator / c;
        if c == 0.0 {
            c = tiny;
        }
        value *= c * d;
        if (c * d - 1.0).abs() < 2.0 * f64::EPSILON {
            break;
        }
    }
    value
}

const MOST_STEPS: u32 = 2000;

/// Temme's uniform expansion at `lambda = 1 + mu`: the tail of a normal distribution at `y = eta sqrt(a)`, with `eta^2 / 2 = lambda - 1 -
/// ln lambda`, and a correction to it (DLMF 8.12.3, 8.12.4, 8.12.7).
fn uniform(a: f64, mu: f64) -> LogTails {
    let half_square = deviance(1.0 + mu);
    let eta = (2.0 * half_square).sqrt().copysign(mu);
    let excess = log_tail_excess(eta.abs() * a.sqrt());
    let share = expansion(eta, a) / (TAU * a).sqrt() * libm::exp(-excess);
    let tail = excess - a * half_square;
    if mu < 0.0 {
        LogTails::from_below(tail + libm::log1p(-share))
    } else {
        LogTails::from_above(tail + libm::log1p(share))
    }
}

/// `sum_k c_k(eta) a^-k`.
fn expansion(eta: f64, a: f64) -> f64 {
    let (mut sum, mut power) = (0.0, 1.0);
    for coefficients in &TABLE {
        let polynomial = coefficients.iter().rev();
        sum += power * polynomial.fold(0.0, |sum, c| sum * eta + c);
        power /= a;
        if power < f64::EPSILON / 4.0 {
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both tails in 50 digits, by mpmath (`tools/reference/scaling_goldens.py`), at shapes from 3e-8 to 1e15. No series or fraction has
    /// more than eighty terms, each rounded, and beside them stand some forty roundings of numbers up to the logarithm's size. Below a
    /// shape of one the upper tail may be the complement of what is all but one: it is off by some roundings over its size.
    #[test]
    fn logarithms_equal_those_of_mpmath() {
        let golden: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/golden/log_gamma.json")).expect("JSON");
        let numbers = |name: &str| -> Vec<f64> {
            let list = golden[name].as_array().expect("a list").iter();
            list.map(|v| v.as_f64().expect("a number")).collect()
        };
        let points = numbers("a").into_iter().zip(numbers("lambda"));
        let tails = numbers("below").into_iter().zip(numbers("above"));
        for ((a, lambda), (below, above)) in points.zip(tails) {
            let found = log_tails(a, lambda);
            let of_complement = match a < 1.0 {
                true => 8.0 * f64::EPSILON * (below - above).exp(),
                false => 0.0,
            };
            for (found, want, more) in [
                (found.below, below, 0.0),
                (found.above, above, of_complement),
            ] {
                let bound = 120.0 * f64::EPSILON * (1.0 + want.abs()) + more;
                let off = (found - want).abs();
                assert!(
                    off <= bound,
                    "{a} {lambda}: {found}, expected {want} within {bound:e}"
                );
            }
        }
    }

    /// Where one form takes over from another, and across the whole range.
    #[test]
    fn tails_rise_and_fall_across_the_joins() {
        for a in [1e-3, 0.7, 24.9, 25.0, 700.0, 1e6] {
            let at = |step: i32| log_tails(a, 1.01f64.powi(step));
            let tails: Vec<LogTails> = (-600..300).map(at).collect();
            for pair in tails.windows(2) {
                let slack = 120.0 * f64::EPSILON;
                assert!(pair[0].below <= pair[1].below * (1.0 - slack) + slack);
                assert!(pair[0].above * (1.0 - slack) + slack >= pair[1].above);
            }
        }
        for (near, far) in [(0.5, 0.5f64.next_down()), (2.0f64.next_down(), 2.0)] {
            let [one, other] = [near, far].map(|lambda| log_tails(700.0, lambda));
            assert!((one.below - other.below).abs() <= 1e-12 * (1.0 + one.below.abs()));
            assert!((one.above - other.above).abs() <= 1e-12 * (1.0 + one.above.abs()));
        }
    }
}
