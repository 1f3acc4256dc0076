//! The stream that PyTorch before 1.6 writes: four pickles in a row, then a list of storage keys, then the storages.

use crate::machine::{Pickle, Value};
use crate::view::Kind;
use crate::{Input, MOST_BYTES, PickleError, Places, Stored, placed, shown, unknown_container};
use std::collections::{BTreeMap, HashMap};
use std::io::{Read, Seek, SeekFrom};

/// The first pickle, `0x1950a86a20f9469cfc6c`, after its protocol.
const MAGIC: &[u8] = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";

/// The tensors of a stream, with the places of their storages.
pub(crate) fn tensors(
    input: &mut Box<dyn Input>,
    key: Option<&str>,
) -> Result<BTreeMap<String, Stored>, PickleError> {
    let mut bytes = Vec::new();
    input.take(MOST_BYTES).read_to_end(&mut bytes)?;
    let (content, places) = index(&bytes, input)?;
    placed(&content, key, &places)
}

/// Whether bytes begin as such a stream does.
pub(crate) fn is_stream(bytes: &[u8]) -> bool {
    bytes.get(2..).is_some_and(|it| it.starts_with(MAGIC))
}

/// What a stream describes, and where its storages lie. `bytes` are its first, with all pickles; `input` has all of it.
pub(crate) fn index<'b>(
    bytes: &'b [u8],
    input: &mut (impl Read + Seek),
) -> Result<(Pickle<'b>, Places), PickleError> {
    let start = bytes.get(2..).and_then(|it| it.strip_prefix(MAGIC));
    let start = start.ok_or_else(unknown_container)?;
    let version = Pickle::read(start)?;
    let system = Pickle::read(&start[version.end()..])?;
    check_order(&system)?;
    let rest = &start[version.end() + system.end()..];
    let content = Pickle::read_data(rest)?;
    let keys = Pickle::read_data(&rest[content.end()..])?;
    let at = bytes.len() - rest.len() + content.end() + keys.end();
    let places = places(input, at as u64, &storage_keys(&keys)?, &content)?;
    Ok((content, places))
}

fn check_order(system: &Pickle<'_>) -> Result<(), PickleError> {
    let mut entries = system.entries(system.root());
    let little = entries
        .any(|(name, at)| name == "little_endian" && matches!(system.value(at), Value::Bool(true)));
    little.then_some(()).ok_or_else(|| {
        PickleError::Container("the stream is not of little-endian byte order".into())
    })
}

fn storage_keys<'p>(keys: &'p Pickle<'_>) -> Result<Vec<&'p str>, PickleError> {
    let Value::List(items) = keys.value(keys.root()) else {
        return Err(unknown_container());
    };
    let text = |item| match keys.value(item) {
        Value::Text(text) => Ok(*text),
        _ => Err(unknown_container()),
    };
    items.iter().map(|&item| text(item)).collect()
}

/// Storages follow in the order of `keys`, each with its number of values before it.
fn places(
    input: &mut (impl Read + Seek),
    mut at: u64,
    keys: &[&str],
    content: &Pickle<'_>,
) -> Result<Places, PickleError> {
    let kinds: HashMap<&str, (Kind, usize)> = content.storages().collect();
    let end = input.seek(SeekFrom::End(0))?;
    let mut places = Places::new();
    for key in keys {
        let bad = |reason| PickleError::Container(format!("storage `{}` {reason}", shown(key)));
        let &(kind, expected) = kinds.get(key).ok_or_else(|| bad("has no number type"))?;
        let mut count = [0; 8];
        input.seek(SeekFrom::Start(at))?;
        input.read_exact(&mut count)?;
        let start = at + 8;
        let count = Some(u64::from_le_bytes(count)).filter(|count| *count == expected as u64);
        let bytes = count.and_then(|count| count.checked_mul(kind.size() as u64));
        let stop = bytes.and_then(|bytes| start.checked_add(bytes));
        let stop = stop.filter(|stop| *stop <= end);
        at = stop.ok_or_else(|| bad("is not in the file as described"))?;
        places.insert((*key).to_owned(), start..at);
    }
    Ok(places)
}
