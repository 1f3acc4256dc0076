//! Small tables in text: columns of `.csv`, lists in `.json` and `.jsonl`.

use super::choose;
use super::stream::{index, whole};
use crate::file_error::{FileProblem, Held};
use crate::text::decoded;
use nnn_files::open_text;
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::Path;

fn bad_csv(error: csv::Error) -> FileProblem {
    match error.position() {
        Some(at) => FileProblem::Line {
            line: at.line(),
            detail: format!("not readable as CSV: {error}"),
        },
        None => FileProblem::malformed(".csv", error),
    }
}

/// One column of a CSV file with a header line; without a key, the only one. The parser passes over blank lines. In a file
/// of several columns they mean nothing. In a file of one column a blank line may be meant as an empty value, and passing
/// over it would shift all values after it by a row; so a blank line before a value is refused.
pub(super) fn csv_column(
    path: &Path,
    separator: u8,
    key: Option<&str>,
) -> Result<Vec<String>, FileProblem> {
    let text = decoded(fs::read(path)?)?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        // In tables parted by tabs quotes are text.
        .quoting(separator != b'\t')
        .from_reader(text.as_bytes());
    let header = reader.headers().map_err(bad_csv)?.clone();
    let name = choose(header.iter().map(Held::named).collect(), key)?;
    let column = header.iter().position(|h| h == name).unwrap_or_default();
    let value = |record: csv::Result<csv::StringRecord>| {
        let record = record.map_err(bad_csv)?;
        match (header.len() == 1)
            .then(|| blank_line(text.as_bytes(), &record))
            .flatten()
        {
            None => Ok(record[column].to_owned()),
            Some(line) => Err(FileProblem::Line {
                line,
                detail: "blank, expected a value; an empty one is written \"\"".to_owned(),
            }),
        }
    };
    reader.records().map(value).collect()
}

/// The blank line between a record and what is before it.
fn blank_line(text: &[u8], record: &csv::StringRecord) -> Option<u64> {
    let mut at = record.position()?.byte() as usize;
    // Of a line's end with two characters the second one is still to come.
    if at > 0 && text.get(at - 1..=at)? == b"\r\n" {
        at += 1;
    }
    if !matches!(text.get(at), Some(b'\r' | b'\n')) {
        return None;
    }
    // Lines are counted only here: for every record that would be a pass over all that is before it.
    let breaks = text[..at].iter().filter(|&&byte| byte == b'\n').count();
    Some(breaks as u64 + 1)
}

/// The same, as indices.
pub(super) fn csv_indices(
    path: &Path,
    separator: u8,
    key: Option<&str>,
) -> Result<Vec<u32>, FileProblem> {
    parsed(&csv_column(path, separator, key)?)
}

fn parsed(values: &[String]) -> Result<Vec<u32>, FileProblem> {
    let parse = |(row, value): (usize, &String)| {
        let text = value.trim();
        // A table that once had a gap in a column writes its whole numbers as fractions.
        let fraction = || whole(row, text.parse().ok()?).ok();
        let index = text.parse().ok().or_else(fraction);
        index.ok_or_else(|| FileProblem::BadIndex {
            row,
            value: format!("{value:?}"),
        })
    };
    values.iter().enumerate().map(parse).collect()
}

/// The list in a JSON file: the whole of it or, with a key, a member of the object that it holds.
fn json_list(path: &Path, key: Option<&str>) -> Result<Vec<Value>, FileProblem> {
    let value = serde_json::from_reader(open_text(path)?)
        .map_err(|error| FileProblem::malformed(".json", error))?;
    match (value, key) {
        (Value::Array(list), None) => Ok(list),
        (Value::Object(mut members), _) => {
            let name = choose(members.iter().map(member).collect(), key)?;
            match members.remove(&name) {
                Some(Value::Array(list)) => Ok(list),
                other => Err(not_a_list(&other.unwrap_or_default())),
            }
        }
        (Value::Array(_), Some(key)) => Err(FileProblem::MissingKey {
            key: key.to_owned(),
            present: Vec::new(),
        }),
        (other, _) => Err(not_a_list(&other)),
    }
}

/// What a message says that an object holds.
pub(in crate::vectors) fn member((name, value): (&String, &Value)) -> Held {
    Held {
        name: name.clone(),
        kind: kind(value).to_owned(),
    }
}

/// The type of a value, in words.
pub(in crate::vectors) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

fn not_a_list(value: &Value) -> FileProblem {
    FileProblem::WrongType {
        found: kind(value).to_owned(),
        expected: "a list",
    }
}

fn json_index(row: usize, value: &Value) -> Result<u32, FileProblem> {
    match value.as_number().and_then(serde_json::Number::as_i128) {
        Some(integer) => index(row, integer),
        None if value.is_f64() => whole(row, value.as_f64().unwrap_or(f64::NAN)),
        None => Err(FileProblem::BadIndex {
            row,
            value: value.to_string(),
        }),
    }
}

/// A JSON list of integers as indices.
pub(super) fn json_indices(path: &Path, key: Option<&str>) -> Result<Vec<u32>, FileProblem> {
    let list = json_list(path, key)?;
    let indices = list.iter().enumerate().map(|(row, v)| json_index(row, v));
    indices.collect()
}

/// A JSON list of strings or integers as text.
pub(super) fn json_labels(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileProblem> {
    labels(json_list(path, key)?)
}

fn labels(list: Vec<Value>) -> Result<Vec<String>, FileProblem> {
    let label = |(row, value)| match value {
        Value::String(text) => Ok(text),
        Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        other => Err(FileProblem::WrongType {
            found: format!("{other} (row {row})"),
            expected: "strings or integers",
        }),
    };
    list.into_iter().enumerate().map(label).collect()
}

/// A value on every line that is not blank, or a member of the object there.
fn json_line_list(path: &Path, key: Option<&str>) -> Result<Vec<Value>, FileProblem> {
    let lines = open_text(path)?.lines();
    let mut values = Vec::new();
    for (line, text) in (1..).zip(lines) {
        let text = text?;
        if text.trim().is_empty() {
            continue;
        }
        let bad = |error: serde_json::Error| FileProblem::Line {
            line,
            detail: format!("not readable as JSON: {error}"),
        };
        let mut value: Value = serde_json::from_str(&text).map_err(bad)?;
        if let Value::Object(members) = &mut value {
            let name = choose(members.iter().map(member).collect(), key)?;
            value = members.remove(&name).unwrap_or_default();
        }
        values.push(value);
    }
    Ok(values)
}

/// Strings or integers of a `.jsonl` file, one per line.
pub(super) fn json_line_labels(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileProblem> {
    labels(json_line_list(path, key)?)
}

/// Integers of a `.jsonl` file, one per line.
pub(super) fn json_line_indices(path: &Path, key: Option<&str>) -> Result<Vec<u32>, FileProblem> {
    let list = json_line_list(path, key)?;
    let indices = list.iter().enumerate().map(|(row, v)| json_index(row, v));
    indices.collect()
}

/// One value per line. A blank line before a value is refused: passing over it would shift all values after it by a row.
pub(super) fn all_lines(path: &Path, key: Option<&str>) -> Result<Vec<String>, FileProblem> {
    if let Some(key) = key {
        return Err(FileProblem::KeyNotUsed {
            key: key.to_owned(),
            format: ".txt",
        });
    }
    let mut values = Vec::new();
    let mut blank = None;
    for (line, bytes) in (1..).zip(BufReader::new(File::open(path)?).split(b'\n')) {
        let text = line_text(line, bytes?)?;
        if text.is_empty() {
            blank = blank.or(Some(line));
            continue;
        }
        if let Some(line) = blank {
            let detail = "blank, expected a value".to_owned();
            return Err(FileProblem::Line { line, detail });
        }
        values.push(text);
    }
    Ok(values)
}

/// The same, as indices.
pub(super) fn line_indices(path: &Path, key: Option<&str>) -> Result<Vec<u32>, FileProblem> {
    parsed(&all_lines(path, key)?)
}

/// A line without the space around it.
fn line_text(line: u64, bytes: Vec<u8>) -> Result<String, FileProblem> {
    let text = String::from_utf8(bytes).map_err(|error| FileProblem::Line {
        line,
        detail: format!("not UTF-8: {error}"),
    })?;
    Ok(text.trim_start_matches('\u{feff}').trim().to_owned())
}

/// Every line that is not blank, without the space around it.
pub(super) fn lines(path: &Path) -> Result<Vec<String>, FileProblem> {
    let lines = BufReader::new(File::open(path)?).split(b'\n');
    let mut texts = Vec::new();
    for (line, bytes) in (1..).zip(lines) {
        let text = line_text(line, bytes?)?;
        if !text.is_empty() {
            texts.push(text);
        }
    }
    Ok(texts)
}
