//! The scale of the appended coordinate.

use super::Spread;

/// `c` by which the appended coordinate spreads as one coordinate of a unit vector of `dim` coordinates does, whose root mean square is
/// `1 / sqrt(dim)`; to the nearest power of two, by which multiplying and dividing rounds nothing. 1 where all biases are equal.
#[must_use]
pub fn balanced_scale(spread: &Spread, dim: usize) -> f64 {
    let ratio = 1.0 / ((dim as f64).sqrt() * spread.deviation());
    match ratio.is_finite() {
        true => ratio.log2().round().exp2(),
        false => 1.0,
    }
}
