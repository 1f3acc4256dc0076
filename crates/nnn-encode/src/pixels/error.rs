//! Why a file gave no image, and what images may measure.

use crate::error::ReadError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// What is read, for messages.
const READ: &str = "PNG, JPEG, WebP, GIF, BMP and TIFF are read";

/// What an image may measure; checked on the header, before any pixel is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageLimits {
    /// Largest width and height, in pixels.
    pub max_side: u32,
    /// Largest width x height.
    pub max_pixels: u64,
    /// Largest file, in bytes.
    pub max_bytes: u64,
}

impl Default for ImageLimits {
    /// 65,535 pixels per side (all that JPEG can say), 89,478,485 pixels (where Pillow warns of a bomb), 256 MiB per file.
    fn default() -> Self {
        Self {
            max_side: 65_535,
            max_pixels: 89_478_485,
            max_bytes: 256 << 20,
        }
    }
}

/// Why an image file gave no image; every message names the file.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The file is missing or unreadable.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file has no content.
    #[error("{} is empty", file.display())]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// The file is larger than the limits allow.
    #[error("{} has {received} bytes, the limit is {limit}", file.display())]
    FileTooLarge {
        /// The file.
        file: PathBuf,
        /// Its length in bytes.
        received: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// The first bytes are those of no format that is read.
    #[error("{} is {found}; {}{}", file.display(), READ, advice(file, *convertible))]
    NotAnImage {
        /// The file.
        file: PathBuf,
        /// What the first bytes are of, such as "AVIF", or "no image of a known format".
        found: String,
        /// Whether it is an image that other programs can convert.
        convertible: bool,
    },
    /// The header claims more than the limits allow, or nothing.
    #[error("{} claims {width} x {height} pixels; at least 1 x 1, at most {} a side and {} in all are read",
        file.display(), limits.max_side, limits.max_pixels)]
    Size {
        /// The file.
        file: PathBuf,
        /// Width that the header claims.
        width: u32,
        /// Height that the header claims.
        height: u32,
        /// The limits in force.
        limits: ImageLimits,
    },
    /// The file ends before the image does.
    #[error("{} is truncated", file.display())]
    Truncated {
        /// The file.
        file: PathBuf,
    },
    /// The content is damaged, or of a kind that the decoder does not know.
    #[error("cannot decode {}: {reason}", file.display())]
    Decode {
        /// The file.
        file: PathBuf,
        /// What the decoder reported.
        reason: String,
    },
}

impl ImageError {
    /// The file.
    #[must_use]
    pub fn file(&self) -> &Path {
        match self {
            Self::Read(ReadError { file, .. })
            | Self::Empty { file }
            | Self::FileTooLarge { file, .. }
            | Self::NotAnImage { file, .. }
            | Self::Size { file, .. }
            | Self::Truncated { file }
            | Self::Decode { file, .. } => file,
        }
    }
}

/// Refuses what measures nothing, or more than the limits allow.
pub(super) fn check_size(
    file: &Path,
    size: (u32, u32),
    limits: ImageLimits,
) -> Result<(), ImageError> {
    let (width, height) = size;
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) <= limits.max_side && (1..=limits.max_pixels).contains(&pixels) {
        return Ok(());
    }
    let file = file.into();
    Err(ImageError::Size {
        file,
        width,
        height,
        limits,
    })
}

/// How to convert it, after a semicolon.
fn advice(file: &Path, convertible: bool) -> String {
    if !convertible {
        return String::new();
    }
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    format!(
        "; to convert it with Pillow: python -c 'from PIL import Image; Image.open({name:?}).convert(\"RGB\").save({:?})'",
        format!(
            "{}.png",
            file.file_stem().unwrap_or_default().to_string_lossy()
        )
    )
}
