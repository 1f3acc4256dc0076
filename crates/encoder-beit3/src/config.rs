//! `config.json` of a BEiT-3, in the words of torchscale's `EncoderConfig`. The authors' files carry none; cards do.

use nnn_encode::checks;
use serde::{Deserialize, Serialize};

/// Both ways through the transformer. Sizes have to be said; the rest is the same in all that the authors published.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Beit3Config {
    model_type: String,
    /// Side of an image in pixels.
    pub(crate) img_size: usize,
    #[serde(default = "patch_size")]
    pub(crate) patch_size: usize,
    pub(crate) encoder_embed_dim: usize,
    pub(crate) encoder_layers: usize,
    pub(crate) encoder_attention_heads: usize,
    pub(crate) encoder_ffn_embed_dim: usize,
    #[serde(default = "vocab_size")]
    pub(crate) vocab_size: usize,
    /// Rows of the text's table of positions, of which the first two are not used.
    #[serde(default = "max_source_positions")]
    pub(crate) max_source_positions: usize,
    /// Most tokens of a text, `<s>` and `</s>` included.
    #[serde(default = "num_max_bpe_tokens")]
    pub(crate) num_max_bpe_tokens: usize,
    #[serde(default = "layernorm_eps")]
    pub(crate) layernorm_eps: f64,
}

fn patch_size() -> usize {
    16
}

fn vocab_size() -> usize {
    64_010
}

fn max_source_positions() -> usize {
    1024
}

fn num_max_bpe_tokens() -> usize {
    64
}

fn layernorm_eps() -> f64 {
    1e-5
}

impl Beit3Config {
    /// Reads and checks the file's text; the error says what is wrong.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let config: Self = serde_json::from_str(json).map_err(|error| error.to_string())?;
        config.check()?;
        Ok(config)
    }

    /// Patches along one side; what is left of the image is not seen.
    pub(crate) fn grid(&self) -> usize {
        self.img_size / self.patch_size
    }

    fn check(&self) -> Result<(), String> {
        checks::model_type("beit3", &self.model_type)?;
        checks::patches(("img_size", self.img_size), ("patch_size", self.patch_size))?;
        checks::heads(
            ("encoder_attention_heads", self.encoder_attention_heads),
            ("encoder_embed_dim", self.encoder_embed_dim),
        )?;
        checks::at_least_one("encoder_layers", self.encoder_layers)?;
        checks::at_least_one("encoder_ffn_embed_dim", self.encoder_ffn_embed_dim)?;
        checks::at_least_one("vocab_size", self.vocab_size)?;
        let (tokens, positions) = (self.num_max_bpe_tokens, self.max_source_positions);
        if tokens.saturating_add(2) > positions {
            return Err(format!(
                "num_max_bpe_tokens {tokens} and 2 are more than max_source_positions {positions}"
            ));
        }
        checks::epsilon("layernorm_eps", self.layernorm_eps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = r#"{"model_type": "beit3", "img_size": 384, "encoder_embed_dim": 768, "encoder_layers": 12,
        "encoder_attention_heads": 12, "encoder_ffn_embed_dim": 3072}"#;

    #[test]
    fn what_is_left_out_is_as_published() {
        let config = Beit3Config::parse(BASE).expect("the base model");
        assert_eq!((config.grid(), config.vocab_size), (24, 64_010));
        assert_eq!(
            (config.num_max_bpe_tokens, config.max_source_positions),
            (64, 1024)
        );
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        for (from, to, part) in [
            ("\"beit3\"", "\"beit\"", "expected beit3, received beit"),
            (
                "\"model_type\": \"beit3\", ",
                "",
                "missing field `model_type`",
            ),
            ("\"img_size\": 384, ", "", "missing field `img_size`"),
            ("384", "12", "img_size 12 holds no patch"),
            ("heads\": 12", "heads\": 7", "encoder_attention_heads 7"),
            (
                "layers\": 12",
                "layers\": 0",
                "encoder_layers: expected at least 1",
            ),
            ("3072", "0", "encoder_ffn_embed_dim: expected at least 1"),
            ("3072", "3072, \"vocab\": 9", "unknown field `vocab`"),
            ("3072", "3072, \"layernorm_eps\": 0", "above 0"),
            (
                "3072",
                "3072, \"num_max_bpe_tokens\": 1023",
                "more than max_source_positions 1024",
            ),
        ] {
            assert!(BASE.contains(from), "{from}");
            let error = Beit3Config::parse(&BASE.replacen(from, to, 1)).expect_err(part);
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
