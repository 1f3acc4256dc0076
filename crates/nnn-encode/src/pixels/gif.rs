//! The first frame of a GIF, as Pillow shows it.

use super::error::{ImageError, ImageLimits, check_size};
use gif::{ColorOutput, DecodeOptions, Decoder, DecodingError, Frame};
use image::{Rgb, RgbImage};
use std::io::ErrorKind;
use std::path::Path;

/// Decodes the first frame on its screen. What the frame leaves free has the transparent colour, or else the first one;
/// transparency is dropped. A screen that is smaller than the frame grows.
pub(super) fn load(file: &Path, bytes: &[u8], limits: ImageLimits) -> Result<RgbImage, ImageError> {
    let fail = |error| failed(file, error);
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    let mut decoder = options.read_info(bytes).map_err(fail)?;
    let screen = (u32::from(decoder.width()), u32::from(decoder.height()));
    let frame = decoder.next_frame_info().map_err(fail)?;
    let frame = frame
        .cloned()
        .ok_or_else(|| ImageError::Truncated { file: file.into() })?;
    let size = (
        screen.0.max(u32::from(frame.left) + u32::from(frame.width)),
        screen.1.max(u32::from(frame.top) + u32::from(frame.height)),
    );
    check_size(file, size, limits)?;
    let mut indices = vec![0; usize::from(frame.width) * usize::from(frame.height)];
    decoder.read_into_buffer(&mut indices).map_err(fail)?;
    Ok(on_screen(
        size,
        &frame,
        &indices,
        &colours(&frame, &decoder),
    ))
}

fn on_screen(
    (width, height): (u32, u32),
    frame: &Frame<'_>,
    indices: &[u8],
    colours: &[Rgb<u8>],
) -> RgbImage {
    let free = colours[usize::from(frame.transparent.unwrap_or(0))];
    let mut image = RgbImage::from_pixel(width, height, free);
    let rows = indices.chunks_exact(usize::from(frame.width).max(1));
    for (y, row) in (u32::from(frame.top)..).zip(rows) {
        for (x, &index) in (u32::from(frame.left)..).zip(row) {
            image.put_pixel(x, y, colours[usize::from(index)]);
        }
    }
    image
}

/// 256 colours: those of the frame or else of the file, and greys behind them.
fn colours(frame: &Frame<'_>, decoder: &Decoder<&[u8]>) -> Vec<Rgb<u8>> {
    let own = frame.palette.as_deref().or(decoder.global_palette());
    let own = own.unwrap_or_default().as_chunks::<3>().0.iter();
    let greys = (0..=255u8).skip(own.len()).map(|level| Rgb([level; 3]));
    own.map(|&colour| Rgb(colour)).chain(greys).collect()
}

fn failed(file: &Path, error: DecodingError) -> ImageError {
    let file = file.to_path_buf();
    match error {
        DecodingError::Io(error) if error.kind() == ErrorKind::UnexpectedEof => {
            ImageError::Truncated { file }
        }
        error => ImageError::Decode {
            file,
            reason: error.to_string(),
        },
    }
}
