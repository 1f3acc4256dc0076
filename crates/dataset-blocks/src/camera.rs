//! An unfamiliar camera: one of half the contrast, as in thin fog or under a flat picture profile. Integer arithmetic, so that a
//! picture is the same on every machine.

use image::RgbImage;

/// What the camera mixes into every pixel: the grey in the middle.
const VEIL: u8 = 128;

/// The picture at half its contrast: every channel lies halfway between what it was and middle grey, rounded down. Nothing moves, and
/// only the last bit is lost.
pub(crate) fn photograph(mut picture: RgbImage) -> RgbImage {
    for channel in picture.iter_mut() {
        *channel = u8::midpoint(*channel, VEIL);
    }
    picture
}
