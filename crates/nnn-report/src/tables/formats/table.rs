//! A table in plain text, whatever the format it is written in.

use crate::wording::{ABSENT, Entry};

/// A table with as many columns or fewer is laid out as in the paper; a wider one has a line for each method.
pub(crate) const WIDEST: usize = 12;

/// A line of a table.
pub(crate) struct Row {
    /// As many as the table has label columns.
    pub(crate) labels: Vec<String>,
    /// As many as every header level has.
    pub(crate) entries: Vec<Entry>,
}

impl Row {
    /// Whether the line says anything.
    pub(crate) fn has_numbers(&self) -> bool {
        self.entries.iter().any(|entry| entry.text != ABSENT)
    }
}

/// A table in plain text; the writers escape.
#[derive(Default)]
pub(crate) struct Table {
    /// What tells it from the other tables of its file.
    pub(crate) part: String,
    pub(crate) title: String,
    /// Sentences of the caption.
    pub(crate) notes: Vec<String>,
    /// Names of the label columns.
    pub(crate) labels: Vec<String>,
    /// Header levels from the outermost, each with one text per column; equal neighbours of an outer level share one.
    pub(crate) header: Vec<Vec<String>>,
    pub(crate) rows: Vec<Row>,
}

/// A run of columns that share a header.
pub(super) struct Span<'a> {
    pub(super) text: &'a str,
    pub(super) columns: usize,
}

impl Table {
    /// Drops the header levels that say nothing.
    pub(crate) fn without_empty_levels(mut self) -> Self {
        self.header
            .retain(|level| level.iter().any(|text| !text.is_empty()));
        self
    }

    /// The spans of a level: neighbours with equal texts in it and in all levels outside it. The columns of the
    /// innermost level stay apart.
    pub(super) fn spans(&self, level: usize) -> Vec<Span<'_>> {
        let texts = &self.header[level];
        let innermost = level + 1 == self.header.len();
        let mut spans: Vec<Span<'_>> = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            let joined = at > 0 && !innermost && self.is_alike(level, at);
            match spans.last_mut() {
                Some(span) if joined => span.columns += 1,
                _ => spans.push(Span { text, columns: 1 }),
            }
        }
        spans
    }

    /// Whether a column and the one before it have equal texts down to a level.
    fn is_alike(&self, level: usize, column: usize) -> bool {
        let levels = &self.header[..=level];
        levels
            .iter()
            .all(|texts| texts[column - 1] == texts[column])
    }
}
