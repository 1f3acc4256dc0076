//! Rules of the form `a_g s - b_g`.

use crate::normal::means_and_deviations;
use crate::{ROUNDOFF, to_score};
use nnn_core::{Bank, BankStats, FitError, Fitted, RowRule, Stat};

/// `s -> scale[g] s - offset[g]`, in f64, rounded once.
pub(crate) struct Linear {
    scales: Vec<f64>,
    offsets: Vec<f64>,
}

impl Linear {
    /// `(s - centre[g]) / spread[g] + constant` for spreads above zero, in units of the widest spread, which is the same
    /// positive factor for all and, unlike a mean, does not depend on the items' order. No scale is below one, so that no
    /// score loses digits to `constant`.
    fn new(spreads: &[f64], centre: impl Fn(usize) -> f64, constant: f64) -> Self {
        let widest = spreads.iter().copied().fold(0.0, f64::max);
        let scales: Vec<f64> = spreads.iter().map(|spread| widest / spread).collect();
        let offset = |(item, scale): (usize, &f64)| scale * centre(item) - constant;
        Self {
            offsets: scales.iter().enumerate().map(offset).collect(),
            scales,
        }
    }

    /// Orders as `-d^2 / sigma[g]` does: `1 - (1 - s) w / sigma[g]` with `w` the largest `sigma`, whose item keeps its
    /// similarity; `sigma` is the distance that a statistic of the query bank stands for.
    ///
    /// A `sigma` is held at or above the distance of two vectors whose cosine is the last f32 below one: nearer neighbours
    /// cannot be told from copies. In the limit, an item with copies in the bank is last for all queries but these copies.
    pub(crate) fn by_distance(
        stats: &BankStats,
        stat: Stat,
        distance: impl Fn(f64) -> f64,
    ) -> Result<Fitted, FitError> {
        let nearest = (2.0 * ROUNDOFF).sqrt();
        let values = stats.get(Bank::Query, stat)?.iter();
        let sigmas: Vec<f64> = values.map(|&v| distance(v).max(nearest)).collect();
        Ok(Self::new(&sigmas, |_| 1.0, 1.0).fitted())
    }

    /// Orders as `(s - means[g]) / deviations[g]`, with deviations held at or above the roundoff of a similarity: where all
    /// bank similarities are equal, the sign of `s - mean` decides alone up to rounding.
    pub(crate) fn by_deviation(stats: &BankStats) -> Result<Fitted, FitError> {
        let (means, deviations) = means_and_deviations(stats)?;
        let spreads: Vec<f64> = deviations.iter().map(|sd| sd.max(ROUNDOFF)).collect();
        Ok(Self::new(&spreads, |item| means[item], 0.0).fitted())
    }

    fn fitted(self) -> Fitted {
        Fitted::Rescaling(Box::new(self))
    }
}

impl RowRule for Linear {
    fn apply(&self, row: &mut [f32]) {
        let items = self.scales.iter().zip(&self.offsets);
        for (score, (scale, offset)) in row.iter_mut().zip(items) {
            *score = to_score(scale * f64::from(*score) - offset);
        }
    }
}
