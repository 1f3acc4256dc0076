//! Tar archives, plain (read in place) and compressed (read from the beginning).

use super::error::{ArchiveError, ArchiveProblem, TakeError};
use super::{Archive, ArchiveLimits, Entry, Nature, Take, damaged, fault};
use flate2::read::MultiGzDecoder;
use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;
use tar::{Entries, EntryType};

/// All entries but folders, with their places in the file.
pub(super) fn index(path: &Path) -> Result<Vec<Entry>, ArchiveError> {
    let bad = |error: io::Error| fault(path, None, damaged("tar", error));
    let file = File::open(path).map_err(bad)?;
    let length = file.metadata().map_err(bad)?.len();
    let mut archive = tar::Archive::new(BufReader::new(file));
    let entries = archive.entries_with_seek().map_err(bad)?;
    let listed = list(entries, path, "tar")?;
    let cut = |entry: &&Entry| entry.at.saturating_add(entry.size.unwrap_or(0)) > length;
    match listed.iter().find(cut) {
        Some(entry) => Err(fault(path, Some(&entry.name), ArchiveProblem::Truncated)),
        None => Ok(listed),
    }
}

/// All entries but folders, with their numbers in place of places.
pub(super) fn index_packed(path: &Path, limits: ArchiveLimits) -> Result<Vec<Entry>, ArchiveError> {
    let bad = |error: io::Error| fault(path, None, damaged("tar.gz", error));
    let mut archive = tar::Archive::new(unpack(path, limits).map_err(bad)?);
    let mut listed = list(archive.entries().map_err(bad)?, path, "tar.gz")?;
    // The checksum is behind the last block.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(bad)?;
    for (at, entry) in (0u64..).zip(&mut listed) {
        entry.at = at;
    }
    Ok(listed)
}

fn list<R: Read>(
    entries: Entries<'_, R>,
    path: &Path,
    kind: &'static str,
) -> Result<Vec<Entry>, ArchiveError> {
    let mut listed = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| fault(path, None, damaged(kind, error)))?;
        listed.extend(described(&entry));
    }
    Ok(listed)
}

/// An entry as the index has it; none for a folder.
fn described<R: Read>(entry: &tar::Entry<'_, R>) -> Option<Entry> {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    let nature = match entry.header().entry_type() {
        EntryType::Directory | EntryType::XGlobalHeader => return None,
        EntryType::Regular | EntryType::Continuous => Nature::File,
        EntryType::Symlink => Nature::Other("a symbolic link"),
        EntryType::Link => Nature::Other("a hard link"),
        EntryType::GNUSparse => Nature::Other("a sparse file"),
        _ => Nature::Other("a device or the like"),
    };
    Some(Entry {
        name: name.strip_prefix("./").unwrap_or(&name).to_owned(),
        size: Some(if nature == Nature::File {
            entry.size()
        } else {
            0
        }),
        nature,
        packed: None,
        at: entry.raw_file_position(),
    })
}

pub(super) fn read(
    archive: &Archive,
    wanted: &[usize],
    take: &mut Take<'_>,
) -> Result<(), TakeError> {
    let bad = |at, error: io::Error| archive.fault(at, archive.damaged(error));
    let Some(&first) = wanted.first() else {
        return Ok(());
    };
    let mut file = File::open(&archive.path).map_err(|error| bad(first, error))?;
    for &at in wanted {
        let entry = &archive.entries[at];
        file.seek(SeekFrom::Start(entry.at))
            .map_err(|error| bad(at, error))?;
        let size = entry.size.unwrap_or(0);
        archive.hand(at, size, &mut (&mut file).take(size), take)?;
    }
    Ok(())
}

pub(super) fn read_packed(
    archive: &Archive,
    wanted: &[usize],
    take: &mut Take<'_>,
) -> Result<(), TakeError> {
    let bad = |error: io::Error| fault(&archive.path, None, archive.damaged(error));
    let mut tar = tar::Archive::new(unpack(&archive.path, archive.limits).map_err(bad)?);
    let mut wanted = wanted.iter().copied().peekable();
    let mut at = 0;
    for entry in tar.entries().map_err(bad)? {
        let mut entry = entry.map_err(bad)?;
        let Some(&next) = wanted.peek() else {
            return Ok(());
        };
        let Some(described) = described(&entry) else {
            continue;
        };
        if at == next {
            if described.name != archive.entries[at].name {
                return Err(bad(io::Error::other("it has changed while it was read")).into());
            }
            archive.hand(at, entry.size(), &mut entry, take)?;
            wanted.next();
        }
        at += 1;
    }
    match wanted.next() {
        Some(at) => Err(archive.fault(at, ArchiveProblem::Truncated).into()),
        None => Ok(()),
    }
}

/// Decompresses a file, which must not grow beyond reason.
fn unpack(path: &Path, limits: ArchiveLimits) -> io::Result<impl Read> {
    let packed = Rc::new(Cell::new(0));
    let file = Counted {
        inner: BufReader::new(File::open(path)?),
        count: Rc::clone(&packed),
    };
    Ok(Growth {
        inner: MultiGzDecoder::new(io::BufReader::new(file)),
        packed,
        unpacked: 0,
        limits,
    })
}

/// Counts what is read.
struct Counted<R> {
    inner: R,
    count: Rc<Cell<u64>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.set(self.count.get() + read as u64);
        Ok(read)
    }
}

/// Compares what comes out of a decompressor with what went in.
struct Growth<R> {
    inner: R,
    packed: Rc<Cell<u64>>,
    unpacked: u64,
    limits: ArchiveLimits,
}

impl<R: Read> Read for Growth<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.unpacked += read as u64;
        let (packed, size, limit) = (self.packed.get(), self.unpacked, self.limits.ratio);
        if size > self.limits.unsuspicious && size / packed.max(1) > limit {
            let bomb = ArchiveProblem::Bomb {
                packed,
                size,
                limit,
            };
            return Err(io::Error::other(bomb.to_string()));
        }
        Ok(read)
    }
}
