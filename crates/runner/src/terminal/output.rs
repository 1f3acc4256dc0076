//! Standard output, where results and lists go; anything said beside them goes to standard error.

use crate::terminal::is_quiet;
use console::Term;
use nnn_report::Style;
use std::io::{self, ErrorKind, Write};

/// Prints text for a person and ends its line, unless all is to be quiet. A reader that leaves early, as `head` does, is no
/// failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match is_quiet() {
        true => Ok(()),
        false => print_data(text),
    }
}

/// The same for what a program reads, which is printed in any case.
pub(crate) fn print_data(text: &str) -> io::Result<()> {
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

/// As large as the terminal where a person looks; every table whole where a program reads. Bold follows the rules of
/// `console`: on a terminal that has it, unless `CLICOLOR` is 0, and anywhere with `CLICOLOR_FORCE`; but never with `NO_COLOR`,
/// as in the help.
pub(crate) fn style() -> Style {
    let terminal = Term::stdout();
    let size = terminal.is_term().then(|| terminal.size_checked());
    let is_forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    style_of(size, console::colors_enabled() && !is_forbidden)
}

/// `size`: rows and columns of the terminal, if there is one and they are known.
fn style_of(size: Option<Option<(u16, u16)>>, color: bool) -> Style {
    match size {
        None => Style {
            color,
            width: usize::MAX,
            height: usize::MAX,
        },
        Some(None) => Style {
            color,
            ..Style::default()
        },
        Some(Some((rows, columns))) => Style {
            color,
            width: columns.into(),
            height: rows.into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_whole_where_no_terminal_is() {
        let (piped, unknown) = (style_of(None, false), style_of(Some(None), true));
        assert_eq!((piped.width, piped.height), (usize::MAX, usize::MAX));
        assert_eq!((unknown.width, unknown.color), (120, true));
        let small = style_of(Some(Some((24, 80))), true);
        assert_eq!((small.width, small.height), (80, 24));
    }
}
