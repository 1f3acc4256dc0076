//! Image files to RGB, as Pillow's `Image.open(file).convert("RGB")` reads them.

use super::error::{ImageError, ImageLimits, check_size};
use super::jpeg::{self, JpegError};
use super::{bitmap, foreign, gif, tiff, webp};
use crate::error::ReadError;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage};
use rayon::prelude::*;
use std::fs::{self, File};
use std::io::{Cursor, ErrorKind};
use std::path::{Path, PathBuf};

/// Decodes a PNG, JPEG, WebP, GIF, BMP or TIFF file to RGB, eight bits per channel, with the pixels that Pillow 12 gives. Its
/// content says which it is, not its name. Of an animation or of several pages the first is taken.
///
/// As Pillow's `convert("RGB")`: alpha is dropped, not blended; grey is repeated; 16-bit colour keeps the high byte
/// while 16-bit grey saturates at 255; four channels of a JPEG are taken as Adobe's inverted CMYK; orientation tags and
/// colour profiles are not applied.
///
/// # Errors
/// See [`ImageError`].
pub fn load_image(file: &Path, limits: ImageLimits) -> Result<RgbImage, ImageError> {
    let bytes = read(file, limits)?;
    match image::guess_format(&bytes) {
        Ok(ImageFormat::Jpeg) => load_jpeg(file, &bytes, limits),
        Ok(ImageFormat::Png) => load_plain(file, &bytes, ImageFormat::Png, limits),
        Ok(ImageFormat::WebP) => {
            load_plain(file, &webp::unblended(&bytes), ImageFormat::WebP, limits)
        }
        Ok(ImageFormat::Bmp) => {
            let image = load_plain(file, &bytes, ImageFormat::Bmp, limits)?;
            Ok(bitmap::as_pillow(image, &bytes))
        }
        Ok(ImageFormat::Gif) => gif::load(file, &bytes, limits),
        Ok(ImageFormat::Tiff) => tiff::load(file, &bytes, limits),
        other => Err(foreign::refused(file, &bytes, other.ok())),
    }
}

/// The places of files that [`load_image`] refuses, in order, and why. Files are decoded in parallel.
#[must_use]
pub fn unreadable_images(files: &[PathBuf], limits: ImageLimits) -> Vec<(usize, ImageError)> {
    let failed = |(at, file): (usize, &PathBuf)| {
        let error = load_image(file, limits).err()?;
        Some((at, error))
    };
    files.par_iter().enumerate().filter_map(failed).collect()
}

/// What the `image` crate decodes as Pillow does.
fn load_plain(
    file: &Path,
    bytes: &[u8],
    format: ImageFormat,
    limits: ImageLimits,
) -> Result<RgbImage, ImageError> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(decoder_limits(limits));
    let decoder = reader.into_decoder().map_err(|it| failed(file, &it))?;
    check_size(file, decoder.dimensions(), limits)?;
    let image = DynamicImage::from_decoder(decoder).map_err(|it| failed(file, &it))?;
    Ok(to_rgb(image))
}

fn load_jpeg(file: &Path, bytes: &[u8], limits: ImageLimits) -> Result<RgbImage, ImageError> {
    let check = |width, height| check_size(file, (width, height), limits);
    let image = jpeg::decode(bytes, check);
    match image {
        Err(JpegError::Size(error)) => Err(error),
        _ if !jpeg::is_whole(bytes) => Err(ImageError::Truncated { file: file.into() }),
        Err(JpegError::Damaged(reason)) => Err(ImageError::Decode {
            file: file.into(),
            reason,
        }),
        Ok(image) => Ok(image),
    }
}

fn read(file: &Path, limits: ImageLimits) -> Result<Vec<u8>, ImageError> {
    let unreadable = |source| ReadError::new(file, source);
    let received = File::open(file)
        .and_then(|open| open.metadata())
        .map_err(unreadable)?
        .len();
    let limit = limits.max_bytes;
    let file = file.to_path_buf();
    match received {
        0 => Err(ImageError::Empty { file }),
        _ if received > limit => Err(ImageError::FileTooLarge {
            file,
            received,
            limit,
        }),
        _ => Ok(fs::read(&file).map_err(|source| ReadError { file, source })?),
    }
}

/// The decoder's own bounds; sides and pixels are checked here, with the file's name.
fn decoder_limits(limits: ImageLimits) -> Limits {
    let mut decoder = Limits::default();
    // Eight bytes per pixel are the most a PNG stores; twice that leaves room for the decoder's own buffers.
    decoder.max_alloc = Some(limits.max_pixels.saturating_mul(16));
    decoder
}

fn failed(file: &Path, error: &image::ImageError) -> ImageError {
    let file = file.to_path_buf();
    match error {
        image::ImageError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            ImageError::Truncated { file }
        }
        error => ImageError::Decode {
            file,
            reason: error.to_string(),
        },
    }
}

fn to_rgb(image: DynamicImage) -> RgbImage {
    match image {
        DynamicImage::ImageLumaA8(grey) => map(&grey, |it| [it.0[0]; 3]),
        DynamicImage::ImageRgba8(colour) => map(&colour, |it| [it.0[0], it.0[1], it.0[2]]),
        DynamicImage::ImageLuma16(grey) => map(&grey, |it| [it.0[0].min(255) as u8; 3]),
        DynamicImage::ImageLumaA16(grey) => map(&grey, |it| [high(it.0[0]); 3]),
        DynamicImage::ImageRgb16(colour) => map(&colour, |it| it.0.map(high)),
        DynamicImage::ImageRgba16(colour) => map(&colour, |it| [0, 1, 2].map(|at| high(it.0[at]))),
        rest => rest.into_rgb8(),
    }
}

/// The high byte of a level of sixteen bits.
fn high(level: u16) -> u8 {
    (level >> 8) as u8
}

fn map<P: image::Pixel>(
    image: &image::ImageBuffer<P, Vec<P::Subpixel>>,
    rgb: impl Fn(&P) -> [u8; 3],
) -> RgbImage {
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        image::Rgb(rgb(image.get_pixel(x, y)))
    })
}
