//! What choosing parameters took and gave.

use super::{Chosen, Trial};
use crate::plan::Method;
use crate::run::clock::timed;
use crate::spec::Choose;
use anyhow::{Context, Result};
use nnn_core::PassOptions;
use nnn_report::{ChoosingRow, ChoosingSeconds};

impl Trial<'_> {
    /// A row for every method whose parameters are chosen; `validation` and `test` are the objectives of all points.
    pub(super) fn choosing(
        &self,
        chosen: &[Chosen<'_>],
        validation: Option<&[f64]>,
        test: Option<&[f64]>,
    ) -> Result<Vec<ChoosingRow>> {
        let mut rows = Vec::new();
        for (method, own) in self.own_points() {
            let found = chosen.iter().find(|c| std::ptr::eq(c.method, method));
            let Some(found) = found.filter(|_| method.choose != Choose::Fixed) else {
                continue;
            };
            let value = |values: Option<&[f64]>| values.map(|v| v[own.start + found.point]);
            rows.push(ChoosingRow {
                cell: self.cell(method, found.point),
                points: own.len(),
                seconds: self
                    .settings
                    .time_methods
                    .then(|| self.seconds_alone(method))
                    .transpose()?,
                metric: self.settings.objective.name(),
                validation: value(validation),
                test: value(test),
            });
        }
        Ok(rows)
    }

    /// Measures the points of one method again, by itself, on the items that choose.
    fn seconds_alone(&self, method: &Method) -> Result<ChoosingSeconds> {
        let task = match method.choose {
            Choose::Validation => self.validation.context("there are no held-out items")?,
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
        Ok(ChoosingSeconds {
            statistics,
            ranking,
        })
    }
}
