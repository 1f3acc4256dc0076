//! What a checkpoint's JSON files say of the model and of its images.

use super::error::LoadError;
use super::files::CheckpointFiles;
use crate::pixels::PixelSpec;

/// Reads `config.json` (or what the card says in its place) with `parse`, whose error says what is wrong.
///
/// # Errors
/// It is missing or refused.
pub fn read_config<C>(
    files: &CheckpointFiles,
    parse: impl Fn(&str) -> Result<C, String>,
) -> Result<C, LoadError> {
    let name = "config.json";
    parse(&files.text(name)?).map_err(|reason| LoadError::Config {
        file: files.origin(name),
        reason,
    })
}

/// Reads `preprocessor_config.json` (or what the card says in its place) for a model of images of `side` x `side`.
///
/// # Errors
/// It is missing or refused, or gives other sizes.
pub fn read_preprocessor(files: &CheckpointFiles, side: usize) -> Result<PixelSpec, LoadError> {
    let name = "preprocessor_config.json";
    let pixels = PixelSpec::parse(&files.text(name)?);
    let pixels = pixels.map_err(|source| LoadError::Preprocessor {
        file: files.origin(name),
        source,
    })?;
    match pixels.fixed_size() {
        Some((height, width)) if [height, width].iter().all(|&it| it as usize == side) => {
            Ok(pixels)
        }
        received => Err(LoadError::ImageSize {
            expected: side,
            received,
        }),
    }
}
