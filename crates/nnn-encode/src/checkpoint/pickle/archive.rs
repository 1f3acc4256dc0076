//! The zip archive that PyTorch 1.6 and later write: `*/data.pkl`, and every storage as an entry `*/data/<key>`.

use super::machine::Pickle;
use super::{Input, MOST_BYTES, PickleError, Places, Stored, placed};
use std::collections::BTreeMap;
use std::io::Read;
use zip::{CompressionMethod, ZipArchive};

type Archive<'a> = ZipArchive<&'a mut Box<dyn Input>>;

/// The tensors of an archive, with the places of their storages.
pub(super) fn tensors(
    input: &mut Box<dyn Input>,
    key: Option<&str>,
) -> Result<BTreeMap<String, Stored>, PickleError> {
    let mut archive = ZipArchive::new(input).map_err(|it| damaged(&it.to_string()))?;
    let overlap = archive.has_overlapping_entries();
    if overlap.map_err(|it| damaged(&it.to_string()))? {
        return Err(damaged("entries overlap"));
    }
    let prefix = prefix(&archive)?;
    let order = read(&mut archive, &format!("{prefix}byteorder"))?;
    if order.is_some_and(|order| order != b"little") {
        return Err(PickleError::Container(
            "the archive is not of little-endian byte order".into(),
        ));
    }
    let bytes = read(&mut archive, &format!("{prefix}data.pkl"))?;
    let places = places(&mut archive, &format!("{prefix}data/"))?;
    let pickle = Pickle::read(bytes.as_deref().unwrap_or_default())?;
    placed(&pickle, key, &places)
}

fn damaged(reason: &str) -> PickleError {
    PickleError::Container(format!("the archive is damaged: {reason}"))
}

/// What stands before `data.pkl`, which there must be once.
fn prefix(archive: &Archive<'_>) -> Result<String, PickleError> {
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

/// A small entry, whole; `None` if it is not there.
fn read(archive: &mut Archive<'_>, name: &str) -> Result<Option<Vec<u8>>, PickleError> {
    let Some(index) = archive.index_for_name(name) else {
        return Ok(None);
    };
    place(archive, index)?;
    let entry = archive
        .by_index(index)
        .map_err(|it| damaged(&it.to_string()))?;
    let mut bytes = Vec::new();
    entry.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(PickleError::Limit {
            what: "bytes of pickle",
            limit: MOST_BYTES,
        });
    }
    Ok(Some(bytes))
}

fn places(archive: &mut Archive<'_>, folder: &str) -> Result<Places, PickleError> {
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
fn place(archive: &mut Archive<'_>, index: usize) -> Result<std::ops::Range<u64>, PickleError> {
    let entry = archive.by_index_raw(index);
    let entry = entry.map_err(|it| damaged(&it.to_string()))?;
    let plain = entry.compression() == CompressionMethod::Stored && !entry.encrypted();
    let range = entry
        .data_start()
        .and_then(|start| Some(start..start.checked_add(entry.size())?));
    let range = range.filter(|_| plain && entry.size() == entry.compressed_size());
    range.ok_or_else(|| damaged("an entry is compressed; torch.save stores entries as they are"))
}
