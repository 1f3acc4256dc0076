//! What is said of files that are not there, or are not what their names say.

use crate::file_error::FileProblem;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use unicode_normalization::UnicodeNormalization;

/// What a pointer of Git LFS begins with.
const POINTER: &[u8] = b"version https://git-lfs";

/// What files begin with that a program packed, its name, and how they are unpacked.
const PACKED: [(&[u8], &str, &str); 4] = [
    (b"\x1f\x8b", "gzip", "gunzip"),
    (b"BZh", "bzip2", "bunzip2"),
    (b"\xfd7zXZ\0", "xz", "unxz"),
    (b"\x28\xb5\x2f\xfd", "zstd", "unzstd"),
];

/// Opens a file to see whether it is what its name says, and not what often lies in its place.
pub(super) fn look(path: &Path) -> Result<(), FileProblem> {
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => missing(path),
        _ => FileProblem::Io(error),
    })?;
    let mut start = Vec::new();
    file.take(32).read_to_end(&mut start)?;
    if start.starts_with(POINTER) {
        return Err(FileProblem::Unusable(
            "a Git LFS pointer, not the file itself; fetch it with: git lfs pull".to_owned(),
        ));
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match PACKED.iter().find(|(magic, ..)| start.starts_with(magic)) {
        Some((_, packer, unpack)) => Err(FileProblem::Unusable(format!(
            "packed with {packer}; unpack it first: {unpack} {name}"
        ))),
        None => Ok(()),
    }
}

/// The error of a file or folder that is not there, with what is there under nearly its name.
pub(super) fn missing(path: &Path) -> FileProblem {
    let near = match backslashes(path) {
        Some(meant) => format!(
            "; a folder is parted by /, write {:?}",
            meant.display().to_string()
        ),
        None => near(path).map_or_else(String::new, |name| format!("; there is {name:?}")),
    };
    FileProblem::Unusable(format!("no such file{near}"))
}

/// The path with its backslashes turned, if it then exists.
fn backslashes(path: &Path) -> Option<PathBuf> {
    let text = path.to_str().filter(|it| it.contains('\\'))?;
    let turned = PathBuf::from(text.replace('\\', "/"));
    turned.exists().then(|| {
        let parts = text.rsplit('/').next().unwrap_or_default();
        PathBuf::from(parts.replace('\\', "/"))
    })
}

/// A name in the same folder that differs by its extension, by letter case, or by two letters at most.
pub(super) fn near(path: &Path) -> Option<String> {
    let wanted = folded(&path.file_name()?.to_string_lossy());
    let stem = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let names = names(path.parent()?);
    let same = |name: &&String| folded(name) == wanted;
    let of_stem = |name: &&String| stem(&folded(name)) == stem(&wanted);
    let distance = |name: &String| strsim::osa_distance(&folded(name), &wanted);
    let typo = names.iter().filter(|it| distance(it) <= 2);
    let typo = typo.min_by_key(|it| distance(it));
    let found = names.iter().find(same).or(names.iter().find(of_stem));
    found.or(typo).cloned()
}

/// Names of what a folder holds, sorted.
pub(super) fn names(folder: &Path) -> Vec<String> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn folded(name: &str) -> String {
    name.nfc().collect::<String>().to_lowercase()
}
