//! Tables as LaTeX, with the rules of the package booktabs.

use crate::tables::formats::origin::origin;
use crate::tables::formats::table::{Row, Table};
use crate::wording::Entry;

/// The tables as a LaTeX file, which names the file that they are made from.
pub(super) fn latex(source: &str, tables: &[Table]) -> String {
    let tables = tables.iter().map(table);
    let header = format!("% {} Needs the package booktabs.", origin(source));
    let parts: Vec<_> = std::iter::once(header).chain(tables).collect();
    parts.join("\n\n") + "\n"
}

fn table(table: &Table) -> String {
    let columns = table.header.first().map_or(0, Vec::len);
    let mut lines = vec![
        r"\begin{table}".to_owned(),
        r"\centering".to_owned(),
        caption(table),
        format!(
            r"\begin{{tabular}}{{{}{}}}",
            "l".repeat(table.labels.len()),
            "r".repeat(columns)
        ),
        r"\toprule".to_owned(),
    ];
    for level in 0..table.header.len() {
        lines.extend(header(table, level));
    }
    lines.push(r"\midrule".to_owned());
    lines.extend(table.rows.iter().map(row));
    lines.extend([r"\bottomrule", r"\end{tabular}", r"\end{table}"].map(str::to_owned));
    lines.join("\n")
}

fn caption(table: &Table) -> String {
    let sentences = std::iter::once(format!("{}.", table.title)).chain(table.notes.clone());
    let sentences: Vec<_> = sentences.map(|text| escaped(&text)).collect();
    format!(r"\caption{{{}}}", sentences.join(" "))
}

/// A header level and, under an outer one, a rule below each of its spans.
fn header(table: &Table, level: usize) -> Vec<String> {
    let innermost = level + 1 == table.header.len();
    let names = table
        .labels
        .iter()
        .map(|label| if innermost { label } else { "" });
    let mut entries: Vec<_> = names.map(escaped).collect();
    let (mut rules, mut column) = (String::new(), entries.len());
    for span in table.spans(level) {
        let text = escaped(span.text);
        entries.push(match span.columns {
            1 => text,
            many => format!(r"\multicolumn{{{many}}}{{c}}{{{text}}}"),
        });
        if !innermost && !span.text.is_empty() {
            let (first, last) = (column + 1, column + span.columns);
            rules.push_str(&format!(r"\cmidrule(lr){{{first}-{last}}}"));
        }
        column += span.columns;
    }
    let mut lines = vec![entries.join(" & ") + r" \\"];
    lines.extend((!rules.is_empty()).then_some(rules));
    lines
}

fn row(row: &Row) -> String {
    let labels = row.labels.iter().map(|label| escaped(label));
    let entries: Vec<_> = labels.chain(row.entries.iter().map(entry)).collect();
    entries.join(" & ") + r" \\"
}

fn entry(entry: &Entry) -> String {
    let text = escaped(&entry.text);
    if entry.strong {
        format!(r"\textbf{{{text}}}")
    } else {
        text
    }
}

/// Text that LaTeX shows as it is, inside a table cell or a caption.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => shown.extend(['\\', c]),
            c if c.is_control() => shown.push(' '),
            c => match symbol(c) {
                Some(symbol) => shown.push_str(symbol),
                None => shown.push(c),
            },
        }
    }
    shown
}

fn symbol(c: char) -> Option<&'static str> {
    Some(match c {
        '\\' => r"\textbackslash{}",
        '~' => r"\textasciitilde{}",
        '^' => r"\textasciicircum{}",
        '<' => r"\textless{}",
        '>' => r"\textgreater{}",
        '|' => r"\textbar{}",
        '±' => r"$\pm$",
        '–' => "--",
        'Δ' => r"$\Delta$",
        '†' => r"$^\dagger$",
        '‡' => r"$^\ddagger$",
        _ => return None,
    })
}
