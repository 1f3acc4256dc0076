//! The middle form of a summary: one table of all methods under all setups.

use crate::number::{distinct, shown, signed};
use crate::records::ScoreRow;
use crate::terminal::lines::{Column, Style, lines};
use crate::terminal::setups::{
    Cell, Measured, best_mark, best_of, common_headline, filled, is_best, name, short_notes, units,
    with_legend,
};
use crate::wording::Entry;

/// Marks a gain with a small p-value.
const SMALL_P: &str = "°";

/// Below which a p-value is marked.
const SMALL: f64 = 0.05;

/// How the table is laid out.
#[derive(Clone, Copy)]
pub(crate) struct Form {
    /// Whether every reference set has columns of its own, not lines.
    side_by_side: bool,
    /// Whether small p-values are marked.
    marks: bool,
}

/// All forms, the preferred one first.
pub(crate) const FORMS: [Form; 4] = [
    Form::new(false, true),
    Form::new(false, false),
    Form::new(true, true),
    Form::new(true, false),
];

impl Form {
    const fn new(side_by_side: bool, marks: bool) -> Self {
        Self {
            side_by_side,
            marks,
        }
    }
}

/// What a line of the table is about, under whatever setup.
#[derive(Clone, PartialEq)]
struct Line<'a> {
    /// The method with its marks.
    method: String,
    /// Empty where reference sets have columns.
    reference_set: &'a str,
    /// Those of a fixed setting; chosen ones may differ between setups.
    params: &'a str,
    /// How many of the same name stand before it in a setup.
    before: usize,
}

/// What a column is about.
struct Head<'a, 'r> {
    setup: &'r Measured<'a>,
    /// The one reference set whose cells it has, with those that read none; absent if it has all.
    reference_set: Option<&'a str>,
}

impl<'a, 'r> Head<'a, 'r> {
    fn cells(&self) -> impl Iterator<Item = &'r Cell<'a>> + use<'a, 'r> {
        let (only, metric) = (self.reference_set, self.setup.headline);
        let own = move |cell: &&Cell<'a>| {
            let set = cell.id.reference_set.as_str();
            let has = set.is_empty() || only.is_none_or(|only| only == set);
            has && cell.row(metric).is_some()
        };
        self.setup.cells.iter().filter(own)
    }

    /// Its cells with the lines that they stand in.
    fn lined(&self) -> Vec<(Line<'a>, &'r Cell<'a>)> {
        let mut lined: Vec<(Line<'a>, &Cell<'a>)> = Vec::new();
        for cell in self.cells() {
            let is_fixed = cell.id.chosen == "fixed";
            let mut line = Line {
                method: cell.method(),
                reference_set: match self.reference_set {
                    Some(_) => "",
                    None => &cell.id.reference_set,
                },
                params: if is_fixed { &cell.id.params } else { "" },
                before: 0,
            };
            while lined.iter().any(|(other, _)| *other == line) {
                line.before += 1;
            }
            lined.push((line, cell));
        }
        lined
    }
}

/// The table and what its marks mean; none where it has more lines than fit anyway.
pub(crate) fn overview(setups: &[Measured<'_>], form: Form, style: Style) -> Option<Vec<String>> {
    let heads = heads(setups, form);
    let lined: Vec<_> = heads.iter().map(Head::lined).collect();
    let all = all_lines(&lined);
    if all.len() > style.height {
        return None;
    }
    let mut columns = vec![
        Column::names("Method", 6, all.iter().map(|it| Entry::plain(&it.method))),
        Column::names(
            "Reference set",
            6,
            all.iter().map(|it| Entry::plain(it.reference_set)),
        )
        .spanning(),
        Column::names("Parameters", 10, told_apart(&all).into_iter()),
    ];
    for (head, lined) in heads.iter().zip(&lined) {
        let found = |line| lined.iter().find(|(own, _)| own == line);
        let cells: Vec<_> = all.iter().map(|it| Some(found(it)?.1)).collect();
        let entries = entries(&cells, head.setup.headline, form);
        let column = Column::numbers(&title(head, setups), entries.into_iter());
        columns.push(column.under_a_low_title());
    }
    let legend = legend(setups, form, style);
    Some(with_legend(lines(columns, style), legend, style))
}

fn heads<'a, 'r>(setups: &'r [Measured<'a>], form: Form) -> Vec<Head<'a, 'r>> {
    let of = |setup: &'r Measured<'a>| {
        let sets = setup
            .cells
            .iter()
            .map(|cell| cell.id.reference_set.as_str());
        let sets = distinct(sets.filter(|set| !set.is_empty()));
        let sets = match form.side_by_side && !sets.is_empty() {
            true => sets.into_iter().map(Some).collect(),
            false => vec![None],
        };
        let head = move |reference_set| Head {
            setup,
            reference_set,
        };
        sets.into_iter().map(head)
    };
    setups.iter().flat_map(of).collect()
}

/// The lines of all columns: raw first, then by reference set.
fn all_lines<'a>(lined: &[Vec<(Line<'a>, &Cell<'a>)>]) -> Vec<Line<'a>> {
    let mut all: Vec<(Line<'a>, bool)> = Vec::new();
    for (line, cell) in lined.iter().flatten() {
        if !all.iter().any(|(other, _)| other == line) {
            all.push((line.clone(), cell.is_raw()));
        }
    }
    let sets = distinct(all.iter().map(|(line, _)| line.reference_set));
    let place = |set: &str| sets.iter().position(|other| *other == set);
    all.sort_by_key(|(line, is_raw)| (!is_raw, place(line.reference_set)));
    all.into_iter().map(|(line, _)| line).collect()
}

/// The parameters of lines that differ from another one in nothing else.
fn told_apart(all: &[Line<'_>]) -> Vec<Entry> {
    let entry = |line: &Line<'_>| {
        let same = |other: &&Line<'_>| {
            other.method == line.method && other.reference_set == line.reference_set
        };
        let is_alone = all.iter().filter(same).count() == 1;
        Entry::plain(if is_alone { "" } else { line.params })
    };
    all.iter().map(entry).collect()
}

fn title(head: &Head<'_, '_>, setups: &[Measured<'_>]) -> String {
    let mut title = name(head.setup, setups);
    if common_headline(setups).is_none() {
        title += &format!(" {}", head.setup.headline);
    }
    match head.reference_set {
        Some(set) => format!("{title}\n{set}"),
        None => title,
    }
}

/// Values and gains below one another, `28.50 +13.40`, the best value set off.
fn entries(cells: &[Option<&Cell<'_>>], metric: &str, form: Form) -> Vec<Entry> {
    let best = best_of(cells.iter().copied().flatten(), metric);
    let rows = cells.iter().map(|cell| cell.and_then(|it| it.row(metric)));
    let rows: Vec<Option<&ScoreRow>> = rows.collect();
    let gains = rows.iter().map(|row| row.map_or(String::new(), gain));
    let gains: Vec<String> = gains.collect();
    let width = gains.iter().map(String::len).max().unwrap_or(0);
    let marks = rows
        .iter()
        .map(|row| form.marks && row.is_some_and(is_small));
    let marks: Vec<bool> = marks.collect();
    let room = usize::from(marks.contains(&true));
    let entry = |at: usize| {
        let (Some(cell), Some(row)) = (cells[at], rows[at]) else {
            return Entry::default();
        };
        let mark = if marks[at] { SMALL_P } else { "" };
        let gain = &gains[at];
        Entry {
            text: format!("{}{gain:>width$}{mark:room$}", shown(metric, row.value)),
            strong: is_best(cell, row, best.as_deref()),
        }
    };
    (0..cells.len()).map(entry).collect()
}

/// ` +13.40`, or nothing.
fn gain(row: &ScoreRow) -> String {
    let text = |delta| format!(" {}", signed(&row.metric, delta));
    row.gain.map_or(String::new(), |gain| text(gain.delta))
}

fn is_small(row: &ScoreRow) -> bool {
    let p = row.gain.and_then(|gain| gain.p_value);
    p.is_some_and(|p| p < SMALL)
}

fn legend(setups: &[Measured<'_>], form: Form, style: Style) -> Vec<String> {
    let best = best_mark(style);
    let cells = setups
        .iter()
        .flat_map(|it| it.cells.iter().map(move |cell| (it, cell)));
    let mut rows = cells.filter_map(|(it, cell)| cell.row(it.headline));
    let small = form.marks && rows.any(is_small);
    let small = small.then(|| format!("{SMALL_P}: p < {SMALL}, not corrected."));
    let sentences = [units(setups), format!("{best}: the best of a column.")];
    let sentences = sentences.into_iter().chain(small);
    filled(sentences.chain(short_notes(setups)), style)
}
