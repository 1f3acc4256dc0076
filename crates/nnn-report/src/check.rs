//! Measured numbers against published and accepted ones.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{CellId, ScoreRow};

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
    /// Name of the metric, such as `R@1`.
    pub metric: String,
    /// The published number, a fraction: 0.646, not 64.6.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<f64>,
    /// The last number accepted here, a fraction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<f64>,
    /// The largest difference that is ok, a fraction: 0.005 is half a point. Twice as much is close.
    pub tolerance: f64,
    /// Why the number may differ, or where it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How a measured number compares; the worst is the largest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
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

/// An expectation with what was measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckRow {
    /// What was expected.
    pub expectation: Expectation,
    /// Number of score rows that the expectation describes; anything but 1 is a failure.
    pub matching: usize,
    /// The measured number, in the unit of the scores; absent unless exactly one row matches.
    pub measured: Option<f64>,
    /// Against the published number, where there are both.
    pub paper: Option<Difference>,
    /// Against the accepted number, where there are both.
    pub accepted: Option<Difference>,
    /// The worse of the two; [`Verdict::Fail`] without any.
    pub verdict: Verdict,
}

/// Holds the scores against expectations, one row each, in their order.
///
/// ok within the tolerance, close within twice the tolerance, FAIL farther off, where no row or more than one row
/// matches, or where the expectation has no number. The published and the accepted number are judged separately; the
/// verdict is the worse.
#[must_use]
pub fn check(rows: &[ScoreRow], expectations: &[Expectation]) -> Vec<CheckRow> {
    let row = |expectation: &Expectation| check_one(rows, expectation);
    expectations.iter().map(row).collect()
}

fn check_one(rows: &[ScoreRow], expectation: &Expectation) -> CheckRow {
    let matching: Vec<_> = rows
        .iter()
        .filter(|row| expectation.describes(row))
        .collect();
    let measured = match matching.as_slice() {
        [row] => Some(row.value),
        _ => None,
    };
    let judge = |expected: Option<f64>| Some(judge(measured?, expected?, expectation.tolerance));
    let (paper, accepted) = (judge(expectation.paper), judge(expectation.accepted));
    let verdicts = [paper, accepted].into_iter().flatten().map(|d| d.verdict);
    CheckRow {
        expectation: expectation.clone(),
        matching: matching.len(),
        measured,
        paper,
        accepted,
        verdict: verdicts.max().unwrap_or(Verdict::Fail),
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
    fn describes(&self, row: &ScoreRow) -> bool {
        let CellId {
            model,
            dataset,
            direction,
            method,
            ..
        } = &row.cell;
        let named = [
            (&self.model, model),
            (&self.dataset, dataset),
            (&self.direction, direction),
            (&self.method, method),
            (&self.metric, &row.metric),
        ];
        let perhaps = [
            (&self.reference_set, &row.cell.reference_set),
            (&self.params, &row.cell.params),
            (&self.chosen, &row.cell.chosen),
        ];
        named.iter().all(|(wanted, found)| wanted == found)
            && perhaps
                .iter()
                .all(|(wanted, found)| wanted.as_ref().is_none_or(|w| w == *found))
    }
}
