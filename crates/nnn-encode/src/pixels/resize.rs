//! Pillow's antialiased resampling, bit by bit.
//!
//! The arithmetic of Pillow's `src/libImaging/Resample.c` up to 12.0.0: two passes over eight-bit pixels, horizontal
//! first, weights in fixed point with 22 fractional bits, every pass rounded to eight bits. (Pillow 13.0.0 goes vertically
//! first where the height shrinks by more than twice what the width does; nothing published was computed so.) Own code
//! because the library at hand, `fast_image_resize`, keeps its weights in 16 bits, as Pillow-SIMD does, and so differs
//! by a level here and there. Only the window that is asked for is computed; it equals that part of the whole.

use image::RgbImage;
use serde::Serialize;
use std::f64::consts::PI;

/// Fractional bits of a weight: 32, less eight for the pixel, less two for sums beyond 1.
const PRECISION_BITS: u32 = 22;

/// A resampling filter, named and numbered as Pillow's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Filter {
    /// Lanczos, three lobes (1).
    Lanczos,
    /// Triangle (2).
    Bilinear,
    /// Cubic convolution with a = -0.5 (3).
    Bicubic,
    /// Mean of the covered pixels (4).
    Box,
    /// Hamming-windowed sinc, one lobe (5).
    Hamming,
}

impl Filter {
    /// The filter of a Pillow number, as in a preprocessor configuration; 0, nearest neighbour, is not supported.
    #[must_use]
    pub fn from_pillow(number: u32) -> Option<Self> {
        [
            Self::Lanczos,
            Self::Bilinear,
            Self::Bicubic,
            Self::Box,
            Self::Hamming,
        ]
        .get((number as usize).checked_sub(1)?)
        .copied()
    }

    /// Half the filter's width at scale 1.
    fn support(self) -> f64 {
        match self {
            Self::Lanczos => 3.0,
            Self::Bicubic => 2.0,
            Self::Bilinear | Self::Hamming => 1.0,
            Self::Box => 0.5,
        }
    }

    fn weight(self, at: f64) -> f64 {
        let x = at.abs();
        match self {
            Self::Box => f64::from(at > -0.5 && at <= 0.5),
            Self::Bilinear => (1.0 - x).max(0.0),
            Self::Bicubic => cubic(x),
            Self::Hamming if x == 0.0 => 1.0,
            Self::Hamming if x >= 1.0 => 0.0,
            Self::Hamming => (x * PI).sin() / (x * PI) * (0.54 + 0.46 * (x * PI).cos()),
            Self::Lanczos if (-3.0..3.0).contains(&at) => sinc(at) * sinc(at / 3.0),
            Self::Lanczos => 0.0,
        }
    }
}

fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 {
        return 1.0;
    }
    (x * PI).sin() / (x * PI)
}

/// One side of a resize: `from` source pixels become `to`, of which `len` from `first` on are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Axis {
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) first: usize,
    pub(crate) len: usize,
}

/// The weights of one output pixel: those of the source pixels from `first` on.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// The wanted window of `image` resized, three bytes per pixel, row by row.
pub(crate) fn resize(image: &RgbImage, filter: Filter, x: Axis, y: Axis) -> Vec<u8> {
    let rows = taps(filter, y);
    let top = rows.first().map_or(0, |it| it.first);
    let bottom = rows.iter().map(|it| it.first + it.weights.len()).max();
    let source = &image.as_raw()[top * x.from * 3..bottom.unwrap_or(top) * x.from * 3];
    let narrow = horizontal(source, &taps(filter, x), x.from);
    vertical(&narrow, &rows, top, x.len * 3)
}

/// Weights of every wanted output pixel (`precompute_coeffs`); one of weight 1 where the side keeps its length.
fn taps(filter: Filter, axis: Axis) -> Vec<Taps> {
    let wanted = axis.first..axis.first + axis.len;
    if axis.from == axis.to {
        let weights = || vec![1 << PRECISION_BITS];
        return wanted
            .map(|first| Taps {
                first,
                weights: weights(),
            })
            .collect();
    }
    let scale = axis.from as f64 / axis.to as f64;
    wanted
        .map(|at| pixel_taps(filter, (at as f64 + 0.5) * scale, scale.max(1.0), axis.from))
        .collect()
}

fn pixel_taps(filter: Filter, center: f64, stretch: f64, from: usize) -> Taps {
    let support = filter.support() * stretch;
    let first = (center - support + 0.5).max(0.0) as usize;
    let end = ((center + support + 0.5) as usize).min(from);
    let inverse = 1.0 / stretch;
    let weights: Vec<f64> = (first..end)
        .map(|at| filter.weight((at as f64 - center + 0.5) * inverse))
        .collect();
    let sum: f64 = weights.iter().sum();
    let fixed = |weight: &f64| {
        let normal = if sum == 0.0 { *weight } else { weight / sum };
        (normal * f64::from(1 << PRECISION_BITS)).round() as i32
    };
    Taps {
        first,
        weights: weights.iter().map(fixed).collect(),
    }
}

fn horizontal(source: &[u8], taps: &[Taps], width: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(source.len() / width * taps.len());
    for row in source.chunks_exact(width * 3) {
        for tap in taps {
            let mut sums = [1 << (PRECISION_BITS - 1); 3];
            let pixels = row[tap.first * 3..].chunks_exact(3);
            for (pixel, weight) in pixels.zip(&tap.weights) {
                sums[0] += i32::from(pixel[0]) * weight;
                sums[1] += i32::from(pixel[1]) * weight;
                sums[2] += i32::from(pixel[2]) * weight;
            }
            out.extend(sums.map(clip));
        }
    }
    out
}

/// `source` starts with source row `top`; a row has `stride` bytes.
fn vertical(source: &[u8], taps: &[Taps], top: usize, stride: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(taps.len() * stride);
    let mut sums = vec![0i32; stride];
    for tap in taps {
        sums.fill(1 << (PRECISION_BITS - 1));
        let rows = source[(tap.first - top) * stride..].chunks_exact(stride);
        for (row, weight) in rows.zip(&tap.weights) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += i32::from(*value) * weight;
            }
        }
        out.extend(sums.iter().map(|&sum| clip(sum)));
    }
    out
}

fn clip(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}
