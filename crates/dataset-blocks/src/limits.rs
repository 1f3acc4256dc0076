//! What holds for every data set.

/// Captions of every image.
pub const CAPTIONS_PER_IMAGE: usize = 5;

/// Sides of a picture that can be drawn, in pixels.
pub const IMAGE_SIZES: std::ops::RangeInclusive<u32> = 16..=512;
