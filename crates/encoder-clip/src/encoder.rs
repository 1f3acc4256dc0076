//! A checkpoint as an [`Encoder`].

use crate::config::ClipConfig;
use crate::model::ClipModel;
use crate::names::Names;
use crate::open_clip::OpenClipConfig;
use nnn_encode::{
    Checkpoint, CheckpointFiles, Compute, DualEncoder, Encoder, Identity, LoadError,
    OPEN_CLIP_CONFIG, Prepare, TextTokenizer, TokenSettings, TowerSize, read_config,
    read_preprocessor,
};

/// Crate, version and revision of the arithmetic; raise the last when a number can move.
const CODE: &str = concat!("encoder-clip ", env!("CARGO_PKG_VERSION"), " r2");

/// Tensors of a checkpoint that the model does not read: of the loss, and buffers.
const IGNORED: [&str; 4] = [
    "logit_bias",
    "logit_scale",
    "text_model.embeddings.position_ids",
    "vision_model.embeddings.position_ids",
];

/// What a checkpoint says of itself, whatever its layout.
struct Description {
    config: ClipConfig,
    names: Names,
    prepare: Prepare,
    checkpoint: Checkpoint,
}

/// Loads a CLIP checkpoint: a configuration, weights and a tokenizer.
///
/// With an `open_clip_config.json` it is one of open_clip, with weights in `open_clip_model.safetensors`,
/// `open_clip_pytorch_model.safetensors` or `.bin`, or the only file of weights, and texts are cleaned as open_clip cleans
/// them. Otherwise, and where only Hugging Face's `config.json` has its weights beside it, it is a `CLIPModel`, with
/// `preprocessor_config.json` or `processor_config.json` and weights in `model.safetensors` or `pytorch_model.bin`, or several
/// files with an index. Weights may be in single, half or bfloat16 precision.
///
/// # Errors
/// See [`LoadError`]; all tensors that do not fit are named together.
pub fn load(files: &CheckpointFiles, compute: &Compute) -> Result<Box<dyn Encoder>, LoadError> {
    let Description {
        config,
        names,
        prepare,
        checkpoint,
    } = open(files)?;
    let weights = checkpoint.load(&ClipModel::shapes(&config, &names), &is_ignored, compute)?;
    let towers = ClipModel::new(&weights, &config, &names, compute);
    let towers = towers.map_err(|it| checkpoint.unfit(&it))?;
    let identity = Identity::new("clip", CODE, &config);
    let size = TowerSize {
        image: config.vision.image_size,
        context: config.text.max_position_embeddings,
        vocabulary: config.text.vocab_size,
        dim: config.projection_dim,
    };
    let encoder = DualEncoder::new(identity, size, prepare, towers, (&checkpoint, compute))?;
    Ok(Box::new(encoder))
}

/// Opens a checkpoint as [`load`] does and holds what its files say against each other, down to the names, shapes and number
/// types of all tensors, without reading one; gives what a reader of the numbers should know of how they were read.
///
/// # Errors
/// As [`load`].
pub fn check(files: &CheckpointFiles) -> Result<Option<String>, LoadError> {
    Ok(open(files)?.checkpoint.note().map(str::to_owned))
}

/// Everything but the values of the weights, which are known to fit.
fn open(files: &CheckpointFiles) -> Result<Description, LoadError> {
    let described = match files.is_open_clip() {
        true => open_clip(files)?,
        false => hugging_face(files)?,
    };
    let shapes = ClipModel::shapes(&described.config, &described.names);
    described.checkpoint.fit(&shapes, &is_ignored)?;
    Ok(described)
}

fn is_ignored(name: &str) -> bool {
    IGNORED.contains(&name)
}

fn hugging_face(files: &CheckpointFiles) -> Result<Description, LoadError> {
    let config = read_config(files, ClipConfig::parse)?;
    let pixels = read_preprocessor(files, config.vision.image_size)?;
    let context = TokenSettings::cut_to(config.text.max_position_embeddings);
    Ok(Description {
        names: Names::hugging_face(),
        prepare: (pixels, TextTokenizer::clip(files, context)?),
        checkpoint: Checkpoint::open(files)?,
        config,
    })
}

fn open_clip(files: &CheckpointFiles) -> Result<Description, LoadError> {
    let file = files.origin(OPEN_CLIP_CONFIG);
    let config = OpenClipConfig::parse(&files.text(OPEN_CLIP_CONFIG)?);
    let config = config.map_err(|reason| LoadError::Config {
        file: file.clone(),
        reason,
    })?;
    let pixels = config.pixels();
    let pixels = pixels.map_err(|source| LoadError::Preprocessor { file, source })?;
    let checkpoint = Checkpoint::open(&files.weights_of_layout())?;
    let context = config.model.text.max_position_embeddings;
    let settings = config.cleaning.settings(context);
    // As open_clip itself, which converts the names of one layout to those of the other.
    let custom_text = checkpoint.shape(CUSTOM_TEXT).is_some();
    Ok(Description {
        names: Names::open_clip(custom_text),
        prepare: (pixels, TextTokenizer::clip(files, settings)?),
        checkpoint,
        config: config.model,
    })
}

/// A tensor that only open_clip's `CustomTextCLIP` has.
const CUSTOM_TEXT: &str = "text.token_embedding.weight";
