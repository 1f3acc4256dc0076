//! `.safetensors`: a JSON header, then the arrays in C order, little-endian.

use super::choose;
use super::npy::{Take, in_header};
use super::stream::{Layout, Scalar};
use crate::file_error::{FileProblem, Held, shape_text};
use safetensors::Dtype;
use safetensors::tensor::{Metadata, TensorInfo};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// Longest header that is read, as in the reference implementation.
const HEADER_LIMIT: u64 = 100_000_000;

/// Opens one tensor of the file; without a key, the only one.
pub(super) fn safetensors<T>(
    path: &Path,
    key: Option<&str>,
    take: Take<'_, T>,
) -> Result<T, FileProblem> {
    let mut file = BufReader::new(File::open(path)?);
    let length = file.get_ref().metadata()?.len();
    let (metadata, start) = header(&mut file, length)?;
    let held = |name: String| Held {
        kind: metadata.info(&name).map_or_else(String::new, about),
        name,
    };
    let name = choose(metadata.offset_keys().into_iter().map(held).collect(), key)?;
    let Some(info) = metadata.info(&name) else {
        return Err(FileProblem::malformed(".safetensors", "unlisted tensor"));
    };
    let offset = info.data_offsets.0 as u64;
    file.seek(SeekFrom::Start(start.saturating_add(offset)))?;
    let available = length.saturating_sub(start).saturating_sub(offset);
    take(&layout(info)?, &mut file, available)
}

/// `float32 (20, 5)`.
fn about(info: &TensorInfo) -> String {
    let shape: Vec<u64> = info.shape.iter().map(|&size| size as u64).collect();
    format!("{} {}", type_name(info.dtype), shape_text(&shape))
}

/// The header, which the crate checks for gaps, overlaps and overflow, and where the data begins.
fn header(file: &mut impl Read, length: u64) -> Result<(Metadata, u64), FileProblem> {
    let bad = |detail: String| FileProblem::malformed(".safetensors", detail);
    let mut size = [0; 8];
    file.read_exact(&mut size)
        .map_err(|error| bad(in_header(error).to_string()))?;
    let size = u64::from_le_bytes(size);
    if size > HEADER_LIMIT || size > length - 8 {
        return Err(bad(format!(
            "header of {size} bytes in a file of {length} bytes"
        )));
    }
    let mut text = vec![0; size as usize];
    file.read_exact(&mut text)?;
    let metadata = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
    Ok((metadata, 8 + size))
}

fn layout(info: &TensorInfo) -> Result<Layout, FileProblem> {
    let type_name = type_name(info.dtype);
    let Some(scalar) = scalar(info.dtype) else {
        return Err(FileProblem::WrongType {
            found: type_name,
            expected: "plain numbers, such as float32",
        });
    };
    Ok(Layout {
        shape: info.shape.iter().map(|&size| size as u64).collect(),
        scalar,
        type_name,
        big_endian: false,
        fortran: false,
    })
}

/// A type as PyTorch prints it.
fn type_name(dtype: Dtype) -> String {
    let spelled = format!("{dtype:?}");
    let short = [
        ("BOOL", "bool"),
        ("BF16", "bfloat16"),
        ("F8_E4M3", "float8_e4m3fn"),
        ("F8_E5M2", "float8_e5m2"),
        ("F8_E8M0", "float8_e8m0fnu"),
        ("C64", "complex64"),
    ];
    if let Some((_, name)) = short.iter().find(|(it, _)| *it == spelled) {
        return (*name).to_owned();
    }
    let kinds = [("F", "float"), ("I", "int"), ("U", "uint")];
    let named = kinds.iter().find_map(|(letter, kind)| {
        let bits = spelled.strip_prefix(letter)?;
        bits.parse::<u32>().ok().map(|bits| format!("{kind}{bits}"))
    });
    named.unwrap_or_else(|| spelled.to_ascii_lowercase())
}

fn scalar(dtype: Dtype) -> Option<Scalar> {
    match dtype {
        Dtype::F16 => Some(Scalar::F16),
        Dtype::BF16 => Some(Scalar::Bf16),
        Dtype::F32 => Some(Scalar::F32),
        Dtype::F64 => Some(Scalar::F64),
        Dtype::I8 => Some(Scalar::I8),
        Dtype::I16 => Some(Scalar::I16),
        Dtype::I32 => Some(Scalar::I32),
        Dtype::I64 => Some(Scalar::I64),
        Dtype::U8 => Some(Scalar::U8),
        Dtype::U16 => Some(Scalar::U16),
        Dtype::U32 => Some(Scalar::U32),
        Dtype::U64 => Some(Scalar::U64),
        _ => None,
    }
}
