//! Tables as Markdown.

use crate::tables::formats::origin::origin;
use crate::tables::formats::table::Table;
use crate::wording::Entry;

/// The tables as a Markdown file, which names the file that they are made from.
pub(super) fn markdown(source: &str, tables: &[Table]) -> String {
    let tables = tables.iter().map(table);
    let header = format!("<!-- {} -->", origin(source));
    let parts: Vec<_> = std::iter::once(header).chain(tables).collect();
    parts.join("\n\n") + "\n"
}

/// Markdown has one header line: further levels are lines of the body.
fn table(table: &Table) -> String {
    let mut lines: Vec<Vec<String>> = Vec::new();
    for level in 0..table.header.len() {
        lines.push(header(table, level));
    }
    for row in &table.rows {
        let labels = row.labels.iter().map(|label| escaped(label));
        lines.push(labels.chain(row.entries.iter().map(entry)).collect());
    }
    let mut text = vec![caption(table)];
    text.extend(aligned(&lines, table.labels.len()));
    text.join("\n")
}

fn caption(table: &Table) -> String {
    let notes = table.notes.iter().map(|note| escaped(note));
    let title = format!("**{}.**", escaped(&table.title));
    let sentences: Vec<_> = std::iter::once(title).chain(notes).collect();
    sentences.join(" ") + "\n"
}

fn header(table: &Table, level: usize) -> Vec<String> {
    let emphasised = |text: &str| match (level, text) {
        (0, _) | (_, "") => escaped(text),
        _ => format!("*{}*", escaped(text)),
    };
    let labels = table
        .labels
        .iter()
        .map(|label| if level == 0 { label } else { "" });
    let mut line: Vec<_> = labels.map(escaped).collect();
    for span in table.spans(level) {
        line.push(emphasised(span.text));
        line.extend(std::iter::repeat_n(String::new(), span.columns - 1));
    }
    line
}

fn entry(entry: &Entry) -> String {
    let text = escaped(&entry.text);
    if entry.strong {
        format!("**{text}**")
    } else {
        text
    }
}

/// Pads every column to its width, so that the source can be read too.
fn aligned(lines: &[Vec<String>], labels: usize) -> Vec<String> {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max();
    let widths: Vec<_> = (0..columns)
        .map(|at| width(at).unwrap_or(0).max(4))
        .collect();
    let pad = |(at, text): (usize, &String)| match at < labels {
        true => format!("{text:<0$}", widths[at]),
        false => format!("{text:>0$}", widths[at]),
    };
    let join = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let mut out: Vec<_> = lines
        .iter()
        .map(|line| join(line.iter().enumerate().map(pad).collect()))
        .collect();
    let rule = |(at, width): (usize, &usize)| match at < labels {
        true => "-".repeat(*width),
        false => format!("{}:", "-".repeat(width - 1)),
    };
    out.insert(
        1.min(out.len()),
        join(widths.iter().enumerate().map(rule).collect()),
    );
    out
}

/// Text that Markdown shows as it is, inside a table cell or a paragraph.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            c if c.is_control() => shown.push(' '),
            c if r"\`*_[]<>|~$&".contains(c) => shown.extend(['\\', c]),
            c => shown.push(c),
        }
    }
    shown
}
