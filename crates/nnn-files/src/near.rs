//! What a file that is not there may have been meant to be, and what often lies in its place.

use std::fs;
use std::path::{Path, PathBuf};
use unicode_normalization::UnicodeNormalization;

/// What a pointer of Git LFS begins with, which lies in a file's place where only its repository was fetched.
pub const LFS_POINTER: &str = "version https://git-lfs";

/// How a message about a missing file or folder ends: `; there is "gallery.npy"` where something lies there under nearly its name,
/// `; a folder is parted by /, write "emb/gallery.npy"` where it has backslashes, else nothing.
#[must_use]
pub fn nearby(path: &Path) -> String {
    match backslashes(path) {
        Some(meant) => format!("; a folder is parted by /, write {meant:?}"),
        None => near(path).map_or_else(String::new, |name| format!("; there is {name:?}")),
    }
}

/// The path with its backslashes turned, if it then exists; without what is before them.
fn backslashes(path: &Path) -> Option<String> {
    let text = path.to_str().filter(|it| it.contains('\\'))?;
    let turned = PathBuf::from(text.replace('\\', "/"));
    let written = text.rsplit('/').next().unwrap_or_default();
    turned.exists().then(|| written.replace('\\', "/"))
}

/// A name in the same folder that differs by its extension, by letter case, or by two letters at most.
fn near(path: &Path) -> Option<String> {
    let wanted = folded(&path.file_name()?.to_string_lossy());
    let stem = |name: &str| name.split('.').next().unwrap_or_default().to_owned();
    let names = names_in(path.parent()?);
    let same = |name: &&String| folded(name) == wanted;
    let of_stem = |name: &&String| stem(&folded(name)) == stem(&wanted);
    let distance = |name: &String| strsim::osa_distance(&folded(name), &wanted);
    let typo = names.iter().filter(|it| distance(it) <= 2);
    let typo = typo.min_by_key(|it| distance(it));
    let found = names.iter().find(same).or(names.iter().find(of_stem));
    found.or(typo).cloned()
}

/// Names of what a folder holds, sorted; none where it cannot be read.
#[must_use]
pub fn names_in(folder: &Path) -> Vec<String> {
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

/// A name without what systems write differently: letter case, and the form of accented letters.
#[must_use]
pub fn folded(name: &str) -> String {
    name.nfc().collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_nearly_named_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("emb")).expect("a folder");
        for name in ["gallery.npy", "Queries.npy", "emb/past.npy"] {
            fs::write(folder.path().join(name), "").expect("written");
        }
        let said = |name: &str| nearby(&folder.path().join(name));
        assert_eq!(said("gallery"), "; there is \"gallery.npy\"");
        assert_eq!(said("gallery.npz"), "; there is \"gallery.npy\"");
        assert_eq!(said("galery.npy"), "; there is \"gallery.npy\"");
        assert_eq!(said("queries.npy"), "; there is \"Queries.npy\"");
        assert_eq!(
            said("emb\\past.npy"),
            "; a folder is parted by /, write \"emb/past.npy\""
        );
        assert_eq!(said("something.else"), "");
        assert_eq!(said("nowhere/gallery.npy"), "");
    }
}
