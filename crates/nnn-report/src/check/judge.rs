//! Measured numbers against expected ones.

use std::fmt;

use serde::Serialize;

use crate::check::expectation::{Expectation, Step};
use crate::number::distinct;
use crate::records::{CellId, Records};

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
    /// One row per expectation, in their order.
    pub rows: Vec<CheckRow>,
}

/// Holds the records against expectations: one row per expectation, in their order.
///
/// A number is ok within the tolerance, close within twice the tolerance, and else a failure; so is an expectation without
/// a number, and one that no row or more than one row matches. The published and the accepted number are judged
/// separately, and the worse verdict counts. Chosen parameters are ok or not judged.
///
/// Not measured are models of [`Records::absent_models`] and, in a run that was narrowed on purpose ([`Records::narrowed`]),
/// what has no row. Of several candidates for a row of the paper one is judged ([`Expectation::candidate_for`]).
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
        // Distances in tolerances, so that every raw number of the row weighs the same.
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

/// How many rows have which verdict; those that judge nothing only where there are any.
#[must_use]
pub fn tally<'a>(rows: impl IntoIterator<Item = &'a CheckRow>) -> String {
    let verdicts: Vec<_> = rows.into_iter().map(|row| row.verdict).collect();
    let count = |wanted| {
        verdicts
            .iter()
            .filter(|&&verdict| verdict == wanted)
            .count()
    };
    let always = [Verdict::Ok, Verdict::Close, Verdict::Fail];
    let perhaps = [Verdict::Info, Verdict::Absent, Verdict::Other];
    let perhaps = perhaps.into_iter().filter(|&verdict| count(verdict) > 0);
    let counts = always.into_iter().chain(perhaps);
    let counts = counts.map(|verdict| format!("{} {verdict}", count(verdict)));
    counts.collect::<Vec<_>>().join(", ")
}
