//! Tables for a terminal: aligned columns that give way where the line is too short.

/// How text is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether the best is shown in bold (ANSI escapes); with `false` it has a `*` before it.
    pub color: bool,
    /// Characters a line should not exceed. Names and parameters are shortened for it, numbers never.
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

/// What stands in a column of a line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Entry {
    pub(crate) text: String,
    /// Set off from the others.
    pub(crate) strong: bool,
}

impl From<String> for Entry {
    fn from(text: String) -> Self {
        Self {
            text,
            strong: false,
        }
    }
}

/// A column of a printed table.
pub(crate) struct Column {
    title: String,
    side: Side,
    /// Width below which it is not shortened; absent if it is never.
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
    /// Words, flush left, never shortened.
    pub(crate) fn words(title: &str, entries: impl Iterator<Item = Entry>) -> Self {
        Self {
            title: title.to_owned(),
            side: Side::Left,
            least: None,
            entries: entries.collect(),
        }
    }

    /// Names, flush left, shortened down to `least` characters where the line is too long.
    pub(crate) fn names(title: &str, least: usize, entries: impl Iterator<Item = Entry>) -> Self {
        Self {
            least: Some(least),
            ..Self::words(title, entries)
        }
    }

    /// Numbers, flush right, never shortened.
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

    fn fitted(&self, entry: &Entry, width: usize, style: Style) -> String {
        let room = width.saturating_sub(usize::from(entry.strong && !style.color));
        let text = shortened(&entry.text, room);
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

/// Cuts the middle out: names that share a beginning often differ at the end.
fn shortened(text: &str, width: usize) -> String {
    let length = length(text);
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let (head, tail) = (kept.div_ceil(2), kept / 2);
    let start = text.chars().take(head);
    let end = text.chars().skip(length - tail);
    start.chain(['…']).chain(end).collect()
}

/// The lines of a table: titles, a rule, entries. Columns without any entry are left out.
pub(crate) fn lines(mut columns: Vec<Column>, style: Style) -> Vec<String> {
    columns.retain(|column| !column.is_empty());
    let widths = widths(&columns, style);
    let count = columns.iter().map(|column| column.entries.len()).max();
    let titles = columns
        .iter()
        .map(|column| Entry::from(column.title.clone()));
    let mut lines = vec![
        line(&columns, titles, &widths, style),
        "-".repeat(total(&widths)),
    ];
    for row in 0..count.unwrap_or(0) {
        let entries = columns.iter();
        let entries = entries.map(|column| column.entries.get(row).cloned().unwrap_or_default());
        lines.push(line(&columns, entries, &widths, style));
    }
    lines
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

    #[test]
    fn the_middle_of_a_long_name_goes() {
        assert_eq!(shortened("flickr30k/train 20%", 19), "flickr30k/train 20%");
        assert_eq!(shortened("flickr30k/train 20%", 10), "flick… 20%");
        assert_eq!(shortened("ab", 1), "…");
    }

    #[test]
    fn the_widest_name_gives_way_first_and_numbers_never() {
        let entry = |text: &str| std::iter::once(Entry::from(text.to_owned()));
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
