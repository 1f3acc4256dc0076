//! Parquet files with images inside, as Hugging Face's `datasets` writes them: a column `{bytes, path}`.

use super::error::{ArchiveError, ArchiveProblem, TakeError};
use super::{Archive, Entry, Nature, Take, damaged, fault};
use crate::published::leaf::{Leaves, guarded};
use std::collections::HashSet;
use std::path::Path;

/// The column that names the images; without it `filename`, or else the path beside the bytes. A row without a path is called by
/// file and row.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct IdColumn(pub(crate) Option<String>);

impl IdColumn {
    /// The name of every row's image; `called` is what the card calls the file.
    pub(crate) fn names(&self, file: &Leaves, called: &str) -> Result<Vec<Option<String>>, String> {
        if let Some(name) = &self.0 {
            let leaf = file.named(name).ok_or_else(|| {
                let found = file.names().join(",");
                format!("no column {name:?} of texts or whole numbers, found {found:?}")
            })?;
            return file.words(leaf);
        }
        if let Some(leaf) = file.named("filename") {
            return file.words(leaf);
        }
        let beside = file.position(|path, depth| depth == 0 && is_named(path, "path"));
        let paths = match beside {
            Some(leaf) => file.texts(leaf)?,
            None => vec![None; file.rows()],
        };
        let rows = paths.into_iter().enumerate();
        let name = |(row, path): (usize, Option<String>)| {
            let path = path.filter(|path| !path.is_empty());
            Some(path.unwrap_or_else(|| format!("{called}/{row}")))
        };
        Ok(rows.map(name).collect())
    }
}

fn is_named(path: &[String], last: &str) -> bool {
    path.len() == 2 && path[1] == last
}

/// The first row of every image.
pub(super) fn index(
    path: &Path,
    called: &str,
    column: &IdColumn,
) -> Result<Vec<Entry>, ArchiveError> {
    let names = guarded(|| {
        let file = Leaves::open(path)?;
        content(&file)?;
        column.names(&file, called)
    });
    let names = names.map_err(|error| fault(path, None, damaged("parquet", error)))?;
    let mut seen = HashSet::new();
    let mut entries = Vec::new();
    for (row, name) in (0u64..).zip(names) {
        let Some(name) = name else {
            let problem = format!("row {row}: the image's name is null");
            return Err(fault(path, None, ArchiveProblem::Row(problem)));
        };
        if seen.insert(name.clone()) {
            entries.push(Entry {
                name,
                nature: Nature::File,
                size: None,
                packed: None,
                at: row,
            });
        }
    }
    Ok(entries)
}

/// The leaf with the images' bytes.
fn content(file: &Leaves) -> Result<usize, String> {
    let leaf = file.position(|path, depth| depth == 0 && is_named(path, "bytes"));
    let bare = || file.position(|path, depth| depth == 0 && path == ["image"]);
    leaf.or_else(bare).ok_or_else(|| {
        let found = file.names().join(",");
        format!(
            "no column with images as `bytes` and `path`, nor one called `image`, found {found:?}"
        )
    })
}

pub(super) fn read(
    archive: &Archive,
    wanted: &[usize],
    take: &mut Take<'_>,
) -> Result<(), TakeError> {
    let rows: Vec<u64> = wanted.iter().map(|&at| archive.entries[at].at).collect();
    let mut order = wanted.iter();
    let mut failed = None;
    let read = guarded(|| {
        let file = Leaves::open(&archive.path)?;
        file.bytes(content(&file)?, &rows, &mut |bytes| {
            let Some(&at) = order.next() else {
                return Err(String::new());
            };
            hand(archive, at, bytes, take).map_err(|error| {
                failed = Some(error);
                String::new()
            })
        })
    });
    match (failed, read) {
        (Some(error), _) => Err(error),
        (None, Err(problem)) => Err(fault(&archive.path, None, damaged("parquet", problem)).into()),
        (None, Ok(())) => match order.next() {
            Some(&at) => Err(archive.fault(at, ArchiveProblem::Truncated).into()),
            None => Ok(()),
        },
    }
}

fn hand(
    archive: &Archive,
    at: usize,
    mut bytes: &[u8],
    take: &mut Take<'_>,
) -> Result<(), TakeError> {
    let (found, limit) = (bytes.len() as u64, archive.limits.entry);
    if found > limit {
        let problem = ArchiveProblem::TooLarge { found, limit };
        return Err(archive.fault(at, problem).into());
    }
    archive.hand(at, found, &mut bytes, take)
}
