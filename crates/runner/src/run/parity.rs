//! How far embeddings of another number type are from those in single precision.

use super::embedder::{Embedder, Measured, extract};
use crate::open::Side;
use crate::open::trials::TrialPlan;
use crate::warning::Warning;
use anyhow::{Context, Result};
use nnn_core::Embeddings;
use nnn_encode::{Encoder, ExtractOptions};

/// Items of a side that are encoded in both types.
const ITEMS: usize = 16;

impl Embedder<'_> {
    /// The largest `1 - cos` of a trial's first evaluated items to the same in single precision; none where its vectors are
    /// in it or come from files. It depends on nothing but the trial, so that a run that was killed says the same.
    pub(super) fn parity(&mut self, trial: &TrialPlan) -> Result<Option<f64>> {
        let single = self.plan.settings.encoders.in_single();
        let (Some(model), Some(single)) = (trial.model, single) else {
            return Ok(None);
        };
        let mut exact = None;
        let mut largest = 0f64;
        for side in [&trial.test.queries, &trial.test.gallery] {
            let few = Side {
                rows: side.rows.iter().copied().take(ITEMS).collect(),
                ..side.clone()
            };
            let known = self.measured.iter();
            let known = known
                .filter(|it| it.model == model)
                .find(|it| it.side == few);
            let distance = match known {
                Some(known) => known.distance,
                None => {
                    let rounded = self.embed(trial.model, side)?;
                    let checkpoint = &self.sources.checkpoints[model];
                    let encoder = match &exact {
                        Some(encoder) => encoder,
                        None => exact.insert((checkpoint.family.load)(&checkpoint.files, &single)?),
                    };
                    let distance = self.distance(&few, &rounded, &**encoder)?;
                    self.measured.push(Measured {
                        model,
                        side: few,
                        distance,
                    });
                    distance
                }
            };
            largest = largest.max(distance);
        }
        self.warnings.push(Warning::Rounded {
            model: self.plan.models[model].card.name.clone(),
            dtype: self.plan.spec.compute.dtype.name().to_owned(),
            items: ITEMS,
            distance: format!("{largest:.1e}"),
        });
        Ok(Some(largest))
    }

    /// The largest `1 - cos` of the items of `side` to the first rows of `rounded`: half the squared distance of unit vectors,
    /// which keeps the digits that a cosine near one has lost.
    fn distance(&self, side: &Side, rounded: &Embeddings, exact: &dyn Encoder) -> Result<f64> {
        let source = &self.sources.all()[side.source];
        let split = side
            .table
            .split()
            .context("items by role are not encoded")?;
        let exact = extract(exact, source, split, side, &ExtractOptions::default())?;
        let rows = exact.rows.chunks_exact(exact.dim).enumerate();
        let distances = rows.map(|(row, exact)| {
            let pairs = rounded.rows().row(row).iter().zip(exact);
            let squares = pairs.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
            squares.sum::<f64>() / 2.0
        });
        Ok(distances.fold(0.0, f64::max))
    }
}
