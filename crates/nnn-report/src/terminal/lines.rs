//! Tables for a terminal: aligned columns that give way where the line is too short.

use crate::wording::Entry;

/// How text is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether the best is shown in bold (ANSI escapes); with `false` it has a `*` before it.
    pub color: bool,
    /// Characters a line should not exceed. Names and parameters are folded for it, numbers never.
    pub width: usize,
    /// Lines that can be seen at once; `usize::MAX` where there is no screen.
    pub height: usize,
}

impl Default for Style {
    /// Without escapes, 120 characters wide, of any height.
    fn default() -> Self {
        Self {
            color: false,
            width: 120,
            height: usize::MAX,
        }
    }
}

/// A column of a printed table.
pub(crate) struct Column {
    /// In as many lines as it has.
    title: String,
    side: Side,
    /// Width below which it is not folded; absent if it is never.
    least: Option<usize>,
    /// Whether the title is folded to the width of the entries.
    low_title: bool,
    /// Whether equal entries below one another are written as one.
    spans: bool,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    Left,
    Right,
}

const GAP: &str = "  ";
const BOLD: &str = "\x1b[1m";
const PLAIN: &str = "\x1b[0m";

/// Where names are folded.
const STOPS: &[char] = &[' ', '\n', ',', '/', '-', '_'];

impl Column {
    /// Words, flush left, never folded.
    pub(crate) fn words(title: &str, entries: impl Iterator<Item = Entry>) -> Self {
        Self {
            title: title.to_owned(),
            side: Side::Left,
            least: None,
            low_title: false,
            spans: false,
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

    /// The same with its title folded to the width of the entries.
    pub(crate) fn under_a_low_title(self) -> Self {
        Self {
            low_title: true,
            ..self
        }
    }

    /// The same with equal entries below one another written once, folded over their lines.
    pub(crate) fn spanning(self) -> Self {
        Self {
            spans: true,
            ..self
        }
    }

    fn is_empty(&self) -> bool {
        self.entries.iter().all(|entry| entry.text.is_empty())
    }

    fn width(&self, style: Style) -> usize {
        let star = |entry: &Entry| usize::from(entry.strong && !style.color);
        let entries = self.entries.iter();
        let widths = entries.map(|entry| length(&entry.text) + star(entry));
        let title = match self.low_title {
            true => self.title.split_inclusive(STOPS),
            false => self.title.split_inclusive(&['\n'][..]),
        };
        let title = title.map(|part| length(part.trim_end())).max();
        widths.max().unwrap_or(0).max(title.unwrap_or(0))
    }

    fn folded_title(&self, width: usize) -> Vec<Entry> {
        let fold = |part: &str| match self.low_title || self.least.is_some() {
            true => folded_at(STOPS, part, width),
            false => vec![part.to_owned()],
        };
        let parts = self.title.split('\n').flat_map(fold);
        parts.map(Entry::plain).collect()
    }

    /// Every entry as the lines that it takes.
    fn cells(&self, width: usize) -> Vec<Vec<Entry>> {
        if !self.spans {
            let entries = self.entries.iter();
            return entries.map(|entry| self.folded(entry, width)).collect();
        }
        let runs = self.entries.chunk_by(|above, below| above == below);
        let spread = |run: &[Entry]| spread(self.folded(&run[0], width), run.len());
        runs.flat_map(spread).collect()
    }

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
            (true, true) => format!("{BOLD}{text}{PLAIN}"),
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

/// The characters of a line that are seen.
pub(crate) fn seen(line: &str) -> usize {
    let escapes =
        line.matches(BOLD).count() * BOLD.len() + line.matches(PLAIN).count() * PLAIN.len();
    length(line) - escapes
}

/// The lines of one entry over `rows` rows of a table: one each, and what is left in the last.
fn spread(parts: Vec<Entry>, rows: usize) -> Vec<Vec<Entry>> {
    let mut parts = parts.into_iter();
    let before = 1..rows;
    let mut cells: Vec<Vec<Entry>> = before.map(|_| parts.next().into_iter().collect()).collect();
    cells.push(parts.collect());
    cells
}

/// A text in lines of at most `width` characters. Parameters part behind a comma, names also elsewhere between words; only
/// a word that is longer than a line is cut.
fn folded(text: &str, width: usize) -> Vec<String> {
    let stops: &[char] = match text.contains('=') {
        true => &[',', ' '],
        false => STOPS,
    };
    folded_at(stops, text, width)
}

/// A sentence in lines of at most `width` characters, broken between words.
pub(crate) fn wrapped(sentence: &str, width: usize) -> Vec<String> {
    folded_at(&[' '], sentence, width)
}

fn folded_at(stops: &[char], text: &str, width: usize) -> Vec<String> {
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
    let sized = || columns.iter().zip(&widths);
    let titles = sized().map(|(column, &width)| column.folded_title(width));
    let mut lines = row(&columns, &titles.collect::<Vec<_>>(), &widths, style);
    lines.push("-".repeat(total(&widths)));
    let cells = sized().map(|(column, &width)| column.cells(width));
    let cells: Vec<Vec<Vec<Entry>>> = cells.collect();
    let count = cells.iter().map(Vec::len).max().unwrap_or(0);
    for at in 0..count {
        let cells = cells.iter().map(|column| column.get(at).cloned());
        let cells: Vec<_> = cells.map(Option::unwrap_or_default).collect();
        lines.extend(row(&columns, &cells, &widths, style));
    }
    lines
}

/// A row of the table, in as many lines as its longest cell takes.
fn row(columns: &[Column], cells: &[Vec<Entry>], widths: &[usize], style: Style) -> Vec<String> {
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
            width: 18,
            ..Style::default()
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
            width,
            ..Style::default()
        };
        assert_eq!(widths(&columns(), style(23)), [8, 5, 6]);
        assert_eq!(widths(&columns(), style(20)), [5, 5, 6]);
        assert_eq!(widths(&columns(), style(1)), [4, 4, 6]);
    }
}
