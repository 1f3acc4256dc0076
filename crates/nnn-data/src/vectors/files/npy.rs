//! NumPy's `.npy` (one array) and `.npz` (a zip of them).

use super::choose;
use super::stream::{Layout, Scalar};
use crate::file_error::FileProblem;
use npyz::npz::{NpzArchive, array_name_from_file_name, file_name_from_array_name};
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, TypeStr};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Longest header text that is read; NumPy itself refuses more than 10,000 characters unless told otherwise.
const HEADER_LIMIT: usize = 1 << 16;

/// What is done with an array once its layout is known: its data and how many bytes of it there are.
pub(super) type Take<'t, T> = &'t dyn Fn(&Layout, &mut dyn Read, u64) -> Result<T, FileProblem>;

/// Opens the array of an `.npy` file.
pub(super) fn npy<T>(path: &Path, key: Option<&str>, take: Take<'_, T>) -> Result<T, FileProblem> {
    if let Some(key) = key {
        return Err(FileProblem::KeyNotUsed {
            key: key.to_owned(),
            format: ".npy",
        });
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    array(&mut BufReader::new(file), length, take)
}

/// Opens one array of an `.npz` file, stored or compressed; without a key, the only one.
pub(super) fn npz<T>(path: &Path, key: Option<&str>, take: Take<'_, T>) -> Result<T, FileProblem> {
    let bad = |error: &dyn ToString| FileProblem::malformed(".npz", error.to_string());
    let file = BufReader::new(File::open(path)?);
    let cut = |error| bad(&format!("{error}; it may be cut short"));
    let mut archive = NpzArchive::new(file).map_err(cut)?;
    let zip = archive.zip_archive();
    let names = zip
        .file_names()
        .filter_map(array_name_from_file_name)
        .map(str::to_owned)
        .collect();
    let name = file_name_from_array_name(&choose(names, key)?);
    let mut entry = zip.by_name(&name).map_err(|error| bad(&error))?;
    let length = entry.size();
    array(&mut entry, length, take).map_err(|problem| match problem {
        // A damaged archive shows as a failed read: a checksum or a compressed stream that is wrong.
        FileProblem::Io(error) => bad(&error),
        other => other,
    })
}

/// Where the values of an `.npy` file begin and how many rows and columns there are, if they can be used as they lie there.
pub(super) fn as_it_lies(path: &Path) -> Result<Option<(u64, usize, usize)>, FileProblem> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let found = array(&mut reader, length, &|layout, _, available| {
        let found = layout.as_it_lies(available)?;
        Ok(found.map(|(rows, dim)| (length - available, rows, dim)))
    })?;
    Ok(found)
}

fn array<T>(reader: &mut dyn Read, length: u64, take: Take<'_, T>) -> Result<T, FileProblem> {
    let bad = |error: io::Error| FileProblem::malformed(".npy", error);
    let text = header_bytes(reader).map_err(|error| bad(in_header(error)))?;
    check_header(&text)?;
    let header = NpyHeader::from_reader(text.as_slice()).map_err(bad)?;
    let available = length.saturating_sub(text.len() as u64);
    take(&layout(&header)?, reader, available)
}

/// A read that met the end of the file, in words.
pub(super) fn in_header(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            io::Error::other("it ends within its header: it was cut short")
        }
        _ => error,
    }
}

/// Magic string, version, length and text of the header.
fn header_bytes(reader: &mut dyn Read) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 10];
    reader.read_exact(&mut bytes)?;
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err(io::Error::other("the file does not begin as .npy files do"));
    }
    if bytes[6] > 1 {
        bytes.resize(12, 0);
        reader.read_exact(&mut bytes[10..])?;
    }
    let size = bytes[8..]
        .iter()
        .rev()
        .fold(0, |n, &b| n << 8 | usize::from(b));
    if size > HEADER_LIMIT {
        return Err(io::Error::other(format!(
            "header of {size} bytes, expected at most {HEADER_LIMIT}"
        )));
    }
    let start = bytes.len();
    bytes.resize(start + size, 0);
    reader.read_exact(&mut bytes[start..])?;
    Ok(bytes)
}

/// Refuses what a plain array's header never holds and what the parser does not survive: brackets nested so deeply
/// that its recursion overflows the stack, and sizes (more than 19 digits in all) whose product overflows.
fn check_header(bytes: &[u8]) -> Result<(), FileProblem> {
    let text = &bytes[10..];
    let nested = text.iter().filter(|b| b"([{".contains(b)).count();
    let digits = text.iter().filter(|b| b.is_ascii_digit()).count();
    if nested > 16 || digits > 19 {
        return Err(FileProblem::malformed(
            ".npy",
            "the header does not describe a plain array",
        ));
    }
    Ok(())
}

fn layout(header: &NpyHeader) -> Result<Layout, FileProblem> {
    let dtype = header.dtype();
    let plain = match &dtype {
        DType::Plain(plain) => scalar(plain).map(|scalar| (plain, scalar)),
        _ => None,
    };
    let Some((plain, scalar)) = plain else {
        return Err(FileProblem::WrongType {
            found: dtype.descr(),
            expected: "a plain float or integer type",
        });
    };
    Ok(Layout {
        shape: header.shape().to_vec(),
        scalar,
        type_name: dtype.descr(),
        big_endian: plain.endianness() == Endianness::Big,
        fortran: header.order() == Order::Fortran,
    })
}

fn scalar(plain: &TypeStr) -> Option<Scalar> {
    match (plain.type_char(), plain.size_field()) {
        (TypeChar::Bool, 1) => Some(Scalar::Bool),
        (TypeChar::Float, 2) => Some(Scalar::F16),
        (TypeChar::Float, 4) => Some(Scalar::F32),
        (TypeChar::Float, 8) => Some(Scalar::F64),
        (TypeChar::Int, 1) => Some(Scalar::I8),
        (TypeChar::Int, 2) => Some(Scalar::I16),
        (TypeChar::Int, 4) => Some(Scalar::I32),
        (TypeChar::Int, 8) => Some(Scalar::I64),
        (TypeChar::Uint, 1) => Some(Scalar::U8),
        (TypeChar::Uint, 2) => Some(Scalar::U16),
        (TypeChar::Uint, 4) => Some(Scalar::U32),
        (TypeChar::Uint, 8) => Some(Scalar::U64),
        _ => None,
    }
}
