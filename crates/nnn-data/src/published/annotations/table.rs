//! Tables with a header: `.csv` with quotes, `.tsv` with one record per line, `.txt` with lines whose last field may
//! hold commas unquoted.
//!
//! In a `.tsv` file quotes are text, as in VisoGender's published tables (and in the registered type `text/tab-separated-values`):
//! a caption that stands between quotes keeps them. There is one exception. A CSV writer that is told to separate by
//! tabs puts a field between quotes and doubles the quotes inside; nobody writes that otherwise, so such a field is read as
//! CSV. Captions with tabs or line breaks need a `.csv` file; here their line has the wrong number of fields, which is an
//! error.
//!
//! | published as | columns |
//! |---|---|
//! | `captions.csv` of this project | `image`, `split`, `caption` |
//! | CLIP_benchmark's `*_karpathy.txt` | `image,caption`, unquoted |
//! | `nlphuji/flickr30k` and its 1k test | `filename`, `raw` (a JSON list), `split` |
//! | `nlphuji/mscoco_2014_5k_test_image_text_retrieval` | `filename`, `raw` (a Python list), `split` |
//!
//! Three more columns are read where they exist: `url`, `class` (what the image shows: a caption is then answered by all
//! images of its class) and `group` (which of the card's two groups the image belongs to).
//!
//! The captions are lists if the first one begins with `[`; all of them must be lists then.

use super::builder::{Row, Rows};
use super::error::{AnnotationError, AnnotationProblem, Place};
use super::{Input, lists};
use std::borrow::Cow;

const IMAGE: [&str; 2] = ["image", "filename"];
const CAPTION: [&str; 3] = ["caption", "captions", "raw"];

/// Reads a table into rows.
pub(super) fn read(input: &Input, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    let text = input.text(rows)?;
    match input.extension().as_str() {
        "csv" => records(&text, rows),
        "tsv" => lines(&text, '\t', rows),
        "txt" => lines(&text, ',', rows),
        _ => Err(rows.error(
            None,
            AnnotationProblem::Kind {
                format: "table",
                expected: ".csv, .tsv or .txt",
            },
        )),
    }
}

/// Positions of the columns that are read.
struct Columns {
    image: usize,
    caption: usize,
    split: Option<usize>,
    url: Option<usize>,
    class: Option<usize>,
    group: Option<usize>,
    /// Whether captions are lists, once the first has been seen.
    lists: Option<bool>,
}

impl Columns {
    fn find(header: &[&str], rows: &Rows<'_, '_>) -> Result<Self, AnnotationError> {
        let names = &rows.part().columns;
        let missing = |problem| rows.error(Place::Line(1), problem);
        let needs_split = rows.part().split.is_none();
        let split = match (
            find(header, names.split.as_deref(), &["split"]),
            needs_split,
        ) {
            (Ok(at), _) => Some(at),
            (Err(_), false) => None,
            (Err(problem), true) => return Err(missing(problem)),
        };
        Ok(Self {
            image: find(header, names.image.as_deref(), &IMAGE).map_err(missing)?,
            caption: find(header, names.caption.as_deref(), &CAPTION).map_err(missing)?,
            split,
            url: optional(header, names.url.as_deref(), "url").map_err(missing)?,
            class: optional(header, names.class.as_deref(), "class").map_err(missing)?,
            group: group(header, rows).map_err(missing)?,
            lists: None,
        })
    }

    fn push(
        &mut self,
        line: u64,
        fields: &[&str],
        rows: &mut Rows<'_, '_>,
    ) -> Result<(), AnnotationError> {
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let caption = field(self.caption);
        let whole = *self
            .lists
            .get_or_insert(caption.trim_start().starts_with('['));
        let place = Place::Line(line);
        let list = caption.trim_start().starts_with('[');
        let captions = match whole {
            true => lists::parse(caption),
            false if list && lists::parse(caption).is_ok() => Err(AnnotationProblem::Value {
                what: "the caption".to_owned(),
                found: format!("a list ({caption})"),
                expected: "one caption, as on the first line of the table",
            }),
            false => Ok(vec![caption.to_owned()]),
        };
        let captions = captions.map_err(|problem| rows.error(place.clone(), problem))?;
        let row = Row {
            split: self.split.map(field),
            image: field(self.image),
            captions,
            address: self.url.map(field).filter(|url| !url.is_empty()),
            whole,
            class: self.class.map(field),
            group: self.group.map(field),
        };
        rows.push(place, row)
    }
}

/// The column called `named`, or the first there is of the format's own.
fn find(header: &[&str], named: Option<&str>, own: &[&str]) -> Result<usize, AnnotationProblem> {
    let position = |name: &str| header.iter().position(|found| *found == name);
    let wanted: Vec<&str> = named.map_or(own.to_vec(), |name| vec![name]);
    let at = wanted.iter().find_map(|name| position(name));
    if let Some(name) = at.map(|at| header[at]) {
        let times = header.iter().filter(|found| **found == name).count();
        if times > 1 {
            return Err(AnnotationProblem::Value {
                what: format!("the column {name:?}"),
                found: format!("there {times} times"),
                expected: "one column of a name",
            });
        }
    }
    at.ok_or_else(|| AnnotationProblem::MissingColumn {
        wanted: super::either(&wanted),
        found: header.join(","),
    })
}

/// A column that must exist only if the card names it.
fn optional(
    header: &[&str],
    named: Option<&str>,
    own: &str,
) -> Result<Option<usize>, AnnotationProblem> {
    match named {
        Some(name) => find(header, Some(name), &[]).map(Some),
        None => Ok(find(header, None, &[own]).ok()),
    }
}

/// The column with groups, which mean nothing without their names.
fn group(header: &[&str], rows: &Rows<'_, '_>) -> Result<Option<usize>, AnnotationProblem> {
    let named = rows.part().columns.group.as_deref();
    match (named, rows.groups()) {
        (Some(_), None) => Err(AnnotationProblem::NoGroups),
        _ => optional(header, named, "group"),
    }
}

fn records(text: &str, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut lines = LineCount::new(text);
    let header = match reader.headers() {
        Ok(header) => header.clone(),
        Err(error) => return Err(bad_csv(&error, &mut lines, rows)),
    };
    let header: Vec<&str> = header.iter().collect();
    let mut columns = Columns::find(&header, rows)?;
    let mut last = 0;
    for record in reader.records() {
        let record = record.map_err(|error| bad_csv(&error, &mut lines, rows))?;
        let line = lines.of(record.position());
        last = record.position().map_or(0, csv::Position::byte) as usize;
        let fields: Vec<&str> = record.iter().collect();
        columns.push(line, &fields, rows)?;
    }
    check_closed(&text[last.min(text.len())..], lines.line, rows)
}

/// Refuses a last record whose quote is never closed: it holds the rest of the file.
fn check_closed(record: &str, line: u64, rows: &Rows<'_, '_>) -> Result<(), AnnotationError> {
    let record = record.trim_start_matches(['\r', '\n']);
    let quotes = record.bytes().filter(|&byte| byte == b'"').count();
    let opens = record.starts_with('"') || record.contains(",\"");
    if !opens || quotes.is_multiple_of(2) {
        return Ok(());
    }
    let problem = AnnotationProblem::Malformed {
        format: "CSV",
        problem: "a quote that begins here is never closed".to_owned(),
    };
    Err(rows.error(Place::Line(line), problem))
}

/// Lines of ascending positions in a text. The reader's own numbers are one too low behind a line that ends with two characters.
struct LineCount<'a> {
    text: &'a [u8],
    counted: usize,
    line: u64,
}

impl<'a> LineCount<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text: text.as_bytes(),
            counted: 0,
            line: 1,
        }
    }

    /// The line of the first character of a record.
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let byte = position.map_or(0, |position| position.byte() as usize);
        let rest = self.text.get(byte..).unwrap_or_default();
        let breaks = rest
            .iter()
            .take_while(|byte| b"\r\n".contains(byte))
            .count();
        let start = (byte + breaks).min(self.text.len());
        let new = self.text.get(self.counted..start).unwrap_or_default();
        self.line += new.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.counted = self.counted.max(start);
        self.line
    }
}

fn bad_csv(error: &csv::Error, lines: &mut LineCount<'_>, rows: &Rows<'_, '_>) -> AnnotationError {
    let line = lines.of(error.position());
    let problem = AnnotationProblem::Malformed {
        format: "CSV",
        problem: error.to_string(),
    };
    rows.error(Place::Line(line), problem)
}

/// One record per line.
fn lines(text: &str, separator: char, rows: &mut Rows<'_, '_>) -> Result<(), AnnotationError> {
    let mut lines = (1u64..).zip(text.lines());
    let header = lines.next().map_or("", |(_, line)| line);
    let header: Vec<&str> = header.split(separator).collect();
    let mut columns = Columns::find(&header, rows)?;
    for (line, content) in lines.filter(|(_, content)| !content.trim_matches(' ').is_empty()) {
        let fields = match separator {
            '\t' => between_tabs(content),
            _ => last_as_it_is(content, header.len()),
        };
        if fields.len() != header.len() {
            let problem = AnnotationProblem::Value {
                what: "the line".to_owned(),
                found: format!("{} fields", fields.len()),
                expected: "as many fields as the header has",
            };
            return Err(rows.error(Place::Line(line), problem));
        }
        let fields: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
        columns.push(line, &fields, rows)?;
    }
    Ok(())
}

/// Quotes are text here, unless there are doubled ones inside.
fn between_tabs(line: &str) -> Vec<Cow<'_, str>> {
    let field = |field| match unquoted(field) {
        Some(inner) if inner.contains('"') => inner.into(),
        _ => Cow::from(field),
    };
    line.split('\t').map(field).collect()
}

/// The last field is what is left of the line, so that captions may hold commas; some such files quote it nevertheless.
fn last_as_it_is(line: &str, columns: usize) -> Vec<Cow<'_, str>> {
    let mut fields: Vec<Cow<'_, str>> = line.splitn(columns, ',').map(Cow::from).collect();
    if let Some(last) = fields.last_mut()
        && let Some(inner) = unquoted(last)
    {
        *last = inner.into();
    }
    fields
}

/// What a field holds that is quoted as CSV does: quotes all around and doubled inside.
fn unquoted(field: &str) -> Option<String> {
    let inner = field.trim().strip_prefix('"')?.strip_suffix('"')?;
    let alone = inner.replace("\"\"", "").contains('"');
    (!alone).then(|| inner.replace("\"\"", "\""))
}
