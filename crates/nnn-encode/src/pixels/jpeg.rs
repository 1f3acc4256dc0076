//! JPEG through libjpeg-turbo's arithmetic (as MozJPEG carries it): Pillow's pixels, level by level.

use image::RgbImage;
use mozjpeg::decompress::DecompressStarted;
use mozjpeg::{ColorSpace, Compress, Decompress};
use nnn_files::contained;
use std::io;

/// Scans of one image; a progressive one has around ten, and each costs a pass over all its blocks.
const MOST_SCANS: usize = 500;

/// Decodes a JPEG, whose size `check` sees before any pixel is stored; says what is wrong otherwise.
///
/// Four channels are taken as inverted, as Adobe writes them and Pillow assumes. Orientation tags are not applied.
pub(crate) fn decode<E>(
    bytes: &[u8],
    check: impl FnOnce(u32, u32) -> Result<(), E>,
) -> Result<RgbImage, JpegError<E>> {
    if markers(bytes, SCAN).count() > MOST_SCANS {
        return Err(JpegError::Damaged(format!("more than {MOST_SCANS} scans")));
    }
    // The library reports errors of its C part by unwinding.
    contained(
        || decode_or_unwind(bytes, check),
        |said| JpegError::Damaged(said.to_owned()),
    )
}

/// Why there is no image.
pub(crate) enum JpegError<E> {
    /// The check refused the size.
    Size(E),
    /// The content is damaged or of an unknown kind.
    Damaged(String),
}

impl<E> From<io::Error> for JpegError<E> {
    fn from(error: io::Error) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// Encodes rows of RGB bytes; `quality` is of 100.
pub(crate) fn encode(pixels: &[u8], width: u32, height: u32, quality: f32) -> io::Result<Vec<u8>> {
    let mut image = Compress::new(ColorSpace::JCS_RGB);
    image.set_size(width as usize, height as usize);
    image.set_quality(quality);
    let mut image = image.start_compress(Vec::new())?;
    image.write_scanlines(pixels)?;
    image.finish()
}

fn decode_or_unwind<E>(
    bytes: &[u8],
    check: impl FnOnce(u32, u32) -> Result<(), E>,
) -> Result<RgbImage, JpegError<E>> {
    let image = Decompress::new_mem(bytes)?;
    // Sides of a JPEG have 16 bits.
    let (width, height) = (image.width() as u32, image.height() as u32);
    check(width, height).map_err(JpegError::Size)?;
    let rgb = match image.color_space() {
        ColorSpace::JCS_CMYK | ColorSpace::JCS_YCCK => {
            let levels = read(image.to_colorspace(ColorSpace::JCS_CMYK)?)?;
            levels.into_iter().flat_map(ink).collect()
        }
        _ => read::<[u8; 3]>(image.rgb()?)?.into_flattened(),
    };
    RgbImage::from_raw(width, height, rgb)
        .ok_or_else(|| JpegError::Damaged("the image has missing rows".into()))
}

fn read<P: bytemuck::Pod>(mut started: DecompressStarted<&[u8]>) -> io::Result<Vec<P>> {
    let pixels = started.read_scanlines()?;
    started.finish()?;
    Ok(pixels)
}

/// Pillow's `cmyk2rgb` on inverted levels: `k - (255 - c) k / 255`, rounded as its `MULDIV255` does.
pub(super) fn ink(levels: [u8; 4]) -> [u8; 3] {
    let [cyan, magenta, yellow, black] = levels.map(u32::from);
    [cyan, magenta, yellow].map(|ink| {
        let product = (255 - ink) * black + 128;
        black.saturating_sub(((product >> 8) + product) >> 8) as u8
    })
}

const SCAN: u8 = 0xda;
const END: u8 = 0xd9;

/// Places of a marker. It cannot occur inside a scan, where 0xFF is escaped.
fn markers(bytes: &[u8], marker: u8) -> impl DoubleEndedIterator<Item = usize> {
    let pairs = bytes.windows(2).enumerate();
    pairs
        .filter(move |(_, pair)| *pair == [0xff, marker])
        .map(|(at, _)| at)
}

/// Whether an end marker follows the last start of scan; the decoder fills the rest of a cut image with grey.
pub(crate) fn is_whole(bytes: &[u8]) -> bool {
    let last = |marker| markers(bytes, marker).next_back();
    match (last(SCAN), last(END)) {
        (Some(scan), Some(end)) => end > scan,
        _ => false,
    }
}
