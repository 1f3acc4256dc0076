//! [`PixelSpec`]s as `preprocessor_config.json` and `open_clip_config.json` say them.

use super::{Crop, Filter, Normalize, PixelSpec, Resize, ResizeTo};
use crate::error::{ReadError, in_words};
use nnn_files::read_text;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::Path;
use thiserror::Error;

/// Largest target side that a configuration may name; far beyond any model's.
const MAX_SIDE: u32 = 8192;

/// Processor classes whose pixels [`PixelSpec`] reproduces, and whether they crop unless told not to. The `Fast` classes
/// resize with torchvision, a little differently; their checkpoints were made with, and are served by, the same
/// arithmetic as the others.
const KNOWN_PROCESSORS: [(&str, bool); 11] = [
    ("CLIPFeatureExtractor", true),
    ("CLIPImageProcessor", true),
    ("CLIPImageProcessorFast", true),
    ("CLIPImageProcessorPil", true),
    ("SiglipFeatureExtractor", false),
    ("SiglipImageProcessor", false),
    ("SiglipImageProcessorFast", false),
    ("SiglipImageProcessorPil", false),
    ("BlipImageProcessor", false),
    ("BlipImageProcessorFast", false),
    ("BlipImageProcessorPil", false),
];

/// A step that BLIP's checkpoints name, left over from their first processor, and that no BLIP processor has.
const LEFT_OVER: &str = "do_pad";

/// Why a preprocessor configuration is refused.
#[derive(Debug, Error)]
pub enum PixelSpecError {
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Not JSON, or a value of the wrong type.
    #[error("not a preprocessor configuration: {}", in_words(&.0.to_string()))]
    Json(#[from] serde_json::Error),
    /// The processor is of a class that is not reproduced here.
    #[error("image processor {} is unknown; known are {}", received.as_deref().unwrap_or("without a name"), KNOWN_PROCESSORS.map(|it| it.0).join(", "))]
    UnknownProcessor {
        /// `image_processor_type` or `feature_extractor_type`, if given.
        received: Option<String>,
    },
    /// A step is on and a value that it needs is absent.
    #[error("{key} is missing, and no default is assumed")]
    Missing {
        /// The key.
        key: &'static str,
    },
    /// A value is out of range.
    #[error("{key}: expected {expected}, received {received}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is accepted.
        expected: &'static str,
        /// What the file holds.
        received: String,
    },
    /// A step is on that is not reproduced here.
    #[error("{key} is on, and such a step is not known here")]
    UnknownStep {
        /// The key, such as `do_pad`.
        key: String,
    },
}

/// `preprocessor_config.json` as written. Steps are on unless switched off, and the factor is 1/255, as in every CLIP
/// processor since the first (whose files do not name them); sizes, filter, mean and deviation must be given.
#[derive(Deserialize)]
struct Raw {
    image_processor_type: Option<String>,
    feature_extractor_type: Option<String>,
    #[serde(default = "on")]
    do_resize: bool,
    size: Option<Value>,
    resample: Option<u32>,
    do_center_crop: Option<bool>,
    crop_size: Option<Value>,
    #[serde(default = "on")]
    do_rescale: bool,
    rescale_factor: Option<f64>,
    #[serde(default = "on")]
    do_normalize: bool,
    /// `mean` and `std` in the first revisions of SigLIP.
    #[serde(alias = "mean")]
    image_mean: Option<[f64; 3]>,
    #[serde(alias = "std")]
    image_std: Option<[f64; 3]>,
    /// Read and ignored: images arrive as RGB whatever it says.
    #[serde(rename = "do_convert_rgb")]
    _do_convert_rgb: Option<bool>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

/// `preprocess_cfg` as open_clip writes it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOpenClip {
    mean: Option<[f64; 3]>,
    std: Option<[f64; 3]>,
    interpolation: Option<String>,
    resize_mode: Option<String>,
    mode: Option<String>,
    /// Not read: the model's own image size goes before it.
    #[serde(rename = "size")]
    _size: Option<Value>,
    /// Not read: of the ways to resize that are supported, none fills.
    #[serde(rename = "fill_color")]
    _fill_color: Option<Value>,
}

fn on() -> bool {
    true
}

impl PixelSpec {
    /// Reads `preprocessor_config.json`.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), and a file that cannot be read.
    pub fn load(file: &Path) -> Result<Self, PixelSpecError> {
        let text = read_text(file).map_err(|source| ReadError::new(file, source))?;
        Self::parse(&text)
    }

    /// Reads a configuration from JSON. Sizes may be written `224`, `{"shortest_edge": 224}` or
    /// `{"height": 224, "width": 224}`.
    ///
    /// # Errors
    /// An unknown processor or step; a missing size, filter, mean or deviation; a value out of range.
    pub fn parse(json: &str) -> Result<Self, PixelSpecError> {
        let raw: Raw = serde_json::from_str(json)?;
        let crops = check_known(&raw)?;
        Ok(Self {
            resize: raw.do_resize.then(|| read_resize(&raw)).transpose()?,
            crop: raw
                .do_center_crop
                .unwrap_or(crops)
                .then(|| read_crop(&raw))
                .transpose()?,
            rescale: raw.do_rescale.then(|| read_factor(&raw)).transpose()?,
            normalize: raw.do_normalize.then(|| read_normalize(&raw)).transpose()?,
        })
    }

    /// Reads `preprocess_cfg` of an `open_clip_config.json` for a model of images of `side` x `side`, as `image_transform`
    /// of open_clip 3.3.0 does. Mean and deviation must be given; an absent `interpolation` is bicubic and an absent
    /// `resize_mode` `shortest`, which is all there was when files without these keys were written.
    ///
    /// # Errors
    /// A missing mean or deviation; values and keys that are not supported.
    pub fn open_clip(json: &Value, side: usize) -> Result<Self, PixelSpecError> {
        let raw: RawOpenClip = match json {
            Value::Null => RawOpenClip::default(),
            other => serde_json::from_value(other.clone())?,
        };
        let height = u32::try_from(side).unwrap_or(u32::MAX);
        let width = height;
        let (to, crop) = match raw.resize_mode.as_deref() {
            None | Some("shortest") => {
                let half_to_even = true;
                let crop = Crop {
                    height,
                    width,
                    half_to_even,
                };
                (ResizeTo::ShortestEdge(height), Some(crop))
            }
            Some("squash") => (ResizeTo::Exact { height, width }, None),
            Some(other) => return Err(unsupported("resize_mode", "shortest or squash", other)),
        };
        let filter = match raw.interpolation.as_deref() {
            None | Some("bicubic") => Filter::Bicubic,
            Some("bilinear") => Filter::Bilinear,
            Some(other) => return Err(unsupported("interpolation", "bicubic or bilinear", other)),
        };
        match raw.mode.as_deref() {
            None | Some("RGB") => {}
            Some(other) => return Err(unsupported("mode", "RGB", other)),
        }
        Ok(Self {
            resize: Some(Resize { to, filter }),
            crop,
            rescale: Some(1.0 / 255.0),
            normalize: Some(normalize([("mean", raw.mean), ("std", raw.std)])?),
        })
    }
}

/// Refuses unknown classes and steps; whether the class crops unless told not to.
fn check_known(raw: &Raw) -> Result<bool, PixelSpecError> {
    let kind = raw.image_processor_type.as_deref();
    let kind = kind.or(raw.feature_extractor_type.as_deref());
    let known = KNOWN_PROCESSORS.iter().find(|(name, _)| kind == Some(name));
    let Some((name, crops)) = known else {
        let received = kind.map(str::to_string);
        return Err(PixelSpecError::UnknownProcessor { received });
    };
    let unknown = |(key, value): &(&String, &Value)| {
        let left_over = name.starts_with("Blip") && *key == LEFT_OVER;
        key.starts_with("do_") && **value == true && !left_over
    };
    match raw.rest.iter().find(unknown) {
        Some((key, _)) => Err(PixelSpecError::UnknownStep { key: key.clone() }),
        None => Ok(*crops),
    }
}

fn read_resize(raw: &Raw) -> Result<Resize, PixelSpecError> {
    let to = read_size("size", raw.size.as_ref(), ResizeTo::ShortestEdge)?;
    let number = raw
        .resample
        .ok_or(PixelSpecError::Missing { key: "resample" })?;
    let filter = Filter::from_pillow(number).ok_or_else(|| PixelSpecError::Value {
        key: "resample",
        expected: "1 (Lanczos), 2 (bilinear), 3 (bicubic), 4 (box) or 5 (Hamming)",
        received: number.to_string(),
    })?;
    Ok(Resize { to, filter })
}

fn read_crop(raw: &Raw) -> Result<Crop, PixelSpecError> {
    let square = |side| ResizeTo::Exact {
        height: side,
        width: side,
    };
    match read_size("crop_size", raw.crop_size.as_ref(), square)? {
        ResizeTo::Exact { height, width } => Ok(Crop {
            height,
            width,
            half_to_even: false,
        }),
        ResizeTo::ShortestEdge(_) => Err(size_error("crop_size", raw.crop_size.as_ref())),
    }
}

fn read_factor(raw: &Raw) -> Result<f64, PixelSpecError> {
    let factor = raw.rescale_factor.unwrap_or(1.0 / 255.0);
    if factor.is_finite() && factor > 0.0 {
        return Ok(factor);
    }
    Err(PixelSpecError::Value {
        key: "rescale_factor",
        expected: "a finite number above 0",
        received: factor.to_string(),
    })
}

fn read_normalize(raw: &Raw) -> Result<Normalize, PixelSpecError> {
    normalize([("image_mean", raw.image_mean), ("image_std", raw.image_std)])
}

/// Mean and deviation, each with its key.
fn normalize(values: [(&'static str, Option<[f64; 3]>); 2]) -> Result<Normalize, PixelSpecError> {
    let [mean, (key, std)] = values;
    let mean = mean.1.ok_or(PixelSpecError::Missing { key: mean.0 })?;
    let std = std.ok_or(PixelSpecError::Missing { key })?;
    if std.iter().all(|it| it.is_finite() && *it > 0.0) {
        return Ok(Normalize { mean, std });
    }
    Err(PixelSpecError::Value {
        key,
        expected: "finite numbers above 0",
        received: format!("{std:?}"),
    })
}

fn unsupported(key: &'static str, expected: &'static str, received: &str) -> PixelSpecError {
    PixelSpecError::Value {
        key,
        expected,
        received: received.into(),
    }
}

/// A size in one of its three spellings; `bare` says what a lone integer means.
fn read_size(
    key: &'static str,
    value: Option<&Value>,
    bare: impl Fn(u32) -> ResizeTo,
) -> Result<ResizeTo, PixelSpecError> {
    let value = value.ok_or(PixelSpecError::Missing { key })?;
    let side = |value: Option<&Value>| {
        let side = u32::try_from(value?.as_u64()?).ok()?;
        (1..=MAX_SIDE).contains(&side).then_some(side)
    };
    let read = || match value.as_object() {
        None => Some(bare(side(Some(value))?)),
        Some(map) if map.len() == 1 => {
            Some(ResizeTo::ShortestEdge(side(map.get("shortest_edge"))?))
        }
        Some(map) if map.len() == 2 => Some(ResizeTo::Exact {
            height: side(map.get("height"))?,
            width: side(map.get("width"))?,
        }),
        Some(_) => None,
    };
    read().ok_or_else(|| size_error(key, Some(value)))
}

fn size_error(key: &'static str, received: Option<&Value>) -> PixelSpecError {
    PixelSpecError::Value {
        key,
        expected: "sides from 1 to 8192: n, {\"shortest_edge\": n} (size only) or {\"height\": n, \"width\": m}",
        received: received.map_or_else(String::new, ToString::to_string),
    }
}
