//! A checkpoint as an [`Encoder`].

use crate::config::SiglipConfig;
use crate::model::SiglipModel;
use nnn_encode::{
    Checkpoint, CheckpointFiles, Compute, DualEncoder, Encoder, Identity, LoadError, Prepare,
    TextTokenizer, TowerSize, read_config, read_preprocessor,
};

/// Crate, version and revision of the arithmetic; raise the last when a number can move.
const CODE: &str = concat!("encoder-siglip ", env!("CARGO_PKG_VERSION"), " r2");

/// Tensors of a checkpoint that the model does not read: scale and bias of the loss change no ranking.
const IGNORED: [&str; 4] = [
    "logit_bias",
    "logit_scale",
    "text_model.embeddings.position_ids",
    "vision_model.embeddings.position_ids",
];

/// Loads a Hugging Face `SiglipModel` checkpoint: `config.json`, `preprocessor_config.json`, weights and a tokenizer.
///
/// Weights may be `model.safetensors`, several files with `model.safetensors.index.json`, or `pytorch_model.bin`, in
/// single, half or bfloat16 precision.
///
/// # Errors
/// See [`LoadError`]; all tensors that do not fit are named together.
pub fn load(files: &CheckpointFiles, compute: &Compute) -> Result<Box<dyn Encoder>, LoadError> {
    let (config, prepare, checkpoint) = open(files)?;
    let weights = checkpoint.load(&SiglipModel::shapes(&config), &is_ignored, compute)?;
    let towers = SiglipModel::new(&weights, &config, compute);
    let towers = towers.map_err(|it| checkpoint.unfit(&it))?;
    let identity = Identity::new("siglip", CODE, &config);
    let size = TowerSize {
        image: config.vision.image_size,
        context: config.text.max_position_embeddings,
        vocabulary: config.text.vocab_size,
        dim: config.vision.hidden_size,
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
    Ok(open(files)?.2.note().map(str::to_owned))
}

/// Everything but the values of the weights, which are known to fit.
fn open(files: &CheckpointFiles) -> Result<(SiglipConfig, Prepare, Checkpoint), LoadError> {
    let config = read_config(files, SiglipConfig::parse)?;
    let pixels = read_preprocessor(files, config.vision.image_size)?;
    let tokenizer = TextTokenizer::siglip(files, config.text.max_position_embeddings)?;
    let checkpoint = Checkpoint::open(files)?;
    checkpoint.fit(&SiglipModel::shapes(&config), &is_ignored)?;
    Ok((config, (pixels, tokenizer), checkpoint))
}

fn is_ignored(name: &str) -> bool {
    IGNORED.contains(&name)
}
