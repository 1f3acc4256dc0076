//! A checkpoint as an [`Encoder`].

use crate::config::ClipConfig;
use crate::model::ClipModel;
use crate::names::Names;
use crate::open_clip::OpenClipConfig;
use nnn_encode::{
    Checkpoint, CheckpointFiles, Compute, DualEncoder, Encoder, Identity, LoadError, PixelSpec,
    TextTokenizer, TowerSize, read_config, read_preprocessor,
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

const OPEN_CLIP_CONFIG: &str = "open_clip_config.json";

/// open_clip's files of weights, and the names under which files of their kinds are looked for.
const OPEN_CLIP_WEIGHTS: [(&str, &str); 2] = [
    ("open_clip_model.safetensors", "model.safetensors"),
    ("open_clip_pytorch_model.bin", "pytorch_model.bin"),
];

/// What a checkpoint says of itself, whatever its layout.
struct Description {
    config: ClipConfig,
    names: Names,
    pixels: PixelSpec,
    checkpoint: Checkpoint,
}

/// Loads a CLIP checkpoint: a configuration, weights and a tokenizer.
///
/// With an `open_clip_config.json` it is one of open_clip, with weights in `open_clip_model.safetensors` or
/// `open_clip_pytorch_model.bin`. Otherwise, and where only Hugging Face's `config.json` has its weights beside it, it is
/// a `CLIPModel`, with `preprocessor_config.json` and weights in `model.safetensors`, several files with
/// `model.safetensors.index.json`, or `pytorch_model.bin`. Weights may be in single, half or bfloat16 precision.
///
/// # Errors
/// See [`LoadError`]; all tensors that do not fit are named together.
pub fn load(files: &CheckpointFiles, compute: &Compute) -> Result<Box<dyn Encoder>, LoadError> {
    let described = match is_open_clip(files) {
        true => open_clip(files)?,
        false => hugging_face(files)?,
    };
    let Description {
        config,
        names,
        pixels,
        checkpoint,
    } = described;
    let tokenizer = TextTokenizer::clip(files, config.text.max_position_embeddings)?;
    let ignored = |name: &str| IGNORED.contains(&name);
    let weights = checkpoint.load(&ClipModel::shapes(&config, &names), &ignored, compute)?;
    let towers = ClipModel::new(&weights, &config, &names, compute);
    let towers = towers.map_err(|it| checkpoint.unfit(&it))?;
    let identity = Identity::new("clip", CODE, &config);
    let size = TowerSize {
        image: config.vision.image_size,
        context: config.text.max_position_embeddings,
        vocabulary: config.text.vocab_size,
        dim: config.projection_dim,
    };
    let prepare = (pixels, tokenizer);
    let encoder = DualEncoder::new(identity, size, prepare, towers, (&checkpoint, compute))?;
    Ok(Box::new(encoder))
}

/// Whether open_clip's files are the ones to read; repositories may hold both layouts.
fn is_open_clip(files: &CheckpointFiles) -> bool {
    let weights = OPEN_CLIP_WEIGHTS.map(|(name, _)| name);
    let only = !files.has("config.json");
    files.has(OPEN_CLIP_CONFIG) && (only || files.first(&weights).is_some())
}

fn hugging_face(files: &CheckpointFiles) -> Result<Description, LoadError> {
    let config = read_config(files, ClipConfig::parse)?;
    Ok(Description {
        names: Names::hugging_face(),
        pixels: read_preprocessor(files, config.vision.image_size)?,
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
    let mut weights = CheckpointFiles::default();
    for (name, kind) in OPEN_CLIP_WEIGHTS {
        if let Some(path) = files.path(name) {
            weights = weights.with_file(kind, path.to_path_buf());
        }
    }
    if weights.names().next().is_none() {
        let [(first, _), (second, _)] = OPEN_CLIP_WEIGHTS;
        return Err(LoadError::Absent {
            name: format!("{first} (or {second})"),
            files: files.to_string(),
        });
    }
    Ok(Description {
        names: Names::open_clip(config.custom_text),
        pixels,
        checkpoint: Checkpoint::open(&weights)?,
        config: config.model,
    })
}
