//! Hubness before and after, as in Table 3 of the NNN paper and beyond it.

use crate::number::signed;
use crate::records::trial::Place;
use crate::tables::caption::{notes, retrieval};
use crate::tables::formats::{Row, Table};
use crate::tables::sweep::{Setting, Sweep};
use crate::wording::{ABSENT, Entry};

/// How the name of a metric begins, its cutoff following, and what the table calls it.
const STATISTICS: [(&str, &str); 8] = [
    ("k_skewness@", "Skewness"),
    ("k_kurtosis@", "Kurtosis"),
    ("k_mae@", "MAE"),
    ("k_max@", "Max"),
    ("gini@", "Gini"),
    ("robin_hood@", "Robin Hood"),
    ("antihub@", "Anti-hubs"),
    ("hub_share@", "Hubs"),
];

/// What each statistic is, in the same order.
const MEANINGS: [&str; 8] = [
    "population skewness",
    "excess kurtosis",
    "MAE: mean absolute distance from the mean (uniform)",
    "Max: the largest",
    "Gini coefficient, percent",
    "Robin Hood index (share of places to take from some items and give to others until all are equal), percent",
    "anti-hubs: items that no query has among its first k, percent",
    "hubs: places taken by items of at least twice the mean, percent",
];

/// The metric of the gain in the last lines.
const ACCURACY: &str = "R@1";

/// A metric of the table: its name, and what its lines call it.
struct Statistic<'a> {
    metric: &'a str,
    label: String,
}

/// One table, if any of the statistics was measured.
pub(crate) fn tables(sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let hubness = sweep.only(|row| label(&row.metric).is_some());
    if hubness.is_empty() {
        return Vec::new();
    }
    let title = format!("{}: hubness, before (raw) and after", retrieval(direction));
    let mut rows = Vec::new();
    for statistic in statistics(&hubness) {
        rows.extend(statistic_rows(&hubness, &statistic));
    }
    rows.extend(gain_rows(sweep, &hubness));
    let table = Table {
        title,
        notes: caption(&hubness),
        labels: ["Statistic", "Method", "Reference set"]
            .map(str::to_owned)
            .to_vec(),
        header: header(&hubness),
        rows,
        ..Table::default()
    };
    vec![table.without_empty_levels()]
}

/// `k_max@1` is `Max, k = 1`.
fn label(metric: &str) -> Option<String> {
    let named = |(prefix, name)| Some(format!("{name}, k = {}", metric.strip_prefix(prefix)?));
    STATISTICS.into_iter().find_map(named)
}

/// What was measured: the paper's statistics in its order, then the others.
fn statistics<'a>(sweep: &Sweep<'a>) -> Vec<Statistic<'a>> {
    let mut statistics = Vec::new();
    for (prefix, _) in STATISTICS {
        let metrics = sweep.metrics().into_iter();
        let own = metrics.filter(|metric| metric.starts_with(prefix));
        statistics.extend(own.filter_map(|metric| {
            Some(Statistic {
                metric,
                label: label(metric)?,
            })
        }));
    }
    statistics
}

fn caption(sweep: &Sweep<'_>) -> Vec<String> {
    let metrics = sweep.metrics();
    let measured = |prefix: &str| metrics.iter().any(|metric| metric.starts_with(prefix));
    let meanings = STATISTICS.iter().zip(MEANINGS);
    let meanings = meanings.filter(|((prefix, _), _)| measured(prefix));
    let meanings: Vec<_> = meanings.map(|(_, meaning)| meaning).collect();
    let mut sentences = vec![format!(
        "Statistics over all gallery items of how many queries have the item among their first k: {}; lower is less hubness.",
        meanings.join("; ")
    )];
    sentences.extend(notes(
        sweep,
        "of a model on a data set under each statistic",
    ));
    sentences
}

/// Data sets and models: one column each.
fn spots<'a>(sweep: &Sweep<'a>) -> Vec<(Place<'a>, &'a str)> {
    let models = sweep.models();
    let places = sweep.places().into_iter();
    places
        .flat_map(|place| models.iter().map(move |&model| (place, model)))
        .collect()
}

fn header(sweep: &Sweep<'_>) -> Vec<Vec<String>> {
    let spots = spots(sweep);
    vec![
        spots
            .iter()
            .map(|(place, _)| sweep.place_label(*place))
            .collect(),
        spots.iter().map(|(_, model)| (*model).to_owned()).collect(),
    ]
}

fn labels(name: &str, setting: &Setting<'_>, among: &[Setting<'_>]) -> Vec<String> {
    vec![
        name.to_owned(),
        setting.label(among),
        setting.reference_set.to_owned(),
    ]
}

fn statistic_rows<'a>(sweep: &Sweep<'a>, statistic: &Statistic<'a>) -> Vec<Row> {
    let settings = sweep.settings();
    let column =
        |(place, model)| sweep.values(model, place, &settings, statistic.metric, |_| String::new());
    let columns: Vec<Vec<Entry>> = spots(sweep).into_iter().map(column).collect();
    let row = |(at, setting): (usize, &Setting<'_>)| Row {
        labels: labels(&statistic.label, setting, &settings),
        entries: columns.iter().map(|column| column[at].clone()).collect(),
    };
    let rows = settings.iter().enumerate().map(row);
    rows.filter(Row::has_numbers).collect()
}

/// What the correction does to R@1, in points; no lines where R@1 was not measured.
fn gain_rows<'a>(all: &Sweep<'a>, hubness: &Sweep<'a>) -> Vec<Row> {
    let settings = hubness.settings();
    let gain = |(place, model), setting| {
        let row = all.row(model, place, setting, ACCURACY)?;
        Some(signed(ACCURACY, row.gain?.delta))
    };
    let row = |&setting: &Setting<'a>| {
        let gains: Vec<_> = spots(hubness)
            .into_iter()
            .map(|spot| gain(spot, setting))
            .collect();
        gains.iter().any(Option::is_some).then(|| Row {
            labels: labels("Δ R@1, points", &setting, &settings),
            entries: gains
                .into_iter()
                .map(|gain| Entry::plain(gain.unwrap_or_else(|| ABSENT.to_owned())))
                .collect(),
        })
    };
    settings.iter().filter_map(row).collect()
}
