//! What choosing parameters took and gave.

use super::{Chosen, Trial, own_points};
use crate::clock::timed;
use crate::{Choose, Method, TrialError};
use nnn_core::PassOptions;

/// A method whose parameters were chosen.
#[derive(Clone, Copy)]
pub struct ChosenPoint<'a> {
    /// What was chosen.
    pub chosen: Chosen<'a>,
    /// Points to choose from.
    pub points: usize,
    /// Seconds that choosing takes where this method is alone, if they are measured.
    pub seconds: Option<Seconds>,
    /// Its objective on the held-out items.
    pub validation: Option<f64>,
    /// Its objective on the evaluated items.
    pub test: Option<f64>,
}

/// Seconds that choosing takes.
#[derive(Debug, Clone, Copy)]
pub struct Seconds {
    /// Of the statistics of the banks.
    pub statistics: f64,
    /// Of ranking with every point.
    pub ranking: f64,
}

impl<'a> Trial<'a> {
    /// Every method whose parameters are chosen; `validation` and `test` are the objectives of all points.
    pub(super) fn choosing(
        &self,
        chosen: &[Chosen<'a>],
        validation: Option<&[f64]>,
        test: Option<&[f64]>,
    ) -> Result<Vec<ChosenPoint<'a>>, TrialError> {
        let mut all = Vec::new();
        for (method, own) in own_points(self.methods) {
            let found = chosen.iter().find(|c| std::ptr::eq(c.method, method));
            let Some(&chosen) = found.filter(|_| method.choose != Choose::Fixed) else {
                continue;
            };
            let value = |values: Option<&[f64]>| values.map(|v| v[own.start + chosen.point]);
            let alone = || self.seconds_alone(method);
            all.push(ChosenPoint {
                chosen,
                points: own.len(),
                seconds: self.measures.time_methods.then(alone).transpose()?,
                validation: value(validation),
                test: value(test),
            });
        }
        Ok(all)
    }

    /// Measures the points of one method again, by itself, on the items that choose.
    fn seconds_alone(&self, method: &Method) -> Result<Seconds, TrialError> {
        let task = match method.choose {
            Choose::Validation => self.validation.ok_or(TrialError::NoHoldOut)?,
            _ => self.test,
        };
        let methods = [method];
        let alone = Trial {
            methods: &methods,
            // The progress bar counts the passes that all share.
            pass: PassOptions {
                progress: None,
                ..self.pass
            },
            ..*self
        };
        let plan = alone.stat_plan();
        let (stats, statistics) = timed(|| alone.statistics(&plan, task));
        let stats = stats?;
        let (objectives, ranking) = timed(|| alone.objectives(task, &stats));
        objectives?;
        Ok(Seconds {
            statistics,
            ranking,
        })
    }
}
