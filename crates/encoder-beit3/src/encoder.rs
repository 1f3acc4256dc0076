//! A checkpoint as an [`Encoder`].

use crate::config::Beit3Config;
use crate::model::Beit3Model;
use nnn_encode::{
    Checkpoint, CheckpointFiles, Compute, DualEncoder, Encoder, Identity, LoadError, Prepare,
    TextTokenizer, TokenSettings, TowerSize, read_config, read_preprocessor,
};

/// Crate, version and revision of the arithmetic; raise the last when a number can move.
const CODE: &str = concat!("encoder-beit3 ", env!("CARGO_PKG_VERSION"), " r2");

/// Tensors of a checkpoint that retrieval does not read.
const IGNORED: [&str; 2] = ["logit_scale", "beit3.vision_embed.mask_token"];

/// Loads a BEiT-3 with heads for retrieval: `config.json` and `preprocessor_config.json` (the card gives both, as the
/// authors' files carry neither), weights and `beit3.spm`.
///
/// Positions of images are interpolated where the configuration has another image size than the checkpoint.
///
/// # Errors
/// See [`LoadError`]; all tensors that do not fit are named together.
pub fn load(files: &CheckpointFiles, compute: &Compute) -> Result<Box<dyn Encoder>, LoadError> {
    let (config, prepare, checkpoint) = open(files)?;
    let shapes = Beit3Model::shapes(&config, &checkpoint);
    let weights = checkpoint.load(&shapes, &is_ignored, compute)?;
    let towers = Beit3Model::new(&weights, &config, compute).map_err(|it| checkpoint.unfit(&it))?;
    let identity = Identity::new("beit3", CODE, &config);
    let size = TowerSize {
        image: config.img_size,
        context: config.num_max_bpe_tokens,
        vocabulary: config.vocab_size,
        dim: config.encoder_embed_dim,
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
fn open(files: &CheckpointFiles) -> Result<(Beit3Config, Prepare, Checkpoint), LoadError> {
    let config = read_config(files, Beit3Config::parse)?;
    let pixels = read_preprocessor(files, config.img_size)?;
    let context = TokenSettings::cut_to(config.num_max_bpe_tokens);
    let tokenizer = TextTokenizer::xlm_roberta(files, "beit3.spm", context)?;
    let checkpoint = Checkpoint::open(files)?;
    checkpoint.fit(&Beit3Model::shapes(&config, &checkpoint), &is_ignored)?;
    Ok((config, (pixels, tokenizer), checkpoint))
}

fn is_ignored(name: &str) -> bool {
    IGNORED.contains(&name)
}
