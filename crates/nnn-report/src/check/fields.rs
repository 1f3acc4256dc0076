//! The words of a check: what stands in its columns, and what is said beside the numbers.

use crate::check::expectation::{Expectation, Step};
use crate::check::judge::{CheckRow, Difference, Verdict};
use crate::number::{distinct, shown, signed};

impl Expectation {
    /// `nnn(k=128,alpha=0.75) validation`, as far as it is given.
    fn method_text(&self) -> String {
        let params = self.params.as_ref().map(|params| format!("({params})"));
        let chosen = self.chosen.as_ref().map(|chosen| format!(" {chosen}"));
        format!(
            "{}{}{}",
            self.method,
            params.unwrap_or_default(),
            chosen.unwrap_or_default()
        )
    }

    /// `alpha=0.75,k=128`.
    pub(super) fn paper_params_text(&self) -> Option<String> {
        let params = self.paper_params.as_ref()?.iter();
        let params = params.map(|(name, value)| format!("{name}={}", value.paper));
        Some(params.collect::<Vec<_>>().join(","))
    }
}

impl CheckRow {
    fn number(&self, value: Option<f64>) -> String {
        value.map_or(String::new(), |value| {
            shown(&self.expectation.metric, value)
        })
    }

    /// `64.60 (+0.12 ok)`.
    fn compared(&self, expected: Option<f64>, difference: Option<Difference>) -> String {
        let metric = &self.expectation.metric;
        let judged = difference.map_or(String::new(), |d| {
            format!(" ({} {})", signed(metric, d.difference), d.verdict)
        });
        self.number(expected) + &judged
    }

    /// The number, or the parameters where those are expected.
    fn measured_text(&self) -> String {
        match (&self.expectation.paper_params, &self.measured_params) {
            (Some(_), Some(params)) => params.clone(),
            _ => self.number(self.measured),
        }
    }

    /// `64.60 (+0.12 ok)`, or `alpha=0.75,k=128 (k -1 steps)`.
    fn paper_text(&self) -> String {
        let Some(params) = self.expectation.paper_params_text() else {
            return self.compared(self.expectation.paper, self.paper);
        };
        let step = |step: &Step| match step.steps {
            Some(steps) => format!("{} {steps:+}", step.name),
            None => format!("{} ?", step.name),
        };
        let differ = self.steps.iter().filter(|step| step.steps != Some(0.0));
        let differ: Vec<_> = differ.map(step).collect();
        match (self.steps.is_empty(), differ.is_empty()) {
            (true, _) => params,
            (false, true) => format!("{params} (same)"),
            (false, false) => format!("{params} (steps: {})", differ.join(", ")),
        }
    }

    /// What is wrong with the expectation itself, if anything.
    fn problem(&self) -> Option<String> {
        let expectation = &self.expectation;
        match self.matching {
            _ if self.verdict == Verdict::Absent => None,
            0 => Some("no row matches".to_owned()),
            1 => expectation.problem(),
            many => Some(format!(
                "{many} rows match: say which reference_set, params, chosen"
            )),
        }
    }

    pub(super) fn remark(&self) -> String {
        let parts = [
            self.problem(),
            self.reason.clone(),
            self.expectation.note.clone(),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// What is said beside the numbers, each remark once: `[1]` in the lines, the text below.
pub(super) struct Remarks(Vec<String>);

impl Remarks {
    pub(super) fn of(rows: &[CheckRow]) -> Self {
        let remarks = rows.iter().map(CheckRow::remark);
        Self(distinct(remarks.filter(|remark| !remark.is_empty())))
    }

    pub(super) fn mark(&self, row: &CheckRow) -> String {
        let remark = row.remark();
        let at = self.0.iter().position(|known| *known == remark);
        at.map_or(String::new(), |at| format!("[{}]", at + 1))
    }

    pub(super) fn notes(&self) -> impl Iterator<Item = String> {
        let numbered = self.0.iter().enumerate();
        numbered.map(|(at, remark)| format!("[{}] {remark}", at + 1))
    }
}

/// A column of the printed and the written table.
pub(super) struct Field {
    pub(super) title: &'static str,
    pub(super) text: fn(&CheckRow) -> String,
}

pub(super) const NAMES: [Field; 6] = [
    Field {
        title: "Model",
        text: |row| row.expectation.model.clone(),
    },
    Field {
        title: "Data set",
        text: |row| row.expectation.dataset.clone(),
    },
    Field {
        title: "Task",
        text: |row| row.expectation.direction.clone(),
    },
    Field {
        title: "Reference set",
        text: |row| row.expectation.reference_set.clone().unwrap_or_default(),
    },
    Field {
        title: "Method",
        text: |row| row.expectation.method_text(),
    },
    Field {
        title: "Metric",
        text: |row| row.expectation.metric.clone(),
    },
];

pub(super) const NUMBERS: [Field; 3] = [
    Field {
        title: "Measured",
        text: CheckRow::measured_text,
    },
    Field {
        title: "Paper",
        text: CheckRow::paper_text,
    },
    Field {
        title: "Accepted",
        text: |row| row.compared(row.expectation.accepted, row.accepted),
    },
];
