//! The scores by setup and cell, and what the forms of a summary say in the same words.

use crate::answer::headline;
use crate::number::{self, best, distinct, judged, scale, shown};
use crate::records::trial::Setup;
use crate::records::{CellId, ScoreRow};
use crate::terminal::lines::{Style, wrapped};
use crate::wording::{VALIDATION, held_out_mark, marks};

/// The rows of one cell.
pub(crate) struct Cell<'a> {
    pub(crate) id: &'a CellId,
    rows: Vec<&'a ScoreRow>,
}

impl<'a> Cell<'a> {
    pub(crate) fn row(&self, metric: &str) -> Option<&'a ScoreRow> {
        self.rows.iter().copied().find(|row| row.metric == metric)
    }

    pub(crate) fn is_raw(&self) -> bool {
        self.id.method == "raw"
    }

    /// The method with its marks.
    pub(crate) fn method(&self) -> String {
        let CellId { method, chosen, .. } = self.id;
        let marks = marks(self.id.is_transductive(), chosen);
        format!("{method}{marks}{}", held_out_mark(chosen))
    }
}

/// One model on one data set in one direction, with all that was measured there.
pub(crate) struct Measured<'a> {
    pub(crate) setup: Setup<'a>,
    pub(crate) rows: Vec<&'a ScoreRow>,
    /// Raw first.
    pub(crate) cells: Vec<Cell<'a>>,
    /// The metric that its methods are judged by.
    pub(crate) headline: &'a str,
}

/// The setups in the order of the rows.
pub(crate) fn measured(rows: &[ScoreRow]) -> Vec<Measured<'_>> {
    let setups = distinct(rows.iter().map(|row| Setup::of(&row.cell)));
    let of = |setup| {
        let rows: Vec<_> = rows
            .iter()
            .filter(|row| Setup::of(&row.cell) == setup)
            .collect();
        Measured {
            setup,
            headline: headline(rows.iter().copied()).unwrap_or_default(),
            cells: cells(&rows),
            rows,
        }
    };
    setups.into_iter().map(of).collect()
}

fn cells<'a>(rows: &[&'a ScoreRow]) -> Vec<Cell<'a>> {
    let mut cells = distinct(rows.iter().map(|row| &row.cell));
    cells.sort_by_key(|cell| cell.method != "raw");
    let cell = |id| Cell {
        id,
        rows: rows.iter().copied().filter(|row| row.cell == *id).collect(),
    };
    cells.into_iter().map(cell).collect()
}

/// The best value of a metric among the cells that compete, as it is judged.
pub(crate) fn best_of<'a>(
    cells: impl Iterator<Item = &'a Cell<'a>>,
    metric: &str,
) -> Option<String> {
    let competing = cells.filter(|cell| cell.id.competes());
    best(
        metric,
        competing.filter_map(|cell| Some(cell.row(metric)?.value)),
    )
}

/// Whether a row is the best: it competes, and its value is judged as the best one is.
pub(crate) fn is_best(cell: &Cell<'_>, row: &ScoreRow, best: Option<&str>) -> bool {
    cell.id.competes() && best == Some(judged(&row.metric, row.value).as_str())
}

/// Ranks need one decimal at most: a median moves in halves.
pub(crate) fn value(row: &ScoreRow) -> String {
    match row.metric.as_str() {
        "MedR" => format!("{:.1}", row.value),
        metric => shown(metric, row.value),
    }
}

pub(crate) fn p_value(row: &ScoreRow) -> String {
    let p = row.gain.and_then(|gain| gain.p_value);
    p.map_or(String::new(), number::p_value)
}

/// The metric that all setups are judged by; none where they differ in it.
pub(crate) fn common_headline<'a>(setups: &[Measured<'a>]) -> Option<&'a str> {
    match distinct(setups.iter().map(|it| it.headline)).as_slice() {
        [metric] => Some(metric),
        _ => None,
    }
}

/// What the numbers of a table of headlines are, in a sentence.
pub(crate) fn units(setups: &[Measured<'_>]) -> String {
    match common_headline(setups) {
        Some(metric) if scale(metric) > 1.0 => {
            format!("{metric} in percent, gains over raw in points.")
        }
        Some(metric) => format!("{metric}, and gains over raw."),
        None => "Fractions in percent, gains over raw in points.".to_owned(),
    }
}

/// A setup by as many of its names as tell it from others: model where there are several, data set, direction.
pub(crate) fn name(it: &Measured<'_>, setups: &[Measured<'_>]) -> String {
    let models = distinct(setups.iter().map(|it| it.setup.model));
    let model = if models.len() > 1 { it.setup.model } else { "" };
    let place = it.setup.place.label();
    let name = format!("{model} {place} {}", it.setup.direction);
    name.trim_start().to_owned()
}

/// How the best is set off.
pub(crate) fn best_mark(style: Style) -> &'static str {
    if style.color { "Bold" } else { "*" }
}

/// What the marks of methods mean, in few words, as far as they occur.
pub(crate) fn short_notes(setups: &[Measured<'_>]) -> Vec<String> {
    let cells = || setups.iter().flat_map(|it| &it.cells);
    let notes = [
        (
            cells().any(|cell| cell.id.chosen == "validation"),
            format!("{VALIDATION}: parameters chosen on held-out items."),
        ),
        (
            cells().any(|cell| cell.id.is_transductive()),
            "†: transductive, never best.".to_owned(),
        ),
        (
            cells().any(|cell| cell.id.chosen == "oracle"),
            "‡: chosen on the evaluated queries, never best.".to_owned(),
        ),
    ];
    let said = notes.into_iter().filter(|(said, _)| *said);
    said.map(|(_, note)| note).collect()
}

/// Sentences in lines. A sentence begins a new line where it does not fit, and is broken only where it is longer than
/// any line may be.
pub(crate) fn filled(sentences: impl Iterator<Item = String>, style: Style) -> Vec<String> {
    let width = style.width.min(Style::default().width);
    let mut lines: Vec<String> = Vec::new();
    for sentence in sentences {
        let fits =
            |line: &&mut String| line.chars().count() + 1 + sentence.chars().count() <= width;
        match lines.last_mut().filter(fits) {
            Some(line) => *line += &format!(" {sentence}"),
            None => lines.extend(wrapped(&sentence, style.width)),
        }
    }
    lines
}

/// A table and what its marks mean, with a blank line between them where it fits.
pub(crate) fn with_legend(
    mut table: Vec<String>,
    legend: Vec<String>,
    style: Style,
) -> Vec<String> {
    if table.len() + legend.len() < style.height {
        table.push(String::new());
    }
    table.extend(legend);
    table
}
