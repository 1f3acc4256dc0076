//! `experiments/<publication>/published/*.csv`: the numbers that a publication prints, one row per number.
//!
//! Columns, of which all but the first five and `tolerance` may be empty or absent:
//!
//! | column | content |
//! |---|---|
//! | `model` | the row, as `published_rows` of the models' cards call it |
//! | `dataset`, `direction`, `method`, `metric` | as in configs and scores |
//! | `reference`, `share` | the data set of whose training split this share is the reference set |
//! | `params`, `chosen` | as in scores |
//! | `value` | the number, in the unit of the scores: a fraction, not percent |
//! | `paper_params`, `steps` | in place of `value` the parameters that were chosen, `k=128,alpha=0.75`, and how the points of their grids differ, `k*2,alpha+0.125` |
//! | `tolerance` | the largest difference that is ok; of chosen parameters a number of steps |
//! | `informative` | `true`: shown, not judged |
//! | `notes` | keys of `notes.csv` (`key`, `text`), separated by spaces |

use crate::plan::expect::search_metrics;
use anyhow::{Context, Result, anyhow, bail, ensure};
use csv::StringRecord;
use nnn_files::hint;
use nnn_metrics::Metric;
use nnn_report::{Expectation, GridValue};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// The split that published reference sets are drawn from.
pub(super) const SPLIT: &str = "train";

/// A published number, or a choice of parameters.
pub(super) struct Printed {
    /// File and line, for messages.
    pub(super) place: String,
    /// The row of the publication: a model.
    pub(super) row: String,
    /// Its reference set; none where the method reads none.
    pub(super) drawn: Option<Drawn>,
    /// All that does not depend on a config: no model, no reference set, no notes.
    pub(super) entry: Expectation,
    /// In words.
    pub(super) notes: Vec<String>,
}

/// A reference set by what it is: a share of a data set's training split.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Drawn {
    pub(super) dataset: String,
    pub(super) share: f64,
}

impl fmt::Display for Drawn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { dataset, share } = self;
        write!(
            f,
            "{} % of the split `{SPLIT}` of `{dataset}`",
            share * 100.0
        )
    }
}

impl Printed {
    /// How many printed numbers it stands for.
    pub(super) fn numbers(&self) -> usize {
        self.entry.paper_params.as_ref().map_or(1, BTreeMap::len)
    }

    /// Whether it is the same number of the same thing.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.row == other.row && self.drawn == other.drawn && self.entry == other.entry
    }

    /// Adds what is not said yet.
    pub(super) fn add_notes(&mut self, notes: Vec<String>) {
        let new = notes.into_iter().filter(|note| !self.notes.contains(note));
        let new: Vec<_> = new.collect();
        self.notes.extend(new);
    }
}

/// The numbers of tables of a publication, in the order of the tables and their rows.
pub(super) fn read(publication: &str, names: &[String], config: &Path) -> Result<Vec<Printed>> {
    let folder = folder(publication, config)?;
    let known = known(&folder);
    let listed = || known.keys().cloned().collect::<Vec<_>>().join(", ");
    ensure!(
        !names.is_empty(),
        "`tables` is empty; expected some of those of {publication}: {}",
        listed()
    );
    let notes = notes(&folder.join("notes.csv"))?;
    let mut printed = Vec::new();
    for (index, name) in names.iter().enumerate() {
        ensure!(
            !names[..index].contains(name),
            "`tables` names `{name}` twice"
        );
        let Some(file) = known.get(name) else {
            let near = hint(name, known.keys().map(String::as_str));
            bail!(
                "`tables` names `{name}`, which {publication} has not{near} (it has: {})",
                listed()
            );
        };
        for line in lines(file, &COLUMNS)? {
            printed.push(line.printed(&notes)?);
        }
    }
    Ok(printed)
}

/// The nearest `experiments/<publication>/published` upwards from a config, or where the program is started.
fn folder(publication: &str, config: &Path) -> Result<PathBuf> {
    let upwards = config.ancestors().skip(1).chain([Path::new("")]);
    let roots: Vec<PathBuf> = upwards.map(|root| root.join("experiments")).collect();
    let plain = !publication.is_empty() && !publication.contains(['/', '\\', '.']);
    let mut folders = roots
        .iter()
        .map(|root| root.join(publication).join("published"));
    if let Some(folder) = folders.find(|folder| plain && folder.is_dir()) {
        return Ok(folder);
    }
    let entries = roots.iter().filter_map(|root| std::fs::read_dir(root).ok());
    let entries = entries.flatten().flatten();
    let published = entries.filter(|entry| entry.path().join("published").is_dir());
    let names = published.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut known: Vec<String> = names.collect();
    known.sort();
    known.dedup();
    let known = match known.is_empty() {
        true => "none".to_owned(),
        false => known.join(", "),
    };
    bail!(
        "`published` is `{publication}`, but there is no folder experiments/{publication}/published above the config or where the \
         program is started (to be had: {known})"
    )
}

/// The tables of a folder by the names that configs call them, `table-a6.csv` by `a6`.
fn known(folder: &Path) -> BTreeMap<String, PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    let tables = paths.filter_map(|path| {
        let stem = path.file_stem()?.to_str()?;
        let is_table = path.extension().is_some_and(|it| it == "csv") && stem != "notes";
        let name = stem.strip_prefix("table-").unwrap_or(stem).to_owned();
        is_table.then_some((name, path))
    });
    tables.collect()
}

/// Texts of notes by their keys.
fn notes(file: &Path) -> Result<BTreeMap<String, String>> {
    let mut notes = BTreeMap::new();
    if !file.is_file() {
        return Ok(notes);
    }
    for line in lines(file, &["key", "text"])? {
        let (key, text) = (line.needed("key")?, line.needed("text")?);
        let before = notes.insert(key.to_owned(), text.to_owned());
        ensure!(
            before.is_none(),
            "{}: `key` is `{key}`, as in an earlier line",
            line.place()
        );
    }
    Ok(notes)
}

/// A row of a file.
struct Line<'a> {
    file: &'a Path,
    number: u64,
    header: StringRecord,
    values: StringRecord,
}

const COLUMNS: [&str; 14] = [
    "model",
    "dataset",
    "direction",
    "method",
    "metric",
    "reference",
    "share",
    "params",
    "chosen",
    "value",
    "paper_params",
    "steps",
    "tolerance",
    "informative",
];

/// The rows of a file that has none but these columns, and `notes`.
fn lines<'a>(file: &'a Path, columns: &[&str]) -> Result<Vec<Line<'a>>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{}: cannot be read as text", file.display()))?;
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .with_context(|| file.display().to_string())?
        .clone();
    let known = |name: &str| name == "notes" || columns.contains(&name);
    if let Some(unknown) = header.iter().find(|name| !known(name)) {
        let near = hint(unknown, columns.iter().copied());
        bail!(
            "{}, line 1: unknown column `{unknown}`{near} (known: {}, notes)",
            file.display(),
            columns.join(", ")
        );
    }
    let mut lines = Vec::new();
    for record in reader.records() {
        let values = record.with_context(|| file.display().to_string())?;
        let number = values.position().map_or(0, csv::Position::line);
        let (found, expected) = (values.len(), header.len());
        ensure!(
            found == expected,
            "{}, line {number}: {found} values, expected {expected}, as the header has",
            file.display()
        );
        lines.push(Line {
            file,
            number,
            header: header.clone(),
            values,
        });
    }
    Ok(lines)
}

impl Line<'_> {
    fn place(&self) -> String {
        format!("{}, line {}", self.file.display(), self.number)
    }

    /// A value; none where it is empty or there is no such column.
    fn value(&self, column: &str) -> Option<&str> {
        let at = self.header.iter().position(|name| name == column)?;
        self.values.get(at).filter(|value| !value.is_empty())
    }

    fn needed(&self, column: &str) -> Result<&str> {
        let value = self.value(column);
        value.with_context(|| {
            format!(
                "{}: `{column}` is empty or absent, expected a value",
                self.place()
            )
        })
    }

    fn wrong(&self, column: &str, expected: &str) -> anyhow::Error {
        let value = self.value(column).unwrap_or_default();
        anyhow!(
            "{}: `{column}` is `{value}`, expected {expected}",
            self.place()
        )
    }

    fn number(&self, column: &str, valid: fn(f64) -> bool, expected: &str) -> Result<Option<f64>> {
        let Some(value) = self.value(column) else {
            return Ok(None);
        };
        let number = value
            .parse()
            .ok()
            .filter(|&number: &f64| number.is_finite() && valid(number));
        number.map(Some).ok_or_else(|| self.wrong(column, expected))
    }

    fn one_of(&self, column: &str, allowed: &[&str]) -> Result<Option<String>> {
        match self.value(column) {
            Some(value) if !allowed.contains(&value) => {
                Err(self.wrong(column, &allowed.join(" or ")))
            }
            value => Ok(value.map(str::to_owned)),
        }
    }

    fn printed(&self, notes: &BTreeMap<String, String>) -> Result<Printed> {
        Ok(Printed {
            place: self.place(),
            row: self.needed("model")?.to_owned(),
            drawn: self.drawn()?,
            entry: self.entry()?,
            notes: self.notes(notes)?,
        })
    }

    fn drawn(&self) -> Result<Option<Drawn>> {
        let share = self.number(
            "share",
            |it| it > 0.0 && it <= 1.0,
            "a number above 0 and at most 1",
        )?;
        match (self.value("reference"), share) {
            (None, None) => Ok(None),
            (Some(dataset), Some(share)) => Ok(Some(Drawn {
                dataset: dataset.to_owned(),
                share,
            })),
            _ => bail!(
                "{}: `reference` and `share` go together: one is given without the other",
                self.place()
            ),
        }
    }

    fn entry(&self) -> Result<Expectation> {
        let tolerance = self.number("tolerance", |it| it >= 0.0, "a number of at least 0")?;
        let (paper, paper_params) = (
            self.number("value", |_| true, "a number")?,
            self.paper_params()?,
        );
        ensure!(
            paper.is_some() != paper_params.is_some(),
            "{}: expected either a `value` or `paper_params`",
            self.place()
        );
        self.needed("direction")?;
        Ok(Expectation {
            model: String::new(),
            dataset: self.needed("dataset")?.to_owned(),
            direction: self
                .one_of("direction", &["t2i", "i2t"])?
                .unwrap_or_default(),
            reference_set: None,
            method: self.method()?,
            params: self.value("params").map(str::to_owned),
            chosen: self.one_of("chosen", &["fixed", "validation", "oracle"])?,
            metric: self.metric()?,
            paper,
            paper_params,
            accepted: None,
            tolerance: tolerance
                .with_context(|| format!("{}: `tolerance` is missing", self.place()))?,
            candidate_for: None,
            informative: self.one_of("informative", &["true"])?.is_some(),
            note: None,
        })
    }

    fn method(&self) -> Result<String> {
        let name = self.needed("method")?;
        let family = name.strip_suffix("+itm").unwrap_or(name);
        nnn_trial::method(family).with_context(|| self.place())?;
        Ok(name.to_owned())
    }

    fn metric(&self) -> Result<String> {
        let name = self.needed("metric")?;
        if !search_metrics().iter().any(|known| known == name) {
            let plain = name.strip_prefix("gain:").unwrap_or(name);
            plain.parse::<Metric>().with_context(|| self.place())?;
        }
        Ok(name.to_owned())
    }

    /// `k=128,alpha=0.75` with the steps `k*2,alpha+0.125`.
    fn paper_params(&self) -> Result<Option<BTreeMap<String, GridValue>>> {
        let pairs = self.value("paper_params").map(|all| all.split(','));
        let params: Result<_> = pairs
            .into_iter()
            .flatten()
            .map(|it| self.param(it))
            .collect();
        params.map(|params: BTreeMap<_, _>| (!params.is_empty()).then_some(params))
    }

    fn param(&self, pair: &str) -> Result<(String, GridValue)> {
        let (name, paper) = pair.split_once('=').unwrap_or_default();
        let family = nnn_trial::method(self.needed("method")?).with_context(|| self.place())?;
        let own = family.params().iter().any(|info| info.name == name);
        let paper = paper.parse().ok().filter(|_| own).ok_or_else(|| {
            let expected = "parameters of the method, such as k=128,alpha=0.75";
            self.wrong("paper_params", expected)
        })?;
        let grid = self.grid_value(name, paper).ok_or_else(|| {
            let expected = "a step for each parameter, such as k*2,alpha+0.125";
            self.wrong("steps", expected)
        })?;
        Ok((name.to_owned(), grid))
    }

    fn grid_value(&self, name: &str, paper: f64) -> Option<GridValue> {
        let size = |step: &str, sign| -> Option<f64> {
            let size = step.strip_prefix(name)?.strip_prefix(sign)?;
            size.parse().ok()
        };
        let steps = || self.value("steps").into_iter().flat_map(|it| it.split(','));
        let step = steps().find_map(|it| size(it, '+'));
        let factor = steps().find_map(|it| size(it, '*'));
        let one = step.is_some() != factor.is_some();
        one.then_some(GridValue {
            paper,
            step,
            factor,
        })
    }

    fn notes(&self, notes: &BTreeMap<String, String>) -> Result<Vec<String>> {
        let keys = self.value("notes").unwrap_or_default().split_whitespace();
        let text = |key: &str| match notes.get(key) {
            Some(text) => Ok(text.clone()),
            None => {
                let near = hint(key, notes.keys().map(String::as_str));
                bail!(
                    "{}: `notes` names `{key}`, which notes.csv has not{near}",
                    self.place()
                )
            }
        };
        keys.map(text).collect()
    }
}
