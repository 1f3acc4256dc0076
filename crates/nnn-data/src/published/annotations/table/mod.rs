//! Tables: fields separated by commas, tabs, semicolons or vertical bars, with a header or with columns that the card numbers.
//!
//! What separates fields is seen in the header: that which gives it the columns that are wanted. Blanks around names do not count.
//!
//! | separated by | quotes |
//! |---|---|
//! | commas in `.csv`, semicolons | as CSV has them |
//! | commas in `.txt` | a line is a record whose last field may hold commas unquoted |
//! | tabs, vertical bars | a line is a record and quotes are text, unless doubled ones are inside; see below |
//!
//! Between tabs quotes are text, as in VisoGender's published tables (and in the registered type `text/tab-separated-values`):
//! a caption that begins with a quote takes no other line along, and one between quotes keeps them. A CSV writer that is told to
//! separate by tabs puts a field between quotes and doubles the quotes inside; nobody writes that otherwise, so such a field is read
//! as CSV. A whole file is read as CSV where its header stands between quotes, or where lines do not have the header's number of
//! fields but records with balanced quotes do.
//!
//! | published as | columns |
//! |---|---|
//! | `captions.csv` of this project | `image`, `split`, `caption` |
//! | CLIP_benchmark's `*_karpathy.txt`, Kaggle's Flickr8k | `image,caption`, unquoted |
//! | `nlphuji/flickr30k` and its 1k test | `filename`, `raw` (a JSON list), `split` |
//! | `nlphuji/mscoco_2014_5k_test_image_text_retrieval` | `filename`, `raw` (a Python list), `split` |
//! | Kaggle's Flickr30k | <code>image_name&#124; comment_number&#124; comment</code> |
//! | open_clip's, separated by tabs | `filepath`, `title` |
//! | an image folder's `metadata.csv` | `file_name`, `text` |
//! | `Flickr8k.token.txt`, Flickr30k's `results.token` | none: `name#n`, a tab and a caption |
//!
//! Three more columns are read where they exist: `url`, `class` (what the image shows: a caption is then answered by all
//! images of its class) and `group` (which of the card's two groups the image belongs to).
//!
//! Captions are lists if all of them begin as one, with `['` or `["`.

mod columns;
mod records;

use super::builder::{Row, Rows};
use super::error::{AnnotationError, AnnotationProblem, Place, excerpt};
use super::{Input, lists};
use crate::text::SEPARATORS;
use columns::{Columns, Header};
use records::Record;

/// Reads a table into rows.
pub(super) fn read(input: &Input, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    let extension = input.extension();
    let own = match extension.as_str() {
        "csv" | "txt" => ',',
        "tsv" | "tab" | "token" => '\t',
        _ => {
            let problem = AnnotationProblem::Kind {
                format: "table",
                expected: ".csv, .tsv, .txt or .token",
            };
            return Err(rows.error(None, problem));
        }
    };
    let text = input.text(rows)?;
    if numbered_caption(text.lines().next().unwrap_or_default()).is_some() {
        return tokens(&text, rows);
    }
    let lines_of_commas = extension == "txt";
    let numbered = Columns::numbered(rows).map_err(|problem| rows.error(None, problem))?;
    let (columns, records) = match numbered {
        Some(columns) => {
            let records = without_header(&text, own, lines_of_commas, columns.last());
            (columns, in_place(records, rows)?)
        }
        None => {
            let (columns, separator) = with_header(&text, own, rows)?;
            let records = records::read(&text, separator, lines_of_commas);
            let mut records = in_place(records, rows)?;
            records.drain(..1.min(records.len()));
            (columns, records)
        }
    };
    push(&columns, &records, rows)
}

fn in_place<T>(read: Result<T, records::Fault>, rows: &Rows<'_, '_>) -> Result<T, AnnotationError> {
    read.map_err(|(line, problem)| rows.error(Place::Line(line), problem))
}

/// The separators, the kind's own first.
fn separators(own: char) -> impl Iterator<Item = (char, &'static str)> {
    let is_own = move |it: &&(char, &str)| it.0 == own;
    let others = SEPARATORS.iter().filter(move |it| !is_own(it));
    SEPARATORS.iter().filter(is_own).chain(others).copied()
}

/// The columns and what separates them: that which gives the header all that is wanted, or else the error of the one that occurs.
fn with_header(
    text: &str,
    own: char,
    rows: &Rows<'_, '_>,
) -> Result<(Columns, char), AnnotationError> {
    let first = text.lines().next().unwrap_or_default();
    let mut likely: Option<(usize, AnnotationProblem)> = None;
    for (separator, name) in separators(own) {
        let unquoted = |it: &str| it.trim().trim_matches('"').trim().to_owned();
        let names: Vec<String> = first.split(separator).map(unquoted).collect();
        let header = Header {
            names: names.iter().map(String::as_str).collect(),
            separator: name,
        };
        match Columns::named(&header, rows) {
            Ok(columns) => return Ok((columns, separator)),
            Err(problem) => {
                if likely.as_ref().is_none_or(|(most, _)| names.len() > *most) {
                    likely = Some((names.len(), problem));
                }
            }
        }
    }
    let (_, problem) = likely.unwrap_or((0, AnnotationProblem::NoSplit));
    Err(rows.error(Place::Line(1), problem))
}

/// The records of a table without a header: by that separator which gives every line the same number of fields, and enough of
/// them. A tab in the first line is one.
fn without_header(
    text: &str,
    own: char,
    lines_of_commas: bool,
    last: usize,
) -> Result<Vec<Record<'_>>, records::Fault> {
    let first = text.lines().next().unwrap_or_default();
    let own = if first.contains('\t') { '\t' } else { own };
    let enough = |records: &Vec<Record<'_>>| {
        let first = records.first();
        first.is_some_and(|first| first.fields.len() > last)
    };
    let read = |(separator, _)| records::read(text, separator, lines_of_commas);
    let fitting = separators(own).find_map(|it| read(it).ok().filter(enough));
    let lacking = || {
        let problem = AnnotationProblem::Value {
            what: "the line".to_owned(),
            found: "without a column of the largest number under `columns`".to_owned(),
            expected: "columns from 0, separated by commas, tabs, semicolons or vertical bars, as many on every line",
        };
        read((own, "")).and(Err((1, problem)))
    };
    fitting.map_or_else(lacking, Ok)
}

fn push(
    columns: &Columns,
    records: &[Record<'_>],
    rows: &mut Rows<'_, '_>,
) -> Result<(), AnnotationError> {
    let single = match columns.captions.as_slice() {
        [one] => Some(*one),
        _ => None,
    };
    let values = records
        .iter()
        .filter_map(|it| Some(it.fields.get(single?)?.as_ref()));
    let are_lists = single.is_some() && lists::is_column(values);
    for record in records {
        let field = |at: usize| record.fields.get(at).map_or("", AsRef::as_ref);
        let place = Place::Line(record.line);
        let captions = match single {
            Some(at) => lists::captions(field(at), are_lists),
            None => Ok(filled(columns.captions.iter().map(|&at| field(at)))),
        };
        let captions = captions.map_err(|problem| rows.error(place.clone(), problem))?;
        let row = Row {
            split: columns.split.map(|at| field(at).trim()),
            image: field(columns.image).trim(),
            captions,
            address: columns
                .url
                .map(|at| field(at).trim())
                .filter(|url| !url.is_empty()),
            whole: are_lists || single.is_none(),
            class: columns.class.map(field),
            group: columns.group.map(field),
        };
        rows.push(place, row)?;
    }
    Ok(())
}

/// The captions of several columns: those that are there, or an empty one.
fn filled<'a>(fields: impl Iterator<Item = &'a str>) -> Vec<String> {
    let there = fields.filter(|text| !text.trim().is_empty());
    let captions: Vec<String> = there.map(str::to_owned).collect();
    match captions.is_empty() {
        true => vec![String::new()],
        false => captions,
    }
}

/// `name#n`, a tab and a caption, as the name and the caption.
fn numbered_caption(line: &str) -> Option<(&str, &str)> {
    let (name, caption) = line.split_once('\t')?;
    let (image, number) = name.trim().rsplit_once('#')?;
    let is_number = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
    is_number.then_some((image, caption))
}

/// Lines of `name#n`, a tab and a caption.
fn tokens(text: &str, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    for (line, content) in (1u64..).zip(text.lines()) {
        if content.trim().is_empty() {
            continue;
        }
        let place = Place::Line(line);
        let Some((image, caption)) = numbered_caption(content) else {
            let problem = AnnotationProblem::Value {
                what: "the line".to_owned(),
                found: excerpt(content),
                expected: "`name#n`, a tab and a caption, as on the first line",
            };
            return Err(rows.error(place, problem));
        };
        let row = Row {
            image,
            captions: vec![caption.to_owned()],
            ..Row::default()
        };
        rows.push(place, row)?;
    }
    Ok(())
}
