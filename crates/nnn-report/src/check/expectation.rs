//! What is expected, and which rows it is about.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::number::scale;
use crate::records::params;
use crate::records::{CellId, Records, ScoreRow, SearchRow};

/// A number that the results are held against: the paper's, the last one that was accepted here, or both.
///
/// All numbers are in the unit of the scores: fractions, not percent, for metrics that are fractions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Name of the model.
    pub model: String,
    /// Name of the evaluated data set.
    pub dataset: String,
    /// `t2i` or `i2t`.
    pub direction: String,
    /// Name of the reference set; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_set: Option<String>,
    /// Name of the method family, such as `nnn`.
    pub method: String,
    /// Parameters as in the method's signature, such as `k=128,alpha=0.75`; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<String>,
    /// How the parameters came about: `fixed`, `validation` or `oracle`; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// Name of the metric, such as `R@1`; `gain:R@1` for what is gained over raw. Of a search of the reference set through an
    /// index: `exact_search:R@1` for what the exact search gives, `exact_search:seconds`, `index_search:seconds` (without
    /// building the index), and `index_search:factor`, the former by the latter.
    pub metric: String,
    /// The published number, a fraction: 0.646, not 64.6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<f64>,
    /// The published choice of parameters, in place of `paper`: each with its value and the step of its grid. The
    /// tolerance is then a number of steps, and more of them are no failure: that choosing anew chooses otherwise is
    /// nothing wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper_params: Option<BTreeMap<String, GridValue>>,
    /// The last number accepted here, a fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<f64>,
    /// The largest difference that is ok, a fraction: 0.005 is half a point. Twice as much is close.
    pub tolerance: f64,
    /// The row of the paper that this model may or may not be, where several are possible. The one whose raw numbers are
    /// nearest to the row's counts, the others are shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate_for: Option<String>,
    /// Shown and never judged: nothing in the results can be expected to equal it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub informative: bool,
    /// Why the number may differ, or where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A parameter's published value on its grid, whose points differ by `step` or by `factor`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GridValue {
    /// The published value.
    pub paper: f64,
    /// Distance of neighbouring points; above 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<f64>,
    /// Ratio of neighbouring points; above 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
}

impl GridValue {
    /// Steps from the published value to another one: rounded, as grids leave points out; none where neither a step nor a
    /// factor is given.
    fn steps_to(&self, value: f64) -> Option<f64> {
        let steps = match (self.step, self.factor) {
            (Some(step), None) => (value - self.paper) / step,
            (None, Some(factor)) => (value / self.paper).ln() / factor.ln(),
            _ => return None,
        };
        steps.is_finite().then(|| steps.round())
    }
}

/// A chosen parameter beside the published one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The parameter.
    pub name: String,
    /// Grid steps from the published value to the chosen one; none where the method has no such parameter.
    pub steps: Option<f64>,
}

impl Expectation {
    /// Why the model has no row, if it has no public checkpoint.
    pub(super) fn absence<'a>(&self, records: &Records<'a>) -> Option<&'a str> {
        let mut absent = records.absent_models.iter();
        let own = absent.find(|model| model.name == self.model)?;
        Some(&own.reason)
    }

    /// The cells that it describes, with the values of the metric.
    pub(super) fn found<'a>(&self, records: &Records<'a>) -> Vec<(&'a CellId, f64)> {
        let score = |row: &'a ScoreRow| Some((&row.cell, score_value(row, &self.metric)?));
        let search = |row: &'a SearchRow| Some((&row.cell, row.value(&self.metric)?));
        let scores = records.scores.iter().filter_map(score);
        let searches = records.searches.iter().filter_map(search);
        scores
            .chain(searches)
            .filter(|(cell, _)| self.describes(cell))
            .collect()
    }

    fn describes(&self, cell: &CellId) -> bool {
        let named = [
            (&self.model, &cell.model),
            (&self.dataset, &cell.dataset),
            (&self.direction, &cell.direction),
            (&self.method, &cell.method),
        ];
        let perhaps = [
            (&self.reference_set, &cell.reference_set),
            (&self.params, &cell.params),
            (&self.chosen, &cell.chosen),
        ];
        named.iter().all(|(wanted, found)| wanted == found)
            && perhaps
                .iter()
                .all(|(wanted, found)| wanted.as_ref().is_none_or(|w| w == *found))
    }

    /// The published parameters against those of a cell.
    pub(super) fn steps(&self, params: &str) -> Vec<Step> {
        let published = self.paper_params.iter().flatten();
        let step = |(name, value): (&String, &GridValue)| Step {
            name: name.clone(),
            steps: params::number(params, name).and_then(|chosen| value.steps_to(chosen)),
        };
        published.map(step).collect()
    }

    /// What is wrong with its numbers, whatever is measured.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let numbers = || [self.paper, self.accepted].into_iter().flatten();
        if numbers().next().is_none() && self.paper_params.is_none() {
            return Some("no number to compare with".to_owned());
        }
        if self.is_in_percent() {
            return Some("expected numbers are fractions: 0.646, not 64.6".to_owned());
        }
        let finite = numbers().all(f64::is_finite);
        let usable = finite && self.tolerance >= 0.0 && self.tolerance.is_finite();
        (!usable).then(|| "expected finite numbers and a `tolerance` of at least 0".to_owned())
    }

    /// Whether a fraction was written in percent.
    fn is_in_percent(&self) -> bool {
        let mut numbers = [self.paper, self.accepted].into_iter().flatten();
        scale(&self.metric) > 1.0 && numbers.any(|number| number > 1.0)
    }
}

fn score_value(row: &ScoreRow, metric: &str) -> Option<f64> {
    match metric.strip_prefix("gain:") {
        Some(metric) => row
            .gain
            .filter(|_| row.metric == metric)
            .map(|gain| gain.delta),
        None => (row.metric == metric).then_some(row.value),
    }
}
