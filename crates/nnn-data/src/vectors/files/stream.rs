//! From the bytes of a plain array to f32 rows or indices, piece by piece.

use super::rows::{Rows, narrow};
use super::{INTEGERS, MATRIX, NUMBERS, STRINGS, VECTOR};
use crate::file_error::FileProblem;
use half::{bf16, f16};
use std::io::{ErrorKind, Read};

/// Bytes read at a time.
const CHUNK: usize = 1 << 16;

/// Columns of a Fortran-ordered file that are gathered before they are written into the rows: their values then fill
/// whole cache lines of the row-major result, at the price of `16 * rows` values of scratch.
const COLUMNS: usize = 16;

/// The element types that arrays are read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Bool,
    F16,
    Bf16,
    F32,
    F64,
    I8,
    I16,
    I32,
    I64,
    U8,
    U16,
    U32,
    U64,
    /// So many characters of four bytes each, filled with zeros.
    Characters(usize),
    /// So many bytes of text, filled with zeros.
    Bytes(usize),
}

impl Scalar {
    pub(super) fn width(self) -> usize {
        match self {
            Self::Characters(count) => count.saturating_mul(4),
            Self::Bytes(count) => count,
            Self::Bool | Self::I8 | Self::U8 => 1,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F64 | Self::I64 | Self::U64 => 8,
        }
    }

    fn is_float(self) -> bool {
        matches!(self, Self::F16 | Self::Bf16 | Self::F32 | Self::F64)
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Characters(_) | Self::Bytes(_))
    }

    fn is_integer(self) -> bool {
        !self.is_float() && !self.is_text() && self != Self::Bool
    }
}

/// Zeros and ones.
pub(crate) struct Mask {
    /// Row after row.
    pub(crate) flags: Vec<bool>,
    pub(crate) shape: Vec<u64>,
}

/// How an array lies in its file.
pub(super) struct Layout {
    pub(super) shape: Vec<u64>,
    pub(super) scalar: Scalar,
    /// The type by the name that people use, for messages.
    pub(super) type_name: String,
    pub(super) big_endian: bool,
    /// Column after column instead of row after row.
    pub(super) fortran: bool,
}

impl Layout {
    /// Appends a two-dimensional array of numbers in row-major order; `available` bytes of data follow in `body`. Integers
    /// are vectors up to a scale.
    pub(super) fn matrix(
        &self,
        body: &mut dyn Read,
        available: u64,
        out: &mut Rows,
    ) -> Result<(), FileProblem> {
        let (rows, dim) = self.rows_and_columns()?;
        let count = self.check_size(available)?;
        out.room(count)?;
        out.block(0, dim)?;
        if self.fortran {
            self.columns(body, rows, dim, out.block(rows, dim)?)?;
            return out.settle();
        }
        let step = out.at_once(rows);
        for first in (0..rows).step_by(step) {
            let some = step.min(rows - first);
            let data = out.block(some, dim)?;
            let start = data.len();
            self.floats(body, some * dim, data, |at| {
                let at = at - start;
                (first + at / dim, at % dim)
            })?;
            out.settle()?;
        }
        Ok(())
    }

    /// Number of values of a matrix that the file holds.
    pub(super) fn count(&self, available: u64) -> Result<usize, FileProblem> {
        self.rows_and_columns()?;
        self.check_size(available)
    }

    fn rows_and_columns(&self) -> Result<(usize, usize), FileProblem> {
        let number = self.scalar.is_float() || self.scalar.is_integer();
        self.expect_type(number, NUMBERS)?;
        let (rows, dim) = matrix_of(&self.shape).ok_or_else(|| self.wrong_shape(MATRIX))?;
        Ok((as_size(rows)?, as_size(dim)?))
    }

    /// Reads a one-dimensional integer array as indices.
    pub(super) fn indices(
        &self,
        body: &mut dyn Read,
        available: u64,
    ) -> Result<Vec<u32>, FileProblem> {
        self.expect_type(self.scalar.is_integer(), INTEGERS)?;
        let count = self.length(available)?;
        let mut out = reserve(count)?;
        each_chunk(body, count, self.scalar.width(), |bytes| {
            for value in self.integers(bytes) {
                out.push(index(out.len(), value)?);
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// Reads a one-dimensional array of strings, or of integers as text.
    pub(super) fn labels(
        &self,
        body: &mut dyn Read,
        available: u64,
    ) -> Result<Vec<String>, FileProblem> {
        let (width, text) = (self.scalar.width(), self.scalar.is_text());
        self.expect_type(self.scalar.is_integer() || (text && width > 0), STRINGS)?;
        let count = self.length(available)?;
        if !text {
            let mut out = reserve(count)?;
            each_chunk(body, count, width, |bytes| {
                out.extend(self.integers(bytes).iter().map(ToString::to_string));
                Ok(())
            })?;
            return Ok(out);
        }
        let mut out = Vec::new();
        each_chunk(body, count, width, |bytes| {
            for value in bytes.chunks_exact(width) {
                out.push(self.text(out.len(), value)?);
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// One string without the zeros that fill it up.
    fn text(&self, row: usize, bytes: &[u8]) -> Result<String, FileProblem> {
        let text = match self.scalar {
            Scalar::Bytes(_) => String::from_utf8(bytes.to_vec()).ok(),
            _ => words(bytes, self.big_endian)
                .map(|it| char::from_u32(u32::from_le_bytes(it)))
                .collect(),
        };
        let text = text.ok_or_else(|| FileProblem::Unusable(format!("row {row} is no text")))?;
        Ok(text.trim_end_matches('\0').to_owned())
    }

    /// Number of entries of an array of one dimension.
    fn length(&self, available: u64) -> Result<usize, FileProblem> {
        match self.shape.len() {
            1 => self.check_size(available),
            _ => Err(self.wrong_shape(VECTOR)),
        }
    }

    /// Reads an array of zeros and ones of any shape, row after row.
    pub(super) fn mask(&self, body: &mut dyn Read, available: u64) -> Result<Mask, FileProblem> {
        self.expect_type(!self.fortran, "an array in C order")?;
        self.expect_type(!self.scalar.is_text(), NUMBERS)?;
        let count = self.check_size(available)?;
        if self.scalar.is_float() {
            let mut values = reserve(count)?;
            self.floats(body, count, &mut values, |at| (at, 0))?;
            return self.flags(values.into_iter().map(f64::from), count);
        }
        let mut out = reserve(count)?;
        each_chunk(body, count, self.scalar.width(), |bytes| {
            out.extend(self.integers(bytes));
            Ok(())
        })?;
        self.flags(out.into_iter().map(|value| value as f64), count)
    }

    fn flags(&self, values: impl Iterator<Item = f64>, count: usize) -> Result<Mask, FileProblem> {
        let mut flags = reserve(count)?;
        for (entry, value) in values.enumerate() {
            flags.push(match value {
                0.0 => false,
                1.0 => true,
                _ => {
                    let value = value.to_string();
                    return Err(FileProblem::BadFlag { entry, value });
                }
            });
        }
        Ok(Mask {
            flags,
            shape: self.shape.clone(),
        })
    }

    /// Number of rows and columns of an array whose values can be used as they lie in the file.
    pub(super) fn as_it_lies(&self, available: u64) -> Result<Option<(usize, usize)>, FileProblem> {
        let &[rows, dim] = self.shape.as_slice() else {
            return Ok(None);
        };
        if self.scalar != Scalar::F32 || self.big_endian || self.fortran {
            return Ok(None);
        }
        self.check_size(available)?;
        Ok(Some((as_size(rows)?, as_size(dim)?)))
    }

    fn expect_type(&self, fits: bool, expected: &'static str) -> Result<(), FileProblem> {
        if fits {
            return Ok(());
        }
        Err(FileProblem::WrongType {
            found: self.type_name.clone(),
            expected,
        })
    }

    fn wrong_shape(&self, expected: &'static str) -> FileProblem {
        FileProblem::WrongShape {
            found: self.shape.clone(),
            expected,
        }
    }

    /// Number of values, once the file is known to hold them: nothing is allocated on a header's word alone.
    fn check_size(&self, available: u64) -> Result<usize, FileProblem> {
        let count = self.shape.iter().try_fold(1u64, |n, &d| n.checked_mul(d));
        let too_large = || FileProblem::TooLarge {
            values: count.unwrap_or(u64::MAX),
        };
        let values = count.ok_or_else(too_large)?;
        let expected = values
            .checked_mul(self.scalar.width() as u64)
            .ok_or_else(too_large)?;
        if available < expected {
            return Err(FileProblem::Truncated {
                found: available,
                expected,
            });
        }
        usize::try_from(values).map_err(|_| too_large())
    }

    /// Gathers some columns at a time and writes them across the rows.
    fn columns(
        &self,
        body: &mut dyn Read,
        rows: usize,
        dim: usize,
        data: &mut Vec<f32>,
    ) -> Result<(), FileProblem> {
        let start = data.len();
        data.resize(start + rows * dim, 0.0);
        let mut scratch = reserve(rows * COLUMNS.min(dim))?;
        for first in (0..dim).step_by(COLUMNS) {
            let width = COLUMNS.min(dim - first);
            scratch.clear();
            self.floats(body, rows * width, &mut scratch, |at| {
                (at % rows, first + at / rows)
            })?;
            for (row, values) in data[start..].chunks_exact_mut(dim).enumerate() {
                for (column, value) in values[first..first + width].iter_mut().enumerate() {
                    *value = scratch[column * rows + row];
                }
            }
        }
        Ok(())
    }

    /// Appends `count` values; `place` turns a position in `out` into row and column, for the error.
    fn floats(
        &self,
        body: &mut dyn Read,
        count: usize,
        out: &mut Vec<f32>,
        place: impl Fn(usize) -> (usize, usize),
    ) -> Result<(), FileProblem> {
        let big = self.big_endian;
        each_chunk(body, count, self.scalar.width(), |bytes| {
            match self.scalar {
                Scalar::F16 => {
                    out.extend(words(bytes, big).map(|w| f16::from_le_bytes(w).to_f32()))
                }
                Scalar::Bf16 => {
                    out.extend(words(bytes, big).map(|w| bf16::from_le_bytes(w).to_f32()));
                }
                Scalar::F64 => {
                    for value in words(bytes, big).map(f64::from_le_bytes) {
                        out.push(narrow(value, || place(out.len()))?);
                    }
                }
                Scalar::F32 => out.extend(words(bytes, big).map(f32::from_le_bytes)),
                _ => out.extend(self.integers(bytes).into_iter().map(|it| it as f32)),
            }
            Ok(())
        })
    }

    fn integers(&self, bytes: &[u8]) -> Vec<i128> {
        let big = self.big_endian;
        match self.scalar {
            Scalar::I8 => words(bytes, big)
                .map(|w| i8::from_le_bytes(w).into())
                .collect(),
            Scalar::I16 => words(bytes, big)
                .map(|w| i16::from_le_bytes(w).into())
                .collect(),
            Scalar::I32 => words(bytes, big)
                .map(|w| i32::from_le_bytes(w).into())
                .collect(),
            Scalar::I64 => words(bytes, big)
                .map(|w| i64::from_le_bytes(w).into())
                .collect(),
            Scalar::Bool | Scalar::U8 => words(bytes, big)
                .map(|w| u8::from_le_bytes(w).into())
                .collect(),
            Scalar::U16 => words(bytes, big)
                .map(|w| u16::from_le_bytes(w).into())
                .collect(),
            Scalar::U32 => words(bytes, big)
                .map(|w| u32::from_le_bytes(w).into())
                .collect(),
            // `indices` lets no float through to here.
            _ => words(bytes, big)
                .map(|w| u64::from_le_bytes(w).into())
                .collect(),
        }
    }
}

/// Rows and columns of an array of vectors: of two dimensions, or of more where all others are one long, as in `(rows, 1, dim)` and
/// `(rows, dim, 1, 1)`.
pub(super) fn matrix_of<N: Copy + PartialEq + From<u8>>(shape: &[N]) -> Option<(N, N)> {
    let (&rows, rest) = shape.split_first()?;
    let mut longer = rest.iter().filter(|&&side| side != N::from(1));
    match (longer.next(), longer.next(), rest.last()) {
        (Some(&dim), None, _) => Some((rows, dim)),
        (None, _, Some(&dim)) => Some((rows, dim)),
        _ => None,
    }
}

/// One integer as an index.
pub(super) fn index(row: usize, value: i128) -> Result<u32, FileProblem> {
    u32::try_from(value).map_err(|_| FileProblem::BadIndex {
        row,
        value: value.to_string(),
    })
}

/// A whole number as an index.
pub(super) fn whole(row: usize, value: f64) -> Result<u32, FileProblem> {
    match value.fract() == 0.0 {
        true => index(row, value as i128),
        false => Err(FileProblem::BadIndex {
            row,
            value: value.to_string(),
        }),
    }
}

/// An empty vector with room for exactly `count` values.
pub(super) fn reserve<T>(count: usize) -> Result<Vec<T>, FileProblem> {
    let mut out = Vec::new();
    out.try_reserve_exact(count)
        .map_err(|_| FileProblem::TooLarge {
            values: count as u64,
        })?;
    Ok(out)
}

fn as_size(value: u64) -> Result<usize, FileProblem> {
    usize::try_from(value).map_err(|_| FileProblem::TooLarge { values: value })
}

/// The words of a chunk in little-endian order, whatever their order in the file.
fn words<const N: usize>(bytes: &[u8], big_endian: bool) -> impl Iterator<Item = [u8; N]> {
    let (words, _) = bytes.as_chunks::<N>();
    words.iter().map(move |word| {
        let mut word = *word;
        if big_endian {
            word.reverse();
        }
        word
    })
}

/// Reads `count` values of `width` bytes and hands them on in whole chunks.
fn each_chunk(
    body: &mut dyn Read,
    count: usize,
    width: usize,
    mut take: impl FnMut(&[u8]) -> Result<(), FileProblem>,
) -> Result<(), FileProblem> {
    let expected = count * width;
    // Whole values at a time, also where a string is longer than a chunk.
    let most = (CHUNK / width.max(1)).max(1) * width;
    let mut buffer = vec![0u8; most.min(expected)];
    let mut done = 0;
    while done < expected {
        let size = most.min(expected - done);
        let chunk = &mut buffer[..size];
        body.read_exact(chunk)
            .map_err(|error| read_problem(error, done, expected))?;
        take(chunk)?;
        done += size;
    }
    Ok(())
}

fn read_problem(error: std::io::Error, done: usize, expected: usize) -> FileProblem {
    match error.kind() {
        ErrorKind::UnexpectedEof => FileProblem::Truncated {
            found: done as u64,
            expected: expected as u64,
        },
        _ => FileProblem::Io(error),
    }
}
