//! Mutual proximity of gamma distributions in f64, from textbooks' series and fraction.

/// `ln P(X > 1 - s)` of a gamma distribution with the moments of `1 - s'`, where `s'` have this mean and deviation: by the series of
/// Abramowitz and Stegun 6.5.29 below the mean, and by the fraction 6.5.31, from its end, above.
pub(crate) fn log_gamma64(s: f64, mean: f64, deviation: f64) -> f64 {
    let shape = ((1.0 - mean) / deviation).powi(2);
    let x = (1.0 - s) * (1.0 - mean) / (deviation * deviation);
    let log_density = shape * x.ln() - x - libm::lgamma(shape);
    if x < shape + 1.0 {
        let (mut term, mut sum) = (1.0 / shape, 1.0 / shape);
        for n in 1..2000 {
            term *= x / (shape + f64::from(n));
            sum += term;
        }
        (-(log_density + sum.ln()).exp()).ln_1p()
    } else {
        let mut tail = 0.0;
        for n in (1..2000).rev().map(f64::from) {
            tail = n * (n - shape) / (x + 2.0 * n + 1.0 - shape - tail);
        }
        log_density - (x + 1.0 - shape - tail).ln()
    }
}

/// How far that may be off where the similarity is by `e`, and mean and deviation by what goes before them: to the first order, by the
/// slopes that differences show, and what is of second order.
pub(crate) fn log_gamma_error(s: f64, e: f64, mean: (f64, f64), deviation: (f64, f64)) -> f64 {
    let at = |up: [f64; 3]| {
        let [s, mean, deviation] = [s + up[0], mean.1 + up[1], deviation.1 + up[2]];
        log_gamma64(s, mean, deviation)
    };
    let moves = [[e, 0.0, 0.0], [0.0, mean.0, 0.0], [0.0, 0.0, deviation.0]];
    let each = moves.map(|up| (at(up) - at(up.map(|v| -v))).abs() / 2.0);
    each.iter().sum::<f64>() * (1.0 + 1e-2) + 1e-10
}
