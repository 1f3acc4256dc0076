//! How unequally two groups are listed class by class: one line per class, one column per method.

use crate::number::{distinct, shown};
use crate::records::ClassRow;
use crate::records::trial::Place;
use crate::tables::bias::{has_classes, meaning, sign};
use crate::tables::caption::{notes_without_best, retrieval};
use crate::tables::formats::{Row, Table};
use crate::tables::sweep::{Setting, Sweep};
use crate::wording::Entry;

/// One table per data set, model and measure of a direction. `sweep` are the scores of the same direction.
pub(crate) fn tables(rows: &[&ClassRow], sweep: &Sweep<'_>, direction: &str) -> Vec<Table> {
    let rows = rows.iter().filter(|row| has_classes(&row.metric));
    let rows: Vec<&ClassRow> = rows.copied().collect();
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
        let title = format!(
            "{} on {place}, {model}: {metric} by class",
            retrieval(direction)
        );
        let mut table = table_of(&own, title);
        table.part = format!("{model}--{place}--{metric}");
        table.notes = notes(&own, sweep);
        table
    };
    subjects.iter().map(table).collect()
}

/// What the numbers are, which sign is which, and what they were measured with. `rows` are those of one table.
fn notes(rows: &[&ClassRow], sweep: &Sweep<'_>) -> Vec<String> {
    let Some(first) = rows.first() else {
        return Vec::new();
    };
    let place = Place::of(&first.cell);
    let meaning = meaning(&first.metric);
    let meaning = meaning.map(|meaning| format!("{meaning}; mean over the queries of a class."));
    let measured =
        sweep.only(|row| row.cell.model == first.cell.model && Place::of(&row.cell) == place);
    meaning
        .into_iter()
        .chain(sign(&measured, Some(place)))
        .chain(notes_without_best(&measured))
        .collect()
}

fn table_of(rows: &[&ClassRow], title: String) -> Table {
    let mut settings = distinct(rows.iter().map(|row| Setting::of(&row.cell)));
    settings.sort_by_key(|setting| !setting.is_raw());
    let value = |class: &str, setting: &Setting<'_>| {
        let found = rows
            .iter()
            .find(|row| row.class == class && Setting::of(&row.cell) == *setting);
        Entry::plain(found.map_or(String::new(), |row| shown(&row.metric, row.value)))
    };
    let line = |(class, images): &(&str, usize)| Row {
        labels: vec![(*class).to_owned(), images.to_string()],
        entries: settings
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
