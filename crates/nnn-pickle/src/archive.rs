//! The zip archive that PyTorch 1.6 and later write: `*/data.pkl`, and every storage as an entry `*/data/<key>`.

use crate::machine::Pickle;
use crate::{Input, MOST_BYTES, PickleError, Places, Stored, placed};
use std::collections::BTreeMap;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use zip::{CompressionMethod, ZipArchive};

/// The tensors of an archive, with the places of their storages.
pub(crate) fn tensors(
    input: &mut Box<dyn Input>,
    key: Option<&str>,
) -> Result<BTreeMap<String, Stored>, PickleError> {
    let (pickle, places) = index(&mut *input)?;
    if pickle.end - pickle.start > MOST_BYTES {
        return Err(PickleError::Limit {
            what: "bytes of pickle",
            limit: MOST_BYTES,
        });
    }
    input.seek(SeekFrom::Start(pickle.start))?;
    let mut bytes = Vec::new();
    input
        .take(pickle.end - pickle.start)
        .read_to_end(&mut bytes)?;
    placed(&Pickle::read(&bytes)?, key, &places)
}

/// Where the pickle of an archive lies, and where its storages do.
pub(crate) fn index(input: impl Read + Seek) -> Result<(Range<u64>, Places), PickleError> {
    let mut archive = ZipArchive::new(input).map_err(|it| damaged(&it.to_string()))?;
    let overlap = archive.has_overlapping_entries();
    if overlap.map_err(|it| damaged(&it.to_string()))? {
        return Err(damaged("entries overlap"));
    }
    let prefix = prefix(&archive)?;
    check_order(&mut archive, &format!("{prefix}byteorder"))?;
    let pickle = archive.index_for_name(&format!("{prefix}data.pkl"));
    let pickle = pickle.ok_or_else(|| damaged("its data.pkl is not there"))?;
    let pickle = place(&mut archive, pickle)?;
    let places = places(&mut archive, &format!("{prefix}data/"))?;
    Ok((pickle, places))
}

fn check_order<R: Read + Seek>(archive: &mut ZipArchive<R>, name: &str) -> Result<(), PickleError> {
    let Some(index) = archive.index_for_name(name) else {
        return Ok(());
    };
    place(archive, index)?;
    let entry = archive.by_index(index);
    let entry = entry.map_err(|it| damaged(&it.to_string()))?;
    let mut order = Vec::new();
    entry.take(16).read_to_end(&mut order)?;
    match order.as_slice() {
        b"little" => Ok(()),
        _ => Err(PickleError::Container(
            "the archive is not of little-endian byte order".into(),
        )),
    }
}

fn damaged(reason: &str) -> PickleError {
    PickleError::Container(format!("the archive is damaged: {reason}"))
}

/// What stands before `data.pkl`, which there must be once.
fn prefix<R: Read + Seek>(archive: &ZipArchive<R>) -> Result<String, PickleError> {
    let names = archive.file_names_raw();
    let mut found = names
        .filter_map(|name| name.strip_suffix(b"data.pkl"))
        .filter(|prefix| prefix.is_empty() || prefix.ends_with(b"/"));
    let (first, second) = (found.next(), found.next());
    let only = first.filter(|_| second.is_none());
    let prefix = only.and_then(|prefix| std::str::from_utf8(prefix).ok());
    prefix
        .map(str::to_owned)
        .ok_or_else(|| PickleError::Container("the archive does not hold one data.pkl".into()))
}

fn places<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    folder: &str,
) -> Result<Places, PickleError> {
    let mut places = Places::new();
    for index in 0..archive.len() {
        let name = archive.name_for_index(index).and_then(Result::ok);
        let key = name
            .as_deref()
            .and_then(|it| it.strip_prefix(folder))
            .map(str::to_owned);
        if let Some(key) = key {
            places.insert(key, place(archive, index)?);
        }
    }
    Ok(places)
}

/// Where the bytes of an entry lie, which must be stored as they are.
fn place<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    index: usize,
) -> Result<Range<u64>, PickleError> {
    let entry = archive.by_index_raw(index);
    let entry = entry.map_err(|it| damaged(&it.to_string()))?;
    let plain = entry.compression() == CompressionMethod::Stored && !entry.encrypted();
    let range = entry
        .data_start()
        .and_then(|start| Some(start..start.checked_add(entry.size())?));
    let range = range.filter(|_| plain && entry.size() == entry.compressed_size());
    range.ok_or_else(|| damaged("an entry is compressed; torch.save stores entries as they are"))
}
