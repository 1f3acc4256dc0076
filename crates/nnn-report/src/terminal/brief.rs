//! The shortest form of a summary: a line for each setup.

use crate::number::judged;
use crate::records::ScoreRow;
use crate::terminal::lines::{Column, Style, lines};
use crate::terminal::setups::{
    Cell, Measured, best_of, common_headline, filled, name, p_value, short_notes, units, value,
    with_legend,
};
use crate::wording::{Entry, gain};

/// A setup with the best of its methods.
struct Line<'a, 'r> {
    setup: &'r Measured<'a>,
    raw: Option<&'a ScoreRow>,
    best: Option<(&'r Cell<'a>, &'a ScoreRow)>,
    /// How many settings of methods compete, raw not counted.
    competing: usize,
}

impl<'a, 'r> Line<'a, 'r> {
    fn of(setup: &'r Measured<'a>) -> Self {
        let metric = setup.headline;
        let raw = setup.cells.iter().find(|cell| cell.is_raw());
        let cells = setup.cells.iter();
        let competing = cells.filter(|cell| !cell.is_raw() && cell.id.is_counted());
        let rows: Vec<_> = competing
            .filter_map(|cell| Some((cell, cell.row(metric)?)))
            .collect();
        let best = best_of(rows.iter().map(|(cell, _)| *cell), metric);
        let is_best = |row: &ScoreRow| best.as_deref() == Some(&judged(metric, row.value));
        let first = match rows.as_slice() {
            [only] => Some(only),
            several => several.iter().find(|(_, row)| is_best(row)),
        };
        Self {
            setup,
            raw: raw.and_then(|cell| cell.row(metric)),
            best: first.copied(),
            competing: rows.len(),
        }
    }
}

/// A line for each setup, as many as fit but one at least, then how many more there are and what the columns mean.
pub(crate) fn brief(setups: &[Measured<'_>], style: Style) -> Vec<String> {
    let all: Vec<_> = setups.iter().map(Line::of).collect();
    let with = |shown: usize| {
        let mut text = lines(columns(&all[..shown], setups), style);
        if shown < all.len() {
            text.push(format!("... and {} more", all.len() - shown));
        }
        with_legend(text, legend(setups, style), style)
    };
    let mut forms = (2..=all.len().min(style.height)).rev().map(with);
    let fitting = forms.find(|form| form.len() <= style.height);
    fitting.unwrap_or_else(|| with(1))
}

fn columns(shown: &[Line<'_, '_>], setups: &[Measured<'_>]) -> Vec<Column> {
    let text = |get: &dyn Fn(&Line<'_, '_>) -> String| {
        let entries = shown.iter().map(|line| Entry::plain(get(line)));
        entries.collect::<Vec<_>>().into_iter()
    };
    let best = |get: fn(&ScoreRow) -> String| {
        text(&move |line| line.best.map_or(String::new(), |(_, row)| get(row)))
    };
    let cell = |get: fn(&Cell<'_>) -> String| {
        text(&move |line| line.best.map_or(String::new(), |(cell, _)| get(cell)))
    };
    let title = |line: &Line<'_, '_>| match common_headline(setups) {
        Some(_) => name(line.setup, setups),
        None => format!("{} {}", name(line.setup, setups), line.setup.headline),
    };
    vec![
        Column::names("Setup", 10, text(&title)),
        Column::numbers("raw", text(&|line| line.raw.map_or(String::new(), value))),
        Column::numbers("best", best(value)),
        Column::names("Method", 6, cell(|it| it.method())),
        Column::names("Reference set", 6, cell(|it| it.id.reference_set.clone())),
        Column::numbers("gain [95 %]", best(gain)),
        Column::numbers("p", best(p_value)),
        Column::numbers("of", text(&|line| line.competing.to_string())),
    ]
}

fn legend(setups: &[Measured<'_>], style: Style) -> Vec<String> {
    let sentences = [
        units(setups),
        "p: not corrected.".to_owned(),
        "of: how many settings compete.".to_owned(),
    ];
    filled(sentences.into_iter().chain(short_notes(setups)), style)
}
