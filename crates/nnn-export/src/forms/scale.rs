//! The scale of the appended coordinate.

use super::Spread;

/// `c = 1 / sqrt(H)` with `H` half the range of the biases; 1 where all are equal.
///
/// The item's coordinate `c (b - middle)` then reaches from `-sqrt(H)` to `sqrt(H)`, and the query's `-1/c` is as large: with any other `c`
/// one of the two is larger. An engine that stores coordinates in fewer bits with one step for all of them has steps as large as the
/// largest coordinate asks for, and its error in a product, `step^2 / 12 (1 + 1 / c^2)` from items and `step^2 / 12 (1 + c^2 H^2)` from
/// queries, is least there. `tools/engines` measures it.
#[must_use]
pub fn balanced_scale(spread: &Spread) -> f64 {
    let scale = spread.half_range().sqrt().recip();
    match scale.is_finite() {
        true => scale,
        false => 1.0,
    }
}
