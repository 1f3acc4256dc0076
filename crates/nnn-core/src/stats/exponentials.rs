//! Log-mean-exps of one item's scores at many inverse temperatures, in one pass over the scores.

use crate::exp::{MOMENTS, STEP, SUMS, add_exponentials, add_moments, exp_nonpositive, total};
use crate::topk::any_above;

/// Up to this inverse temperature the series `sum beta^j m_j / j!` of the mean exponential is cut off after [`MOMENTS`]
/// moments `m_j`: for scores from -1.0001 to 1.0001 what is left out is below `2^23 / 23! < 4e-16`. All such temperatures
/// share the moments, and none loses the differences between items, however small it is.
const SERIES: f64 = 2.0;

/// Above it, exponentials are computed in f32 and summed in f64. Relative to the largest term each is off by less than
/// `u (2 beta d + 4)` with `u = 2^-24` and `d` the distance from the largest score; over `beta`, that is below the rounding of
/// the scores themselves.
const LARGEST: f64 = 1e30;

/// Running sums for every `beta`; those above [`SERIES`] are relative to the largest score so far, so that none overflows.
pub(super) struct Exponentials {
    /// In the order of the caller.
    betas: Vec<f64>,
    moments: Option<Box<[[f64; SUMS]; MOMENTS]>>,
    /// Of the betas above [`SERIES`].
    high: Vec<f32>,
    shift: f32,
    sums: Vec<[f64; SUMS]>,
}

impl Exponentials {
    pub(super) fn new(betas: Vec<f64>) -> Self {
        let high = betas.iter().filter(|&&beta| beta > SERIES);
        let high: Vec<f32> = high.map(|beta| beta.min(LARGEST) as f32).collect();
        Self {
            moments: (high.len() < betas.len()).then(|| Box::new([[0.0; SUMS]; MOMENTS])),
            shift: f32::NEG_INFINITY,
            sums: vec![[0.0; SUMS]; high.len()],
            betas,
            high,
        }
    }

    pub(super) fn push(&mut self, scores: &[f32]) {
        for step in scores.chunks(STEP) {
            if let Some(moments) = &mut self.moments {
                // What is missing in the last step adds nothing to any power from the first on.
                add_moments(&padded(step, 0.0), moments);
            }
            if !self.high.is_empty() {
                self.push_high(step);
            }
        }
    }

    fn push_high(&mut self, step: &[f32]) {
        if any_above(step, self.shift) {
            self.rescale(step.iter().copied().fold(self.shift, f32::max));
        }
        // The exponential of what is missing in the last step is zero.
        let mut differences = padded(step, f32::NEG_INFINITY);
        differences.iter_mut().for_each(|d| *d -= self.shift);
        add_exponentials(&differences, &self.high, &mut self.sums);
    }

    fn rescale(&mut self, shift: f32) {
        if self.shift.is_finite() {
            let difference = f64::from(self.shift) - f64::from(shift);
            for (&beta, sums) in self.high.iter().zip(&mut self.sums) {
                let [factor] = exp_nonpositive([f64::from(beta) * difference]);
                sums.iter_mut().for_each(|sum| *sum *= factor);
            }
        }
        self.shift = shift;
    }

    /// `ln((1/bank) sum exp(beta s))` for every `beta`, in the order of the caller.
    pub(super) fn finish(self, bank: usize) -> impl Iterator<Item = f64> {
        let mut sums = self.sums.into_iter();
        let shift = f64::from(self.shift);
        let moments: Vec<f64> = self.moments.map_or(Vec::new(), |moments| {
            moments.iter().map(|m| total(m) / bank as f64).collect()
        });
        self.betas.into_iter().map(move |beta| {
            if beta <= SERIES {
                return series(beta, &moments);
            }
            let sum = sums.next().map_or(f64::NAN, |sums| total(&sums));
            beta * shift + (sum / bank as f64).ln()
        })
    }
}

fn padded(step: &[f32], fill: f32) -> [f32; STEP] {
    let mut all = [fill; STEP];
    all[..step.len()].copy_from_slice(step);
    all
}

/// `ln(1 + sum beta^j m_j / j!)`.
fn series(beta: f64, moments: &[f64]) -> f64 {
    let mut term = 1.0;
    let terms = (1..).zip(moments).map(|(j, moment)| {
        term *= beta / f64::from(j);
        term * moment
    });
    terms.sum::<f64>().ln_1p()
}
