//! `.safetensors`: a JSON header, then the arrays in C order, little-endian.

use super::choose;
use super::npy::{Take, in_header};
use super::stream::{Layout, Scalar};
use crate::file_error::FileProblem;
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
    let name = choose(metadata.offset_keys(), key)?;
    let Some(info) = metadata.info(&name) else {
        return Err(FileProblem::malformed(".safetensors", "unlisted tensor"));
    };
    let offset = info.data_offsets.0 as u64;
    file.seek(SeekFrom::Start(start.saturating_add(offset)))?;
    let available = length.saturating_sub(start).saturating_sub(offset);
    take(&layout(info)?, &mut file, available)
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
    let type_name = format!("{:?}", info.dtype);
    let Some(scalar) = scalar(info.dtype) else {
        return Err(FileProblem::WrongType {
            found: type_name,
            expected: "a plain float or integer type",
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
