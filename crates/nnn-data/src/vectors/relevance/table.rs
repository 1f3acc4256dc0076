//! Tables of judgements, one per line: ours, BEIR's and mteb's with a header, and TREC's without.

use super::{Judgement, Judgements, Key, Means, Place, expected_columns, grade, trec};
use crate::file_error::FileProblem;
use crate::text::{SEPARATORS, decoded};
use std::fs;
use std::path::Path;

/// Reads a table; the separator is the one that parts its header into known columns.
pub(super) fn read(path: &Path) -> Result<Judgements, FileProblem> {
    let text = decoded(fs::read(path)?)?;
    let first = text.lines().find(|line| !line.trim().is_empty());
    let Some(first) = first else {
        return Err(FileProblem::malformed(".csv", "it has no line"));
    };
    let separator = SEPARATORS
        .iter()
        .find(|(separator, _)| has_both(first, *separator));
    match separator {
        Some(&(separator, _)) => with_header(&text, separator),
        None if trec::is_judgement(first) => trec::read(&text),
        None => Err(no_header(first)),
    }
}

fn has_both(header: &str, separator: char) -> bool {
    let names = fields(header, separator);
    let has = |part| names.iter().any(|name| Means::of(name) == Some(part));
    has(Means::Query) && has(Means::Gallery)
}

fn fields(line: &str, separator: char) -> Vec<String> {
    let mut reader = reader(line, separator);
    let record = reader.headers().cloned().unwrap_or_default();
    record.iter().map(str::to_owned).collect()
}

fn reader(text: &str, separator: char) -> csv::Reader<&[u8]> {
    csv::ReaderBuilder::new()
        .delimiter(separator as u8)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes())
}

fn no_header(first: &str) -> FileProblem {
    let seen = SEPARATORS
        .iter()
        .max_by_key(|(separator, _)| first.matches(*separator).count());
    let name = seen.filter(|it| first.contains(it.0));
    let separated = name.map_or("no separator", |it| it.1);
    let short: String = first.chars().take(80).collect();
    FileProblem::Line {
        line: 1,
        detail: format!(
            "{short:?} (separator: {separated}) is no header of judgements and no TREC line; expected columns for {}",
            expected_columns()
        ),
    }
}

/// Where the parts of a judgement stand in a line.
struct Columns {
    query: usize,
    gallery: usize,
    grade: Option<usize>,
    /// How many columns at the front are a table's own index, as pandas writes it: row numbers without a name.
    index: usize,
}

impl Columns {
    fn of(header: &csv::StringRecord) -> Result<Self, FileProblem> {
        let (mut parts, mut index) = (Vec::new(), 0);
        for (column, name) in header.iter().enumerate() {
            match Means::of(name) {
                Some(part) if parts.iter().any(|(_, found)| *found == part) => {
                    return Err(bad_header(format!(
                        "{name:?} says again what another column says"
                    )));
                }
                Some(part) => parts.push((column, part)),
                None if column == index && is_nameless(name) => index += 1,
                None => return Err(bad_header(format!("unknown column {name:?}"))),
            }
        }
        let of = |part| {
            parts
                .iter()
                .find(|(_, found)| *found == part)
                .map(|it| it.0)
        };
        Ok(Self {
            query: of(Means::Query).unwrap_or_default(),
            gallery: of(Means::Gallery).unwrap_or_default(),
            grade: of(Means::Grade),
            index,
        })
    }
}

/// Whether pandas gave the name to a column that had none.
fn is_nameless(name: &str) -> bool {
    name.is_empty() || name.starts_with("Unnamed: ")
}

fn bad_header(what: String) -> FileProblem {
    FileProblem::Line {
        line: 1,
        detail: format!("{what}; expected {}", expected_columns()),
    }
}

fn with_header(text: &str, separator: char) -> Result<Judgements, FileProblem> {
    let mut reader = reader(text, separator);
    let header = reader.headers().map_err(bad)?.clone();
    let columns = Columns::of(&header)?;
    let mut all = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(bad)?;
        let place = Place::Line(record.position().map_or(0, csv::Position::line));
        if let Some(at) = (0..columns.index).find(|&at| record[at].parse() != Ok(row)) {
            let found = &record[at];
            let detail = format!("{found:?} in a column without a name, expected {row}");
            return Err(place.problem(detail));
        }
        let given = columns.grade.map(|column| grade(&record[column], &place));
        all.push(Judgement {
            query: Key::Id(id(&record[columns.query], "query", &place)?),
            item: id(&record[columns.gallery], "gallery item", &place)?,
            grade: given.transpose()?.unwrap_or(1.0),
            place,
        });
    }
    Ok(Judgements {
        all,
        ..Judgements::default()
    })
}

/// An id; one that pandas made a whole double (`8.0`) is its number.
fn id(text: &str, what: &str, place: &Place) -> Result<String, FileProblem> {
    if text.is_empty() {
        return Err(place.problem(format!("the {what} is blank")));
    }
    let whole = text.strip_suffix(".0");
    let whole = whole.filter(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()));
    Ok(whole.unwrap_or(text).to_owned())
}

fn bad(error: csv::Error) -> FileProblem {
    match error.position() {
        Some(at) => FileProblem::Line {
            line: at.line(),
            detail: format!("not readable as a table: {error}"),
        },
        None => FileProblem::malformed(".csv", error),
    }
}
