//! What a checkpoint's JSON files say of the model and of its images.

use super::error::LoadError;
use super::files::CheckpointFiles;
use crate::pixels::PixelSpec;
use serde_json::Value;

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

/// Where `transformers` 5 keeps what it wrote to `preprocessor_config.json` before, under a key of its own.
const PROCESSOR: &str = "processor_config.json";
const PREPROCESSOR: &str = "preprocessor_config.json";
const NESTED: &str = "image_processor";

/// Reads how images are prepared for a model of images of `side` x `side`: what the card says, or else `image_processor` in
/// `processor_config.json`, or else `preprocessor_config.json`, in the order in which `transformers` 5 looks for them.
///
/// # Errors
/// All are missing, or the first is refused or gives other sizes.
pub fn read_preprocessor(files: &CheckpointFiles, side: usize) -> Result<PixelSpec, LoadError> {
    let (name, text) = preprocessor(files)?;
    let pixels = PixelSpec::parse(&text);
    let pixels = pixels.map_err(|source| LoadError::Preprocessor {
        file: files.origin(name),
        source,
    })?;
    match pixels.fixed_size() {
        Some((height, width)) if [height, width].iter().all(|&it| it as usize == side) => {
            Ok(pixels)
        }
        received => Err(LoadError::ImageSize {
            file: files.origin(name),
            expected: side,
            received,
        }),
    }
}

/// The file that says how images are prepared, and what it says.
fn preprocessor(files: &CheckpointFiles) -> Result<(&'static str, String), LoadError> {
    if !files.is_on_card(PREPROCESSOR) && files.has(PROCESSOR) {
        let text = files.text(PROCESSOR)?;
        let whole: Value = serde_json::from_str(&text).map_err(|error| LoadError::Config {
            file: files.origin(PROCESSOR),
            reason: error.to_string(),
        })?;
        if let Some(nested) = whole.get(NESTED) {
            return Ok((PROCESSOR, nested.to_string()));
        }
    }
    Ok((PREPROCESSOR, files.text(PREPROCESSOR)?))
}
