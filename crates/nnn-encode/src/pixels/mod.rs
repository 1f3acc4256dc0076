//! From an RGB image to the numbers that a model takes, as `transformers`' PIL-backed `CLIPImageProcessor` and its kin.

mod bitmap;
mod config;
mod error;
mod foreign;
mod gif;
mod image_file;
mod jpeg;
mod resize;
mod thumbnail;
mod tiff;
mod webp;

pub use config::PixelSpecError;
pub use error::{ImageError, ImageLimits};
pub use image_file::{load_image, unreadable_images};
pub use resize::Filter;
pub use thumbnail::{Thumbnail, thumbnail};

use image::RgbImage;
use resize::{Axis, resize};
use serde::Serialize;

/// Image preprocessing: resize, centre crop, rescale, normalise; each step can be absent.
///
/// Steps and arithmetic are those of `transformers` 5.23.0, class `CLIPImageProcessorPil` (`CLIPImageProcessor` of the
/// 4.x line): resampling on eight-bit pixels, a crop padded with zeros where the image is smaller, rescaling in double
/// precision rounded to single, normalisation in single precision.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PixelSpec {
    resize: Option<Resize>,
    crop: Option<Crop>,
    rescale: Option<f64>,
    normalize: Option<Normalize>,
}

/// What a resize aims at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ResizeTo {
    /// The shorter side gets this many pixels; the longer keeps the shape, rounded down.
    ShortestEdge(u32),
    /// Both sides are given, whatever the shape was.
    Exact {
        /// Rows.
        height: u32,
        /// Columns.
        width: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Resize {
    to: ResizeTo,
    filter: Filter,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Crop {
    height: u32,
    width: u32,
    /// Of an odd number of pixels to leave out, half rounded to even goes before the crop, not half rounded down.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    half_to_even: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Normalize {
    mean: [f64; 3],
    std: [f64; 3],
}

impl PixelSpec {
    /// The specification as JSON, equal for equal specifications; part of the cache key.
    #[must_use]
    pub fn canonical(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| format!("{self:?}"))
    }

    /// (height, width) of every result, where they do not depend on the image.
    #[must_use]
    pub fn fixed_size(&self) -> Option<(u32, u32)> {
        match (self.crop, self.resize.map(|it| it.to)) {
            (Some(Crop { height, width, .. }), _) => Some((height, width)),
            (None, Some(ResizeTo::Exact { height, width })) => Some((height, width)),
            (None, _) => None,
        }
    }

    /// Pixel values of `image`: (3, height, width), row-major; red, green, blue.
    #[must_use]
    pub fn apply(&self, image: &RgbImage) -> Vec<f32> {
        let (width, height) = image.dimensions();
        if width == 0 || height == 0 {
            return Vec::new();
        }
        let (to_height, to_width) = self.resized(height, width);
        let even = self.crop.is_some_and(|it| it.half_to_even);
        let y = Window::new(height, to_height, self.crop.map(|it| it.height), even);
        let x = Window::new(width, to_width, self.crop.map(|it| it.width), even);
        let filter = self.resize.map_or(Filter::Box, |it| it.filter);
        let bytes = pad(&resize(image, filter, x.axis, y.axis), &x, &y);
        self.to_values(&bytes)
    }

    /// (height, width) after the resize.
    fn resized(&self, height: u32, width: u32) -> (usize, usize) {
        let long = |edge: u32, long: u32, short: u32| {
            (u64::from(edge) * u64::from(long) / u64::from(short)) as usize
        };
        match self.resize.map(|it| it.to) {
            None => (height as usize, width as usize),
            Some(ResizeTo::Exact { height, width }) => (height as usize, width as usize),
            Some(ResizeTo::ShortestEdge(edge)) if width <= height => {
                (long(edge, height, width), edge as usize)
            }
            Some(ResizeTo::ShortestEdge(edge)) => (edge as usize, long(edge, width, height)),
        }
    }

    /// Interleaved bytes to separate channels, rescaled and normalised.
    fn to_values(&self, bytes: &[u8]) -> Vec<f32> {
        let mut values = Vec::with_capacity(bytes.len());
        for channel in 0..3 {
            let table: Vec<f32> = (0..=255).map(|level| self.value(level, channel)).collect();
            let levels = bytes.iter().skip(channel).step_by(3);
            values.extend(levels.map(|&level| table[usize::from(level)]));
        }
        values
    }

    fn value(&self, level: u8, channel: usize) -> f32 {
        let value = (f64::from(level) * self.rescale.unwrap_or(1.0)) as f32;
        match self.normalize {
            Some(Normalize { mean, std }) => (value - mean[channel] as f32) / std[channel] as f32,
            None => value,
        }
    }
}

/// One side of resize and crop together: which resized pixels are wanted, and how many zeros go around them.
struct Window {
    axis: Axis,
    before: usize,
    len: usize,
}

impl Window {
    /// `center_crop` of `transformers`: floor((to - crop) / 2) pixels go before the crop, or ceil((crop - to) / 2)
    /// zeros before the image. `half_to_even` is how torchvision rounds the first of them.
    fn new(from: u32, to: usize, crop: Option<u32>, half_to_even: bool) -> Self {
        let len = crop.map_or(to, |it| it as usize);
        let surplus = to.saturating_sub(len);
        let axis = Axis {
            from: from as usize,
            to,
            first: surplus / 2 + usize::from(half_to_even && surplus % 4 == 3),
            len: to.min(len),
        };
        let before = len.saturating_sub(to).div_ceil(2);
        Self { axis, before, len }
    }
}

/// Puts the window's pixels amid zeros.
fn pad(pixels: &[u8], x: &Window, y: &Window) -> Vec<u8> {
    if (x.axis.len, y.axis.len) == (x.len, y.len) {
        return pixels.to_vec();
    }
    let mut out = vec![0; x.len * y.len * 3];
    let rows = out.chunks_exact_mut(x.len * 3).skip(y.before);
    for (to, from) in rows.zip(pixels.chunks_exact(x.axis.len * 3)) {
        to[x.before * 3..][..from.len()].copy_from_slice(from);
    }
    out
}
