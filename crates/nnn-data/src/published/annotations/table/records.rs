//! A table's records, whatever separates its fields.

use super::super::error::AnnotationProblem;
use std::borrow::Cow;

/// One row, and the line that it begins on.
#[derive(Debug)]
pub(super) struct Record<'a> {
    pub(super) line: u64,
    pub(super) fields: Vec<Cow<'a, str>>,
}

/// What is wrong on a line.
pub(super) type Fault = (u64, AnnotationProblem);

/// Reads a table, header included. `rest_is_last` says that of a line its last field may hold the separator. Every record must have
/// as many fields as the first.
pub(super) fn read(
    text: &str,
    separator: char,
    rest_is_last: bool,
) -> Result<Vec<Record<'_>>, Fault> {
    let quoted = || between_quotes(text, separator);
    let records = match separator {
        ',' if rest_is_last => lines(text, last_as_it_is),
        ',' | ';' => quoted()?,
        _ if begins_quoted(text, separator) => quoted()?,
        _ => {
            let records = lines(text, |line, _| apart(line, separator));
            match check(&records) {
                Ok(()) => records,
                // Line breaks and tabs within quotes, as CSV writers leave them.
                Err(fault) => return quoted().ok().filter(|it| check(it).is_ok()).ok_or(fault),
            }
        }
    };
    check(&records).map(|()| records)
}

/// Whether all fields of the first line are between quotes.
fn begins_quoted(text: &str, separator: char) -> bool {
    let first = text.lines().next().unwrap_or_default();
    let quoted = |field: &str| unquoted(field).is_some();
    first.split(separator).all(quoted)
}

fn check(records: &[Record<'_>]) -> Result<(), Fault> {
    let columns = records.first().map_or(0, |first| first.fields.len());
    match records.iter().find(|it| it.fields.len() != columns) {
        None => Ok(()),
        Some(record) => Err((
            record.line,
            AnnotationProblem::Value {
                what: "the line".to_owned(),
                found: format!("{} fields", record.fields.len()),
                expected: "as many fields as the header has",
            },
        )),
    }
}

/// One record per line that is not blank.
fn lines<'a>(
    text: &'a str,
    fields: impl Fn(&'a str, usize) -> Vec<Cow<'a, str>>,
) -> Vec<Record<'a>> {
    let mut records: Vec<Record<'a>> = Vec::new();
    for (line, content) in (1u64..).zip(text.lines()) {
        let columns = records.first().map(|first| first.fields.len());
        if columns.is_none() || !content.trim_matches(' ').is_empty() {
            let fields = fields(content, columns.unwrap_or(usize::MAX));
            records.push(Record { line, fields });
        }
    }
    records
}

/// Quotes are text here, unless there are doubled ones inside. Around `|` there may be blanks.
fn apart(line: &str, separator: char) -> Vec<Cow<'_, str>> {
    let field = |field: &str| match unquoted(field) {
        Some(inner) if inner.contains('"') => inner,
        _ if separator == '|' => field.trim().to_owned(),
        _ => field.to_owned(),
    };
    line.split(separator).map(|it| field(it).into()).collect()
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

/// Records as CSV has them: what stands between quotes may hold separators and line breaks.
fn between_quotes(text: &str, separator: char) -> Result<Vec<Record<'_>>, Fault> {
    let malformed = |line, problem: String| {
        let format = "CSV";
        (line, AnnotationProblem::Malformed { format, problem })
    };
    let separator = separator as u8;
    if let Some((line, problem)) = Scan::new(text, separator).stray() {
        return Err(malformed(line, problem.to_owned()));
    }
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut lines = LineCount::new(text);
    let record = |record: csv::Result<csv::StringRecord>| match record {
        Ok(record) => Ok(Record {
            line: lines.of(record.position()),
            fields: record.iter().map(|it| it.to_owned().into()).collect(),
        }),
        Err(error) => Err(malformed(lines.of(error.position()), error.to_string())),
    };
    reader.records().map(record).collect()
}

/// Looks for quotes that take other lines along.
struct Scan<'a> {
    bytes: &'a [u8],
    separator: u8,
    at: usize,
    line: u64,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str, separator: u8) -> Self {
        Self {
            bytes: text.as_bytes(),
            separator,
            at: 0,
            line: 1,
        }
    }

    /// The line on which a quote begins that is never closed, or that is closed on another line amid a field.
    fn stray(mut self) -> Option<(u64, &'static str)> {
        let mut begins = true;
        while let Some(&byte) = self.bytes.get(self.at) {
            let line = self.line;
            if byte == b'"' && begins {
                if !self.pass_quoted() {
                    return Some((line, "a quote that begins here is never closed"));
                }
                let next = self.bytes.get(self.at);
                let ends = next.is_none_or(|it| *it == self.separator || b"\r\n".contains(it));
                if self.line > line && !ends {
                    return Some((
                        line,
                        "a quote that begins here ends on another line, amid a field",
                    ));
                }
                begins = false;
                continue;
            }
            begins = byte == self.separator || byte == b'\n';
            self.step();
        }
        None
    }

    fn step(&mut self) {
        self.line += u64::from(self.bytes[self.at] == b'\n');
        self.at += 1;
    }

    /// Goes behind the closing quote; says whether there is one.
    fn pass_quoted(&mut self) -> bool {
        self.at += 1;
        while let Some(&byte) = self.bytes.get(self.at) {
            let doubled = self.bytes.get(self.at + 1) == Some(&b'"');
            self.step();
            match byte {
                b'"' if doubled => self.at += 1,
                b'"' => return true,
                _ => {}
            }
        }
        false
    }
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
