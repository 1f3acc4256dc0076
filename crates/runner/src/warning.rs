//! What a run wants a reader of its results to know. Recorded in `run.json`, not only printed.

use nnn_data::Finding;
use nnn_files::counted;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use thiserror::Error;

/// Images or points that a message names; `run.json` names all.
const NAMED: usize = 5;

/// Something that does not stop a run.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Warning {
    /// A cache entry was damaged and has been made again.
    #[error("{file}: {reason}; made again")]
    CacheRebuilt {
        /// The file.
        file: String,
        /// What was wrong with it.
        reason: String,
    },
    /// Passes ran on the processor although a device was asked for.
    #[error("passes over banks and queries ran on the processor, with the same results: {reason}")]
    DeviceLeftOut {
        /// What the device reported.
        reason: String,
    },
    /// Images that cannot be fetched or decoded, left out with their captions as the config asks.
    #[error("{0}")]
    ImagesSkipped(SkippedImages),
    /// Images that the page names, as they cannot be drawn small.
    #[error("{dataset}: the page does not show all pictures: {reason}")]
    NoPictures {
        /// The data set.
        dataset: String,
        /// Why.
        reason: String,
    },
    /// Whoever uses the data set has to meet conditions.
    #[error("{dataset}: {notice}")]
    Terms {
        /// The data set.
        dataset: String,
        /// What is asked of its users.
        notice: String,
    },
    /// Files came from a card's second choice.
    #[error("{dataset}: {what} are read from {}, not from {}: {reason}", taken.join(", "), instead_of.join(", "))]
    Alternative {
        /// The data set.
        dataset: String,
        /// Annotations or images.
        what: String,
        /// The files that are read.
        taken: Vec<String>,
        /// The files that the card prefers.
        instead_of: Vec<String>,
        /// Why they are not read.
        reason: String,
    },
    /// Something in the annotations that is no part of the data set.
    #[error("{dataset}: {finding}")]
    LeftOut {
        /// The data set.
        dataset: String,
        /// What, and how much of it.
        finding: String,
    },
    /// How a file of answers was understood, where it could have been meant otherwise.
    #[error("{dataset}: {finding}")]
    Answers {
        /// The embeddings.
        dataset: String,
        /// What was understood.
        finding: String,
    },
    /// A split whose card gives no numbers has others than in the last run.
    #[error(
        "`{dataset}/{split}` has {} and {}; the last run found {} and {}, and its card gives no numbers to check",
        counted(images[1], "image"), counted(texts[1], "text"), images[0], texts[0]
    )]
    CountsChanged {
        /// The data set.
        dataset: String,
        /// The split.
        split: String,
        /// Images in the last run, and now.
        images: [usize; 2],
        /// Texts in the last run, and now.
        texts: [usize; 2],
    },
    /// Reference captions that equal evaluated captions word for word.
    #[error(
        "{captions} of {of} captions of reference set `{reference_set}` equal an evaluated caption of `{dataset}`"
    )]
    CaptionsShared {
        /// The reference set.
        reference_set: String,
        /// The evaluated data set.
        dataset: String,
        /// How many reference captions.
        captions: usize,
        /// Out of how many.
        of: usize,
    },
    /// Repeated captions of a reference set, left out as the config asks.
    #[error(
        "{captions} of {of} captions of reference set `{reference_set}` repeat an earlier one and are left out"
    )]
    RepeatsLeftOut {
        /// The reference set.
        reference_set: String,
        /// How many captions.
        captions: usize,
        /// Out of how many.
        of: usize,
    },
    /// Reference images whose content equals that of an evaluated image under another name.
    #[error(
        "{images} of {of} images of `{reference_set}` are duplicates of evaluated images of `{dataset}`"
    )]
    ImagesDuplicated {
        /// The reference set.
        reference_set: String,
        /// The evaluated data set.
        dataset: String,
        /// How many reference images.
        images: usize,
        /// Out of how many.
        of: usize,
    },
    /// A reference set holds evaluated items, and the config allows it.
    #[error(
        "reference set `{reference_set}` holds {items} evaluated items of `{dataset}`: its results are transductive"
    )]
    Transductive {
        /// The reference set.
        reference_set: String,
        /// The evaluated data set.
        dataset: String,
        /// How many items.
        items: usize,
    },
    /// Statistics came from an index, and how far they are from the exact ones was not measured.
    #[error(
        "means of the largest similarities are approximate, by {index}; their error was not measured"
    )]
    SearchUnchecked {
        /// The index.
        index: String,
    },
    /// A trial reports too many settings for a comparison of every two.
    #[error(
        "{settings} settings are reported on `{dataset}` with reference set `{reference_set}`: each is compared with raw only, as every two would be of up to {most}"
    )]
    ComparedWithRaw {
        /// The reference set; empty for the methods that read none.
        reference_set: String,
        /// The evaluated data set.
        dataset: String,
        /// How many settings, raw included.
        settings: usize,
        /// Up to how many are compared with one another.
        most: usize,
    },
    /// The names of a checkpoint's tensors are not the model's.
    #[error("model `{model}`: {note}")]
    NamesOfTensors {
        /// The model.
        model: String,
        /// What was done about it.
        note: String,
    },
    /// Vectors are not in single precision, and how far from it they are.
    #[error(
        "model `{model}` is computed in {dtype}: of the first {items} evaluated items on each side none is farther than 1 - cos = {distance} from single precision"
    )]
    Rounded {
        /// The model.
        model: String,
        /// The number type.
        dtype: String,
        /// Most items of a side that were encoded in both.
        items: usize,
        /// The largest distance, in two digits.
        distance: String,
    },
    /// The model has no public checkpoint and was not measured.
    #[error("model `{model}` is not measured, as it has no public checkpoint: {reason}")]
    NoPublicCheckpoint {
        /// The model.
        model: String,
        /// Why.
        reason: String,
    },
    /// Points that the config does not list ask for more dimensions than the vectors have, or for more items than the bank has.
    #[error(
        "left out, as the config does not ask for it: {}",
        nnn_trial::left_out(points, instead, reason)
    )]
    LeftOutOfGrid {
        /// The points' signatures.
        points: Vec<String>,
        /// Those of others that are measured in their place, where none was left.
        instead: Vec<String>,
        /// What does not allow the first of them.
        reason: String,
    },
    /// Every gallery item answers every query.
    #[error(
        "every gallery item of `{dataset}` answers every query: of its metrics only those of groups and of hubness say anything"
    )]
    EverythingAnswers {
        /// The evaluated data set.
        dataset: String,
    },
    /// The model was trained on the evaluated data set.
    #[error("model `{model}` was trained on `{dataset}`: its results are not zero-shot")]
    TrainedOnEvaluated {
        /// The model.
        model: String,
        /// The data set.
        dataset: String,
    },
    /// The binary was built from a tree with uncommitted changes.
    #[error("built from {commit} with uncommitted changes: results cannot be traced to a commit")]
    DirtyBuild {
        /// The commit it is based on.
        commit: String,
    },
}

impl Warning {
    /// What annotations hold that is no part of a data set.
    pub(crate) fn left_out(dataset: &str, findings: &[Finding]) -> Vec<Self> {
        let warning = |finding: &Finding| Self::LeftOut {
            dataset: dataset.to_owned(),
            finding: finding.to_string(),
        };
        findings.iter().map(warning).collect()
    }

    /// Whether it was said when the files were fetched, before there was a run to warn of it.
    pub(crate) fn is_said_at_fetching(&self) -> bool {
        matches!(self, Self::Terms { .. } | Self::Alternative { .. })
    }
}

/// The images of a split that cannot be fetched or decoded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SkippedImages {
    /// The data set.
    pub(crate) dataset: String,
    /// The split.
    pub(crate) split: String,
    /// What is wrong, by image.
    pub(crate) images: BTreeMap<String, String>,
    /// How many images the split has with them.
    pub(crate) of: usize,
    /// How many captions went with them.
    pub(crate) captions: usize,
}

impl fmt::Display for SkippedImages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            dataset,
            split,
            images,
            of,
            captions,
        } = self;
        let names: Vec<&str> = images.keys().take(NAMED).map(String::as_str).collect();
        let more = if images.len() > NAMED { ", ..." } else { "" };
        write!(
            f,
            "{} of {of} images of `{dataset}/{split}` cannot be loaded and are left out with {}: {}{more}",
            images.len(),
            counted(*captions, "caption"),
            names.join(", ")
        )
    }
}
