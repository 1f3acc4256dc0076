//! R@1, R@5 and R@10 with intervals, as in Tables A8 to A11 of the NNN paper.

use crate::intervals::binomial_notes;
use crate::layout::{Place, Setting, Sweep, any_number};
use crate::number::scale;
use crate::record::ScoreRow;
use crate::table::{Cell, Row, Table};
use crate::tables::{WIDEST, notes, task};

const METRICS: [&str; 3] = ["R@1", "R@5", "R@10"];

/// One table a data set, with the metrics that were measured.
pub(crate) fn tables(sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let sweep = sweep.only(|row| METRICS.contains(&row.metric.as_str()));
    let table = |place: Place<'_>| {
        let here = sweep.only(|row| Place::of(&row.cell) == place);
        let title = format!("{} on {}: recall, percent", task(direction), place.label());
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

/// The cells of one model: for every metric, those of all settings.
fn cells<'a>(
    sweep: &Sweep<'a>,
    model: &'a str,
    place: Place<'a>,
    settings: &[Setting<'a>],
) -> Vec<Vec<Cell>> {
    let metrics = metrics(sweep).into_iter();
    metrics
        .map(|metric| sweep.cells(model, place, settings, metric, half_width))
        .collect()
}

/// As printed in the paper: a line a model.
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
        let by_metric = cells(sweep, model, place, &settings);
        let at = |setting: usize| by_metric.iter().map(move |cells| cells[setting].clone());
        Row {
            labels: vec![model.to_owned()],
            cells: (0..settings.len()).flat_map(at).collect(),
        }
    };
    Table {
        labels: vec!["Model".to_owned()],
        header,
        rows: sweep.models().into_iter().map(row).collect(),
        ..Table::default()
    }
}

/// A line a model and method.
fn by_method<'a>(sweep: &Sweep<'a>, place: Place<'a>) -> Table {
    let settings = sweep.settings();
    let mut rows = Vec::new();
    for model in sweep.models() {
        let by_metric = cells(sweep, model, place, &settings);
        for (at, setting) in settings.iter().enumerate() {
            rows.push(Row {
                labels: vec![
                    model.to_owned(),
                    setting.label(&settings),
                    setting.reference_set.to_owned(),
                ],
                cells: by_metric.iter().map(|cells| cells[at].clone()).collect(),
            });
        }
    }
    rows.retain(|row: &Row| any_number(&row.cells));
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
