//! One column per dimension: names with a common stem and a number, such as `emb_0` to `emb_511`.

use super::types;
use crate::file_error::FileProblem;
use arrow_schema::{Field, Fields};
use std::collections::BTreeMap;

/// The columns of a stem.
pub(super) struct Wide<'a> {
    stem: &'a str,
    /// By their numbers.
    columns: Vec<(u32, &'a Field)>,
}

/// The groups of columns with numbers in the order of the numbers; one column is none, and neither are texts.
pub(super) fn groups(fields: &Fields) -> Vec<Wide<'_>> {
    let mut stems: BTreeMap<&str, Vec<(u32, &Field)>> = BTreeMap::new();
    for field in fields {
        let stem = field
            .name()
            .trim_end_matches(|it: char| it.is_ascii_digit());
        if let Ok(number) = field.name()[stem.len()..].parse() {
            stems.entry(stem).or_default().push((number, field));
        }
    }
    let numbers = |columns: &[(u32, &Field)]| {
        columns.len() > 1
            && columns
                .iter()
                .any(|(_, it)| types::is_number(it.data_type()))
    };
    let groups = stems.into_iter().filter(|(_, columns)| numbers(columns));
    let sorted = groups.map(|(stem, mut columns)| {
        columns.sort_by_key(|(number, _)| *number);
        Wide { stem, columns }
    });
    sorted.collect()
}

impl Wide<'_> {
    /// `emb_0 to emb_511`.
    pub(super) fn label(&self) -> String {
        let name = |at: Option<&(u32, &Field)>| at.map_or("", |(_, it)| it.name()).to_owned();
        let (first, last) = (self.columns.first(), self.columns.last());
        format!("{} to {}", name(first), name(last))
    }

    /// What the columns hold, for messages.
    pub(super) fn kind(&self) -> String {
        let kind = self
            .columns
            .first()
            .map(|(_, it)| types::name(it.data_type()));
        format!(
            "{} columns of {}",
            self.columns.len(),
            kind.unwrap_or_default()
        )
    }

    /// Whether a key means these columns: their stem, with or without what joins it to the numbers, or their label.
    pub(super) fn is_called(&self, key: &str) -> bool {
        let bare = self.stem.trim_end_matches(['_', '-', '.', ' ']);
        key == self.label() || (!bare.is_empty() && (key == self.stem || key == bare))
    }

    /// Names in order, once the numbers count on from 0 or 1 and all columns hold numbers.
    pub(super) fn names(&self) -> Result<Vec<String>, FileProblem> {
        let begin = self
            .columns
            .first()
            .map_or(0, |(number, _)| (*number).min(1));
        for (expected, (number, field)) in (begin..).zip(&self.columns) {
            if *number > expected {
                return Err(self.refuse(format!("{}{expected} is missing", self.stem)));
            }
            if *number < expected {
                return Err(self.refuse(format!("{:?} is there twice as a number", field.name())));
            }
            if !types::is_number(field.data_type()) {
                let kind = types::name(field.data_type());
                return Err(self.refuse(format!("{:?} is of type {kind}", field.name())));
            }
        }
        let names = self.columns.iter().map(|(_, field)| field.name().clone());
        Ok(names.collect())
    }

    fn refuse(&self, detail: String) -> FileProblem {
        FileProblem::Unusable(format!(
            "{} are not one column per dimension: {detail}; expected numbers that count on from 0 or 1",
            self.label()
        ))
    }
}
