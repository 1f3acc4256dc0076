//! The fullest form of a summary: a block for each setup.

use crate::answer::HEADLINE;
use crate::number::{distinct, grouped, scale, shown};
use crate::records::ScoreRow;
use crate::terminal::lines::{Column, Style, lines, wrapped};
use crate::terminal::setups::{
    Cell, Measured, best_mark, best_of, filled, is_best, p_value, value,
};
use crate::wording::{Entry, VALIDATION, bracketed, gain, mark_notes, resampled};

/// What is shown beside the headline.
const COMPANIONS: [&str; 3] = ["R@5", "R@10", "MedR"];

/// How the names of the hubness metric begin that is shown last.
const SKEWNESS: &str = "k_skewness@";

/// How many other metrics are shown where the headline was not measured.
const OTHERS: usize = 4;

/// A block for each setup, and what their marks mean.
pub(crate) fn blocks(setups: &[Measured<'_>], style: Style) -> Vec<String> {
    let mut all = Vec::new();
    for setup in setups {
        all.extend(wrapped(&title(setup), style.width));
        all.push(String::new());
        all.extend(lines(columns(setup), style));
        all.push(String::new());
    }
    all.extend(legend(setups, style));
    all
}

fn title(Measured { setup, rows, .. }: &Measured<'_>) -> String {
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

/// The metrics beside the headline, and those behind.
fn others<'a>(setup: &Measured<'a>) -> (Vec<&'a str>, Option<&'a str>) {
    let measured = distinct(setup.rows.iter().map(|row| row.metric.as_str()));
    if setup.headline != HEADLINE {
        let measured = measured.into_iter().skip(1);
        return (measured.take(OTHERS).collect(), None);
    }
    let companions = COMPANIONS
        .into_iter()
        .filter(|metric| measured.contains(metric));
    let companions = companions.collect();
    let skewness = measured
        .into_iter()
        .find(|metric| metric.starts_with(SKEWNESS));
    (companions, skewness)
}

fn columns(setup: &Measured<'_>) -> Vec<Column> {
    let (cells, headline) = (&setup.cells, setup.headline);
    let (companions, hubness) = others(setup);
    let text = |get: fn(&Cell<'_>) -> String| cells.iter().map(move |cell| Entry::plain(get(cell)));
    let of = |metric: &'_ str, show: fn(&ScoreRow) -> String| {
        let shown = |cell: &Cell<'_>| Entry::plain(cell.row(metric).map_or(String::new(), show));
        cells.iter().map(shown).collect::<Vec<_>>().into_iter()
    };
    let mut columns = vec![
        Column::names("Method", 6, text(|cell| cell.method())),
        Column::names(
            "Reference set",
            9,
            text(|cell| cell.id.reference_set.clone()),
        ),
        Column::names("Parameters", 12, text(|cell| cell.id.params.clone())),
        Column::numbers(&format!("{headline} [95 %]"), headlines(setup)),
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
fn headlines<'a>(setup: &'a Measured<'_>) -> impl Iterator<Item = Entry> + 'a {
    let metric = setup.headline;
    let best = best_of(setup.cells.iter(), metric);
    setup.cells.iter().map(move |cell| match cell.row(metric) {
        Some(row) => Entry {
            strong: is_best(cell, row, best.as_deref()),
            text: shown(metric, row.value) + &bracketed(row.ci, |bound| shown(metric, bound)),
        },
        None => Entry::default(),
    })
}

/// What the marks and brackets mean, as far as they occur.
fn legend(setups: &[Measured<'_>], style: Style) -> Vec<String> {
    let any = |holds: &dyn Fn(&ScoreRow) -> bool| {
        let mut rows = setups.iter().flat_map(|setup| &setup.rows);
        rows.any(|row| holds(row))
    };
    let best = best_mark(style);
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
    filled(said.map(|(_, text)| text).chain(marks), style)
}
