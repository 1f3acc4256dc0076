//! Judgements in JSON: lists by place, objects by query id as ranx and pytrec_eval have them, and records.

use super::unrepeated::Unrepeated;
use super::{Judgement, Judgements, Key, Means, Place, expected_columns};
use crate::file_error::FileProblem;
use crate::text::decoded;
use crate::vectors::files::{choose, json_kind, json_member};
use nnn_files::open_text;
use serde_json::{Map, Value};
use std::fs;
use std::path::Path;

/// Reads a whole file:
///
/// - `[[item, ...], ...]` or `[{item: grade, ...}, ...]`: one list or object per query, in order;
/// - `{query: [item, ...]}`, `{query: {item: grade}}`, `{query: item}`;
/// - `[{query: ..., gallery: ..., score: ...}, ...]`;
/// - an object that has one of these at `key`.
pub(super) fn read(path: &Path, key: Option<&str>) -> Result<Judgements, FileProblem> {
    let Unrepeated(value) = serde_json::from_reader(open_text(path)?)
        .map_err(|it| FileProblem::malformed(".json", it))?;
    match (value, key) {
        (Value::Array(entries), None) => listed(&entries),
        (Value::Array(_), Some(key)) => Err(FileProblem::MissingKey {
            key: key.to_owned(),
            present: Vec::new(),
        }),
        (Value::Object(members), None) if !members.values().any(is_whole) => by_query(&members),
        (Value::Object(mut members), key) => {
            let name = choose(members.iter().map(json_member).collect(), key)?;
            match members.remove(&name) {
                Some(Value::Array(entries)) => listed(&entries),
                Some(Value::Object(members)) => by_query(&members),
                other => Err(unusable(&other.unwrap_or_default())),
            }
        }
        (other, _) => Err(unusable(&other)),
    }
}

/// Reads one list per line, or one record per line; blank lines end the file.
pub(super) fn lines(path: &Path) -> Result<Judgements, FileProblem> {
    let text = decoded(fs::read(path)?)?;
    let mut entries = Vec::new();
    for (line, text) in (1..).zip(text.trim_end().lines()) {
        let problem = |detail: String| FileProblem::Line { line, detail };
        if text.trim().is_empty() {
            return Err(problem("blank, expected a list or an object".to_owned()));
        }
        let value = serde_json::from_str(text);
        let Unrepeated(value) =
            value.map_err(|it| problem(format!("not readable as JSON: {it}")))?;
        entries.push((Place::Line(line), value));
    }
    entries_of(entries.iter().map(|(place, value)| (place.clone(), value)))
}

fn listed(entries: &[Value]) -> Result<Judgements, FileProblem> {
    let place = |row: usize| Place::Query(row.to_string());
    let entries = entries.iter().enumerate();
    entries_of(entries.map(|(row, value)| (place(row), value)))
}

/// Records if the first entry is one, else one list per query.
fn entries_of<'a>(
    entries: impl Iterator<Item = (Place, &'a Value)>,
) -> Result<Judgements, FileProblem> {
    let mut entries = entries.peekable();
    let records = entries.peek().is_some_and(|(_, value)| is_record(value));
    let mut judgements = Judgements::default();
    for (row, (place, value)) in entries.enumerate() {
        if records {
            record(value, &place, &mut judgements.all)?;
        } else {
            judgements.lists = Some(row + 1);
            let query = || Key::Row(row);
            answers(value, &query, &place, &mut judgements.all)?;
        }
    }
    if !records {
        judgements.lists.get_or_insert(0);
        judgements.are_pairs = are_pairs(&judgements);
    }
    Ok(judgements)
}

/// Whether every list begins with its own place, and all are of two or of three items: as records of a query, an item and perhaps a
/// grade would be.
fn are_pairs(judgements: &Judgements) -> bool {
    let mut lists: Vec<Vec<&str>> = vec![Vec::new(); judgements.lists.unwrap_or(0)];
    for judgement in &judgements.all {
        if let Key::Row(row) = judgement.query {
            lists[row].push(&judgement.item);
        }
    }
    let length = lists.first().map_or(0, Vec::len);
    let mut rows = lists.iter().enumerate();
    lists.len() > 2
        && (2..=3).contains(&length)
        && rows.all(|(row, list)| list.len() == length && list[0] == row.to_string())
}

fn by_query(members: &Map<String, Value>) -> Result<Judgements, FileProblem> {
    let mut judgements = Judgements::default();
    for (id, value) in members {
        let place = Place::Query(format!("{id:?}"));
        let query = || Key::Id(id.clone());
        answers(value, &query, &place, &mut judgements.all)?;
    }
    Ok(judgements)
}

/// Whether it holds the answers of many queries: lists or objects within a list or an object.
fn is_whole(value: &Value) -> bool {
    let inner = |value: &Value| value.is_array() || value.is_object();
    match value {
        Value::Array(entries) => entries.iter().any(inner),
        Value::Object(members) => members.values().any(inner),
        _ => false,
    }
}

/// The judgements of one query.
fn answers(
    value: &Value,
    query: &dyn Fn() -> Key,
    place: &Place,
    all: &mut Vec<Judgement>,
) -> Result<(), FileProblem> {
    let mut push = |item: String, grade: f64| {
        all.push(Judgement {
            query: query(),
            item,
            grade,
            place: place.clone(),
        });
    };
    match value {
        Value::Array(items) => {
            for item in items {
                push(item_id(item).ok_or_else(|| no_item(item, place))?, 1.0);
            }
        }
        Value::Object(grades) => {
            for (item, grade) in grades {
                push(item.clone(), number(grade, place)?);
            }
        }
        item => push(item_id(item).ok_or_else(|| no_item(item, place))?, 1.0),
    }
    Ok(())
}

fn is_record(value: &Value) -> bool {
    let members = value.as_object();
    members.is_some_and(|it| it.keys().any(|name| Means::of(name) == Some(Means::Query)))
}

/// One judgement as an object, such as mteb's `{"query-id": ..., "corpus-id": ..., "score": ...}`; the item may be a list of items.
fn record(value: &Value, place: &Place, all: &mut Vec<Judgement>) -> Result<(), FileProblem> {
    let members = value.as_object().ok_or_else(|| unusable(value))?;
    let (mut query, mut items, mut grade) = (None, None, 1.0);
    for (name, value) in members {
        match Means::of(name) {
            Some(Means::Query) => query = item_id(value),
            Some(Means::Gallery) => items = Some(value),
            Some(Means::Grade) => grade = number(value, place)?,
            Some(Means::Iteration) => {}
            None => {
                let detail = format!("unknown member {name:?}; expected {}", expected_columns());
                return Err(place.problem(detail));
            }
        }
    }
    let (Some(query), Some(items)) = (query, items) else {
        return Err(place.problem(format!("expected {}", expected_columns())));
    };
    let items = items
        .as_array()
        .map_or(std::slice::from_ref(items), Vec::as_slice);
    for item in items {
        all.push(Judgement {
            query: Key::Id(query.clone()),
            item: item_id(item).ok_or_else(|| no_item(item, place))?,
            grade,
            place: place.clone(),
        });
    }
    Ok(())
}

/// An id: a string or a whole number.
fn item_id(value: &Value) -> Option<String> {
    match value {
        Value::String(id) => Some(id.clone()),
        Value::Number(number) if !number.is_f64() => Some(number.to_string()),
        Value::Number(number) => {
            let number = number
                .as_f64()
                .filter(|it| it.fract() == 0.0 && it.abs() < 1e15)?;
            Some(format!("{number:.0}"))
        }
        _ => None,
    }
}

fn number(value: &Value, place: &Place) -> Result<f64, FileProblem> {
    let given = value.as_f64();
    given.ok_or_else(|| place.problem(format!("the grade is {value}, expected a number")))
}

fn no_item(value: &Value, place: &Place) -> FileProblem {
    place.problem(format!(
        "{value} is no gallery item, expected a row or an id"
    ))
}

fn unusable(value: &Value) -> FileProblem {
    FileProblem::WrongType {
        found: json_kind(value).to_owned(),
        expected: "lists of gallery items, or objects with grades",
    }
}
