//! Texts in `.csv` and `.tsv` files, which often have no header: no text may be taken for one.

use super::text::csv_column;
use crate::file_error::{FileProblem, Held};
use crate::text::decoded;
use std::fs;
use std::path::Path;

/// What columns of texts are called.
const HEADERS: [&str; 18] = [
    "text",
    "texts",
    "caption",
    "captions",
    "query",
    "queries",
    "title",
    "titles",
    "sentence",
    "sentences",
    "raw",
    "comment",
    "comments",
    "prompt",
    "prompts",
    "question",
    "questions",
    "description",
];

/// The texts in a table: of the column called `key`, or of a table of one column. Without a key the first line is a header if it is a
/// name that columns of texts have, or one word above longer texts. A line of several words is a text.
pub(super) fn table(
    path: &Path,
    key: Option<&str>,
    separator: u8,
) -> Result<Vec<String>, FileProblem> {
    if key.is_some() {
        return csv_column(path, separator, key);
    }
    let content = decoded(fs::read(path)?)?;
    let records = records(&content, separator)?;
    let columns = records.first().map_or(0, Vec::len);
    let uneven = records.iter().any(|it| it.len() != columns);
    match records.as_slice() {
        [first, rest @ ..] if columns == 1 && !uneven => match is_header(&first[0], rest)? {
            true => csv_column(path, separator, None),
            false => Ok(records.concat()),
        },
        // Lines with commas in some of them, which nobody has put between quotes.
        [first, ..] if uneven && !content.contains('"') && !first.iter().all(|it| is_name(it)) => {
            let lines = content.lines().map(str::trim);
            Ok(lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect())
        }
        [first, ..] => Err(FileProblem::KeyNeeded {
            present: first.iter().map(|name| Held::named(name)).collect(),
        }),
        [] => Ok(Vec::new()),
    }
}

fn records(content: &str, separator: u8) -> Result<Vec<Vec<String>>, FileProblem> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .quoting(separator == b',')
        .has_headers(false)
        .flexible(true)
        .from_reader(content.as_bytes());
    let records = reader.records().map(|record| match record {
        Ok(record) => Ok(record.iter().map(str::to_owned).collect()),
        Err(error) => Err(FileProblem::Line {
            line: error.position().map_or(1, csv::Position::line),
            detail: format!("not readable as CSV: {error}"),
        }),
    });
    records.collect()
}

/// Whether the first line of a table of one column is a header; an error where that cannot be told.
fn is_header(first: &str, rest: &[Vec<String>]) -> Result<bool, FileProblem> {
    let first = first.trim();
    if HEADERS.contains(&first.to_lowercase().as_str()) {
        return Ok(true);
    }
    let words = |text: &str| text.split_whitespace().count();
    let short = rest.iter().flatten().filter(|it| words(it) <= 1).count();
    match is_name(first) {
        false => Ok(false),
        true if short == 0 => Ok(true),
        true => Err(FileProblem::Line {
            line: 1,
            detail: format!(
                "{first:?} may be a header or a text: write `key: {first}` if it is a header; if it is a text, call the file .txt, \
                 which has one text a line and no header"
            ),
        }),
    }
}

/// Whether a text may name a column: one word of letters, digits and `_`.
fn is_name(text: &str) -> bool {
    let text = text.trim();
    let letters = || text.chars().all(|it| it.is_alphanumeric() || it == '_');
    !text.is_empty() && letters()
}
