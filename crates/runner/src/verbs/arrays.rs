//! Arrays of vectors and ids as the command line names them.

use anyhow::{Result, ensure};
use nnn_core::Embeddings;
use nnn_data::{ArrayFile, ArrayFiles, each_block, read_labels};
use nnn_export::FileSum;
use std::path::{Path, PathBuf};

/// Files with the key of the array in each.
pub(crate) type Parts = Vec<(PathBuf, Option<String>)>;

/// Reads `FILE` or `FILE[KEY]`; a file, a pattern or a folder.
///
/// # Errors
/// There is no file in it.
pub fn array_file(text: &str) -> Result<ArrayFile, String> {
    let keyed = text
        .strip_suffix(']')
        .and_then(|rest| rest.rsplit_once('['))
        .filter(|(file, key)| !file.is_empty() && !key.is_empty() && !Path::new(text).exists());
    let (file, key) = match keyed {
        Some((file, key)) => (file, Some(key.to_owned())),
        None => (text, None),
    };
    match file {
        "" => Err("expected FILE or FILE[KEY]".to_owned()),
        _ => Ok(ArrayFile {
            file: PathBuf::from(file),
            key,
        }),
    }
}

/// How messages call several files.
pub(crate) fn named(files: &[ArrayFile]) -> ArrayFiles {
    ArrayFiles::Several(files.to_vec())
}

/// The files that names, folders and patterns stand for.
pub(crate) fn parts(files: &[ArrayFile]) -> Result<Parts> {
    parts_in(Path::new(""), files)
}

/// The same of files that are relative to `base`.
pub(crate) fn parts_in(base: &Path, files: &[ArrayFile]) -> Result<Parts> {
    let mut all = Vec::new();
    for file in files {
        let paths = file.paths(base)?.into_iter();
        all.extend(paths.map(|path| (path, file.key.clone())));
    }
    Ok(all)
}

/// All vectors of some files; none of no files.
pub(crate) fn vectors(files: &[ArrayFile]) -> Result<Option<Embeddings>> {
    match files {
        [] => Ok(None),
        _ => Ok(Some(named(files).embeddings(Path::new(""))?)),
    }
}

/// The ids in all parts.
pub(crate) fn labels(parts: &Parts) -> Result<Vec<String>> {
    let mut all = Vec::new();
    for (file, key) in parts {
        all.append(&mut read_labels(file, key.as_deref())?);
    }
    Ok(all)
}

/// Hands on the unit vectors of all parts, `rows` at a time at most, with the file that they are in; each must have the dimension `dim`, which
/// `of` has.
pub(crate) fn each_vectors(
    parts: &Parts,
    rows: usize,
    (dim, of): (usize, &str),
    mut take: impl FnMut(&Path, &Embeddings) -> Result<()>,
) -> Result<()> {
    for (file, key) in parts {
        each_block(file, key.as_deref(), rows, |_, block| {
            check_dim(file, block.dim(), (dim, of))?;
            take(file, &block)
        })?;
    }
    Ok(())
}

/// Refuses vectors of another dimension than `of` has.
pub(crate) fn check_dim(file: &Path, found: usize, (dim, of): (usize, &str)) -> Result<()> {
    ensure!(
        found == dim,
        "{}: vectors of dimension {found}, but {of} {dim}",
        file.display()
    );
    Ok(())
}

/// The checksums of all parts.
pub(crate) fn sums(parts: &Parts) -> Result<Vec<FileSum>> {
    let sum = |(file, _): &(PathBuf, _)| FileSum::of(Path::new(""), &file.display().to_string());
    Ok(parts.iter().map(sum).collect::<Result<_, _>>()?)
}
