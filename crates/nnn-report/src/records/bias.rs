//! `bias/*.npy`: the gallery bias of an additive method.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use npyz::WriterBuilder;

use crate::error::ReportError;
use crate::records::frame::write_bytes;

/// Writes a gallery bias, one value per gallery item, as a one-dimensional `.npy` file of little-endian 32-bit floats.
///
/// The scores `s(q, g)` of a query, each less the value of `g`, rank as the method does. The file is replaced whole or not at all.
///
/// # Errors
/// [`ReportError::Write`] where the file system refuses.
pub fn write_bias(path: &Path, bias: &[f32]) -> Result<(), ReportError> {
    let bytes = npy(bias).map_err(ReportError::write(path))?;
    write_bytes(path, &bytes)
}

/// Reads a bias that [`write_bias`] wrote.
///
/// # Errors
/// [`ReportError::Read`] where the file is absent or holds something else.
pub fn read_bias(path: &Path) -> Result<Vec<f32>, ReportError> {
    let read = || npyz::NpyFile::new(BufReader::new(File::open(path)?))?.into_vec();
    read().map_err(ReportError::read(path))
}

fn npy(values: &[f32]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::<f32>::new()
        .dtype(npyz::DType::Plain("<f4".parse().map_err(io::Error::other)?))
        .shape(&[values.len() as u64])
        .writer(&mut bytes)
        .begin_nd()?;
    writer.extend(values.iter().copied())?;
    writer.finish()?;
    Ok(bytes)
}
