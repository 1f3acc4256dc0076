//! The product of two probabilities, as a score.

/// Below this size `ln(P P')` nears the end of f32.
const SMALL: f64 = 1e-30;

/// A number that orders as `P P'` does, of which `near` are the logarithms and `far()` those of `1 - P` and `1 - P'`: the logarithm of
/// the product, or, where that is all but zero, `-ln((1 - P) + (1 - P'))`, which is then above 69 and follows `-ln(-ln(P P'))` to one
/// part in `1 / SMALL`.
pub(crate) fn joint(near: [f64; 2], far: impl FnOnce() -> [f64; 2]) -> f64 {
    let log = near[0] + near[1];
    if log < -SMALL { log } else { -log_sum(far()) }
}

/// `ln(e^a + e^b)` of finite numbers.
fn log_sum([a, b]: [f64; 2]) -> f64 {
    a.max(b) + libm::log1p(libm::exp(-(a - b).abs()))
}
