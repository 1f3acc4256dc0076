//! Tables for a terminal: aligned columns that give way where the line is too short.

use crate::wording::Entry;

/// How text is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether the best is shown in bold (ANSI escapes); with `false` it has a `*` before it.
    pub color: bool,
    /// Characters a line should not exceed. Names and parameters are folded for it, numbers never.
    pub width: usize,
}

impl Default for Style {
    /// Without escapes, 120 characters wide.
    fn default() -> Self {
        Self {
            color: false,
            width: 120,
        }
    }
}

/// A column of a printed table.
pub(crate) struct Column {
    title: String,
    side: Side,
    /// Width below which it is not folded; absent if it is never.
    least: Option<usize>,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

const GAP: &str = "  ";

impl Column {
    /// Words, flush left, never folded.
    pub(crate) fn words(title: &str, entries: impl Iterator<Item = Entry>) -> Self {
        Self {
            title: title.to_owned(),
            side: Side::Left,
            least: None,
            entries: entries.collect(),
        }
    }

    /// Names, flush left, folded to no less than `least` characters where the line is too long.
    pub(crate) fn names(title: &str, least: usize, entries: impl Iterator<Item = Entry>) -> Self {
        let longest = title.split(' ').map(length).max().unwrap_or(0);
        Self {
            least: Some(least.max(longest)),
            ..Self::words(title, entries)
        }
    }

    /// Numbers, flush right, never folded.
    pub(crate) fn numbers(title: &str, entries: impl Iterator<Item = Entry>) -> Self {
        Self {
            side: Side::Right,
            ..Self::words(title, entries)
        }
    }

    fn is_empty(&self) -> bool {
        self.entries.iter().all(|entry| entry.text.is_empty())
    }

    fn width(&self, style: Style) -> usize {
        let star = |entry: &Entry| usize::from(entry.strong && !style.color);
        let entries = self.entries.iter();
        let widths = entries.map(|entry| length(&entry.text) + star(entry));
        widths.max().unwrap_or(0).max(length(&self.title))
    }

    /// An entry as the lines that it takes.
    fn folded(&self, entry: &Entry, width: usize) -> Vec<Entry> {
        let texts = match self.least {
            Some(_) => folded(&entry.text, width),
            None => vec![entry.text.clone()],
        };
        let strong = entry.strong;
        let line = |text| Entry { text, strong };
        texts.into_iter().map(line).collect()
    }

    fn fitted(&self, entry: &Entry, width: usize, style: Style) -> String {
        let room = width.saturating_sub(usize::from(entry.strong && !style.color));
        let text = entry.text.clone();
        let padding = " ".repeat(room.saturating_sub(length(&text)));
        let text = match (entry.strong, style.color) {
            (false, _) => text,
            (true, true) => format!("\x1b[1m{text}\x1b[0m"),
            (true, false) => format!("*{text}"),
        };
        match self.side {
            Side::Left => text + &padding,
            Side::Right => padding + &text,
        }
    }
}

fn length(text: &str) -> usize {
    text.chars().count()
}

/// A text in lines of at most `width` characters. Parameters part behind a comma, names also elsewhere between words; only
/// a word that is longer than a line is cut.
fn folded(text: &str, width: usize) -> Vec<String> {
    let stops: &[char] = match text.contains('=') {
        true => &[',', ' '],
        false => &[' ', ',', '/', '-', '_'],
    };
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(stops) {
        let letters: Vec<char> = word.chars().collect();
        for part in letters.chunks(width.max(1)) {
            let part: String = part.iter().collect();
            match lines.last_mut() {
                Some(line) if length(line) + length(part.trim_end()) <= width => *line += &part,
                _ => lines.push(part),
            }
        }
    }
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// The lines of a table: titles, a rule, entries. Columns without any entry are left out.
pub(crate) fn lines(mut columns: Vec<Column>, style: Style) -> Vec<String> {
    columns.retain(|column| !column.is_empty());
    let widths = widths(&columns, style);
    let count = columns.iter().map(|column| column.entries.len()).max();
    let titles = columns
        .iter()
        .map(|column| Entry::plain(column.title.clone()));
    let mut lines = folded_line(&columns, titles.collect(), &widths, style);
    lines.push("-".repeat(total(&widths)));
    for row in 0..count.unwrap_or(0) {
        let entries = columns.iter();
        let entries = entries.map(|column| column.entries.get(row).cloned().unwrap_or_default());
        lines.extend(folded_line(&columns, entries.collect(), &widths, style));
    }
    lines
}

/// A line of the table, in as many lines as its longest entry takes.
fn folded_line(
    columns: &[Column],
    entries: Vec<Entry>,
    widths: &[usize],
    style: Style,
) -> Vec<String> {
    let cells = columns.iter().zip(&entries).zip(widths);
    let cells: Vec<Vec<Entry>> = cells
        .map(|((column, entry), &width)| column.folded(entry, width))
        .collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    let part = |at: usize| {
        let entries = cells.iter();
        let entries = entries.map(|parts| parts.get(at).cloned().unwrap_or_default());
        line(columns, entries, widths, style)
    };
    (0..height).map(part).collect()
}

fn line(
    columns: &[Column],
    entries: impl Iterator<Item = Entry>,
    widths: &[usize],
    style: Style,
) -> String {
    let cells = columns.iter().zip(entries).zip(widths);
    let cells = cells.map(|((column, entry), &width)| column.fitted(&entry, width, style));
    let line = cells.collect::<Vec<_>>().join(GAP);
    line.trim_end().to_owned()
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1)
}

/// Natural widths, less what is too much, taken from the widest name first.
fn widths(columns: &[Column], style: Style) -> Vec<usize> {
    let mut widths: Vec<_> = columns.iter().map(|column| column.width(style)).collect();
    while total(&widths) > style.width {
        let spare = |at: &usize| columns[*at].least.is_some_and(|least| widths[*at] > least);
        let widest = (0..columns.len())
            .filter(spare)
            .max_by_key(|&at| widths[at]);
        match widest {
            Some(at) => widths[at] -= 1,
            None => break,
        }
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Guards against cutting the middle out of a name that is too long for its column.
    #[test]
    fn long_texts_fold_between_words_and_lose_nothing() {
        assert_eq!(folded("flickr30k/train 20%", 19), ["flickr30k/train 20%"]);
        assert_eq!(
            folded("flickr30k/train 20%", 10),
            ["flickr30k/", "train 20%"]
        );
        let params = "tau=0.005,iterations=10";
        assert_eq!(folded(params, 22), ["tau=0.005,", "iterations=10"]);
        assert_eq!(folded("shift=1e-5", 6), ["shift=", "1e-5"]);
        assert_eq!(folded("abc", 1), ["a", "b", "c"]);
        assert_eq!(folded("", 5), [""]);
    }

    #[test]
    fn a_folded_entry_takes_several_lines() {
        let entries =
            |texts: [&str; 2]| texts.map(|text| Entry::plain(text.to_owned())).into_iter();
        let columns = vec![
            Column::names("Parameters", 5, entries(["k=16,alpha=0.75", "k=1"])),
            Column::numbers("R@1", entries(["50.00", "6.00"])),
        ];
        let style = Style {
            color: false,
            width: 18,
        };
        let expected = [
            "Parameters     R@1",
            "------------------",
            "k=16,        50.00",
            "alpha=0.75",
            "k=1           6.00",
        ];
        assert_eq!(lines(columns, style), expected);
    }

    #[test]
    fn the_widest_name_gives_way_first_and_numbers_never() {
        let entry = |text: &str| std::iter::once(Entry::plain(text.to_owned()));
        let columns = || {
            vec![
                Column::names("a", 4, entry("abcdefgh")),
                Column::names("b", 4, entry("abcde")),
                Column::numbers("c", entry("123456")),
            ]
        };
        let style = |width| Style {
            color: false,
            width,
        };
        assert_eq!(widths(&columns(), style(23)), [8, 5, 6]);
        assert_eq!(widths(&columns(), style(20)), [5, 5, 6]);
        assert_eq!(widths(&columns(), style(1)), [4, 4, 6]);
    }
}
