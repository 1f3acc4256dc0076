//! What a run prints at its end.

use crate::layout::{ORACLE, Place, best};
use crate::lines::{Column, Entry, Style, lines};
use crate::number::{distinct, grouped, scale, shown, signed};
use crate::record::{CellId, Interval, ScoreRow};

/// Marks what was chosen on held-out items.
const VALIDATION: &str = "‡";

/// The metric that is shown with its interval and its gain, where it was measured.
const HEADLINE: &str = "R@1";

/// What is shown beside it.
const COMPANIONS: [&str; 3] = ["R@5", "R@10", "MedR"];

/// How many other metrics are shown where the headline was not measured.
const OTHERS: usize = 4;

/// The smallest p-value that is printed as a number.
const SMALLEST_P: f64 = 0.0001;

/// The scores as text: a block for each model, data set and direction, in the order of the rows.
///
/// Raw comes first, then every method in the given order with its reference set and parameters: R@1 with its 95 %
/// bootstrap interval, R@5, R@10, the median rank, the gain over raw with its interval and p-value, and the skewness of
/// the k-occurrences (its value before is raw's). Columns that were not measured are left out; where R@1 was not, the
/// first metric takes its place. Fractions are in percent. The best R@1 is bold, or starred without colour; rows chosen
/// on the evaluated queries (oracle) are marked and do not compete.
#[must_use]
pub fn summary(rows: &[ScoreRow], style: Style) -> String {
    if rows.is_empty() {
        return "No scores.\n".to_owned();
    }
    let mut blocks: Vec<String> = distinct(rows.iter().map(|row| Spot::of(&row.cell)))
        .into_iter()
        .map(|spot| block(spot, rows, style))
        .collect();
    blocks.push(legend(rows, style));
    blocks.join("\n")
}

/// What a block is about.
#[derive(Clone, Copy, PartialEq)]
struct Spot<'a> {
    model: &'a str,
    place: Place<'a>,
    direction: &'a str,
}

impl<'a> Spot<'a> {
    fn of(cell: &'a CellId) -> Self {
        Self {
            model: &cell.model,
            place: Place::of(cell),
            direction: &cell.direction,
        }
    }
}

/// The rows of one cell.
struct Line<'a> {
    cell: &'a CellId,
    rows: Vec<&'a ScoreRow>,
}

impl Line<'_> {
    fn row(&self, metric: &str) -> Option<&ScoreRow> {
        self.rows.iter().copied().find(|row| row.metric == metric)
    }

    fn is_oracle(&self) -> bool {
        self.cell.chosen == "oracle"
    }

    fn method(&self) -> String {
        let mark = match self.cell.chosen.as_str() {
            "oracle" => ORACLE,
            "validation" => VALIDATION,
            _ => "",
        };
        format!("{}{mark}", self.cell.method)
    }
}

fn block(spot: Spot<'_>, rows: &[ScoreRow], style: Style) -> String {
    let rows: Vec<_> = rows
        .iter()
        .filter(|row| Spot::of(&row.cell) == spot)
        .collect();
    let title = title(spot, &rows);
    let mut text = vec![title, String::new()];
    text.extend(lines(columns(&rows), style));
    text.join("\n") + "\n"
}

fn title(spot: Spot<'_>, rows: &[&ScoreRow]) -> String {
    let size = |row: &&ScoreRow| (row.n_queries, row.n_gallery);
    let (queries, gallery) = rows.first().map_or((0, 0), size);
    format!(
        "{}, {}, {}: {} queries x {} gallery items",
        spot.model,
        spot.place.label(),
        spot.direction,
        grouped(queries),
        grouped(gallery)
    )
}

/// The cells of a block, raw first.
fn cells<'a>(rows: &[&'a ScoreRow]) -> Vec<Line<'a>> {
    let mut cells = distinct(rows.iter().map(|row| &row.cell));
    cells.sort_by_key(|cell| cell.method != "raw");
    let line = |cell| Line {
        cell,
        rows: rows
            .iter()
            .copied()
            .filter(|row| row.cell == *cell)
            .collect(),
    };
    cells.into_iter().map(line).collect()
}

/// The metric with interval and gain, those beside it, and those behind.
fn metrics<'a>(rows: &[&'a ScoreRow]) -> (&'a str, Vec<&'a str>, Vec<&'a str>) {
    let measured = distinct(rows.iter().map(|row| row.metric.as_str()));
    if !measured.contains(&HEADLINE) {
        let mut measured = measured.into_iter();
        let headline = measured.next().unwrap_or_default();
        return (headline, measured.take(OTHERS).collect(), Vec::new());
    }
    let companions = COMPANIONS
        .into_iter()
        .filter(|metric| measured.contains(metric));
    let skewness = measured
        .iter()
        .copied()
        .filter(|metric| metric.starts_with("k_skewness@"));
    (HEADLINE, companions.collect(), skewness.take(1).collect())
}

fn columns(rows: &[&ScoreRow]) -> Vec<Column> {
    let cells = cells(rows);
    let (headline, companions, hubness) = metrics(rows);
    let text = |get: fn(&Line<'_>) -> String| cells.iter().map(move |cell| Entry::from(get(cell)));
    let of = |metric: &'_ str, show: fn(&ScoreRow) -> String| {
        let shown = |cell: &Line<'_>| Entry::from(cell.row(metric).map_or(String::new(), show));
        cells.iter().map(shown).collect::<Vec<_>>().into_iter()
    };
    let mut columns = vec![
        Column::names("Method", 8, text(|cell| cell.method())),
        Column::names(
            "Reference set",
            10,
            text(|cell| cell.cell.reference_set.clone()),
        ),
        Column::names("Parameters", 10, text(|cell| cell.cell.params.clone())),
        Column::numbers(&format!("{headline} [95 %]"), headlines(&cells, headline)),
    ];
    columns.extend(
        companions
            .iter()
            .map(|metric| Column::numbers(metric, of(metric, value))),
    );
    columns.push(Column::numbers("gain [95 %]", of(headline, gain)));
    columns.push(Column::numbers("p", of(headline, p_value)));
    let name = |metric: &str| metric.replace("k_skewness", "skew");
    columns.extend(
        hubness
            .iter()
            .map(|metric| Column::numbers(&name(metric), of(metric, value))),
    );
    columns
}

/// The headline metric with its interval, the best one set off.
fn headlines<'a>(cells: &'a [Line<'a>], metric: &'a str) -> impl Iterator<Item = Entry> + 'a {
    let competing = cells.iter().filter(|cell| !cell.is_oracle());
    let best = best(
        metric,
        competing.filter_map(|cell| Some(cell.row(metric)?.value)),
    );
    cells.iter().map(move |cell| match cell.row(metric) {
        Some(row) => Entry {
            strong: !cell.is_oracle() && best == Some(shown(metric, row.value)),
            text: shown(metric, row.value) + &bracketed(row.ci, |bound| shown(metric, bound)),
        },
        None => Entry::default(),
    })
}

fn bracketed(interval: Option<Interval>, show: impl Fn(f64) -> String) -> String {
    let text = |i: Interval| format!(" [{}, {}]", show(i.low), show(i.high));
    interval.map_or(String::new(), text)
}

/// Ranks need one decimal at most: a median moves in halves.
fn value(row: &ScoreRow) -> String {
    match row.metric.as_str() {
        "MedR" => format!("{:.1}", row.value),
        metric => shown(metric, row.value),
    }
}

fn gain(row: &ScoreRow) -> String {
    let show = |difference| signed(&row.metric, difference);
    row.gain.map_or(String::new(), |gain| {
        show(gain.delta) + &bracketed(gain.interval, show)
    })
}

fn p_value(row: &ScoreRow) -> String {
    match row.gain.and_then(|gain| gain.p_value) {
        None => String::new(),
        Some(p) if p < SMALLEST_P => format!("<{SMALLEST_P}"),
        Some(p) => format!("{p:.4}"),
    }
}

/// What the marks and brackets mean, as far as they occur.
fn legend(rows: &[ScoreRow], style: Style) -> String {
    let chosen = |word: &str| rows.iter().any(|row| row.cell.chosen == word);
    let percent = rows.iter().any(|row| scale(&row.metric) > 1.0);
    let best = if style.color { "Bold" } else { "*" };
    let sentences = [
        (percent, "Percent; gains in points over raw.".to_owned()),
        (true, format!("{best}: the best of a block.")),
        (
            rows.iter().any(|row| row.ci.is_some()),
            "[ ]: 95 % bootstrap by image.".to_owned(),
        ),
        (
            has_p(rows),
            "p: paired randomisation test, two-sided.".to_owned(),
        ),
    ];
    let said = sentences
        .into_iter()
        .filter(|(said, _)| *said)
        .map(|(_, text)| text);
    let mut lines = vec![said.collect::<Vec<_>>().join(" ")];
    if chosen("validation") {
        lines.push(format!(
            "{VALIDATION} Parameters chosen on held-out training items."
        ));
    }
    if chosen("oracle") {
        lines.push(format!(
            "{ORACLE} Parameters chosen on the evaluated queries themselves (oracle): an upper bound, not a result."
        ));
    }
    lines.join("\n") + "\n"
}

fn has_p(rows: &[ScoreRow]) -> bool {
    let p_values = rows.iter().filter_map(|row| row.gain?.p_value);
    p_values.count() > 0
}
