//! R@1 along one setting: by a parameter as in Tables A3 and A4 of the NNN paper, by the share of the training data that
//! serves as reference set as in Tables A12 to A15.

use crate::number::distinct;
use crate::records::params::{number, pairs};
use crate::records::trial::Place;
use crate::tables::caption::{notes, retrieval};
use crate::tables::formats::{Row, Table};
use crate::tables::r1::METRIC;
use crate::tables::sweep::{Setting, Sweep};

/// Settings that differ in one number, raw not among them.
struct Series<'a> {
    place: Place<'a>,
    /// What the settings share.
    title: String,
    /// Name for files.
    part: String,
    /// The number as a header, and the setting, in the order of the number.
    points: Vec<(String, Setting<'a>)>,
}

/// A table for every method and reference set whose fixed settings differ in one parameter.
pub(crate) fn by_parameter(sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let sweep = sweep.only(|row| row.metric == METRIC);
    let series = sweep.places().into_iter().flat_map(|place| {
        let kinds = kinds(&sweep, place, |setting| {
            (setting.chosen == "fixed").then_some((setting.method, setting.reference_set))
        });
        kinds.into_iter().filter_map(move |(kind, settings)| {
            let (name, others, points) = one_parameter(&settings)?;
            let (method, reference) = kind;
            Some(Series {
                place,
                title: format!("R@1 by {name} of {method}{others}, {reference}"),
                part: format!("{}--{method}--{reference}", place.label()),
                points,
            })
        })
    });
    series.map(|it| table(&sweep, direction, &it)).collect()
}

/// A table for every method that was given several shares of the same items.
pub(crate) fn by_share(sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let sweep = sweep.only(|row| row.metric == METRIC);
    let series = sweep.places().into_iter().flat_map(|place| {
        let banks: Vec<_> = sweep
            .settings_at(place)
            .into_iter()
            .filter_map(|setting| Some((setting, bank(sweep.signature(place, setting)?)?)))
            .collect();
        let of = |setting: &Setting<'_>| banks.iter().find(|(known, _)| known == setting);
        let kinds = kinds(&sweep, place, |setting| {
            let (_, bank) = of(setting)?;
            Some((setting.method, setting.chosen, setting.params, bank.source))
        });
        let made = kinds.into_iter().filter_map(|(kind, settings)| {
            let share = |setting: &Setting<'_>| of(setting).map_or(0.0, |(_, bank)| bank.share);
            let points = shares(&settings, share)?;
            let (method, _, params, source) = kind;
            let fixed = match params {
                "" => String::new(),
                params => format!(" ({params})"),
            };
            Some(Series {
                place,
                title: format!(
                    "R@1 of {method}{fixed} by the share of {source} that serves as reference set"
                ),
                part: format!("{}--{method}{fixed}--{source}", place.label()),
                points,
            })
        });
        made.collect::<Vec<_>>()
    });
    series.map(|it| table(&sweep, direction, &it)).collect()
}

/// The settings of a place, raw not among them, gathered by their `kind`; those without one are left out.
fn kinds<'a, K: PartialEq + Copy>(
    sweep: &Sweep<'a>,
    place: Place<'a>,
    kind: impl Fn(&Setting<'a>) -> Option<K>,
) -> Vec<(K, Vec<Setting<'a>>)> {
    let settings = sweep.settings_at(place).into_iter();
    let settings = settings.filter(|setting| !setting.is_raw());
    let known: Vec<_> = settings
        .filter_map(|setting| Some((kind(&setting)?, setting)))
        .collect();
    let of_kind = |kind: K| {
        let own = known.iter().filter(|(found, _)| *found == kind);
        (kind, own.map(|(_, setting)| *setting).collect())
    };
    distinct(known.iter().map(|(kind, _)| *kind))
        .into_iter()
        .map(of_kind)
        .collect()
}

type Along<'a> = (&'a str, String, Vec<(String, Setting<'a>)>);

/// The parameter that alone tells the settings apart, the others as ` (alpha=0.75)`, and the settings in its order.
fn one_parameter<'a>(settings: &[Setting<'a>]) -> Option<Along<'a>> {
    // Compared by their places: settings of one method write their parameters in one order.
    let params = |setting: &Setting<'a>| -> Vec<_> { pairs(setting.params).collect() };
    let first = params(settings.first()?);
    let differs = |at: &usize| {
        let value = |setting| params(setting).get(*at).copied();
        settings.iter().any(|s| value(s) != Some(first[*at]))
    };
    let differing: Vec<_> = (0..first.len()).filter(differs).collect();
    let [at] = differing.as_slice() else {
        return None;
    };
    let mut points = Vec::new();
    for setting in settings {
        let (_, value) = *params(setting).get(*at)?;
        points.push((value.parse::<f64>().ok()?, value, *setting));
    }
    points.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut others = first.clone();
    let (name, _) = others.remove(*at);
    let others: Vec<_> = others.iter().map(|(n, v)| format!("{n}={v}")).collect();
    let others = match others.is_empty() {
        true => String::new(),
        false => format!(" ({})", others.join(",")),
    };
    let points = points.into_iter();
    let points = points.map(|(_, value, setting)| (format!("{name} = {value}"), setting));
    Some((name, others, points.collect()))
}

/// The settings from the largest share to the smallest; none where they do not differ in it.
fn shares<'a>(
    settings: &[Setting<'a>],
    share: impl Fn(&Setting<'a>) -> f64,
) -> Option<Vec<(String, Setting<'a>)>> {
    let mut settings = settings.to_vec();
    settings.sort_by(|a, b| share(b).total_cmp(&share(a)));
    let shares = distinct(settings.iter().map(&share));
    let points = settings.iter();
    let points = points.map(|setting| (format!("{} %", 100.0 * share(setting)), *setting));
    (shares.len() > 1 && shares.len() == settings.len()).then(|| points.collect())
}

/// What a reference set was drawn from, and how much of it.
struct Bank<'a> {
    source: &'a str,
    share: f64,
}

/// Reads `bank:coco/train(share=0.2,seed=0,n=113287)#9c1e` of a signature.
fn bank(signature: &str) -> Option<Bank<'_>> {
    let mut fields = signature.split('|');
    let bank = fields.find_map(|field| field.strip_prefix("bank:"))?;
    let (source, rest) = bank.split_once('(')?;
    let (params, _) = rest.split_once(')')?;
    Some(Bank {
        source,
        share: number(params, "share")?,
    })
}

fn table<'a>(sweep: &Sweep<'a>, direction: &str, series: &Series<'a>) -> Table {
    let place = series.place;
    let raw = sweep.settings_at(place).into_iter();
    let raw = raw.filter(Setting::is_raw);
    let raw = raw.map(|setting| (setting.method.to_owned(), setting));
    let points: Vec<_> = raw.chain(series.points.iter().cloned()).collect();
    let settings: Vec<_> = points.iter().map(|(_, setting)| *setting).collect();
    let here = sweep
        .only(|row| Place::of(&row.cell) == place && settings.contains(&Setting::of(&row.cell)));
    let row = |model: &'a str| Row {
        labels: vec![model.to_owned()],
        entries: here.values(model, place, &settings, METRIC, |_| String::new()),
    };
    Table {
        part: series.part.clone(),
        title: format!(
            "{} on {}: {}, percent",
            retrieval(direction),
            place.label(),
            series.title
        ),
        notes: notes(&here, "of a model"),
        labels: vec!["Model".to_owned()],
        header: vec![points.iter().map(|(title, _)| title.clone()).collect()],
        rows: here.models().into_iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banks_of_signatures() {
        let found = bank("R@1|t2i|bank:coco/train(share=0.2,seed=0,n=113287)#9c1e|method:nnn");
        let found = found.map(|bank| (bank.source, bank.share));
        assert_eq!(found, Some(("coco/train", 0.2)));
        assert!(bank("R@1|t2i|bank:-|method:raw").is_none());
    }
}
