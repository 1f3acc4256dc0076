//! R@1 as in Tables 1, 2, A6 and A7 of the NNN paper.

use crate::records::trial::Place;
use crate::tables::caption::{notes, retrieval};
use crate::tables::formats::{Row, Table, WIDEST};
use crate::tables::sweep::{Setting, Sweep};
use crate::wording::Entry;

/// The metric of these tables, and of those that follow it along a parameter or a share.
pub(crate) const METRIC: &str = "R@1";

/// One table, if R@1 was measured.
pub(crate) fn tables(sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let sweep = sweep.only(|row| row.metric == METRIC);
    if sweep.is_empty() {
        return Vec::new();
    }
    let columns: usize = sweep
        .places()
        .iter()
        .map(|&place| sweep.settings_at(place).len())
        .sum();
    let turned = sweep.places().len() * sweep.models().len();
    let title = format!("{}: R@1, percent", retrieval(direction));
    let table = if columns <= WIDEST.max(turned) {
        by_model(&sweep, title)
    } else {
        by_method(&sweep, title)
    };
    vec![table.without_empty_levels()]
}

fn values<'a>(
    sweep: &Sweep<'a>,
    model: &'a str,
    place: Place<'a>,
    settings: &[Setting<'a>],
) -> Vec<Entry> {
    sweep.values(model, place, settings, METRIC, |_| String::new())
}

/// As printed in the paper: one line per model.
fn by_model<'a>(sweep: &Sweep<'a>, title: String) -> Table {
    let mut header = vec![Vec::new(); 3];
    for place in sweep.places() {
        let settings = sweep.settings_at(place);
        for setting in &settings {
            header[0].push(sweep.place_label(place));
            header[1].push(setting.label(&settings));
            header[2].push(setting.reference_set.to_owned());
        }
    }
    let row = |model: &'a str| {
        let places = sweep.places().into_iter();
        Row {
            labels: vec![model.to_owned()],
            entries: places
                .flat_map(|place| values(sweep, model, place, &sweep.settings_at(place)))
                .collect(),
        }
    };
    Table {
        title,
        notes: notes(sweep, "of a model on a data set"),
        labels: vec!["Model".to_owned()],
        header,
        rows: sweep.models().into_iter().map(row).collect(),
        ..Table::default()
    }
}

/// The same numbers with one line per method.
fn by_method(sweep: &Sweep<'_>, title: String) -> Table {
    let settings = sweep.settings();
    let mut header = vec![Vec::new(); 2];
    let mut columns = Vec::new();
    for place in sweep.places() {
        for model in sweep.models() {
            header[0].push(sweep.place_label(place));
            header[1].push(model.to_owned());
            columns.push(values(sweep, model, place, &settings));
        }
    }
    let row = |(at, setting): (usize, &Setting<'_>)| Row {
        labels: vec![setting.label(&settings), setting.reference_set.to_owned()],
        entries: columns.iter().map(|column| column[at].clone()).collect(),
    };
    Table {
        title,
        notes: notes(sweep, "of a model on a data set"),
        labels: vec!["Method".to_owned(), "Reference set".to_owned()],
        header,
        rows: settings.iter().enumerate().map(row).collect(),
        ..Table::default()
    }
}
