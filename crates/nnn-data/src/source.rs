//! Data sets as they are published: annotation files in their own formats, images in archives, folders or at addresses.

use crate::RemoteSource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Annotation files, images, and where both are downloaded from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FilesSource {
    /// Files to download. Whatever `annotations` and `images` name beside is a path relative to the card.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub download: Vec<RemoteSource>,
    /// Which files say which texts belong to which image.
    pub annotations: Vec<AnnotationPart>,
    /// Where the images are.
    pub images: Vec<ImagePart>,
    /// Terms that whoever downloads it is told of, such as a form to fill in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
}

/// Annotation files of one format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnotationPart {
    /// The files, in order.
    pub files: Vec<PathBuf>,
    /// How they are written.
    pub format: AnnotationFormat,
    /// The split that all their items belong to; without it the files say so themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// The card's name for each split that the files name; items of others are left out. Without it names are kept.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub splits: BTreeMap<String, String>,
    /// Names of columns, where they are not those of the format.
    #[serde(default)]
    pub columns: ColumnNames,
    /// What to take where these files cannot be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Box<AnnotationPart>>,
}

/// How annotation files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationFormat {
    /// CSV or TSV (by extension) with a header; a caption a row, or a list of captions as JSON or a Python literal.
    Table,
    /// Parquet with a row an image: `filename`, `split`, and `sentences`, a list of texts.
    Parquet,
    /// Karpathy's JSON: `{"images": [{"filename", "split", "sentences": [{"raw"}]}]}`.
    Karpathy,
    /// A JSON list of `{"image", "caption"}`, `caption` a text or a list of texts.
    List,
    /// COCO's own JSON: `{"images": [{"id", "file_name"}], "annotations": [{"image_id", "caption"}]}`.
    Coco,
    /// Parquet with the images inside: `image` (bytes and path) beside a caption or a list of captions.
    ImageParquet,
    /// Tar shards as webdataset has them: `key.jpg` beside `key.txt` or `key.json`.
    Shards,
    /// VisoGender's table of photographs by occupation and perceived gender.
    Visogender,
}

/// Names of columns; the format's own where absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ColumnNames {
    /// The image's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The caption or the list of captions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caption: Option<String>,
    /// The split's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// The image's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What the image shows, such as an occupation: all images of a caption's class answer it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Which of the card's two groups the image belongs to; a blank entry stands for neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// A place with images. Exactly one of `archives`, `folder` and `addresses` is given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImagePart {
    /// Zip or tar archives, or parquet files with images inside.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub archives: Vec<PathBuf>,
    /// A folder, relative to the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// Each image at the address that the annotations give.
    #[serde(default)]
    pub addresses: bool,
    /// The splits (of the card) whose images may be here; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub splits: Vec<String>,
    /// What to take where these archives cannot be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Box<ImagePart>>,
}
