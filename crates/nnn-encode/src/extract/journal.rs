//! Finished batches of a shard that is not yet whole, appended to a file, so that a killed run loses one batch.
//!
//! A record holds the number of its items, a checksum, their places and their rows. The checksum covers the entry's
//! key too. What follows the last sound record is cut off and encoded again: the beginning of a record is what a kill
//! leaves, anything else is damage, of which whoever resumes is told.

use nnn_files::Sha256;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Bytes of a checksum in hexadecimal digits.
const SUM: usize = 64;

/// Bytes of a number.
const NUMBER: usize = size_of::<u64>();

/// An item and its row.
pub(crate) type Row = (usize, Vec<f32>);

/// The batches of one shard.
pub(crate) struct Journal {
    path: PathBuf,
    key: String,
    state: State,
}

/// What a killed run left of a shard.
pub(crate) struct Resumed {
    pub(crate) journal: Journal,
    pub(crate) rows: Vec<Row>,
    /// The first byte of what is no record and no beginning of one.
    pub(crate) damaged_at: Option<usize>,
}

enum State {
    /// Nothing has been written yet.
    Absent,
    /// Open for appending, and locked.
    Open(File),
    /// Another process writes it; batches of this one are not kept before their shard is.
    Taken,
}

impl Journal {
    /// Opens what a killed run left for `items` of the entry `key`, with its sound records.
    pub(crate) fn resume(
        path: PathBuf,
        key: &str,
        items: &Range<usize>,
        dim: usize,
    ) -> io::Result<Resumed> {
        let key = key.to_owned();
        let (mut rows, mut damaged_at) = (Vec::new(), None);
        let mut state = State::open(OpenOptions::new().read(true).append(true), &path)?;
        if let State::Open(file) = &mut state {
            let mut bytes = Vec::new();
            file.read_to_end(&mut bytes)?;
            let (sound, end) = parse(&bytes, &key, items, dim);
            file.set_len(end as u64)?;
            rows = sound;
            let torn = is_begun(&bytes[end..], items, dim);
            damaged_at = (!torn).then_some(end);
        }
        Ok(Resumed {
            journal: Self { path, key, state },
            rows,
            damaged_at,
        })
    }

    /// Keeps the rows of a batch.
    pub(crate) fn append(&mut self, items: &[usize], rows: &[f32]) -> io::Result<()> {
        if let State::Absent = self.state {
            fs::create_dir_all(self.path.parent().unwrap_or(Path::new("")))?;
            self.state = State::open(OpenOptions::new().create(true).append(true), &self.path)?;
        }
        match &mut self.state {
            State::Open(file) => file.write_all(&record(&self.key, items, rows)),
            State::Absent | State::Taken => Ok(()),
        }
    }

    /// Removes the file: the shard is whole.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self.state {
            State::Open(_) => fs::remove_file(&self.path),
            State::Absent | State::Taken => Ok(()),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl State {
    fn open(options: &OpenOptions, path: &Path) -> io::Result<Self> {
        let file = match options.open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::Absent),
            Err(error) => return Err(error),
        };
        match file.try_lock() {
            Ok(()) => Ok(Self::Open(file)),
            Err(TryLockError::WouldBlock) => Ok(Self::Taken),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

fn numbers(items: &[usize]) -> Vec<u8> {
    let numbers = items.iter().map(|&item| (item as u64).to_le_bytes());
    numbers.flatten().collect()
}

fn checksum(key: &str, items: &[u8], rows: &[u8]) -> String {
    Sha256::new().part(key).part(items).part(rows).hex()
}

fn record(key: &str, items: &[usize], rows: &[f32]) -> Vec<u8> {
    let count = (items.len() as u64).to_le_bytes();
    let items = numbers(items);
    let rows: Vec<u8> = rows.iter().flat_map(|it| it.to_le_bytes()).collect();
    let sum = checksum(key, &items, &rows);
    [&count, sum.as_bytes(), &items, &rows].concat()
}

/// The rows of all records before the first that is not sound, and where that one begins.
fn parse(bytes: &[u8], key: &str, items: &Range<usize>, dim: usize) -> (Vec<Row>, usize) {
    let mut rows = Vec::new();
    let mut rest = bytes;
    while let Some((sound, after)) = parse_record(rest, key, items, dim) {
        rows.extend(sound);
        rest = after;
    }
    (rows, bytes.len() - rest.len())
}

fn parse_record<'a>(
    bytes: &'a [u8],
    key: &str,
    items: &Range<usize>,
    dim: usize,
) -> Option<(Vec<Row>, &'a [u8])> {
    let (count, rest) = bytes.split_first_chunk::<NUMBER>()?;
    let count = usize::try_from(u64::from_le_bytes(*count)).ok()?;
    let (sum, rest) = rest.split_at_checked(SUM)?;
    let (places, rest) = rest.split_at_checked(count.checked_mul(NUMBER)?)?;
    let row_bytes = dim.checked_mul(size_of::<f32>())?;
    let (rows, rest) = rest.split_at_checked(count.checked_mul(row_bytes)?)?;
    if count == 0 || checksum(key, places, rows).as_bytes() != sum {
        return None;
    }
    let places = places
        .as_chunks()
        .0
        .iter()
        .map(|it| u64::from_le_bytes(*it) as usize);
    let values = |row: &[u8]| -> Vec<f32> {
        let values = row.as_chunks().0.iter();
        values.map(|it| f32::from_le_bytes(*it)).collect()
    };
    let rows = rows.chunks_exact(row_bytes.max(1)).map(values);
    let sound: Vec<Row> = places.zip(rows).collect();
    let fits = sound.iter().all(|(item, _)| items.contains(item));
    fits.then_some((sound, rest))
}

/// Whether bytes that are no whole record can be the beginning of one: as far as they go, they say how many items there are and
/// name some of `items`, and more is to come.
fn is_begun(bytes: &[u8], items: &Range<usize>, dim: usize) -> bool {
    let Some((count, rest)) = bytes.split_first_chunk::<NUMBER>() else {
        return true;
    };
    let count = u64::from_le_bytes(*count) as usize;
    if count == 0 || count > items.len() {
        return false;
    }
    let size = SUM + count * (NUMBER + dim * size_of::<f32>());
    let places = rest.get(SUM..).unwrap_or_default();
    let (places, _) = places.as_chunks();
    let mut places = places.iter().take(count).map(|it| u64::from_le_bytes(*it));
    rest.len() < size && places.all(|it| items.contains(&(it as usize)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two batches of items 20 to 24, and where the second record begins.
    fn two() -> (Vec<u8>, usize) {
        let first = record("key", &[20, 23], &[1.0, 2.0, 3.0, 4.0]);
        let second = record("key", &[21], &[5.0, 6.0]);
        ([first.as_slice(), &second].concat(), first.len())
    }

    #[test]
    fn sound_records_are_read_in_order() {
        let (bytes, _) = two();
        let expected = vec![
            (20, vec![1.0, 2.0]),
            (23, vec![3.0, 4.0]),
            (21, vec![5.0, 6.0]),
        ];
        assert_eq!(parse(&bytes, "key", &(20..25), 2), (expected, bytes.len()));
        for (key, items, dim) in [("other", 20..25, 2), ("key", 21..25, 2), ("key", 20..25, 1)] {
            assert_eq!(parse(&bytes, key, &items, dim), (vec![], 0));
        }
    }

    #[test]
    fn a_torn_or_damaged_record_ends_the_journal() {
        let (bytes, border) = two();
        for end in 0..bytes.len() {
            let (rows, sound) = parse(&bytes[..end], "key", &(20..25), 2);
            let whole = end >= border;
            assert_eq!(
                (rows.len(), sound),
                if whole { (2, border) } else { (0, 0) }
            );
        }
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let (_, sound) = parse(&bad, "key", &(20..25), 2);
            assert_eq!(
                sound,
                if bit / 8 < border { 0 } else { border },
                "bit {bit}"
            );
        }
    }

    /// Guards against a word at every kill, and against none where a bit has flipped.
    #[test]
    fn the_beginning_of_a_record_is_no_damage() {
        let (bytes, border) = two();
        let damaged = |bytes: &[u8]| {
            let (_, end) = parse(bytes, "key", &(20..25), 2);
            !is_begun(&bytes[end..], &(20..25), 2)
        };
        for end in 0..=bytes.len() {
            assert!(!damaged(&bytes[..end]), "{end} bytes");
        }
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            // The last record can claim more items than it has, as if a kill had torn it.
            let count = border..border + NUMBER;
            assert!(damaged(&bad) || count.contains(&(bit / 8)), "bit {bit}");
        }
        assert!(damaged(&[bytes.as_slice(), &[0; 16]].concat()));
        assert!(damaged(&vec![0; bytes.len()]));
        assert!(damaged(
            &[bytes.as_slice(), &bytes[bytes.len() - 64..]].concat()
        ));
    }

    #[test]
    fn a_journal_that_another_writes_is_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("entry/.shard.journal");
        let open = || Journal::resume(path.clone(), "key", &(20..25), 2).expect("a journal");
        let mut first = open().journal;
        first.append(&[20], &[1.0, 2.0]).expect("appended");
        let Resumed {
            journal: mut second,
            rows,
            ..
        } = open();
        assert!(rows.is_empty());
        second.append(&[21], &[1.0, 2.0]).expect("passed over");
        second.finish().expect("nothing to do");
        drop(first);
        let third = open();
        assert_eq!(third.rows, [(20, vec![1.0, 2.0])]);
        assert_eq!(third.damaged_at, None);
        third.journal.finish().expect("removed");
        assert!(!path.exists());
    }
}
