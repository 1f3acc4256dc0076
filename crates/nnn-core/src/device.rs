//! Products from elsewhere, such as a graphics processor: near the scores and far faster. They only tell which scores can matter; those
//! are computed here, so that results have the bits of the pass that computes all.

use crate::Rows;

/// What multiplies matrices elsewhere.
pub trait Device: Sync {
    /// What it is and the numbers that it multiplies in, for provenance, such as `cuda+tf32`.
    fn name(&self) -> &str;

    /// How far a product of two vectors of length one and so many dimensions is from their score, at most. For others this times
    /// the product of their lengths counts.
    fn error(&self, dim: usize) -> f64;

    /// The products of all rows with all columns: `(rows, columns)`, row-major. `None` where they cannot be had, after which they are
    /// computed here.
    fn products(&self, rows: Rows<'_>, columns: Rows<'_>) -> Option<Vec<f32>>;
}
