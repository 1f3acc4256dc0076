//! What was left out or corrected while a data set was read, as data for whoever records it.

use nnn_files::counted;
use std::fmt;

/// Names printed before the rest is only counted.
const SHOWN: usize = 5;

/// Something that was left out or corrected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Captions that are empty or blank.
    EmptyCaptions {
        /// The split.
        split: String,
        /// For each its file, place and image.
        places: Vec<String>,
    },
    /// Images without a caption.
    NoCaption {
        /// The split.
        split: String,
        /// The images.
        images: Vec<String>,
    },
    /// Images that are listed, but lie in none of the places for images.
    MissingImages {
        /// The split.
        split: String,
        /// The images.
        images: Vec<String>,
        /// How many captions went with them.
        captions: usize,
    },
    /// Captions of images that the file does not list.
    UnknownImages {
        /// For each caption its file, place and image.
        places: Vec<String>,
    },
    /// What was read otherwise than it is written.
    Corrected {
        /// For each its file, place, and what was read for what.
        places: Vec<String>,
    },
    /// Rows of a split that `splits` does not name.
    OtherSplit {
        /// The split as the file names it.
        split: String,
        /// Number of rows.
        rows: usize,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyCaptions { split, places } => {
                write!(
                    f,
                    "split {split:?}: left out {}",
                    counted(places.len(), "empty caption")
                )?;
                list(f, places)
            }
            Self::NoCaption { split, images } => {
                write!(
                    f,
                    "split {split:?}: left out {} without captions",
                    counted(images.len(), "image")
                )?;
                list(f, images)
            }
            Self::MissingImages {
                split,
                images,
                captions,
            } => {
                write!(
                    f,
                    "split {split:?}: left out {} not found anywhere, with {}",
                    counted(images.len(), "image"),
                    counted(*captions, "caption")
                )?;
                list(f, images)
            }
            Self::UnknownImages { places } => {
                write!(
                    f,
                    "left out {} of images that are not listed",
                    counted(places.len(), "caption")
                )?;
                list(f, places)
            }
            Self::Corrected { places } => {
                write!(f, "corrected {}", counted(places.len(), "value"))?;
                list(f, places)
            }
            Self::OtherSplit { split, rows } => {
                write!(
                    f,
                    "left out {} of split {split:?}, which `splits` does not name",
                    counted(*rows, "row")
                )
            }
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, names: &[String]) -> fmt::Result {
    for (at, name) in names.iter().take(SHOWN).enumerate() {
        write!(f, "{}{name}", if at == 0 { ": " } else { ", " })?;
    }
    match names.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}
