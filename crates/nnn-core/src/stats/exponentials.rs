//! Log-mean-exps of one item's scores at many inverse temperatures, in one pass over the scores.

use super::bins::{self, Bins, Tables};
use crate::exp::{STEP, SUMS, add_exponentials, exp_nonpositive, total};
use crate::topk::any_above;

/// Above what [`bins`] serve, exponentials are computed in f32 and summed in f64. Relative to the largest term each is off
/// by less than `u (2 beta d + 4)` with `u = 2^-24` and `d` the distance from the largest score; over `beta`, that is below
/// the rounding of the scores themselves.
const LARGEST: f64 = 1e30;

/// The wanted inverse temperatures, in the order of the caller, and what is computed once for all items.
pub(super) struct Temperatures {
    betas: Vec<f64>,
    low: Tables,
    high: Vec<f32>,
}

impl Temperatures {
    pub(super) fn new(betas: Vec<f64>) -> Self {
        let low = betas.iter().copied().filter(|&beta| is_low(beta));
        let high = betas.iter().filter(|&&beta| !is_low(beta));
        Self {
            low: Tables::new(low.collect()),
            high: high.map(|beta| beta.min(LARGEST) as f32).collect(),
            betas,
        }
    }
}

fn is_low(beta: f64) -> bool {
    beta <= bins::LARGEST
}

/// What is kept of one item's scores.
pub(super) struct Exponentials<'a> {
    temperatures: &'a Temperatures,
    bins: Bins,
    /// Sums of the high temperatures relative to the largest score so far, so that none overflows.
    shift: f32,
    sums: Vec<[f64; SUMS]>,
}

impl<'a> Exponentials<'a> {
    pub(super) fn new(temperatures: &'a Temperatures) -> Self {
        Self {
            bins: Bins::default(),
            shift: f32::NEG_INFINITY,
            sums: vec![[0.0; SUMS]; temperatures.high.len()],
            temperatures,
        }
    }

    pub(super) fn push(&mut self, scores: &[f32]) {
        if !self.temperatures.low.is_empty() {
            self.bins.push(scores);
        }
        if !self.sums.is_empty() {
            scores.chunks(STEP).for_each(|step| self.push_high(step));
        }
    }

    fn push_high(&mut self, step: &[f32]) {
        if any_above(step, self.shift) {
            self.rescale(step.iter().copied().fold(self.shift, f32::max));
        }
        // The exponential of what is missing in the last step is zero.
        let mut differences = [f32::NEG_INFINITY; STEP];
        differences[..step.len()].copy_from_slice(step);
        differences.iter_mut().for_each(|d| *d -= self.shift);
        add_exponentials(&differences, &self.temperatures.high, &mut self.sums);
    }

    fn rescale(&mut self, shift: f32) {
        if self.shift.is_finite() {
            let difference = f64::from(self.shift) - f64::from(shift);
            for (&beta, sums) in self.temperatures.high.iter().zip(&mut self.sums) {
                let [factor] = exp_nonpositive([f64::from(beta) * difference]);
                sums.iter_mut().for_each(|sum| *sum *= factor);
            }
        }
        self.shift = shift;
    }

    /// `ln((1/rows) sum exp(beta s))` for every `beta`, in the order of the caller, of the `rows` scores that were pushed
    /// since the last call.
    pub(super) fn take(&mut self, rows: usize) -> Vec<f64> {
        let taken = std::mem::replace(self, Self::new(self.temperatures));
        let mut low = taken.bins.finish(&self.temperatures.low, rows).into_iter();
        let mut high = taken.sums.iter();
        let shift = f64::from(taken.shift);
        let log = |&beta: &f64| {
            if is_low(beta) {
                return low.next().unwrap_or(f64::NAN);
            }
            let sum = high.next().map_or(f64::NAN, total);
            beta * shift + (sum / rows as f64).ln()
        };
        self.temperatures.betas.iter().map(log).collect()
    }
}
