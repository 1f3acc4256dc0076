//! `expect:` from a config to single numbers: published tables are read, and their numbers kept as far as the config measures
//! them.
//!
//! A number is kept where a row of the results will answer it: one of the config's models stands for its row (by
//! `published_rows` of the cards), and data set, direction, method, choice of parameters and metric are measured. Its reference
//! set is the config's one that is drawn from the training split of the same data set with the same share, whatever its name.
//! What another of the tables prints too is kept once. How many numbers are left out, and why, is said ([`Coverage`]).

mod tables;

use crate::plan::Plan;
use crate::plan::cards;
use crate::plan::expect::{Measured, Unmeasured};
use crate::plan::overrides::narrowed;
use crate::spec::{ExpectItem, ExpectSpec, ReferenceSpec, TablesSpec};
use anyhow::{Context, Result, anyhow, ensure};
use nnn_files::{counted, plural};
use nnn_report::Expectation;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use tables::{Drawn, Printed};

/// How many numbers of published tables a config measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coverage {
    /// The publication.
    published: String,
    tables: Vec<String>,
    /// Numbers that the tables hold.
    numbers: usize,
    /// Of these, what is expected here.
    expected: usize,
    /// Entries of the check that they make: one for each model that may be a number's row.
    entries: usize,
    /// Numbers that are expected already, by another table.
    repeated: usize,
    /// Numbers that are not measured, by the key that does not fit.
    left_out: BTreeMap<String, usize>,
}

/// What is said of a number that is left out, by the key that does not fit.
const REASONS: [(&str, &str); 8] = [
    ("model", "of other models"),
    ("dataset", "of other data sets"),
    ("direction", "of the other direction"),
    ("method", "of other methods"),
    ("chosen", "with other choices of parameters"),
    ("params", "with other parameters"),
    ("reference_set", "with other reference sets"),
    ("metric", "of other metrics"),
];

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (tables, list) = (plural(self.tables.len(), "table"), self.tables.join(", "));
        let (numbers, entries) = (
            counted(self.numbers, "number"),
            counted(self.entries, "entry"),
        );
        let (name, expected) = (&self.published, self.expected);
        write!(
            f,
            "{name}, {tables} {list}: {expected} of {numbers}, in {entries}"
        )?;
        match self.reasons() {
            reasons if reasons.is_empty() => Ok(()),
            reasons => write!(f, "; left out: {}", reasons.join(", ")),
        }
    }
}

impl Coverage {
    /// How many numbers are left out, by why: `252 of other data sets`.
    fn reasons(&self) -> Vec<String> {
        let repeated = (Some(&self.repeated), "expected already");
        let unmeasured = REASONS
            .iter()
            .map(|(key, why)| (self.left_out.get(*key), *why));
        let all = std::iter::once(repeated).chain(unmeasured);
        let some = all.filter_map(|(count, why)| Some((count.filter(|&&count| count > 0)?, why)));
        some.map(|(count, why)| format!("{count} {why}")).collect()
    }
}

/// Turns the `expect:` of a plan into a list of numbers, each of which exactly one row will answer. Where the config was
/// narrowed on the command line nothing is asked of numbers that are listed: they speak of the whole.
pub(crate) fn resolve(plan: &mut Plan) -> Result<()> {
    let (numbers, published) = resolved(plan)?;
    plan.spec.expect = ExpectSpec::of(numbers);
    plan.published = published;
    Ok(())
}

fn resolved(plan: &Plan) -> Result<(Vec<Expectation>, Vec<Coverage>)> {
    let mut reading = Reading {
        plan,
        strict: narrowed(&plan.overrides).is_none(),
        measured: Measured::by(plan),
        kept: Vec::new(),
    };
    let (mut listed, mut published) = (Vec::new(), Vec::new());
    for (place, item) in plan.spec.expect.items() {
        let place = format!("{}: {place}", plan.config.display());
        match item {
            ExpectItem::Tables(tables) => {
                published.push(reading.tables(&tables).context(place)?);
            }
            ExpectItem::Number(number) => {
                let checked = reading.measured.check(&number);
                checked
                    .or_else(|e| reading.unless_strict(e))
                    .context(place)?;
                listed.push(*number);
            }
        }
    }
    let numbers = reading.kept.into_iter().flat_map(Kept::numbers);
    Ok((numbers.chain(listed).collect(), published))
}

/// Published numbers of one config while its tables are read.
struct Reading<'a> {
    plan: &'a Plan,
    /// Whether a number that no row answers is a mistake.
    strict: bool,
    measured: Measured<'a>,
    kept: Vec<Kept>,
}

/// A number that is measured, and by which models.
struct Kept {
    printed: Printed,
    /// All models that may be its row.
    candidates: usize,
    /// Those of this config, each with everything but the notes.
    entries: Vec<Expectation>,
}

impl Kept {
    fn numbers(self) -> impl Iterator<Item = Expectation> {
        let notes = self.printed.notes.join("; ");
        let candidate_for = (self.candidates > 1).then_some(self.printed.row);
        self.entries.into_iter().map(move |entry| Expectation {
            candidate_for: candidate_for.clone(),
            note: (!notes.is_empty()).then(|| notes.clone()),
            ..entry
        })
    }
}

impl Reading<'_> {
    fn unless_strict(&self, error: anyhow::Error) -> Result<()> {
        match self.strict {
            true => Err(error),
            false => Ok(()),
        }
    }

    fn tables(&mut self, asked: &TablesSpec) -> Result<Coverage> {
        let names: Vec<String> = asked.tables.iter().map(|name| name.0.clone()).collect();
        let printed = tables::read(&asked.published, &names, &self.plan.config)?;
        let configs = cards::folder_of(&self.plan.config);
        let candidates = cards::candidates(&asked.published, &self.plan.spec.models, &configs)?;
        let held = Held::by(&printed);
        let mut coverage = Coverage {
            published: asked.published.clone(),
            tables: names,
            numbers: printed.iter().map(Printed::numbers).sum(),
            expected: 0,
            entries: 0,
            repeated: 0,
            left_out: BTreeMap::new(),
        };
        for number in printed {
            let models = candidates.get(&number.row).map_or(&[][..], Vec::as_slice);
            self.number(number, models, &mut coverage)?;
        }
        let none = coverage.expected + coverage.repeated == 0;
        ensure!(!(none && self.strict), "{coverage}; they hold {held}");
        Ok(coverage)
    }

    /// Keeps a number, or counts why not.
    fn number(
        &mut self,
        printed: Printed,
        models: &[String],
        coverage: &mut Coverage,
    ) -> Result<()> {
        let (mut entries, mut reason) = (Vec::new(), "model");
        for model in models {
            match self.entry(&printed, model).context(printed.place.clone())? {
                Ok(entry) => entries.push(entry),
                // Another candidate may have come further.
                Err(key) if reason == "model" => reason = key,
                Err(_) => {}
            }
        }
        let count = printed.numbers();
        if entries.is_empty() {
            *coverage.left_out.entry(reason.to_owned()).or_default() += count;
        } else if let Some(same) = self.kept.iter_mut().find(|it| it.printed.is_same(&printed)) {
            same.printed.add_notes(printed.notes);
            coverage.repeated += count;
        } else {
            coverage.expected += count;
            coverage.entries += entries.len();
            self.kept.push(Kept {
                printed,
                candidates: models.len(),
                entries,
            });
        }
        Ok(())
    }

    /// The number as an expectation of a model, or the key of what is not measured.
    fn entry(&self, printed: &Printed, model: &str) -> Result<Result<Expectation, &'static str>> {
        let sets = self.reference_sets(printed);
        // Where there is no such set, its description is a name that nothing has.
        let set = |drawn: &Drawn| sets.first().cloned().unwrap_or_else(|| drawn.to_string());
        let entry = Expectation {
            model: model.to_owned(),
            reference_set: printed.drawn.as_ref().map(set),
            ..printed.entry.clone()
        };
        if let Err(error) = self.measured.check(&entry) {
            return match error.downcast_ref::<Unmeasured>() {
                Some(unmeasured) => Ok(Err(unmeasured.key)),
                None => self.unless_strict(error).map(|()| Ok(entry)),
            };
        }
        match &sets[..] {
            [first, second, ..] => {
                let error = anyhow!(
                    "reference sets `{first}` and `{second}` are drawn alike, so that it is not clear which of them the number is of"
                );
                self.unless_strict(error).map(|()| Err("reference_set"))
            }
            _ => Ok(Ok(entry)),
        }
    }

    /// The names of the config's reference sets that are drawn as a number's is.
    fn reference_sets(&self, printed: &Printed) -> Vec<String> {
        let Some(drawn) = &printed.drawn else {
            return Vec::new();
        };
        let sets = self.plan.spec.reference_sets.iter().filter(|set| {
            let from = set.dataset.as_deref();
            let from = from.map_or(&*printed.entry.dataset, |it| self.card_name(it));
            let split = set.texts.is_none() && set.split() == tables::SPLIT;
            split && from == drawn.dataset && set.share == drawn.share
        });
        sets.map(ReferenceSpec::title).collect()
    }

    /// The name of a data set that a config names by its card's path.
    fn card_name<'b>(&'b self, written: &'b str) -> &'b str {
        let mut entries = self.plan.all_datasets().map(|(entry, _)| entry);
        let found = entries.find(|entry| entry.file == Path::new(written));
        found.map_or(written, |entry| &entry.card.name)
    }
}

/// What tables hold, for a message.
struct Held([(&'static str, BTreeSet<String>); 5]);

impl Held {
    fn by(printed: &[Printed]) -> Self {
        let all = |value: fn(&Printed) -> &String| printed.iter().map(value).cloned().collect();
        Self([
            ("models", all(|it| &it.row)),
            ("data sets", all(|it| &it.entry.dataset)),
            ("directions", all(|it| &it.entry.direction)),
            ("methods", all(|it| &it.entry.method)),
            ("metrics", all(|it| &it.entry.metric)),
        ])
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |(key, values): &(&str, BTreeSet<String>)| {
            let values: Vec<_> = values.iter().map(String::as_str).collect();
            format!("{key} {}", values.join(", "))
        };
        f.write_str(&self.0.each_ref().map(part).join("; "))
    }
}
