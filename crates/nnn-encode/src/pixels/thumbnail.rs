//! Small copies of images, for people to look at.

use super::error::{ImageError, ImageLimits};
use super::resize::{Axis, Filter, resize};
use super::{jpeg, load_image};
use std::path::Path;

/// A small copy of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thumbnail {
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// The bytes of a JPEG file.
    pub jpeg: Vec<u8>,
}

/// Quality of the JPEG, of 100.
const QUALITY: f32 = 70.0;

/// A copy of an image file whose longer side has at most `longest` pixels; smaller images keep their size. The same file gives the
/// same bytes.
///
/// # Errors
/// As [`load_image`].
pub fn thumbnail(file: &Path, limits: ImageLimits, longest: u32) -> Result<Thumbnail, ImageError> {
    let image = load_image(file, limits)?;
    let (width, height) = image.dimensions();
    let most = longest.max(1).min(width.max(height));
    let scaled = |side: u32| {
        let scaled = u64::from(side) * u64::from(most) / u64::from(width.max(height));
        scaled.max(1) as u32
    };
    let (to_width, to_height) = (scaled(width), scaled(height));
    let axis = |from: u32, to: u32| Axis {
        from: from as usize,
        to: to as usize,
        first: 0,
        len: to as usize,
    };
    let pixels = resize(
        &image,
        Filter::Bicubic,
        axis(width, to_width),
        axis(height, to_height),
    );
    let jpeg = jpeg::encode(&pixels, to_width, to_height, QUALITY);
    let jpeg = jpeg.map_err(|error| ImageError::Decode {
        file: file.to_path_buf(),
        reason: error.to_string(),
    })?;
    Ok(Thumbnail {
        width: to_width,
        height: to_height,
        jpeg,
    })
}
