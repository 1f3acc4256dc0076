//! The parameters chosen, as in Tables A1 and A2 of the NNN paper.

use crate::number::distinct;
use crate::records::params::pairs;
use crate::records::trial::Place;
use crate::tables::caption::{notes_without_best, retrieval};
use crate::tables::formats::{Row, Table, WIDEST};
use crate::tables::sweep::{Setting, Sweep};
use crate::wording::{ABSENT, Entry};

/// A column of the paper's layout: where, what, and which of its parameters.
struct Spot<'a> {
    place: Place<'a>,
    setting: Setting<'a>,
    param: &'a str,
}

/// One table, if any parameters were chosen.
pub(crate) fn tables(sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let metric = sweep.metrics().first().copied().unwrap_or_default();
    let chosen = sweep.only(|row| {
        let is_chosen = matches!(row.cell.chosen.as_str(), "validation" | "oracle");
        row.metric == metric && is_chosen && !row.cell.params.is_empty()
    });
    let spots = spots(&chosen, metric);
    if spots.is_empty() {
        return Vec::new();
    }
    let mut table = if spots.len() <= WIDEST {
        by_model(&chosen, metric, &spots)
    } else {
        by_method(&chosen, metric, &spots)
    };
    table.title = format!("{}: parameters chosen", retrieval(direction));
    table.notes = notes_without_best(&chosen);
    vec![table.without_empty_levels()]
}

fn spots<'a>(sweep: &Sweep<'a>, metric: &'a str) -> Vec<Spot<'a>> {
    let mut spots = Vec::new();
    for place in sweep.places() {
        for setting in sweep.settings_at(place) {
            let models = sweep.models().into_iter();
            let params = models.filter_map(|model| params(sweep, model, place, setting, metric));
            let names = params.flat_map(|params| pairs(params).map(|(name, _)| name));
            spots.extend(distinct(names).into_iter().map(|param| Spot {
                place,
                setting,
                param,
            }));
        }
    }
    spots
}

fn params<'a>(
    sweep: &Sweep<'a>,
    model: &'a str,
    place: Place<'a>,
    setting: Setting<'a>,
    metric: &'a str,
) -> Option<&'a str> {
    let row = sweep.row(model, place, setting, metric)?;
    Some(row.cell.params.as_str())
}

fn value<'a>(sweep: &Sweep<'a>, metric: &'a str, model: &'a str, spot: &Spot<'a>) -> Entry {
    let params = params(sweep, model, spot.place, spot.setting, metric);
    let value = params.and_then(|params| pairs(params).find(|(name, _)| *name == spot.param));
    Entry::plain(value.map_or(ABSENT, |(_, value)| value))
}

/// As printed in the paper: one line per model.
fn by_model<'a>(sweep: &Sweep<'a>, metric: &'a str, spots: &[Spot<'a>]) -> Table {
    let mut header = vec![Vec::new(); 4];
    for spot in spots {
        let settings = sweep.settings_at(spot.place);
        header[0].push(sweep.place_label(spot.place));
        header[1].push(spot.setting.label(&settings));
        header[2].push(spot.setting.reference_set.to_owned());
        header[3].push(spot.param.to_owned());
    }
    let row = |model: &'a str| Row {
        labels: vec![model.to_owned()],
        entries: spots
            .iter()
            .map(|spot| value(sweep, metric, model, spot))
            .collect(),
    };
    Table {
        labels: vec!["Model".to_owned()],
        header,
        rows: sweep.models().into_iter().map(row).collect(),
        ..Table::default()
    }
}

/// One line per parameter.
fn by_method<'a>(sweep: &Sweep<'a>, metric: &'a str, spots: &[Spot<'a>]) -> Table {
    let models = sweep.models();
    let row = |spot: &Spot<'a>| {
        let settings = sweep.settings_at(spot.place);
        let labels = [
            spot.place.label(),
            spot.setting.label(&settings),
            spot.setting.reference_set.to_owned(),
            spot.param.to_owned(),
        ];
        let entries = models.iter().map(|model| value(sweep, metric, model, spot));
        Row {
            labels: labels.to_vec(),
            entries: entries.collect(),
        }
    };
    let rows = spots.iter().map(row).filter(Row::has_numbers);
    Table {
        labels: ["Data set", "Method", "Reference set", "Parameter"]
            .map(str::to_owned)
            .to_vec(),
        header: vec![models.iter().map(|&model| model.to_owned()).collect()],
        rows: rows.collect(),
        ..Table::default()
    }
}
