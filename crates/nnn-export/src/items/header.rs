//! NumPy's header, and headers that are known when they are read.

use crate::error::ExportError;
use std::io::Read;
use std::path::Path;

/// Magic, version 1.0 and a dictionary of type and shape, as NumPy itself pads them: rows can follow before all are known to a
/// library that wants them at once.
pub(super) fn header(descr: &str, shape: &[u64]) -> Vec<u8> {
    let sizes: Vec<String> = shape.iter().map(u64::to_string).collect();
    let comma = if shape.len() == 1 { "," } else { "" };
    let text = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}{comma}), }}",
        sizes.join(", ")
    );
    // Magic, version and length take ten bytes; the line break is the last of a multiple of 64.
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((length as u16).to_le_bytes());
    bytes.extend(format!("{text:<width$}\n", width = length - 1).into_bytes());
    bytes
}

/// Reads past a header that is known.
pub(super) fn skip_header(
    path: &Path,
    file: &mut impl Read,
    expected: &[u8],
) -> Result<(), ExportError> {
    let mut found = vec![0; expected.len()];
    file.read_exact(&mut found).map_err(ExportError::io(path))?;
    match found == expected {
        true => Ok(()),
        false => Err(ExportError::unusable(
            path,
            "it is not of the shape that the manifest says",
        )),
    }
}
