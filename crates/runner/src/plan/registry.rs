//! What exists: one entry per model family and generator of data; methods are registered in `nnn-trial`. Adding one means adding its entry here.

use crate::plan::generators::{self, Generate};
use anyhow::{Context, Result, bail};
use nnn_encode::{CheckpointFiles, Compute, Encoder, LoadError};
use std::path::Path;

/// Opens a checkpoint.
type Load = fn(&CheckpointFiles, &Compute) -> Result<Box<dyn Encoder>, LoadError>;

/// Checks a checkpoint as far as can be without reading the values of its weights, and gives what is worth a warning.
type Check = fn(&CheckpointFiles) -> Result<Option<String>, LoadError>;

/// A model family: how to recognise and how to open a checkpoint of it.
pub(crate) struct ModelFamily {
    /// Name in model cards.
    pub(crate) name: &'static str,
    /// Paper and layout in one line.
    pub(crate) doc: &'static str,
    /// Whether it has a head that looks at an image and a text together.
    pub(crate) matches: bool,
    /// Values of `model_type` in `config.json` that say so, of which one tower alone adds `_text_model` or `_vision_model`.
    pub(crate) model_types: &'static [&'static str],
    /// Files that no other family's checkpoints have.
    pub(crate) files: &'static [&'static str],
    /// Checks a checkpoint before any data is opened.
    pub(crate) check: Check,
    /// Opens a checkpoint.
    pub(crate) load: Load,
}

impl ModelFamily {
    /// Whether a `model_type` is the family's, or that of one of its towers: what is wrong with that, its check says.
    pub(crate) fn is_of(&self, model_type: &str) -> bool {
        let whole = ["_text_model", "_vision_model"]
            .iter()
            .find_map(|tower| model_type.strip_suffix(tower));
        self.model_types.contains(&whole.unwrap_or(model_type))
    }
}

/// Every model family.
pub(crate) const MODELS: &[ModelFamily] = &[
    ModelFamily {
        name: "clip",
        doc: "CLIP (arXiv 2103.00020), in the layout of a Hugging Face CLIPModel or of open_clip",
        matches: false,
        model_types: &["clip"],
        files: &[nnn_encode::OPEN_CLIP_CONFIG],
        check: encoder_clip::check,
        load: encoder_clip::load,
    },
    ModelFamily {
        name: "siglip",
        doc: "SigLIP and SigLIP 2 of one resolution (arXiv 2303.15343, 2502.14786), a Hugging Face SiglipModel folder",
        matches: false,
        model_types: &["siglip", "siglip2"],
        files: &[],
        check: encoder_siglip::check,
        load: encoder_siglip::load,
    },
    ModelFamily {
        name: "blip",
        doc: "BLIP (arXiv 2201.12086), a Hugging Face BlipForImageTextRetrieval folder or the authors' retrieval checkpoint",
        matches: true,
        model_types: &["blip"],
        files: &[],
        check: encoder_blip::check,
        load: encoder_blip::load,
    },
    ModelFamily {
        name: "albef",
        doc: "ALBEF (arXiv 2107.07651), the authors' checkpoint; configuration and preprocessing from the card",
        matches: true,
        model_types: &["albef"],
        files: &[],
        check: encoder_albef::check,
        load: encoder_albef::load,
    },
    ModelFamily {
        name: "beit3",
        doc: "BEiT-3 (arXiv 2208.10442) with heads for retrieval, the authors' .pth and beit3.spm",
        matches: false,
        model_types: &["beit3"],
        files: &["beit3.spm"],
        check: encoder_beit3::check,
        load: encoder_beit3::load,
    },
];

/// Every generator of data, by the name in a card's `generate: {generator: ...}`.
pub(crate) const GENERATORS: &[(&str, Generate)] = &[("blocks", generators::blocks)];

/// The model family of a name, or an error with the nearest name.
pub(crate) fn model_family(name: &str) -> Result<&'static ModelFamily> {
    match MODELS.iter().find(|family| family.name == name) {
        Some(family) => Ok(family),
        None => unknown(
            "model family",
            name,
            MODELS.iter().map(|family| family.name),
        ),
    }
}

/// The generator that a card's `generate:` names, or an error with the nearest name.
pub(crate) fn generator(settings: &generators::Settings) -> Result<Generate> {
    let name = match settings.get(KEY) {
        None => DEFAULT,
        Some(name) => name
            .as_str()
            .with_context(|| format!("`source.generate.{KEY}` is {name}, expected a name"))?,
    };
    match GENERATORS.iter().find(|(known, _)| *known == name) {
        Some((_, generate)) => Ok(*generate),
        None => unknown(
            "generator",
            name,
            GENERATORS.iter().map(|(known, _)| *known),
        ),
    }
}

/// The key that names the generator, and the one that is meant where it is absent.
const KEY: &str = "generator";
const DEFAULT: &str = "blocks";

/// Draws the data set that a card's `generate:` describes.
pub(crate) fn generate(
    settings: &generators::Settings,
    splits: &[(String, u64)],
    folder: &Path,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<generators::Generated> {
    let mut own = settings.clone();
    own.remove(KEY);
    generator(settings)?(&own, splits, folder, progress)
}

/// Refuses a name, with the nearest valid one and all of them.
pub(crate) fn unknown<'a, T>(
    kind: &str,
    name: &str,
    valid: impl Iterator<Item = &'a str> + Clone,
) -> Result<T> {
    bail!(nnn_files::unknown(kind, name, valid))
}
