//! Arrays of vectors and ids as the command line names them: `FILE`, `FILE[KEY]`, a pattern, or a folder.

use anyhow::{Result, ensure};
use nnn_core::Embeddings;
use nnn_data::{ArrayFile, ArrayFiles, each_block, read_labels};
use nnn_export::FileSum;
use std::path::{Path, PathBuf};

/// Rows that are read at once.
const BLOCK: usize = 4096;

/// What is named, in its order.
pub(crate) fn named(names: &[String]) -> ArrayFiles {
    ArrayFiles::Several(names.iter().map(|name| array(name)).collect())
}

fn array(name: &str) -> ArrayFile {
    // A pattern may end in a bracket, too: it has no dot before it.
    let keyed = name.strip_suffix(']').and_then(|it| it.rsplit_once('['));
    let keyed = keyed.filter(|(file, _)| Path::new(file).extension().is_some());
    let (file, key) = keyed.map_or((name, None), |(file, key)| (file, Some(key.to_owned())));
    let file = file.into();
    ArrayFile { file, key }
}

/// Every file that is named, with its key.
pub(crate) fn parts(names: &[String]) -> Result<Vec<(PathBuf, Option<String>)>> {
    let mut parts = Vec::new();
    for array in named(names).all() {
        let files = array.paths(Path::new(""))?;
        parts.extend(files.into_iter().map(|file| (file, array.key.clone())));
    }
    Ok(parts)
}

/// The ids in the files, one for every row.
pub(crate) fn labels(names: &[String]) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for (file, key) in parts(names)? {
        all.append(&mut read_labels(&file, key.as_deref())?);
    }
    Ok(all)
}

/// Hands on the unit vectors of all files, some rows at a time; each must have the dimension `dim`, which `of` has.
pub(crate) fn each_vectors(
    names: &[String],
    (dim, of): (usize, &str),
    mut take: impl FnMut(&Path, Embeddings) -> Result<()>,
) -> Result<()> {
    for (file, key) in parts(names)? {
        each_block(&file, key.as_deref(), BLOCK, |_, block: Embeddings| {
            ensure!(
                block.dim() == dim,
                "{}: vectors of dimension {}, but {of} has dimension {dim}",
                file.display(),
                block.dim()
            );
            take(&file, block)
        })?;
    }
    Ok(())
}

/// The checksums of the files.
pub(crate) fn sums(names: &[String]) -> Result<Vec<FileSum>> {
    let files = parts(names)?.into_iter();
    let sums = files.map(|(file, _)| FileSum::of(Path::new(""), &file.display().to_string()));
    Ok(sums.collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_patterns_are_told_apart() {
        let read = |name: &str| {
            let ArrayFile { file, key } = array(name);
            (file.display().to_string(), key)
        };
        let key = |key: &str| Some(key.to_owned());
        assert_eq!(read("a.npz[x]"), ("a.npz".to_owned(), key("x")));
        assert_eq!(read("a/*.npz[x]"), ("a/*.npz".to_owned(), key("x")));
        assert_eq!(read("a.npy"), ("a.npy".to_owned(), None));
        assert_eq!(read("part-[0-9].npy"), ("part-[0-9].npy".to_owned(), None));
        assert_eq!(read("part-[0-9]"), ("part-[0-9]".to_owned(), None));
    }
}
