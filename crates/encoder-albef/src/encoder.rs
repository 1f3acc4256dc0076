//! A checkpoint as an [`Encoder`].

use crate::config::{AlbefConfig, CONTEXT};
use nnn_encode::{
    Checkpoint, CheckpointFiles, Compute, DualEncoder, Encoder, FusionModel, FusionSpec, Identity,
    LoadError, Prepare, TextTokenizer, TokenSettings, TowerSize, VitNames, read_config,
    read_preprocessor, squeezed,
};

/// Crate, version and revision of the arithmetic; raise the last when a number can move.
const CODE: &str = concat!("encoder-albef ", env!("CARGO_PKG_VERSION"), " r2");

/// Most words of a text (`max_words` of the authors' evaluation data sets).
const WORDS: usize = 30;

/// A tensor of the text encoder within the masked language model that the pre-training checkpoints hold.
const WITHIN_MASKED_LM: &str = "text_encoder.bert.embeddings.word_embeddings.weight";

/// Loads an ALBEF checkpoint: the authors' weights, with `config.json` and `preprocessor_config.json`, which they did not
/// publish as files, from the card, and BERT's `vocab.txt` or `tokenizer.json`.
///
/// Positions are interpolated where the configuration has another image size. The result has a matching head
/// ([`Encoder::reranker`]).
///
/// # Errors
/// See [`LoadError`]; all tensors that do not fit are named together.
pub fn load(files: &CheckpointFiles, compute: &Compute) -> Result<Box<dyn Encoder>, LoadError> {
    let (config, prepare, checkpoint) = open(files)?;
    let spec = spec(&config, &checkpoint);
    let weights = checkpoint.load(&FusionModel::shapes(&spec), &is_ignored, compute)?;
    let towers = FusionModel::new(&weights, spec, compute).map_err(|it| checkpoint.unfit(&it))?;
    let identity = Identity::new("albef", CODE, &config);
    let size = TowerSize {
        image: config.image_res,
        context: CONTEXT,
        vocabulary: config.bert_config.vocab_size,
        dim: config.embed_dim,
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
fn open(files: &CheckpointFiles) -> Result<(AlbefConfig, Prepare, Checkpoint), LoadError> {
    let config = read_config(files, AlbefConfig::parse)?;
    let pixels = read_preprocessor(files, config.image_res)?;
    let tokenizer = TextTokenizer::bert(files, settings())?;
    let checkpoint = Checkpoint::open(files)?;
    let shapes = FusionModel::shapes(&spec(&config, &checkpoint));
    checkpoint.fit(&shapes, &is_ignored)?;
    Ok((config, (pixels, tokenizer), checkpoint))
}

/// Names by what the checkpoint was trained for, sizes by the configuration.
fn spec(config: &AlbefConfig, checkpoint: &Checkpoint) -> FusionSpec {
    let vision = config.vision();
    let grid = checkpoint.shape(VitNames::TIMM.positions);
    let grid = grid.and_then(|it| VitNames::grid(&it));
    FusionSpec {
        vision,
        vision_names: VitNames::TIMM,
        grid: grid.unwrap_or(vision.grid()),
        text: config.text(),
        text_prefix: match checkpoint.shape(WITHIN_MASKED_LM) {
            Some(_) => "text_encoder.bert",
            None => "text_encoder",
        },
        text_layers: config.bert_config.fusion_layer,
        dim: config.embed_dim,
        matching_token: None,
        adds_similarity: false,
    }
}

fn settings() -> TokenSettings {
    TokenSettings {
        clean,
        cleaning: "albef: pre_caption of dataset/utils.py, 30 words",
        ..TokenSettings::cut_to(CONTEXT)
    }
}

/// `pre_caption` of the authors' `dataset/utils.py`.
fn clean(caption: &str) -> String {
    const DROPPED: [char; 13] = [
        ',', '.', '\'', '!', '?', '"', '(', ')', '*', '#', ':', ';', '~',
    ];
    let lower = caption.to_lowercase().replace(DROPPED, "");
    let spaced = lower.replace(['-', '/'], " ");
    squeezed(&spaced.replace("<person>", "person"), WORDS)
}

/// Tensors of a checkpoint that the model does not read: the temperature, momentum copies and queues of the training, the
/// head for masked words, and buffers of places.
fn is_ignored(name: &str) -> bool {
    const PARTS: [&str; 5] = [
        "visual_encoder_m.",
        "text_encoder_m.",
        "vision_proj_m.",
        "text_proj_m.",
        "text_encoder.cls.",
    ];
    const OTHERS: [&str; 7] = [
        "temp",
        "image_queue",
        "text_queue",
        "idx_queue",
        "queue_ptr",
        "text_encoder.embeddings.position_ids",
        "text_encoder.bert.embeddings.position_ids",
    ];
    OTHERS.contains(&name) || PARTS.iter().any(|part| name.starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn captions_are_cleaned_as_by_the_authors() {
        for (caption, expected) in [
            ("A man's (left) bike: \"red\"!!", "a mans left bike red"),
            ("one.two;three", "onetwothree"),
            ("black-and-white w/ <person>", "black and white w person"),
            (" tab\tstays, two\t\tdo not\n", "tab\tstays two do not"),
            ("", ""),
            ("?...", ""),
        ] {
            assert_eq!(clean(caption), expected, "{caption:?}");
        }
        assert_eq!(clean(&"word ".repeat(40)), ["word"; 30].join(" "));
    }
}
