//! A checkpoint as an [`Encoder`].

use crate::config::{BlipConfig, CONTEXT};
use nnn_encode::{
    Checkpoint, CheckpointFiles, Compute, DualEncoder, Encoder, FusionModel, FusionSpec, Identity,
    LayerNames, LoadError, Prepare, QkvNames, TextTokenizer, TokenSettings, TowerSize, VitNames,
    read_config, read_preprocessor, squeezed,
};

/// Crate, version and revision of the arithmetic; raise the last when a number can move.
const CODE: &str = concat!("encoder-blip ", env!("CARGO_PKG_VERSION"), " r2");

/// Most words of a text (`max_words` of the authors' evaluation data sets).
const WORDS: usize = 30;

/// The names of `BlipForImageTextRetrieval`.
const HUGGING_FACE: VitNames = VitNames {
    class: "vision_model.embeddings.class_embedding",
    positions: "vision_model.embeddings.position_embedding",
    patches: "vision_model.embeddings.patch_embedding",
    layers: "vision_model.encoder",
    layer: LayerNames {
        qkv: QkvNames::Fused {
            weight: "self_attn.qkv.weight",
            bias: "self_attn.qkv.bias",
        },
        out: "self_attn.projection",
        ..LayerNames::HUGGING_FACE
    },
    norm: "vision_model.post_layernorm",
};

/// Loads a BLIP retrieval checkpoint: `config.json`, `preprocessor_config.json`, weights and a tokenizer.
///
/// Weights have the names of `transformers`, or those of the authors' `.pth` files, whose positions are interpolated where
/// the configuration has another image size; the configuration is that of `transformers` for both. The result has a
/// matching head ([`Encoder::reranker`]).
///
/// # Errors
/// See [`LoadError`]; all tensors that do not fit are named together.
pub fn load(files: &CheckpointFiles, compute: &Compute) -> Result<Box<dyn Encoder>, LoadError> {
    let (config, prepare, checkpoint) = open(files)?;
    let spec = spec(&config, &checkpoint);
    let weights = checkpoint.load(&FusionModel::shapes(&spec), &is_ignored, compute)?;
    let towers = FusionModel::new(&weights, spec, compute).map_err(|it| checkpoint.unfit(&it))?;
    let identity = Identity::new("blip", CODE, &config);
    let size = TowerSize {
        image: config.vision.image_size,
        context: CONTEXT,
        vocabulary: config.text.vocab_size,
        dim: config.image_text_hidden_size,
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
fn open(files: &CheckpointFiles) -> Result<(BlipConfig, Prepare, Checkpoint), LoadError> {
    let config = read_config(files, BlipConfig::parse)?;
    let pixels = read_preprocessor(files, config.vision.image_size)?;
    let tokenizer = TextTokenizer::bert(files, settings())?;
    let checkpoint = Checkpoint::open(files)?;
    let shapes = FusionModel::shapes(&spec(&config, &checkpoint));
    checkpoint.fit(&shapes, &is_ignored)?;
    Ok((config, (pixels, tokenizer), checkpoint))
}

/// Names by the layout, sizes by the configuration.
fn spec(config: &BlipConfig, checkpoint: &Checkpoint) -> FusionSpec {
    let vision = config.vision.size();
    let authors = checkpoint.shape(VitNames::TIMM.positions);
    FusionSpec {
        vision_names: match authors {
            Some(_) => VitNames::TIMM,
            None => HUGGING_FACE,
        },
        grid: authors
            .and_then(|it| VitNames::grid(&it))
            .unwrap_or(vision.grid()),
        vision,
        text: config.text.size(config.vision.hidden_size),
        text_prefix: "text_encoder",
        text_layers: config.text.num_hidden_layers,
        dim: config.image_text_hidden_size,
        matching_token: Some(config.text.matching_token()),
        adds_similarity: true,
    }
}

fn settings() -> TokenSettings {
    TokenSettings {
        clean,
        cleaning: "blip: pre_caption of data/utils.py, 30 words",
        ..TokenSettings::cut_to(CONTEXT)
    }
}

/// `pre_caption` of the authors' `data/utils.py`.
fn clean(caption: &str) -> String {
    let lower = caption.to_lowercase();
    let spaced = lower.replace(['.', '!', '"', '(', ')', '*', '#', ':', ';', '~'], " ");
    squeezed(&spaced, WORDS)
}

/// Tensors of a checkpoint that the model does not read: the temperature, momentum copies and queues of the training, and
/// buffers of places.
fn is_ignored(name: &str) -> bool {
    const COPIES: [&str; 4] = [
        "visual_encoder_m.",
        "text_encoder_m.",
        "vision_proj_m.",
        "text_proj_m.",
    ];
    const OTHERS: [&str; 6] = [
        "temp",
        "image_queue",
        "text_queue",
        "idx_queue",
        "ptr_queue",
        "text_encoder.embeddings.position_ids",
    ];
    OTHERS.contains(&name) || COPIES.iter().any(|copy| name.starts_with(copy))
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn captions_are_cleaned_as_by_the_authors() {
        for (caption, expected) in [
            (
                "A man (left) rides: a \"bike\"!!",
                "a man left rides a bike",
            ),
            ("one.two;three", "one two three"),
            ("keeps - and ' and , and /", "keeps - and ' and , and /"),
            (" tab\tstays, two\t\tdo not\n", "tab\tstays, two do not"),
            ("", ""),
            ("...", ""),
        ] {
            assert_eq!(clean(caption), expected, "{caption:?}");
        }
        assert_eq!(clean(&"word ".repeat(40)), ["word"; 30].join(" "));
    }
}
