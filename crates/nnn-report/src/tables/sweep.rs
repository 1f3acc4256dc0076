//! The scores of one direction, found by model, data set, setting and metric.

use std::collections::HashMap;

use nnn_files::plural;

use crate::number::{best, distinct, grouped, judged, shown};
use crate::records::trial::Place;
use crate::records::{CellId, ScoreRow};
use crate::wording::{ABSENT, Entry, marks};

/// A method as a column: chosen parameters may differ between models, fixed ones are part of what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Setting<'a> {
    pub(crate) method: &'a str,
    pub(crate) reference_set: &'a str,
    pub(crate) chosen: &'a str,
    /// Empty where parameters are chosen.
    pub(crate) params: &'a str,
    pub(crate) transductive: bool,
}

impl<'a> Setting<'a> {
    pub(crate) fn of(cell: &'a CellId) -> Self {
        let fixed = matches!(cell.chosen.as_str(), "fixed" | "");
        Self {
            method: &cell.method,
            reference_set: &cell.reference_set,
            chosen: &cell.chosen,
            params: if fixed { &cell.params } else { "" },
            transductive: cell.is_transductive(),
        }
    }

    pub(crate) fn is_raw(&self) -> bool {
        self.method == "raw"
    }

    pub(crate) fn is_oracle(&self) -> bool {
        self.chosen == "oracle"
    }

    /// Whether its numbers may be the best ones.
    pub(crate) fn competes(&self) -> bool {
        !self.is_oracle() && !self.transductive
    }

    /// Whether another setting has the same method and reference set, so that the choice or the parameters tell them
    /// apart; oracles have their mark.
    pub(crate) fn is_ambiguous(&self, among: &[Self]) -> bool {
        let name = |setting: &Self| (setting.method, setting.reference_set);
        let same = among
            .iter()
            .filter(|other| !other.is_oracle() && name(other) == name(self));
        same.count() > 1
    }

    /// The method's name and as much of the choice as tells it from its neighbours.
    pub(crate) fn label(&self, among: &[Self]) -> String {
        let name = format!("{}{}", self.method, marks(self.transductive, self.chosen));
        match self.chosen {
            _ if self.is_oracle() || !self.is_ambiguous(among) => name,
            "validation" => format!("{name} (validation)"),
            _ => format!("{name} ({})", self.params),
        }
    }
}

type Key<'a> = (&'a str, Place<'a>, Setting<'a>, &'a str);

/// The scores of one direction.
pub(crate) struct Sweep<'a> {
    rows: Vec<&'a ScoreRow>,
    found: HashMap<Key<'a>, &'a ScoreRow>,
}

impl<'a> Sweep<'a> {
    /// Of several rows for the same number the first counts.
    pub(crate) fn new(rows: Vec<&'a ScoreRow>) -> Self {
        let mut found = HashMap::new();
        for &row in &rows {
            let cell = &row.cell;
            let key = (
                cell.model.as_str(),
                Place::of(cell),
                Setting::of(cell),
                row.metric.as_str(),
            );
            found.entry(key).or_insert(row);
        }
        Self { rows, found }
    }

    /// The same scores, only some metrics and data sets of them.
    pub(crate) fn only(&self, keep: impl Fn(&ScoreRow) -> bool) -> Self {
        Self::new(self.rows.iter().copied().filter(|row| keep(row)).collect())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(crate) fn rows(&self) -> &[&'a ScoreRow] {
        &self.rows
    }

    pub(crate) fn models(&self) -> Vec<&'a str> {
        distinct(self.rows.iter().map(|row| row.cell.model.as_str()))
    }

    pub(crate) fn places(&self) -> Vec<Place<'a>> {
        distinct(self.rows.iter().map(|row| Place::of(&row.cell)))
    }

    pub(crate) fn metrics(&self) -> Vec<&'a str> {
        distinct(self.rows.iter().map(|row| row.metric.as_str()))
    }

    /// All settings, raw first.
    pub(crate) fn settings(&self) -> Vec<Setting<'a>> {
        let mut settings = distinct(self.rows.iter().map(|row| Setting::of(&row.cell)));
        settings.sort_by_key(|setting| !setting.is_raw());
        settings
    }

    /// The settings that a data set was evaluated with, raw first.
    pub(crate) fn settings_at(&self, place: Place<'a>) -> Vec<Setting<'a>> {
        let here = self.rows.iter().map(|row| &row.cell);
        let here = here
            .filter(|cell| Place::of(cell) == place)
            .map(Setting::of);
        let mut settings = distinct(here);
        settings.sort_by_key(|setting| !setting.is_raw());
        settings
    }

    pub(crate) fn row(
        &self,
        model: &'a str,
        place: Place<'a>,
        setting: Setting<'a>,
        metric: &'a str,
    ) -> Option<&'a ScoreRow> {
        self.found.get(&(model, place, setting, metric)).copied()
    }

    /// The signature of any row of a setting.
    pub(crate) fn signature(&self, place: Place<'a>, setting: Setting<'a>) -> Option<&'a str> {
        let mut rows = self.rows.iter();
        let own =
            rows.find(|row| Place::of(&row.cell) == place && Setting::of(&row.cell) == setting)?;
        Some(&own.signature)
    }

    /// The values of one metric, in the order of `settings`: bold what no other setting that competes exceeds, as printed.
    /// Oracles and transductive methods do not compete. `more` is written behind a value.
    pub(crate) fn values(
        &self,
        model: &'a str,
        place: Place<'a>,
        settings: &[Setting<'a>],
        metric: &'a str,
        more: impl Fn(&ScoreRow) -> String,
    ) -> Vec<Entry> {
        let rows: Vec<_> = settings
            .iter()
            .map(|&setting| (setting, self.row(model, place, setting, metric)))
            .collect();
        let competing = rows.iter().filter(|(setting, _)| setting.competes());
        let best = best(
            metric,
            competing.filter_map(|(_, row)| Some(row.as_ref()?.value)),
        );
        let entry = |(setting, row): &(Setting<'_>, Option<&ScoreRow>)| match row {
            Some(row) => {
                let value = shown(metric, row.value);
                Entry {
                    strong: setting.competes() && best == Some(judged(metric, row.value)),
                    text: value + &more(row),
                }
            }
            None => Entry::plain(ABSENT),
        };
        rows.iter().map(entry).collect()
    }

    /// Name of a data set in a header; none where there is only one, which the caption names.
    pub(crate) fn place_label(&self, place: Place<'a>) -> String {
        match self.places().len() {
            1 => String::new(),
            _ => place.label(),
        }
    }

    /// Sizes of the evaluated splits: `blocks: 5,000 queries, 1,000 gallery items`.
    pub(crate) fn sizes(&self) -> String {
        let size = |row: &&ScoreRow| {
            let (queries, gallery) = (grouped(row.n_queries), grouped(row.n_gallery));
            let place = Place::of(&row.cell).label();
            let (query, item) = (
                plural(row.n_queries, "query"),
                plural(row.n_gallery, "gallery item"),
            );
            format!("{place}: n = {queries} {query}, {gallery} {item}")
        };
        distinct(self.rows.iter().map(size)).join("; ")
    }

    /// Names and sizes of the reference sets; empty without any.
    pub(crate) fn references(&self) -> String {
        let cells = self.rows.iter().map(|row| &row.cell);
        let named = cells.filter(|cell| !cell.reference_set.is_empty());
        let sets = distinct(named.map(|cell| (&cell.reference_set, cell.reference_size)));
        let set = |(name, size): &(&String, usize)| {
            format!("{name} ({} {})", grouped(*size), plural(*size, "item"))
        };
        sets.iter().map(set).collect::<Vec<_>>().join(", ")
    }
}
