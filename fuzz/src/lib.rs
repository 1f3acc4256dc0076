//! What the targets share: input as files of a folder that a process keeps.

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
