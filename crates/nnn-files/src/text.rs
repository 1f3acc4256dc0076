//! Text as editors save it: in UTF-8, perhaps behind a byte order mark.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// What Windows' editors put in front of a text in UTF-8. No format here counts it as content.
const MARK: &str = "\u{feff}";

/// The text of a file in UTF-8, without a byte order mark.
///
/// # Errors
/// It cannot be read, or is no UTF-8.
pub fn read_text(path: &Path) -> io::Result<String> {
    let mut text = fs::read_to_string(path)?;
    if text.starts_with(MARK) {
        text.drain(..MARK.len());
    }
    Ok(text)
}

/// The same to be read piece by piece; the encoding is not looked at.
///
/// # Errors
/// It cannot be read.
pub fn open_text(path: &Path) -> io::Result<BufReader<File>> {
    let mut reader = BufReader::new(File::open(path)?);
    if reader.fill_buf()?.starts_with(MARK.as_bytes()) {
        reader.consume(MARK.len());
    }
    Ok(reader)
}

/// The same of bytes that were read already.
#[must_use]
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(MARK.as_bytes()).unwrap_or(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_taken_off_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        for (written, expected) in [
            ("\u{feff}a\r\nb", "a\r\nb"),
            ("a\u{feff}", "a\u{feff}"),
            ("\u{feff}", ""),
            ("", ""),
        ] {
            fs::write(&path, written).expect("a file");
            assert_eq!(read_text(&path).expect("text"), expected);
            let rest = io::read_to_string(open_text(&path).expect("a reader"));
            assert_eq!(rest.expect("text"), expected);
            assert_eq!(without_mark(written.as_bytes()), expected.as_bytes());
        }
    }
}
