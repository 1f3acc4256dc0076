//! How unequally two groups are listed: over all queries, a line a method, and class by class.

use std::collections::HashMap;

use crate::layout::{Place, Setting, Sweep, any_number};
use crate::number::{distinct, shown, signed};
use crate::record::{CellId, ClassRow, ScoreRow};
use crate::table::{Cell, Row, Table};
use crate::tables::{notes, notes_without_best, task};

/// Prefix of a metric's name and what it is, in the order of the columns. The two kinds of lists are told apart in the
/// caption.
const MEASURES: [(&str, &str); 6] = [
    (
        "bias@",
        "bias@n: first group less second group among the first n of the whole gallery, every item counted, over n",
    ),
    (
        "abs_bias@",
        "abs_bias@n: the mean size of bias@n, in which opposite biases do not cancel",
    ),
    (
        "class_bias@",
        "class_bias@n: first group less second group, over both, among the first n of only the items that answer the query",
    ),
    (
        "skew@",
        "skew@n: logarithm of the first group's share of these n over its share of all that answer",
    ),
    ("max_skew@", "max_skew@n: the larger skew of the two groups"),
    (
        "NDKL",
        "NDKL: normalised discounted divergence of the groups' shares, over all that answer",
    ),
];

const PRECISION: &str = "P@";

/// The measures whose shift is shown, and that are laid out class by class.
const SHIFTED: [&str; 2] = ["bias@", "class_bias@"];

/// One table a data set, if a measure of groups was taken on it.
pub(crate) fn tables(sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let measured = sweep.only(|row| is_measure(&row.metric));
    let table = |place: Place<'_>| {
        let here = sweep.only(|row| Place::of(&row.cell) == place);
        let kept = here.only(|row| is_measure(&row.metric) || row.metric.starts_with(PRECISION));
        let title = format!("{} on {}: two groups", task(direction), place.label());
        table(&kept, place, title, &spreads(&here)).without_empty_levels()
    };
    measured.places().into_iter().map(table).collect()
}

fn is_measure(metric: &str) -> bool {
    MEASURES
        .iter()
        .any(|(prefix, _)| metric.starts_with(prefix))
}

fn is_shifted(metric: &str) -> bool {
    SHIFTED.iter().any(|prefix| metric.starts_with(prefix)) || metric.starts_with(PRECISION)
}

/// The metrics of the table in the order of its columns.
fn metrics<'a>(sweep: &Sweep<'a>) -> Vec<&'a str> {
    let prefixes = MEASURES.iter().map(|(prefix, _)| *prefix);
    let measured = sweep.metrics();
    let own = |prefix| {
        measured
            .iter()
            .copied()
            .filter(move |metric| metric.starts_with(prefix))
    };
    prefixes.chain([PRECISION]).flat_map(own).collect()
}

/// The standard deviation over queries behind a cell's metric, where it was measured.
type Spreads<'a> = HashMap<(&'a CellId, &'a str), f64>;

fn spreads<'a>(sweep: &Sweep<'a>) -> Spreads<'a> {
    let spread = |row: &&'a ScoreRow| {
        let of = row.metric.strip_prefix("sd(")?.strip_suffix(')')?;
        Some(((&row.cell, of), row.value))
    };
    sweep.rows().iter().filter_map(spread).collect()
}

fn table<'a>(sweep: &Sweep<'a>, place: Place<'a>, title: String, spreads: &Spreads<'a>) -> Table {
    let (metrics, settings) = (metrics(sweep), sweep.settings());
    let mut rows = Vec::new();
    for model in sweep.models() {
        let spot = Spot {
            sweep,
            model,
            place,
            settings: &settings,
            spreads,
        };
        let columns: Vec<Vec<Cell>> = metrics
            .iter()
            .flat_map(|metric| spot.columns(metric))
            .collect();
        rows.extend(settings.iter().enumerate().map(|(at, setting)| Row {
            labels: vec![
                model.to_owned(),
                setting.label(&settings),
                setting.reference_set.to_owned(),
            ],
            cells: columns.iter().map(|column| column[at].clone()).collect(),
        }));
    }
    rows.retain(|row| any_number(&row.cells));
    Table {
        part: place.label(),
        title,
        notes: caption(sweep, &metrics, !spreads.is_empty()),
        labels: ["Model", "Method", "Reference set"]
            .map(str::to_owned)
            .to_vec(),
        header: vec![metrics.iter().flat_map(|metric| titles(metric)).collect()],
        rows,
    }
}

fn titles(metric: &str) -> Vec<String> {
    let mut titles = vec![metric.to_owned()];
    titles.extend(is_shifted(metric).then(|| "Δ".to_owned()));
    titles
}

/// One model on one data set.
struct Spot<'a, 'b> {
    sweep: &'b Sweep<'a>,
    model: &'a str,
    place: Place<'a>,
    settings: &'b [Setting<'a>],
    spreads: &'b Spreads<'a>,
}

impl<'a> Spot<'a, '_> {
    /// The values of a metric and, of some, how far they are from raw.
    fn columns(&self, metric: &'a str) -> Vec<Vec<Cell>> {
        let spread = |row: &ScoreRow| {
            let spread = self.spreads.get(&(&row.cell, metric));
            spread.map_or(String::new(), |&spread| {
                format!(" ±{}", shown(metric, spread))
            })
        };
        let Self {
            sweep,
            model,
            place,
            settings,
            ..
        } = *self;
        let mut columns = vec![sweep.cells(model, place, settings, metric, spread)];
        if is_shifted(metric) {
            let shift = |&setting: &Setting<'a>| {
                let gain = sweep
                    .row(model, place, setting, metric)
                    .and_then(|row| row.gain);
                Cell::plain(gain.map_or(String::new(), |gain| signed(metric, gain.delta)))
            };
            columns.push(settings.iter().map(shift).collect());
        }
        columns
    }
}

/// Which group a positive value means, where the signatures name the groups.
fn sign(sweep: &Sweep<'_>, place: Option<Place<'_>>) -> Option<String> {
    let mut rows = sweep.rows().iter();
    let names = rows.find_map(|row| {
        let here = place.is_some_and(|place| place == Place::of(&row.cell));
        here.then(|| groups(&row.signature)).flatten()
    })?;
    Some(format!(
        "The first and the second group: {}; positive: more of the first, negative: more of the second.",
        names.replace(',', ", ")
    ))
}

/// Reads `data:visogender#9c1e[masculine,feminine]` of a signature.
fn groups(signature: &str) -> Option<&str> {
    let mut fields = signature.split('|');
    let data = fields.find_map(|field| field.strip_prefix("data:"))?;
    let (_, names) = data.strip_suffix(']')?.rsplit_once('[')?;
    Some(names)
}

fn caption(sweep: &Sweep<'_>, metrics: &[&str], spread: bool) -> Vec<String> {
    let measured = |prefix: &str| metrics.iter().any(|metric| metric.starts_with(prefix));
    let meanings = MEASURES.iter().filter(|(prefix, _)| measured(prefix));
    let mut meanings: Vec<&str> = meanings.map(|(_, meaning)| *meaning).collect();
    if measured(PRECISION) {
        meanings.push("P@n: share of the first n that answers the query, percent");
    }
    let mut sentences = vec![
        format!("{}.", meanings.join("; ")),
        "Without bias all but P@n are 0.".to_owned(),
    ];
    sentences.extend(sign(sweep, sweep.places().first().copied()));
    sentences.push("Δ: the value less that of raw; of P@n in points.".to_owned());
    if spread {
        sentences.push("±: standard deviation over queries, no interval of the mean.".to_owned());
    }
    sentences.extend(notes(
        sweep,
        "of a model under each measure, closest to 0 for a bias",
    ));
    sentences
}

/// One table a direction's data set, model and measure: classes as lines, methods as columns.
///
/// `sweep` are the scores of the same direction.
pub(crate) fn class_tables(rows: &[&ClassRow], sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let laid_out = |row: &&&ClassRow| SHIFTED.iter().any(|prefix| row.metric.starts_with(prefix));
    let rows: Vec<&ClassRow> = rows.iter().filter(laid_out).copied().collect();
    let of = |row: &&'_ ClassRow| {
        (
            row.metric.clone(),
            row.cell.model.clone(),
            Place::of(&row.cell).label(),
        )
    };
    let subjects = distinct(rows.iter().map(of));
    let table = |subject: &(String, String, String)| {
        let own: Vec<&ClassRow> = rows
            .iter()
            .filter(|row| of(row) == *subject)
            .copied()
            .collect();
        let (metric, model, place) = subject;
        let title = format!("{} on {place}, {model}: {metric} by class", task(direction));
        let mut table = class_table(&own, title);
        table.part = format!("{model}--{place}--{metric}");
        table.notes = class_notes(&own, sweep);
        table
    };
    subjects.iter().map(table).collect()
}

/// What the numbers are, which sign is which, and what they were measured with. `rows` are those of one table.
fn class_notes(rows: &[&ClassRow], sweep: &Sweep<'_>) -> Vec<String> {
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    let place = Place::of(&first.cell);
    let meaning = MEASURES
        .iter()
        .find(|(prefix, _)| first.metric.starts_with(prefix));
    let meaning =
        meaning.map(|(_, meaning)| format!("{meaning}; mean over the queries of a class."));
    let measured =
        sweep.only(|row| row.cell.model == first.cell.model && Place::of(&row.cell) == place);
    meaning
        .into_iter()
        .chain(sign(&measured, Some(place)))
        .chain(notes_without_best(&measured))
        .collect()
}

fn class_table(rows: &[&ClassRow], title: String) -> Table {
    let mut settings = distinct(rows.iter().map(|row| Setting::of(&row.cell)));
    settings.sort_by_key(|setting| !setting.is_raw());
    let value = |class: &str, setting: &Setting<'_>| {
        let found = rows
            .iter()
            .find(|row| row.class == class && Setting::of(&row.cell) == *setting);
        Cell::plain(found.map_or(String::new(), |row| shown(&row.metric, row.value)))
    };
    let line = |(class, images): &(&str, usize)| Row {
        labels: vec![(*class).to_owned(), images.to_string()],
        cells: settings
            .iter()
            .map(|setting| value(class, setting))
            .collect(),
    };
    let classes = distinct(rows.iter().map(|row| (row.class.as_str(), row.images)));
    let header = |text: fn(&Setting<'_>, &[Setting<'_>]) -> String| {
        settings
            .iter()
            .map(|setting| text(setting, &settings))
            .collect()
    };
    let table = Table {
        title,
        labels: ["Class", "Images"].map(str::to_owned).to_vec(),
        header: vec![
            header(|setting, all| setting.label(all)),
            header(|setting, _| setting.reference_set.to_owned()),
        ],
        rows: classes.iter().map(line).collect(),
        ..Table::default()
    };
    table.without_empty_levels()
}
