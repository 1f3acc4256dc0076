//! Checksums of what goes into an encoder.

use crate::error::ReadError;
use nnn_files::{Sha256, sha256_file};
use rayon::prelude::*;
use std::io;
use std::path::PathBuf;

/// SHA-256 over the SHA-256 of every file's content, in the order given; names and folders do not count.
///
/// Serves image lists and checkpoints alike. Files are read in parallel.
///
/// # Errors
/// The first file, in the order given, that cannot be read.
pub fn files_sha256(files: &[PathBuf]) -> Result<String, ReadError> {
    let sums: Vec<io::Result<String>> = files.par_iter().map(|file| sha256_file(file)).collect();
    let mut all = Sha256::new();
    for (file, sum) in files.iter().zip(sums) {
        all = all.part(sum.map_err(|source| ReadError::new(file, source))?);
    }
    Ok(all.hex())
}

/// SHA-256 over texts in the order given, each preceded by its length.
#[must_use]
pub fn texts_sha256<S: AsRef<str>>(texts: &[S]) -> String {
    texts
        .iter()
        .fold(Sha256::new(), |all, text| all.part(text.as_ref()))
        .hex()
}
