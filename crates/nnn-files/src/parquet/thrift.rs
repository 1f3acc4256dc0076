//! Thrift's compact protocol, walked without being decoded: whether what a struct claims can be there at all.
//!
//! Format: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>

use std::io::{self, Read};

/// Structs and lists in one another; those of parquet are less than ten.
const DEPTH: usize = 64;

/// What is done with a whole number: the ids of the fields that lead to it, and its value.
type Take<'t> = &'t mut dyn FnMut(&[i16], i64) -> Result<(), String>;

/// Walks one struct. A list may claim as many elements as bytes are left, since each takes at least one.
///
/// # Errors
/// It ends too early or claims more than can follow; what `take` returns.
pub(super) fn walk(from: impl Read, length: u64, take: Take<'_>) -> Result<(), String> {
    let path = Vec::new();
    let mut walk = Walk {
        from,
        left: length,
        path,
        take,
    };
    walk.fields(0)
}

struct Walk<'t, R> {
    from: R,
    left: u64,
    path: Vec<i16>,
    take: Take<'t>,
}

impl<R: Read> Walk<'_, R> {
    fn fields(&mut self, depth: usize) -> Result<(), String> {
        let mut last = 0;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Ok(());
            }
            let id = match i16::from(head >> 4) {
                0 => i16::try_from(self.number()?).map_err(|_| "a field's id is no id")?,
                step => i16::wrapping_add(last, step),
            };
            last = id;
            self.path.push(id);
            // A field's yes or no is its type.
            if !matches!(head & 15, 1 | 2) {
                self.value(head & 15, depth)?;
            }
            self.path.pop();
        }
    }

    fn value(&mut self, kind: u8, depth: usize) -> Result<(), String> {
        if depth > DEPTH {
            return Err("its structs are nested too deeply".to_owned());
        }
        match kind {
            1..=3 => self.byte().map(|_| ()),
            4..=6 => {
                let number = self.number()?;
                (self.take)(&self.path, number)
            }
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 => self.list(depth),
            11 => self.map(depth),
            12 => self.fields(depth + 1),
            13 => self.skip(16),
            other => Err(format!("a value of the unknown type {other}")),
        }
    }

    fn list(&mut self, depth: usize) -> Result<(), String> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            count => count.into(),
        };
        self.check(count, "a list", "elements")?;
        for _ in 0..count {
            self.value(head & 15, depth + 1)?;
        }
        Ok(())
    }

    fn map(&mut self, depth: usize) -> Result<(), String> {
        let count = self.varint()?;
        self.check(count, "a map", "entries")?;
        let kinds = if count == 0 { 0 } else { self.byte()? };
        for _ in 0..count {
            self.value(kinds >> 4, depth + 1)?;
            self.value(kinds & 15, depth + 1)?;
        }
        Ok(())
    }

    fn check(&self, count: u64, what: &str, of: &str) -> Result<(), String> {
        if count <= self.left {
            return Ok(());
        }
        let left = self.left;
        Err(format!(
            "{what} claims {count} {of} where {left} bytes are left"
        ))
    }

    fn number(&mut self) -> Result<i64, String> {
        let zigzag = self.varint()?;
        Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
    }

    fn varint(&mut self) -> Result<u64, String> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err("a whole number does not end".to_owned())
    }

    fn byte(&mut self) -> Result<u8, String> {
        let mut byte = [0];
        self.take_off(1)?;
        self.from.read_exact(&mut byte).map_err(|_| cut())?;
        Ok(byte[0])
    }

    fn skip(&mut self, count: u64) -> Result<(), String> {
        self.take_off(count)?;
        let skipped = io::copy(&mut self.from.by_ref().take(count), &mut io::sink());
        match skipped {
            Ok(skipped) if skipped == count => Ok(()),
            _ => Err(cut()),
        }
    }

    fn take_off(&mut self, count: u64) -> Result<(), String> {
        self.left = self.left.checked_sub(count).ok_or_else(cut)?;
        Ok(())
    }
}

fn cut() -> String {
    "it ends within a header".to_owned()
}
