//! What the targets share: input as files of a folder that a process keeps, and texts.

use nnn_encode::TextTokenizer;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> =
    LazyLock::new(|| tempfile::tempdir().expect("a temporary folder"));

/// The folder.
#[must_use]
pub fn folder() -> &'static Path {
    FOLDER.path()
}

/// A file of this name, in place of what had the name before.
#[must_use]
pub fn file(name: &str, content: &[u8]) -> PathBuf {
    let path = FOLDER.path().join(name);
    std::fs::write(&path, content).expect("written");
    path
}

/// The first byte picks one of `kinds`; the rest is content.
#[must_use]
pub fn pick<'b, T: Copy>(bytes: &'b [u8], kinds: &[T]) -> Option<(T, &'b [u8])> {
    let (first, content) = bytes.split_first()?;
    Some((kinds[usize::from(*first) % kinds.len()], content))
}

/// Takes off a part that stands after its length in two bytes; what is left where there is no length.
pub fn take_part<'b>(rest: &mut &'b [u8]) -> &'b [u8] {
    let [low, high, tail @ ..] = *rest else {
        return std::mem::take(rest);
    };
    let length = usize::from(u16::from_le_bytes([*low, *high])).min(tail.len());
    let (part, tail) = tail.split_at(length);
    *rest = tail;
    part
}

/// Tokenizes texts of every kind, and one of the input: an error or at most `longest` ids.
///
/// # Panics
/// At a list of more.
pub fn tokenize(tokenizer: &TextTokenizer, own: &[u8], longest: usize) {
    let texts = [
        "",
        "A man riding a wave on top of a surfboard.",
        "caf\u{e9} \u{4e2d}\u{6587} \u{1f600} <s>\u{2581}</s> <mask>",
        "x\n\t  y \u{301}\u{200d}",
        &String::from_utf8_lossy(own),
    ];
    for text in texts {
        if let Ok(ids) = tokenizer.ids(text) {
            assert!(ids.len() <= longest, "{} ids of {text:?}", ids.len());
        }
    }
}
