//! Parquet files whose headers are held against the file's length before the library believes them.

mod thrift;

use bytes::Bytes;
use parquet::errors::{ParquetError, Result};
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

/// Bytes that end a file: the length of its metadata, and [`MAGIC`].
const TAIL: u64 = 8;

/// What an unencrypted file ends with.
const MAGIC: &[u8] = b"PAR1";

/// A parquet file for the library's readers. Its headers say how many entries of any kind follow; a damaged one that says 2^31 would
/// occupy the library for minutes and take the memory for them, in a file of some bytes. Here this is an error: the metadata
/// is walked when the file is opened, and a page's header before the library believes it.
#[derive(Debug)]
pub struct CheckedParquet {
    file: File,
    length: u64,
}

impl CheckedParquet {
    /// Takes an open file.
    ///
    /// # Errors
    /// It cannot be read, or its metadata claims what cannot follow.
    pub fn new(file: File) -> Result<Self> {
        let length = file.metadata()?.len();
        let this = Self { file, length };
        this.check_metadata()?;
        Ok(this)
    }

    /// Files that end as no parquet file does are left to the library, which knows what to say of them.
    fn check_metadata(&self) -> Result<()> {
        let Some(end) = self.length.checked_sub(TAIL) else {
            return Ok(());
        };
        let tail = self.get_bytes(end, TAIL as usize)?;
        let (size, magic) = tail.split_at(4);
        let size = size
            .iter()
            .rev()
            .fold(0, |all, byte| all << 8 | u64::from(*byte));
        match end.checked_sub(size) {
            Some(begin) if magic == MAGIC => {
                let metadata = self.reader(begin)?;
                thrift::walk(metadata, size, &mut |_, _| Ok(())).map_err(bad)
            }
            _ => Ok(()),
        }
    }

    fn reader(&self, start: u64) -> Result<BufReader<File>> {
        let mut file = self.file.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        Ok(BufReader::new(file))
    }
}

/// A reader of the header of a page, which is walked when the library begins to read it. The library also asks for readers where no header
/// is, behind one that it has looked at before, and does not read from them.
pub struct HeaderReader {
    from: BufReader<File>,
    /// Where the header begins, and how many bytes follow; nothing once it is checked.
    unchecked: Option<(u64, u64)>,
}

impl Read for HeaderReader {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        if let Some((start, left)) = self.unchecked.take() {
            self.check(left).map_err(|problem| {
                let at = format!("the header of a page at byte {start}: {problem}");
                io::Error::new(io::ErrorKind::InvalidData, at)
            })?;
            self.from.seek(SeekFrom::Start(start))?;
        }
        self.from.read(to)
    }
}

impl HeaderReader {
    fn check(&mut self, left: u64) -> std::result::Result<(), String> {
        let mut page = Page::default();
        thrift::walk(&mut self.from, left, &mut |field, value| {
            page.note(field, value);
            Ok(())
        })?;
        page.check()
    }
}

/// What the header of a page claims (`PageHeader` in parquet's format).
#[derive(Default)]
struct Page {
    packed: i64,
    unpacked: i64,
    values: i64,
}

impl Page {
    fn note(&mut self, field: &[i16], value: i64) {
        match field {
            [2] => self.unpacked = value,
            [3] => self.packed = value,
            // Of a page of data, of a dictionary, and of a page of data in the second version.
            [5 | 7 | 8, 1] => self.values = value,
            _ => (),
        }
    }

    /// Four million equal values may lie in a few bytes, and a thousand in every further one; 64 MiB of
    /// zeros in a few, and 4 KiB in every further one. No writer's pages come near.
    fn check(&self) -> std::result::Result<(), String> {
        let Self {
            packed,
            unpacked,
            values,
        } = *self;
        let most = |free: i64, each: i64| packed.max(0).saturating_mul(each).saturating_add(free);
        if values > most(1 << 22, 1 << 10) {
            return Err(format!("a page claims {values} values in {packed} bytes"));
        }
        if unpacked > most(1 << 26, 1 << 12) {
            return Err(format!("a page claims {unpacked} bytes packed in {packed}"));
        }
        Ok(())
    }
}

fn bad(problem: String) -> ParquetError {
    ParquetError::General(problem)
}

impl Length for CheckedParquet {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for CheckedParquet {
    type T = HeaderReader;

    /// The library reads in this way headers of pages, one after the other, and the end of the file.
    fn get_read(&self, start: u64) -> Result<Self::T> {
        let left = self.length.saturating_sub(start);
        Ok(HeaderReader {
            from: self.reader(start)?,
            unchecked: (left != TAIL).then_some((start, left)),
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let left = self.length.saturating_sub(start);
        if length as u64 > left {
            let at =
                format!("{length} bytes are wanted at {start}, {left} are left: it was cut short");
            return Err(ParquetError::EOF(at));
        }
        let mut bytes = Vec::with_capacity(length);
        self.reader(start)?
            .take(length as u64)
            .read_to_end(&mut bytes)?;
        if bytes.len() != length {
            return Err(ParquetError::EOF("it became shorter meanwhile".to_owned()));
        }
        Ok(bytes.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Field 15, a list of 2^31 - 1 elements of a type that takes no bytes in the library's eyes, and the end of the struct.
    const YES_OR_NO: [u8; 8] = [0xf9, 0xf1, 255, 255, 255, 255, 7, 0];

    fn opened(content: &[u8]) -> Result<CheckedParquet> {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(content).expect("written");
        CheckedParquet::new(file)
    }

    fn with_metadata(pages: &[u8], metadata: &[u8]) -> Vec<u8> {
        let size = u32::try_from(metadata.len()).expect("few bytes");
        [MAGIC, pages, metadata, &size.to_le_bytes(), MAGIC].concat()
    }

    fn first_byte(file: &CheckedParquet, start: u64) -> Result<()> {
        Ok(file.get_read(start)?.read_exact(&mut [0])?)
    }

    fn said<T>(result: Result<T>) -> String {
        result
            .err()
            .map_or(String::new(), |error| error.to_string())
    }

    #[test]
    fn metadata_may_not_claim_more_than_its_bytes() {
        let said = said(opened(&with_metadata(&[], &YES_OR_NO)));
        assert!(
            said.contains("claims 2147483647 elements where 1 bytes are left"),
            "{said}"
        );
        assert!(opened(&with_metadata(&[], &[0])).is_ok());
        assert!(opened(b"no parquet file").is_ok(), "left to the library");
    }

    #[test]
    fn a_page_may_not_claim_more_than_the_file() {
        let file = opened(&with_metadata(&YES_OR_NO, &[0])).expect("sound metadata");
        let said = said(first_byte(&file, 4));
        assert!(
            said.contains("at byte 4: a list claims 2147483647"),
            "{said}"
        );
    }

    /// The library asks for one there, behind a header that it has looked at before.
    #[test]
    fn a_reader_that_nobody_reads_from_checks_nothing() {
        let file = opened(&with_metadata(&YES_OR_NO, &[0])).expect("sound metadata");
        assert!(file.get_read(4).is_ok());
    }

    /// `PageHeader`: type, bytes unpacked and packed, and in `DataPageHeader` the number of values.
    #[test]
    fn a_page_may_not_claim_more_values_than_its_bytes_could_hold() {
        let page = |values: [u8; 4]| {
            [
                &[0x15, 0, 0x15, 6, 0x15, 6, 0x2c, 0x15],
                &values[..],
                &[0, 0],
            ]
            .concat()
        };
        let most = |values: [u8; 4]| {
            let file = opened(&with_metadata(&page(values), &[0])).expect("sound metadata");
            said(first_byte(&file, 4))
        };
        assert_eq!(
            most([0x80, 0x80, 0x80, 0x04]),
            "",
            "2^22, each written as its double"
        );
        assert!(most([0x80, 0x80, 0x80, 0x08]).contains("claims 8388608 values in 3 bytes"));
    }
}
