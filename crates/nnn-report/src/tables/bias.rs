//! How unequally two groups are listed over all queries: one line per method.

use std::collections::HashMap;

use crate::number::{shown, signed};
use crate::records::trial::Place;
use crate::records::{CellId, ScoreRow};
use crate::tables::caption::{notes, retrieval};
use crate::tables::formats::{Row, Table};
use crate::tables::sweep::{Setting, Sweep};
use crate::wording::Entry;

/// How the name of a metric begins and what it is, in the order of the columns. The caption tells the two kinds of lists
/// apart.
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

/// The measures whose shift is shown, and that have tables class by class.
const SHIFTED: [&str; 2] = ["bias@", "class_bias@"];

/// Whether a metric has tables class by class.
pub(crate) fn has_classes(metric: &str) -> bool {
    SHIFTED.iter().any(|prefix| metric.starts_with(prefix))
}

/// What a measure of groups is, in words.
pub(crate) fn meaning(metric: &str) -> Option<&'static str> {
    let mut measures = MEASURES.iter();
    Some(measures.find(|(prefix, _)| metric.starts_with(prefix))?.1)
}

/// One table per data set that has metrics of groups.
pub(crate) fn tables(sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let measured = sweep.only(|row| is_measure(&row.metric));
    let table = |place: Place<'_>| {
        let here = sweep.only(|row| Place::of(&row.cell) == place);
        let kept = here.only(|row| is_measure(&row.metric) || row.metric.starts_with(PRECISION));
        let title = format!("{} on {}: two groups", retrieval(direction), place.label());
        table(&kept, place, title, &spreads(&here)).without_empty_levels()
    };
    measured.places().into_iter().map(table).collect()
}

fn is_measure(metric: &str) -> bool {
    meaning(metric).is_some()
}

fn is_shifted(metric: &str) -> bool {
    has_classes(metric) || metric.starts_with(PRECISION)
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
        let columns: Vec<Vec<Entry>> = metrics
            .iter()
            .flat_map(|metric| spot.columns(metric))
            .collect();
        rows.extend(settings.iter().enumerate().map(|(at, setting)| Row {
            labels: vec![
                model.to_owned(),
                setting.label(&settings),
                setting.reference_set.to_owned(),
            ],
            entries: columns.iter().map(|column| column[at].clone()).collect(),
        }));
    }
    rows.retain(Row::has_numbers);
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
    fn columns(&self, metric: &'a str) -> Vec<Vec<Entry>> {
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
        let mut columns = vec![sweep.values(model, place, settings, metric, spread)];
        if is_shifted(metric) {
            let shift = |&setting: &Setting<'a>| {
                let gain = sweep
                    .row(model, place, setting, metric)
                    .and_then(|row| row.gain);
                Entry::plain(gain.map_or(String::new(), |gain| signed(metric, gain.delta)))
            };
            columns.push(settings.iter().map(shift).collect());
        }
        columns
    }
}

/// Which group a positive value means, where the signatures name the groups.
pub(crate) fn sign(sweep: &Sweep<'_>, place: Option<Place<'_>>) -> Option<String> {
    let mut rows = sweep.rows().iter();
    rows.find_map(|row| {
        let here = place.is_some_and(|place| place == Place::of(&row.cell));
        here.then(|| sign_of(&row.signature)).flatten()
    })
}

/// Which group a positive value means, where a signature names the groups.
pub(crate) fn sign_of(signature: &str) -> Option<String> {
    let names = groups(signature)?.replace(',', ", ");
    Some(format!(
        "The first and the second group: {names}; positive: more of the first, negative: more of the second."
    ))
}

/// Reads `data:visogender#9c1e[masculine,feminine]` of a signature.
fn groups(signature: &str) -> Option<&str> {
    let mut fields = signature.split('|');
    let data = fields.find_map(|field| field.strip_prefix("data:"))?;
    let (before, names) = data.strip_suffix(']')?.rsplit_once('[')?;
    // Brackets can be in the name of a data set, too, which its digits follow.
    let (_, digits) = before.rsplit_once('#')?;
    let are_digits = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_hexdigit());
    are_digits.then_some(names)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Guards against what the brackets in a data set's name hold being taken for its groups.
    #[test]
    fn groups_follow_the_digits_of_a_data_set() {
        let named = |data: &str| groups(&format!("P@1|data:{data}|method:raw")).map(str::to_owned);
        assert_eq!(named("visogender#9c1e[a,b]"), Some("a,b".to_owned()));
        assert_eq!(named("faces[2024]#9c1e[a,b]"), Some("a,b".to_owned()));
        for without in [
            "faces#9c1e",
            "faces[a,b]",
            "faces#2[a,b]#9c1e",
            "faces#[a,b]",
            "][",
        ] {
            assert_eq!(named(without), None, "{without}");
        }
    }
}
