//! The first page of a TIFF, with the pixels that Pillow gives it.

use super::error::{ImageError, ImageLimits, check_size};
use super::jpeg::ink;
use image::RgbImage;
use std::borrow::Cow;
use std::io::{Cursor, ErrorKind};
use std::path::Path;
use tiff::ColorType;
use tiff::TiffError;
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::tags::Tag;

/// Compressions that hold a JPEG, whose levels would differ from Pillow's.
const JPEG: [u16; 2] = [6, 7];

/// The value of `ExtraSamples` that says colours are multiplied by alpha.
const PREMULTIPLIED: u16 = 1;

/// How grey with alpha is announced.
const TWO_OF_EIGHT: ColorType = ColorType::Multiband {
    bit_depth: 8,
    num_samples: 2,
};

type Open<'a> = Decoder<Cursor<&'a [u8]>>;

/// Decodes the first page. Grey, palettes, RGB and CMYK are read, in 1 to 16 bits.
pub(super) fn load(file: &Path, bytes: &[u8], limits: ImageLimits) -> Result<RgbImage, ImageError> {
    let fail = |error| failed(file, error);
    let (bytes, is_palette) = grey_indices(bytes);
    let mut decoder = Decoder::new(Cursor::new(&*bytes)).map_err(fail)?;
    let (width, height) = decoder.dimensions().map_err(fail)?;
    check_size(file, (width, height), limits)?;
    let mut most = Limits::default();
    most.decoding_buffer_size = usize::try_from(limits.max_pixels * 16).unwrap_or(usize::MAX);
    decoder = decoder.with_limits(most);
    let mut kind = decoder.colortype().map_err(fail)?;
    if let (ColorType::Gray(bits @ (1 | 2 | 4 | 8)), true) = (kind, is_palette) {
        kind = ColorType::Palette(bits);
    }
    let refused = |kind: String| ImageError::NotAnImage {
        file: file.into(),
        found: format!("TIFF {kind}"),
        convertible: true,
    };
    check(&mut decoder).map_err(|kind| refused(kind.to_owned()))?;
    let levels = decoder.read_image().map_err(fail)?;
    let pixels = pixels(&mut decoder, kind, levels, width as usize);
    let pixels = pixels.map_err(fail)?;
    let pixels = pixels.ok_or_else(|| refused(format!("of the kind {kind:?}")))?;
    RgbImage::from_raw(width, height, pixels.into_flattened())
        .ok_or_else(|| ImageError::Truncated { file: file.into() })
}

/// The tag that says what levels mean, and two of its values.
const PHOTOMETRIC: u16 = 262;
const GREY: u16 = 1;
const PALETTE: u16 = 3;

/// The file and whether its levels are indices of a palette. The library decodes no palettes, so such a file is made to say that it
/// is grey.
fn grey_indices(bytes: &[u8]) -> (Cow<'_, [u8]>, bool) {
    match photometric(bytes) {
        Some((at, big)) => {
            let mut changed = bytes.to_vec();
            let value = if big {
                GREY.to_be_bytes()
            } else {
                GREY.to_le_bytes()
            };
            changed[at..at + 2].copy_from_slice(&value);
            (changed.into(), true)
        }
        None => (bytes.into(), false),
    }
}

/// Where the first page says that it has a palette, and whether the file's numbers begin with their high byte.
fn photometric(bytes: &[u8]) -> Option<(usize, bool)> {
    let big = bytes.starts_with(b"MM");
    let short = |at: usize| {
        let two = *bytes.get(at..)?.first_chunk::<2>()?;
        Some(if big {
            u16::from_be_bytes(two)
        } else {
            u16::from_le_bytes(two)
        })
    };
    let four = *bytes.get(4..)?.first_chunk::<4>()?;
    let page = if big {
        u32::from_be_bytes(four)
    } else {
        u32::from_le_bytes(four)
    } as usize;
    let entries = (0..usize::from(short(page)?)).map(|number| page + 2 + 12 * number);
    let mut entries = entries.filter(|&at| short(at) == Some(PHOTOMETRIC));
    let value = entries.next()? + 8;
    (short(value)? == PALETTE).then_some((value, big))
}

fn tag(decoder: &mut Open<'_>, tag: Tag) -> Option<u16> {
    decoder.find_tag_unsigned(tag).ok().flatten()
}

/// What is refused before it is decoded.
fn check(decoder: &mut Open<'_>) -> Result<(), &'static str> {
    let samples = tag(decoder, Tag::SamplesPerPixel).unwrap_or(1);
    if samples > 1 && tag(decoder, Tag::PlanarConfiguration) == Some(2) {
        return Err("with a plane for each channel");
    }
    match tag(decoder, Tag::Compression) {
        Some(compression) if JPEG.contains(&compression) => Err("with a JPEG inside"),
        _ => Ok(()),
    }
}

/// Pixels of the kinds that are known.
fn pixels(
    decoder: &mut Open<'_>,
    kind: ColorType,
    levels: DecodingResult,
    width: usize,
) -> Result<Option<Vec<[u8; 3]>>, TiffError> {
    let pixels = match (kind, levels) {
        (ColorType::Gray(16), DecodingResult::U16(grey)) => {
            grey.iter().map(|&it| [it.min(255) as u8; 3]).collect()
        }
        (ColorType::Gray(bits @ (1 | 2 | 4 | 8)), DecodingResult::U8(grey)) => {
            let most = u8::MAX >> (8 - bits);
            let level = |index| [index * (255 / most); 3];
            indices(&grey, bits, width).map(level).collect()
        }
        (ColorType::Palette(bits @ (1 | 2 | 4 | 8)), DecodingResult::U8(all)) => {
            let colours = colours(&decoder.get_tag_u16_vec(Tag::ColorMap)?);
            let colour = |index| colours.get(usize::from(index)).copied().unwrap_or_default();
            indices(&all, bits, width).map(colour).collect()
        }
        (TWO_OF_EIGHT, DecodingResult::U8(all)) => {
            all.as_chunks().0.iter().map(|&[it, _]| [it; 3]).collect()
        }
        (ColorType::RGB(8), DecodingResult::U8(all)) => all.as_chunks().0.to_vec(),
        (ColorType::RGBA(8), DecodingResult::U8(all)) => {
            let whole = tag(decoder, Tag::ExtraSamples) == Some(PREMULTIPLIED);
            let divide = if whole {
                divided
            } else {
                |[r, g, b, _]: [u8; 4]| [r, g, b]
            };
            all.as_chunks().0.iter().copied().map(divide).collect()
        }
        (ColorType::CMYK(8), DecodingResult::U8(all)) => {
            let inverted = |it: &[u8; 4]| ink(it.map(|level| 255 - level));
            all.as_chunks().0.iter().map(inverted).collect()
        }
        (ColorType::RGB(16), DecodingResult::U16(all)) => highest::<3>(&all),
        (ColorType::RGBA(16), DecodingResult::U16(all)) => highest::<4>(&all),
        _ => return Ok(None),
    };
    Ok(Some(pixels))
}

/// Numbers of `bits` each, packed in rows that begin with a byte.
fn indices(packed: &[u8], bits: u8, width: usize) -> impl Iterator<Item = u8> {
    let stride = (width * usize::from(bits)).div_ceil(8).max(1);
    let mask = u8::MAX >> (8 - bits);
    packed.chunks_exact(stride).flat_map(move |row| {
        (0..width).map(move |x| {
            let at = x * usize::from(bits);
            let shift = 8 - usize::from(bits) - at % 8;
            (row[at / 8] >> shift) & mask
        })
    })
}

/// A map of colours: all reds, all greens, all blues, each in sixteen bits.
fn colours(map: &[u16]) -> Vec<[u8; 3]> {
    let count = map.len() / 3;
    let colour = |at| [0, 1, 2].map(|channel| (map[channel * count + at] >> 8) as u8);
    (0..count).map(colour).collect()
}

/// Pillow's `RGBa` to `RGBA`: a colour that alpha has not been multiplied into.
fn divided([red, green, blue, alpha]: [u8; 4]) -> [u8; 3] {
    let level = |level: u8| match alpha {
        0 => 0,
        255 => level,
        _ => (u32::from(level) * 255 / u32::from(alpha)).min(255) as u8,
    };
    [red, green, blue].map(level)
}

/// High bytes of the first three of `N` channels.
fn highest<const N: usize>(levels: &[u16]) -> Vec<[u8; 3]> {
    let pixels = levels.as_chunks::<N>().0.iter();
    pixels
        .map(|pixel| [0, 1, 2].map(|channel| (pixel[channel] >> 8) as u8))
        .collect()
}

fn failed(file: &Path, error: TiffError) -> ImageError {
    let file = file.to_path_buf();
    match error {
        TiffError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            ImageError::Truncated { file }
        }
        TiffError::UnsupportedError(error) => ImageError::NotAnImage {
            file,
            found: format!("TIFF of a kind that is not read ({error})"),
            convertible: true,
        },
        error => ImageError::Decode {
            file,
            reason: error.to_string(),
        },
    }
}
