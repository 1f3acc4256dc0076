//! What a run prints at its end.

use crate::number::{self, best, distinct, grouped, judged, scale, shown, signed};
use crate::records::trial::Setup;
use crate::records::{CellId, Interval, ScoreRow};
use crate::terminal::lines::{Column, Style, lines};
use crate::wording::{Entry, mark_notes, marks, resampled};

/// Marks what was chosen on held-out items.
const VALIDATION: &str = "§";

/// The metric that is shown with its interval and its gain, where it was measured.
const HEADLINE: &str = "R@1";

/// What is shown beside it.
const COMPANIONS: [&str; 3] = ["R@5", "R@10", "MedR"];

/// How the names of the hubness metric begin that is shown last.
const SKEWNESS: &str = "k_skewness@";

/// How many other metrics are shown where the headline was not measured.
const OTHERS: usize = 4;

/// The scores as text: a block for each model, data set and direction, in the order of the rows.
///
/// Raw comes first, then every method in the given order with its reference set and parameters: R@1 with its 95 %
/// bootstrap interval, R@5, R@10, the median rank, the gain over raw with its interval and p-value, and the skewness of
/// the k-occurrences (its value before is raw's). Columns that were not measured are left out; where R@1 was not, the
/// first metric takes its place. Fractions are in percent. The best R@1 is bold, or starred without colour; rows chosen
/// on the evaluated queries (oracle) and transductive methods are marked and do not compete.
#[must_use]
pub fn summary(rows: &[ScoreRow], style: Style) -> String {
    if rows.is_empty() {
        return "No scores.\n".to_owned();
    }
    let mut blocks: Vec<String> = distinct(rows.iter().map(|row| Setup::of(&row.cell)))
        .into_iter()
        .map(|setup| block(setup, rows, style))
        .collect();
    blocks.push(legend(rows, style));
    blocks.join("\n")
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

    fn competes(&self) -> bool {
        self.cell.chosen != "oracle" && !self.cell.is_transductive()
    }

    fn method(&self) -> String {
        let CellId { method, chosen, .. } = self.cell;
        let marks = marks(self.cell.is_transductive(), chosen);
        let validation = if chosen == "validation" {
            VALIDATION
        } else {
            ""
        };
        format!("{method}{marks}{validation}")
    }
}

fn block(setup: Setup<'_>, rows: &[ScoreRow], style: Style) -> String {
    let rows: Vec<_> = rows
        .iter()
        .filter(|row| Setup::of(&row.cell) == setup)
        .collect();
    let title = title(setup, &rows);
    let mut text = vec![title, String::new()];
    text.extend(lines(columns(&rows), style));
    text.join("\n") + "\n"
}

fn title(setup: Setup<'_>, rows: &[&ScoreRow]) -> String {
    let size = |row: &&ScoreRow| (row.n_queries, row.n_gallery);
    let row = rows.iter().find(|row| row.ci.is_some());
    let by = row.map(|row| {
        let by = resampled(&row.cluster, row.n_clusters);
        format!("; intervals {by}")
    });
    let (queries, gallery) = rows.first().map_or((0, 0), size);
    format!(
        "{}, {}, {}: {} queries x {} gallery items{}",
        setup.model,
        setup.place.label(),
        setup.direction,
        grouped(queries),
        grouped(gallery),
        by.unwrap_or_default()
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
fn metrics<'a>(rows: &[&'a ScoreRow]) -> (&'a str, Vec<&'a str>, Option<&'a str>) {
    let measured = distinct(rows.iter().map(|row| row.metric.as_str()));
    if !measured.contains(&HEADLINE) {
        let mut measured = measured.into_iter();
        let headline = measured.next().unwrap_or_default();
        return (headline, measured.take(OTHERS).collect(), None);
    }
    let companions = COMPANIONS
        .into_iter()
        .filter(|metric| measured.contains(metric));
    let companions = companions.collect();
    let skewness = measured
        .into_iter()
        .find(|metric| metric.starts_with(SKEWNESS));
    (HEADLINE, companions, skewness)
}

fn columns(rows: &[&ScoreRow]) -> Vec<Column> {
    let cells = cells(rows);
    let (headline, companions, hubness) = metrics(rows);
    let text = |get: fn(&Line<'_>) -> String| cells.iter().map(move |cell| Entry::plain(get(cell)));
    let of = |metric: &'_ str, show: fn(&ScoreRow) -> String| {
        let shown = |cell: &Line<'_>| Entry::plain(cell.row(metric).map_or(String::new(), show));
        cells.iter().map(shown).collect::<Vec<_>>().into_iter()
    };
    let mut columns = vec![
        Column::names("Method", 6, text(|cell| cell.method())),
        Column::names(
            "Reference set",
            9,
            text(|cell| cell.cell.reference_set.clone()),
        ),
        Column::names("Parameters", 12, text(|cell| cell.cell.params.clone())),
        Column::numbers(&format!("{headline} [95 %]"), headlines(&cells, headline)),
    ];
    for metric in companions {
        columns.push(Column::numbers(metric, of(metric, value)));
    }
    columns.push(Column::numbers("gain [95 %]", of(headline, gain)));
    columns.push(Column::numbers("p", of(headline, p_value)));
    columns.extend(hubness.map(|metric| Column::numbers("skew", of(metric, value))));
    columns
}

/// The headline metric with its interval, the best one set off.
fn headlines<'a>(cells: &'a [Line<'a>], metric: &'a str) -> impl Iterator<Item = Entry> + 'a {
    let competing = cells.iter().filter(|cell| cell.competes());
    let best = best(
        metric,
        competing.filter_map(|cell| Some(cell.row(metric)?.value)),
    );
    cells.iter().map(move |cell| match cell.row(metric) {
        Some(row) => Entry {
            strong: cell.competes() && best == Some(judged(metric, row.value)),
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
        show(gain.delta) + &bracketed(gain.interval, |bound| shown(&row.metric, bound))
    })
}

fn p_value(row: &ScoreRow) -> String {
    let p = row.gain.and_then(|gain| gain.p_value);
    p.map_or(String::new(), number::p_value)
}

/// What the marks and brackets mean, as far as they occur.
fn legend(rows: &[ScoreRow], style: Style) -> String {
    let any = |holds: &dyn Fn(&ScoreRow) -> bool| rows.iter().any(holds);
    let best = if style.color { "Bold" } else { "*" };
    let sentences = [
        (
            any(&|row| scale(&row.metric) > 1.0),
            "Percent; gains over raw in points.".to_owned(),
        ),
        (true, format!("{best}: the best of a block.")),
        (
            any(&|row| row.ci.is_some()),
            "[ ]: 95 % bootstrap interval; the ± of tables is binomial.".to_owned(),
        ),
        (
            any(&|row| row.gain.is_some_and(|gain| gain.p_value.is_some())),
            "p: two-sided paired randomisation test.".to_owned(),
        ),
        (
            any(&|row| row.metric.starts_with(SKEWNESS)),
            "skew: skewness of the k-occurrences, lower is less hubness.".to_owned(),
        ),
        (
            any(&|row| row.cell.chosen == "validation"),
            format!("{VALIDATION} Parameters chosen on held-out training items."),
        ),
    ];
    let said = sentences.into_iter().filter(|(said, _)| *said);
    let marks = mark_notes(
        any(&|row| row.cell.is_transductive()),
        any(&|row| row.cell.chosen == "oracle"),
    );
    let width = style.width.min(Style::default().width);
    filled(said.map(|(_, text)| text).chain(marks), width)
}

/// Sentences in lines of at most `width` characters; a sentence is never broken.
fn filled(sentences: impl Iterator<Item = String>, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for sentence in sentences {
        let fits =
            |line: &&mut String| line.chars().count() + 1 + sentence.chars().count() <= width;
        match lines.last_mut().filter(fits) {
            Some(line) => *line += &format!(" {sentence}"),
            None => lines.push(sentence),
        }
    }
    lines.join("\n") + "\n"
}
