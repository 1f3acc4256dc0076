//! The answer of a sweep: which corrections differ from raw, and which gains most, in one sentence.

use std::collections::HashMap;

use nnn_files::counted;

use crate::number::{Goal, distinct, goal, merit, p_value, shown};
use crate::records::trial::Setup;
use crate::records::{CellId, ComparisonRow, Interval, Records, ScoreRow};
use crate::wording::gain;

/// The metric that is told first, where it was measured.
pub(crate) const HEADLINE: &str = "R@1";

/// Error probability of the tests, over all pairs of a trial by Holm's correction.
const LEVEL: f64 = 0.05;

/// How a setting compares with raw on the same queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Better,
    Worse,
    /// The test tells it not from raw.
    Same,
    /// It was not compared in a family of tests: the metric is no mean over queries.
    Untested,
}

/// A setting held against raw under the headline metric.
#[derive(Clone, Copy)]
pub(crate) struct Judged<'a> {
    pub(crate) row: &'a ScoreRow,
    pub(crate) delta: f64,
    pub(crate) interval: Option<Interval>,
    /// By Holm's correction over the pairs of its trial.
    pub(crate) p_holm: Option<f64>,
    pub(crate) standing: Standing,
    /// How much better than raw, whichever direction is better; below 0 for what is worse.
    pub(crate) improvement: f64,
}

impl Judged<'_> {
    /// `+14.60 [12.92, 16.28]`.
    pub(crate) fn gain(&self) -> String {
        gain(self.row)
    }
}

/// All gains under the headline metric, in the order of the scores.
pub(crate) struct Gains<'a> {
    /// Places of `judged`.
    places: HashMap<&'a CellId, usize>,
    /// The headline metric; absent where there are no scores.
    pub(crate) metric: Option<&'a str>,
    pub(crate) judged: Vec<Judged<'a>>,
}

impl<'a> Gains<'a> {
    pub(crate) fn of(records: &Records<'a>) -> Self {
        let metric = headline(records.scores.iter());
        let against_raw = |row: &&ComparisonRow| row.other.method == "raw";
        let tests = records.comparisons.iter().filter(against_raw);
        let tests: HashMap<(&CellId, &str), f64> = tests
            .map(|row| ((&row.cell, row.metric.as_str()), row.p_holm))
            .collect();
        let rows = records.scores.iter();
        let rows = rows.filter(|row| Some(row.metric.as_str()) == metric);
        Self::new(metric, rows.filter_map(|row| judged(row, &tests)).collect())
    }

    fn new(metric: Option<&'a str>, judged: Vec<Judged<'a>>) -> Self {
        let cells = judged.iter().map(|it| &it.row.cell);
        Self {
            places: cells.enumerate().map(|(at, cell)| (cell, at)).collect(),
            metric,
            judged,
        }
    }

    /// The same of one model, data set and direction.
    pub(crate) fn at(&self, setup: Setup<'_>) -> Self {
        let own = |judged: &&Judged<'a>| Setup::of(&judged.row.cell) == setup;
        Self::new(
            self.metric,
            self.judged.iter().filter(own).copied().collect(),
        )
    }

    /// How a cell compares with raw.
    pub(crate) fn find(&self, cell: &CellId) -> Option<&Judged<'a>> {
        self.places.get(cell).map(|&at| &self.judged[at])
    }

    /// The largest of those that are counted; the first of equals.
    pub(crate) fn best(&self) -> Option<&Judged<'a>> {
        let counted = self
            .judged
            .iter()
            .filter(|judged| judged.row.cell.is_counted());
        counted.reduce(|best, next| match next.improvement > best.improvement {
            true => next,
            false => best,
        })
    }

    /// The answer in one sentence; tests, levels and how many were tried are part of it.
    pub(crate) fn sentence(&self) -> String {
        self.told(|metric, counts| {
            let (settings, setups) = (counted(counts.settings, "setting"), counted(counts.setups, "setup"));
            let standings = counts.standings();
            format!(
                "{metric} against raw: of {settings} in {setups}, {standings} (paired randomisation, Holm's correction within a trial, 5 %)"
            )
        })
    }

    /// The same of one setup, where what the test is has been said.
    pub(crate) fn brief(&self) -> String {
        self.told(|_, counts| {
            format!(
                "Of {}, {}",
                counted(counts.settings, "setting"),
                counts.standings()
            )
        })
    }

    fn told(&self, counted_as: impl Fn(&str, &Counts) -> String) -> String {
        let (Some(metric), Some(best)) = (self.metric, self.best()) else {
            return match self.judged.is_empty() {
                true => "No correction was measured.",
                false => {
                    "No setting is counted: all are chosen on the evaluated queries, read them as a whole, or are ranked again."
                }
            }
            .to_owned();
        };
        let counts = Counts::of(&self.judged);
        let start = match counts.untested == counts.settings {
            true => format!(
                "{metric} of {} was not tested against raw",
                counted(counts.settings, "setting")
            ),
            false => counted_as(metric, &counts),
        };
        format!("{start}; {}.", largest(best, counts.setups > 1))
    }
}

/// How many of the settings that are counted are what.
struct Counts {
    settings: usize,
    setups: usize,
    better: usize,
    worse: usize,
    same: usize,
    untested: usize,
}

impl Counts {
    fn of(judged: &[Judged<'_>]) -> Self {
        let competing: Vec<_> = judged
            .iter()
            .filter(|it| it.row.cell.is_counted())
            .collect();
        let count = |standing| {
            competing
                .iter()
                .filter(|it| it.standing == standing)
                .count()
        };
        Self {
            settings: competing.len(),
            setups: distinct(competing.iter().map(|it| Setup::of(&it.row.cell))).len(),
            better: count(Standing::Better),
            worse: count(Standing::Worse),
            same: count(Standing::Same),
            untested: count(Standing::Untested),
        }
    }

    /// `7 are significantly better, 0 are significantly worse and 41 are not distinguishable`.
    fn standings(&self) -> String {
        let untested = match self.untested {
            0 => String::new(),
            count => format!(", {} not tested", are(count)),
        };
        format!(
            "{} significantly better, {} significantly worse and {} not distinguishable{untested}",
            are(self.better),
            are(self.worse),
            are(self.same)
        )
    }
}

/// The metric that is told first: R@1, or the first one measured.
pub(crate) fn headline<'a>(rows: impl Iterator<Item = &'a ScoreRow>) -> Option<&'a str> {
    let mut first = None;
    for row in rows {
        if row.metric == HEADLINE {
            return Some(HEADLINE);
        }
        first.get_or_insert(row.metric.as_str());
    }
    first
}

/// The answer of all that was recorded, in one sentence: how many settings are better than raw, worse, or not to be told
/// from it, under R@1 (or the first metric measured), and the largest gain with its interval. Not counted are settings that are
/// chosen on the evaluated queries, transductive methods, and lists that were ranked again.
#[must_use]
pub fn answer(records: &Records<'_>) -> String {
    Gains::of(records).sentence()
}

fn judged<'a>(row: &'a ScoreRow, tests: &HashMap<(&CellId, &str), f64>) -> Option<Judged<'a>> {
    let gain = row.gain?;
    let merit = |value| merit(&row.metric, value);
    let improvement = match goal(&row.metric) {
        Some(Goal::Zero) => merit(row.value) - merit(row.value - gain.delta),
        _ => merit(gain.delta),
    };
    let p_holm = tests.get(&(&row.cell, row.metric.as_str())).copied();
    let standing = match p_holm {
        None => Standing::Untested,
        Some(p) if p >= LEVEL => Standing::Same,
        Some(_) if improvement > 0.0 => Standing::Better,
        Some(_) => Standing::Worse,
    };
    Some(Judged {
        row,
        delta: gain.delta,
        interval: gain.interval,
        p_holm,
        standing,
        improvement,
    })
}

/// What gained most, and how sure that is.
fn largest(best: &Judged<'_>, several: bool) -> String {
    let ScoreRow {
        cell,
        metric,
        value,
        ..
    } = best.row;
    let reference = match cell.reference_set.as_str() {
        "" => String::new(),
        name => format!(" with {name}"),
    };
    let place = match several {
        true => format!(
            " in {} {} of {}",
            Setup::of(cell).place.label(),
            cell.direction,
            cell.model
        ),
        false => String::new(),
    };
    let method = format!("{}{reference}{place}", cell.method_signature());
    let change = format!(
        "from {} to {}, {}",
        shown(metric, value - best.delta),
        shown(metric, *value),
        best.gain()
    );
    match (best.improvement > 0.0, best.p_holm) {
        (false, _) => format!("none gains anything: the best, {method}, goes {change}"),
        (true, Some(p)) if best.standing == Standing::Same => {
            format!(
                "the largest gain, of {method}, is not significant: {change} (corrected p {})",
                p_value(p)
            )
        }
        (true, _) => format!("the largest gain is that of {method}: {change}"),
    }
}

/// `1 is`, `7 are`.
fn are(count: usize) -> String {
    format!("{count} {}", if count == 1 { "is" } else { "are" })
}
