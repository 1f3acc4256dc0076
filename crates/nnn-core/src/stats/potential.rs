//! Sinkhorn potentials of the gallery.

use super::{FitError, Stat};
use crate::Rows;
use crate::score::DotScorer;

/// [`Stat::Potential`] for every wanted temperature.
pub(super) fn potentials(
    _needs: &[Stat],
    _bank_major: &DotScorer<'_>,
    _gallery_bank: Option<Rows<'_>>,
) -> Result<Vec<(Stat, Vec<f64>)>, FitError> {
    Ok(Vec::new())
}
