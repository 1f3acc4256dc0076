//! R@1, R@5 and R@10 with intervals, as in Tables A8 to A11 of the NNN paper.

use crate::number::{distinct, scale};
use crate::records::ScoreRow;
use crate::records::trial::Place;
use crate::tables::caption::{notes, retrieval};
use crate::tables::formats::{Row, Table, WIDEST};
use crate::tables::sweep::{Setting, Sweep};
use crate::wording::{Entry, resampled};

const METRICS: [&str; 3] = ["R@1", "R@5", "R@10"];

/// One table per data set, with the metrics that were measured.
pub(crate) fn tables(sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let sweep = sweep.only(|row| METRICS.contains(&row.metric.as_str()));
    let table = |place: Place<'_>| {
        let here = sweep.only(|row| Place::of(&row.cell) == place);
        let title = format!(
            "{} on {}: recall, percent",
            retrieval(direction),
            place.label()
        );
        table(&here, place, title).without_empty_levels()
    };
    sweep.places().into_iter().map(table).collect()
}

fn table(sweep: &Sweep<'_>, place: Place<'_>, title: String) -> Table {
    let columns = sweep.settings().len() * metrics(sweep).len();
    let mut table = if columns <= WIDEST {
        by_model(sweep, place)
    } else {
        by_method(sweep, place)
    };
    table.part = place.label();
    table.title = title;
    table.notes = notes(sweep, "of a model under each metric");
    table.notes.extend(binomial_notes(sweep.rows()));
    table
}

fn metrics(sweep: &Sweep<'_>) -> Vec<&'static str> {
    let measured = sweep.metrics();
    let mut metrics = METRICS.to_vec();
    metrics.retain(|metric| measured.contains(metric));
    metrics
}

/// The distance from the value to a bound: the interval is symmetric, unless a later version cuts it at 0 or 1.
fn half_width(row: &ScoreRow) -> String {
    let bounds = row.binomial;
    let half = bounds.map(|b| (row.value - b.low).max(b.high - row.value));
    half.map_or(String::new(), |half| {
        format!(" ±{:.2}", scale(&row.metric) * half)
    })
}

/// What ± is in a table of proportions, and how the bootstrap interval of the same numbers differs.
fn binomial_notes(rows: &[&ScoreRow]) -> Vec<String> {
    let mut notes = vec![
        "±: half the width of the 95 % binomial (normal) interval of a proportion, 1.96 sqrt(p(1 - p)/n), as in the NNN paper, which takes all n queries for independent.".to_owned(),
    ];
    let rows = rows.iter().filter(|row| row.ci.is_some());
    let clusters = rows.map(|row| (row.cluster.as_str(), row.n_clusters, row.n_queries));
    let other = |(cluster, count, queries): &(&str, usize, usize)| {
        let reason = match count < queries {
            true => format!(
                " and as a rule wider, the more so the fewer there are: queries of one {cluster} are not independent"
            ),
            false => String::new(),
        };
        format!(
            "The bootstrap interval of the same numbers, in scores.csv and in what a run prints, is {}{reason}.",
            resampled(cluster, *count)
        )
    };
    notes.extend(distinct(clusters).iter().map(other));
    notes
}

/// The values of one model: for every metric, those of all settings.
fn values<'a>(
    sweep: &Sweep<'a>,
    model: &'a str,
    place: Place<'a>,
    settings: &[Setting<'a>],
) -> Vec<Vec<Entry>> {
    let metrics = metrics(sweep).into_iter();
    metrics
        .map(|metric| sweep.values(model, place, settings, metric, half_width))
        .collect()
}

/// As printed in the paper: one line per model.
fn by_model<'a>(sweep: &Sweep<'a>, place: Place<'a>) -> Table {
    let settings = sweep.settings();
    let mut header = vec![Vec::new(); 3];
    for setting in &settings {
        for metric in metrics(sweep) {
            header[0].push(setting.label(&settings));
            header[1].push(setting.reference_set.to_owned());
            header[2].push(metric.to_owned());
        }
    }
    let row = |model: &'a str| {
        let by_metric = values(sweep, model, place, &settings);
        let at = |setting: usize| by_metric.iter().map(move |values| values[setting].clone());
        Row {
            labels: vec![model.to_owned()],
            entries: (0..settings.len()).flat_map(at).collect(),
        }
    };
    Table {
        labels: vec!["Model".to_owned()],
        header,
        rows: sweep.models().into_iter().map(row).collect(),
        ..Table::default()
    }
}

/// One line per model and method.
fn by_method<'a>(sweep: &Sweep<'a>, place: Place<'a>) -> Table {
    let settings = sweep.settings();
    let mut rows = Vec::new();
    for model in sweep.models() {
        let by_metric = values(sweep, model, place, &settings);
        for (at, setting) in settings.iter().enumerate() {
            rows.push(Row {
                labels: vec![
                    model.to_owned(),
                    setting.label(&settings),
                    setting.reference_set.to_owned(),
                ],
                entries: by_metric.iter().map(|values| values[at].clone()).collect(),
            });
        }
    }
    rows.retain(Row::has_numbers);
    let metrics = metrics(sweep).into_iter();
    Table {
        labels: ["Model", "Method", "Reference set"]
            .map(str::to_owned)
            .to_vec(),
        header: vec![metrics.map(str::to_owned).collect()],
        rows,
        ..Table::default()
    }
}
