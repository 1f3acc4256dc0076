//! NumPy's `.npy` (one array) and `.npz` (a zip of them).

use super::choose;
use super::stream::{Layout, Scalar};
use crate::file_error::{FileProblem, Held};
use npyz::{DType, Endianness, NpyHeader, Order, TypeChar, TypeStr};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use zip::ZipArchive;

/// Longest header text that is read; NumPy itself refuses more than 10,000 characters unless told otherwise.
const HEADER_LIMIT: usize = 1 << 16;

/// How the file of an array in an archive ends, behind the array's name.
const NPY: &str = ".npy";

/// What is done with an array once its layout is known: its data and how many bytes of it there are.
pub(super) type Take<'t, T> =
    &'t mut dyn FnMut(&Layout, &mut dyn Read, u64) -> Result<T, FileProblem>;

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
    let mut archive = ZipArchive::new(file).map_err(cut)?;
    let arrays = {
        let names: Result<Vec<_>, _> = archive.file_names().collect();
        let names = names.map_err(|error| bad(&error))?;
        let arrays = names.iter().filter_map(|it| it.strip_suffix(NPY));
        arrays.map(Held::named).collect()
    };
    let name = choose(arrays, key)? + NPY;
    let mut entry = archive.by_name(&name).map_err(|error| bad(&error))?;
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
    let found = array(&mut reader, length, &mut |layout, _, available| {
        let found = layout.as_it_lies(available)?;
        Ok(found.map(|(rows, dim)| (length - available, rows, dim)))
    })?;
    Ok(found)
}

fn array<T>(reader: &mut dyn Read, length: u64, take: Take<'_, T>) -> Result<T, FileProblem> {
    let bad = |error: io::Error| FileProblem::malformed(".npy", error);
    let mut text = header_bytes(reader).map_err(|error| bad(in_header(error)))?;
    check_header(&text)?;
    let available = length.saturating_sub(text.len() as u64);
    let opaque = opaque(&mut text);
    let header = NpyHeader::from_reader(text.as_slice()).map_err(bad)?;
    take(&layout(&header, opaque)?, reader, available)
}

/// Types that NumPy itself does not know are saved as opaque bytes: `V2`, which is bfloat16, and `V1`, one of several of
/// eight bits. Puts an integer of the same width in the header, and gives what it stands for.
fn opaque(header: &mut [u8]) -> Option<Option<Scalar>> {
    const TYPES: [(&str, &str, Option<Scalar>); 6] = [
        ("'<V2'", "'<u2'", Some(Scalar::Bf16)),
        ("'|V2'", "'<u2'", Some(Scalar::Bf16)),
        ("'bfloat16'", "'<u2'     ", Some(Scalar::Bf16)),
        ("'<V1'", "'|u1'", None),
        ("'|V1'", "'|u1'", None),
        ("'<f1'", "'|u1'", None),
    ];
    for (written, readable, meant) in TYPES {
        let place = header
            .windows(written.len())
            .position(|it| it == written.as_bytes());
        if let Some(at) = place {
            header[at..at + written.len()].copy_from_slice(readable.as_bytes());
            return Some(meant);
        }
    }
    None
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

fn layout(header: &NpyHeader, opaque: Option<Option<Scalar>>) -> Result<Layout, FileProblem> {
    let dtype = header.dtype();
    let plain = match (&dtype, opaque) {
        (DType::Plain(plain), None) => scalar(plain).map(|scalar| (plain, scalar)),
        (DType::Plain(plain), Some(meant)) => meant.map(|scalar| (plain, scalar)),
        _ => None,
    };
    let Some((plain, scalar)) = plain else {
        return Err(refused(&dtype, opaque.is_some()));
    };
    Ok(Layout {
        shape: header.shape().to_vec(),
        scalar,
        type_name: match scalar {
            Scalar::Bf16 => "bfloat16".to_owned(),
            _ => type_name(plain),
        },
        big_endian: plain.endianness() == Endianness::Big,
        fortran: header.order() == Order::Fortran,
    })
}

/// Why values of a type are not read.
fn refused(dtype: &DType, opaque: bool) -> FileProblem {
    let found = match dtype {
        DType::Plain(_) if opaque => "float8 or another type of one byte".to_owned(),
        DType::Plain(plain) => type_name(plain),
        _ => "record with several fields".to_owned(),
    };
    if found == "object" {
        return FileProblem::Unusable(
            "values of type object, which are pickled; save numbers of one type instead, as in numpy.save(file, \
             numpy.stack(list(array)).astype(\"float32\"))"
                .to_owned(),
        );
    }
    FileProblem::WrongType {
        found,
        expected: "plain numbers or strings, such as float32",
    }
}

/// A type as NumPy prints it.
fn type_name(plain: &TypeStr) -> String {
    let bits = |kind: &str| format!("{kind}{}", plain.size_field().saturating_mul(8));
    match plain.type_char() {
        TypeChar::Bool => "bool".to_owned(),
        TypeChar::Int => bits("int"),
        TypeChar::Uint => bits("uint"),
        TypeChar::Float => bits("float"),
        TypeChar::Complex => bits("complex"),
        TypeChar::TimeDelta => "timedelta64".to_owned(),
        TypeChar::DateTime => "datetime64".to_owned(),
        TypeChar::UnicodeStr => "string".to_owned(),
        TypeChar::ByteStr => "bytes".to_owned(),
        TypeChar::Object => "object".to_owned(),
        _ => "void".to_owned(),
    }
}

fn scalar(plain: &TypeStr) -> Option<Scalar> {
    let width = || usize::try_from(plain.size_field()).ok();
    match (plain.type_char(), plain.size_field()) {
        (TypeChar::UnicodeStr, _) => Some(Scalar::Characters(width()?)),
        (TypeChar::ByteStr, _) => Some(Scalar::Bytes(width()?)),
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
