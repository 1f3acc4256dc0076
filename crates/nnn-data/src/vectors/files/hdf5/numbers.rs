//! Values of HDF5 files: numbers of every width, and the one filter of h5py's that the library lacks.

use half::f16;
use hdf5_reader::error::Error;
use hdf5_reader::messages::filter_pipeline::FilterDescription;
use hdf5_reader::{ByteOrder, Dataset, Datatype, FilterRegistry, H5Type, OpenOptions};

/// h5py's number for LZF.
const LZF: u16 = 32000;

/// Bytes of a chunk at most, as the library bounds it.
const MOST_BYTES: usize = 256 << 20;

/// A number of any type.
#[derive(Clone, Copy)]
pub(super) struct Fraction(pub(super) f64);

/// An integer of any width.
#[derive(Clone, Copy)]
pub(super) struct Whole(pub(super) i128);

impl H5Type for Fraction {
    fn hdf5_type() -> Datatype {
        f64::hdf5_type()
    }

    fn from_bytes(bytes: &[u8], dtype: &Datatype) -> Result<Self, Error> {
        let Datatype::FloatingPoint { byte_order, .. } = dtype else {
            return Whole::from_bytes(bytes, dtype).map(|it| Self(it.0 as f64));
        };
        let value = match word(bytes, *byte_order)? {
            Word::Two(it) => f16::from_le_bytes(it).to_f64(),
            Word::Four(it) => f32::from_le_bytes(it).into(),
            Word::Eight(it) => f64::from_le_bytes(it),
            Word::One(_) => return Err(Error::InvalidData("a float of one byte".to_owned())),
        };
        Ok(Self(value))
    }

    fn element_size(dtype: &Datatype) -> usize {
        size(dtype)
    }
}

impl H5Type for Whole {
    fn hdf5_type() -> Datatype {
        i64::hdf5_type()
    }

    fn from_bytes(bytes: &[u8], dtype: &Datatype) -> Result<Self, Error> {
        let Datatype::FixedPoint {
            signed, byte_order, ..
        } = dtype
        else {
            return Err(Error::InvalidData("no integer".to_owned()));
        };
        Ok(Self(match (word(bytes, *byte_order)?, signed) {
            (Word::One(it), true) => i8::from_le_bytes(it).into(),
            (Word::One(it), false) => u8::from_le_bytes(it).into(),
            (Word::Two(it), true) => i16::from_le_bytes(it).into(),
            (Word::Two(it), false) => u16::from_le_bytes(it).into(),
            (Word::Four(it), true) => i32::from_le_bytes(it).into(),
            (Word::Four(it), false) => u32::from_le_bytes(it).into(),
            (Word::Eight(it), true) => i64::from_le_bytes(it).into(),
            (Word::Eight(it), false) => u64::from_le_bytes(it).into(),
        }))
    }

    fn element_size(dtype: &Datatype) -> usize {
        size(dtype)
    }
}

/// Bytes in little-endian order.
enum Word {
    One([u8; 1]),
    Two([u8; 2]),
    Four([u8; 4]),
    Eight([u8; 8]),
}

fn word(bytes: &[u8], order: ByteOrder) -> Result<Word, Error> {
    let mut bytes = bytes.to_vec();
    if matches!(order, ByteOrder::BigEndian) {
        bytes.reverse();
    }
    let wrong = || Error::InvalidData(format!("a number of {} bytes", bytes.len()));
    let word = match bytes.len() {
        1 => bytes.as_slice().try_into().map(Word::One),
        2 => bytes.as_slice().try_into().map(Word::Two),
        4 => bytes.as_slice().try_into().map(Word::Four),
        8 => bytes.as_slice().try_into().map(Word::Eight),
        _ => return Err(wrong()),
    };
    word.map_err(|_| wrong())
}

fn size(dtype: &Datatype) -> usize {
    match dtype {
        Datatype::FixedPoint { size, .. } | Datatype::FloatingPoint { size, .. } => (*size).into(),
        _ => 0,
    }
}

/// What a data set holds, by the name that people use; numbers are read if the flag says so.
pub(super) fn type_name(dataset: &Dataset) -> (String, bool) {
    match dataset.dtype() {
        Datatype::FixedPoint { size, signed, .. } => {
            let kind = if *signed { "int" } else { "uint" };
            (
                format!("{kind}{}", u32::from(*size) * 8),
                matches!(size, 1 | 2 | 4 | 8),
            )
        }
        Datatype::FloatingPoint { size, .. } => float_name(dataset, *size),
        Datatype::String { .. } => ("string".to_owned(), false),
        Datatype::VarLen { base, .. } => match **base {
            Datatype::FixedPoint { size: 1, .. } | Datatype::String { .. } => {
                ("string".to_owned(), false)
            }
            _ => ("lists of different lengths".to_owned(), false),
        },
        Datatype::Enum { .. } => ("bool or another enumeration".to_owned(), false),
        Datatype::Compound { .. } => ("record with several fields".to_owned(), false),
        Datatype::Reference { .. } => ("reference".to_owned(), false),
        _ => ("bytes".to_owned(), false),
    }
}

/// A float's name. Of two bytes the layout is looked at: those of bfloat16 are none of float16.
fn float_name(dataset: &Dataset, size: u8) -> (String, bool) {
    // In the message of a float: the number of bits of its exponent.
    let exponent = dataset
        .raw_datatype()
        .ok()
        .and_then(|it| it.get(13).copied());
    match (size, exponent) {
        (2, Some(8)) => ("bfloat16".to_owned(), false),
        (2, Some(5)) | (4 | 8, _) => (format!("float{}", u32::from(size) * 8), true),
        _ => (format!("float{}", u32::from(size) * 8), false),
    }
}

/// How files are opened: with LZF, and a cache of chunks that stays small beside the vectors.
pub(super) fn options() -> OpenOptions {
    let mut filters = FilterRegistry::new();
    let lzf = |filter: &FilterDescription, data: &[u8], _: usize| {
        let length = filter.client_data.get(2).copied().unwrap_or(0) as usize;
        unpacked(data, length).ok_or_else(|| Error::DecompressionError("LZF".to_owned()))
    };
    filters.register(LZF, Box::new(lzf));
    OpenOptions::default().with_filter_registry(filters)
}

/// LZF: runs of bytes, and copies of bytes that are out already.
fn unpacked(data: &[u8], length: usize) -> Option<Vec<u8>> {
    if length > MOST_BYTES {
        return None;
    }
    let mut out = Vec::with_capacity(length);
    let mut rest = data.iter().copied();
    while let Some(control) = rest.next() {
        let control = usize::from(control);
        if control < 32 {
            let before = out.len();
            out.extend(rest.by_ref().take(control + 1));
            if out.len() != before + control + 1 {
                return None;
            }
            continue;
        }
        let mut count = (control >> 5) + 2;
        if count == 9 {
            count += usize::from(rest.next()?);
        }
        let back = ((control & 31) << 8) + usize::from(rest.next()?) + 1;
        for _ in 0..count {
            out.push(*out.get(out.len().checked_sub(back)?)?);
        }
        if out.len() > length {
            return None;
        }
    }
    (out.len() == length).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::unpacked;

    #[test]
    fn runs_and_copies() {
        // "abcabcabc" as python-lzf packs it: a run of three, and six bytes from three back.
        assert_eq!(
            unpacked(b"\x02abc\x80\x02", 9).as_deref(),
            Some(&b"abcabcabc"[..])
        );
        for (bad, length) in [
            (&b"\x02ab"[..], 3),
            (b"\x20\x00", 3),
            (b"\x00a", 2),
            (b"\xe0", 9),
        ] {
            assert_eq!(unpacked(bad, length), None);
        }
    }
}
