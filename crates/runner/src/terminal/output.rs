//! Standard output, where results and lists go; anything said beside them goes to standard error.

use nnn_report::Style;
use std::io::{self, ErrorKind, IsTerminal, Write};

/// Prints text and ends its line. A reader that leaves early, as `head` does, is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match write(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Bold and as wide as the terminal where a person looks; plain, and every table line whole, where a program reads.
pub(crate) fn style() -> Style {
    if !io::stdout().is_terminal() {
        return Style {
            color: false,
            width: usize::MAX,
        };
    }
    let width = console::Term::stdout().size_checked();
    Style {
        color: true,
        width: width.map_or(Style::default().width, |(_, columns)| columns.into()),
    }
}
