//! Zip archives.

use super::error::{ArchiveError, ArchiveProblem, TakeError};
use super::{Archive, Entry, Nature, Take, damaged, fault};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use zip::read::ZipFileEntry;
use zip::{CompressionMethod, ZipArchive};

fn open(path: &Path) -> Result<ZipArchive<BufReader<File>>, ArchiveError> {
    let bad = |problem: String| fault(path, None, damaged("zip", problem));
    let file = File::open(path).map_err(|error| bad(error.to_string()))?;
    ZipArchive::new(BufReader::new(file)).map_err(|error| bad(error.to_string()))
}

/// All entries but folders, as the central directory has them.
pub(super) fn index(path: &Path) -> Result<Vec<Entry>, ArchiveError> {
    let archive = open(path)?;
    if archive.has_duplicate_names() {
        let problem = "two entries have one name";
        return Err(fault(path, None, damaged("zip", problem)));
    }
    let mut entries = Vec::with_capacity(archive.len());
    for at in 0..archive.len() {
        let bad = |error| fault(path, None, damaged("zip", error));
        let data = archive.by_index_data(at).map_err(bad)?;
        if data.is_dir() {
            continue;
        }
        entries.push(Entry {
            name: data.name().map_err(bad)?.into_owned(),
            nature: nature(&data),
            size: Some(data.size()),
            packed: Some(data.compressed_size()),
            at: at as u64,
        });
    }
    Ok(entries)
}

fn nature(data: &ZipFileEntry<'_>) -> Nature {
    match data.compression() {
        _ if data.is_symlink() => Nature::Other("a symbolic link"),
        _ if data.encrypted() => Nature::Encrypted,
        CompressionMethod::Stored | CompressionMethod::Deflated => Nature::File,
        other => Nature::Compressed(other.to_string()),
    }
}

pub(super) fn read(
    archive: &Archive,
    wanted: &[usize],
    take: &mut Take<'_>,
) -> Result<(), TakeError> {
    let mut zip = open(&archive.path)?;
    for &at in wanted {
        let entry = &archive.entries[at];
        let bad = |problem| TakeError::from(archive.fault(at, problem));
        let mut content = zip
            .by_index(entry.at as usize)
            .map_err(|error| bad(archive.damaged(error)))?;
        let size = content.size();
        if Some(size) != entry.size {
            return Err(bad(ArchiveProblem::Damaged {
                kind: "zip",
                problem: "it has changed while it was read".to_owned(),
            }));
        }
        archive.hand(at, size, &mut content, take)?;
    }
    Ok(())
}
