//! Measured numbers against published and accepted ones.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::number::distinct;
use crate::record::{CellId, ScoreRow, SearchRow};
use crate::tables::Records;

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

/// How a measured number compares; the worst is the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Shown, not judged.
    Info,
    /// The model has no public checkpoint.
    Absent,
    /// Another candidate is nearer to the paper's row.
    Other,
    /// Within the tolerance.
    Ok,
    /// Within twice the tolerance.
    Close,
    /// Farther off, or nothing to compare.
    Fail,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Info => "not judged",
            Self::Absent => "not measured",
            Self::Other => "other candidate",
            Self::Ok => "ok",
            Self::Close => "close",
            Self::Fail => "FAIL",
        })
    }
}

/// The measured number less an expected one.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// Measured less expected, in the unit of the scores.
    pub difference: f64,
    /// What the tolerance makes of it.
    pub verdict: Verdict,
}

/// A chosen parameter beside the published one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The parameter.
    pub name: String,
    /// Grid steps from the published value to the chosen one; none where the method has no such parameter.
    pub steps: Option<f64>,
}

/// An expectation with what was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckRow {
    /// What was expected.
    pub expectation: Expectation,
    /// Number of measured rows that the expectation describes; anything but 1 is a failure, unless the model is absent.
    pub matching: usize,
    /// The measured number, in the unit of the scores; absent unless exactly one row matches.
    pub measured: Option<f64>,
    /// The parameters that go with it.
    pub measured_params: Option<String>,
    /// Against the published number, where there are both.
    pub paper: Option<Difference>,
    /// Against the accepted number, where there are both.
    pub accepted: Option<Difference>,
    /// Against the published parameters, where there are any.
    pub steps: Vec<Step>,
    /// Why the model was not measured, or which candidate took its place.
    pub reason: Option<String>,
    /// The worst of all; [`Verdict::Fail`] without any.
    pub verdict: Verdict,
}

/// The measurements of one experiment held against what was expected.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Name of the experiment.
    pub experiment: String,
    /// A row an expectation, in their order.
    pub rows: Vec<CheckRow>,
}

/// Holds the records against expectations, one row each, in their order.
///
/// ok within the tolerance, close within twice the tolerance, FAIL farther off, where no row or more than one row
/// matches, or where the expectation has no number. The published and the accepted number are judged separately; the
/// verdict is the worse. Chosen parameters are ok or not judged. Models of [`Records::absent_models`], and in a run
/// that was narrowed on purpose ([`Records::narrowed`]) what has no row, are not measured, and
/// of several candidates for a row of the paper one is judged ([`Expectation::candidate_for`]).
#[must_use]
pub fn check(records: &Records<'_>, expectations: &[Expectation]) -> Vec<CheckRow> {
    let row = |expectation: &Expectation| {
        let found = expectation.found(records);
        match (expectation.absence(records), records.narrowed) {
            (Some(reason), _) => {
                CheckRow::absent(expectation, format!("no public checkpoint: {reason}"))
            }
            (None, Some(narrowed)) if found.is_empty() => {
                CheckRow::absent(expectation, narrowed.to_owned())
            }
            _ => CheckRow::new(expectation, &found),
        }
    };
    let mut rows: Vec<_> = expectations.iter().map(row).collect();
    settle_candidates(&mut rows);
    rows
}

impl CheckRow {
    fn absent(expectation: &Expectation, reason: String) -> Self {
        Self {
            expectation: expectation.clone(),
            matching: 0,
            measured: None,
            measured_params: None,
            paper: None,
            accepted: None,
            steps: Vec::new(),
            reason: Some(reason),
            verdict: Verdict::Absent,
        }
    }

    /// `found` are the cells that the expectation describes, with their values.
    fn new(expectation: &Expectation, found: &[(&CellId, f64)]) -> Self {
        let single = match found {
            [single] => Some(*single),
            _ => None,
        };
        let measured = single.map(|(_, value)| value);
        let judge =
            |expected: Option<f64>| Some(judge(measured?, expected?, expectation.tolerance));
        let mut row = Self {
            expectation: expectation.clone(),
            matching: found.len(),
            measured,
            measured_params: single.map(|(cell, _)| cell.params.clone()),
            paper: judge(expectation.paper),
            accepted: judge(expectation.accepted),
            steps: single.map_or(Vec::new(), |(cell, _)| expectation.steps(&cell.params)),
            reason: None,
            verdict: Verdict::Fail,
        };
        row.verdict = row.judged();
        row
    }

    fn judged(&self) -> Verdict {
        if self.measured.is_some() && self.expectation.informative {
            return Verdict::Info;
        }
        let numbers = [self.paper, self.accepted].into_iter().flatten();
        let numbers = numbers.map(|difference| difference.verdict);
        numbers
            .chain(self.of_steps())
            .max()
            .unwrap_or(Verdict::Fail)
    }

    fn of_steps(&self) -> Option<Verdict> {
        let most = self.expectation.tolerance;
        let near = |step: &Step| step.steps.is_some_and(|steps| steps.abs() <= most);
        let verdict = match self.steps.iter().all(near) {
            true => Verdict::Ok,
            false => Verdict::Info,
        };
        (!self.steps.is_empty()).then_some(verdict)
    }

    /// How far the model is from the paper's without any correction, in tolerances.
    fn raw_distance(&self) -> Option<f64> {
        let difference = self.paper?.difference.abs() / self.expectation.tolerance;
        (self.expectation.method == "raw" && difference.is_finite()).then_some(difference)
    }
}

/// Where several models may be a row of the paper, those that are not nearest to its raw numbers are only shown. Where raw
/// was not measured for at least two of them, all are judged.
fn settle_candidates(rows: &mut [CheckRow]) {
    let named = rows.iter().map(|row| row.expectation.candidate_for.clone());
    for name in distinct(named.flatten()) {
        let own = |row: &CheckRow| row.expectation.candidate_for.as_ref() == Some(&name);
        let models = rows.iter().filter(|row| own(row));
        let models = distinct(models.map(|row| row.expectation.model.clone()));
        let mean = |model: &String| {
            let of_model = |row: &&CheckRow| own(row) && row.expectation.model == *model;
            let distances = rows
                .iter()
                .filter(of_model)
                .filter_map(CheckRow::raw_distance);
            let (count, sum) = distances.fold((0, 0.0), |(n, sum), d| (n + 1, sum + d));
            (count > 0).then(|| (sum / f64::from(count), model.clone()))
        };
        let measured: Vec<_> = models.iter().filter_map(mean).collect();
        let nearest = measured.iter().min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, nearest)) = nearest.filter(|_| measured.len() > 1).cloned() else {
            continue;
        };
        for row in rows.iter_mut().filter(|row| own(row)) {
            let other = row.expectation.model != nearest && row.measured.is_some();
            if other {
                row.verdict = Verdict::Other;
                row.reason = Some(format!("{nearest} is nearer to the raw numbers of {name}"));
            }
        }
    }
}

/// Decimal fractions are not exact in binary: a difference of just the tolerance must not fail by a rounding error.
const ROUNDING: f64 = 1e-12;

fn judge(measured: f64, expected: f64, tolerance: f64) -> Difference {
    let difference = measured - expected;
    let verdict = if difference.abs() <= tolerance + ROUNDING {
        Verdict::Ok
    } else if difference.abs() <= 2.0 * tolerance + ROUNDING {
        Verdict::Close
    } else {
        Verdict::Fail
    };
    Difference {
        difference,
        verdict,
    }
}

impl Expectation {
    /// Why the model has no row, if it has no public checkpoint.
    fn absence<'a>(&self, records: &Records<'a>) -> Option<&'a str> {
        let mut absent = records.absent_models.iter();
        let own = absent.find(|model| model.name == self.model)?;
        Some(&own.reason)
    }

    /// The cells described, with the values of the metric.
    fn found<'a>(&self, records: &Records<'a>) -> Vec<(&'a CellId, f64)> {
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
    fn steps(&self, params: &str) -> Vec<Step> {
        let published = self.paper_params.iter().flatten();
        let step = |(name, value): (&String, &GridValue)| Step {
            name: name.clone(),
            steps: param(params, name).and_then(|chosen| value.steps_to(chosen)),
        };
        published.map(step).collect()
    }
}

/// A parameter of `k=128,alpha=0.75`.
pub(crate) fn param(params: &str, name: &str) -> Option<f64> {
    let mut pairs = params.split(',').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(found, _)| *found == name)?;
    value.parse().ok()
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
