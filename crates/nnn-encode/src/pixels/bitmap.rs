//! BMP files of sixteen bits a pixel, whose levels Pillow rounds down.

use image::RgbImage;

/// Where the header says how many bits a pixel has, and what the masks of its channels are.
const BITS: usize = 28;
const GREEN_MASK: usize = 58;
const COMPRESSION: usize = 30;

/// Levels as Pillow scales them where they have five or six bits; others are as they should be.
pub(super) fn as_pillow(mut image: RgbImage, bytes: &[u8]) -> RgbImage {
    if bytes.get(BITS..BITS + 2) != Some(&[16, 0]) {
        return image;
    }
    let masked = bytes.get(COMPRESSION) == Some(&3);
    let six = masked && bytes.get(GREEN_MASK..GREEN_MASK + 2) == Some(&[0xe0, 0x07]);
    for pixel in image.pixels_mut() {
        let [red, green, blue] = pixel.0;
        pixel.0 = [
            rounded_down(red, 31),
            rounded_down(green, if six { 63 } else { 31 }),
            rounded_down(blue, 31),
        ];
    }
    image
}

/// Of `level / 255` as a fraction of `most`, rounded down to a level.
fn rounded_down(level: u8, most: u16) -> u8 {
    let short = (u16::from(level) * most + 127) / 255;
    (short * 255 / most) as u8
}
