//! `config.json` of a `SiglipModel`, with the defaults of `transformers` for what it leaves out.

use nnn_encode::{Activation, checks};
use serde::{Deserialize, Serialize};

/// Both towers.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SiglipConfig {
    pub(crate) text: TextConfig,
    pub(crate) vision: VisionConfig,
}

/// The text tower.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct TextConfig {
    pub(crate) vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) max_position_embeddings: usize,
    pub(crate) hidden_act: Activation,
    pub(crate) layer_norm_eps: f64,
    /// Length of a text's embedding; `hidden_size` if absent.
    pub(crate) projection_size: Option<usize>,
}

/// The vision tower.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct VisionConfig {
    pub(crate) hidden_size: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) num_channels: usize,
    pub(crate) image_size: usize,
    pub(crate) patch_size: usize,
    pub(crate) hidden_act: Activation,
    pub(crate) layer_norm_eps: f64,
    pub(crate) vision_use_head: bool,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            vocab_size: 32_000,
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            max_position_embeddings: 64,
            hidden_act: Activation::GeluTanh,
            layer_norm_eps: 1e-6,
            projection_size: None,
        }
    }
}

impl Default for VisionConfig {
    fn default() -> Self {
        Self {
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            num_channels: 3,
            image_size: 224,
            patch_size: 16,
            hidden_act: Activation::GeluTanh,
            layer_norm_eps: 1e-6,
            vision_use_head: true,
        }
    }
}

/// What kind of model the file describes; read first, as others have values of other types.
#[derive(Deserialize)]
struct Kind {
    model_type: Option<String>,
}

/// The file as written.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    text_config: TextConfig,
    #[serde(default)]
    vision_config: VisionConfig,
}

impl SiglipConfig {
    /// Reads and checks the file's text; the error says what is wrong.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let kind: Kind = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let kind = kind.model_type.as_deref().unwrap_or("siglip");
        checks::model_type("siglip", kind).map_err(|error| match kind {
            "siglip2" => format!(
                "{error}, the checkpoints of any aspect ratio (NaFlex), which are not supported; \
                 those of SigLIP 2 with one resolution say siglip"
            ),
            _ => error,
        })?;
        let raw: Raw = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let config = Self {
            text: raw.text_config,
            vision: raw.vision_config,
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let (text, vision) = (&self.text, &self.vision);
        checks::at_least_one("text_config.vocab_size", text.vocab_size)?;
        checks::at_least_one("text_config.intermediate_size", text.intermediate_size)?;
        checks::at_least_one("vision_config.intermediate_size", vision.intermediate_size)?;
        checks::heads(
            ("text_config: num_attention_heads", text.num_attention_heads),
            ("hidden_size", text.hidden_size),
        )?;
        checks::heads(
            (
                "vision_config: num_attention_heads",
                vision.num_attention_heads,
            ),
            ("hidden_size", vision.hidden_size),
        )?;
        checks::epsilon("text_config.layer_norm_eps", text.layer_norm_eps)?;
        checks::epsilon("vision_config.layer_norm_eps", vision.layer_norm_eps)?;
        vision.check()?;
        let (projection, width) = (text.projection(), vision.hidden_size);
        if projection != width {
            return Err(format!(
                "texts have {projection} dimensions (text_config: projection_size, or else hidden_size), \
                 images {width} (vision_config: hidden_size)"
            ));
        }
        Ok(())
    }
}

impl TextConfig {
    /// Length of a text's embedding.
    pub(crate) fn projection(&self) -> usize {
        self.projection_size.unwrap_or(self.hidden_size)
    }
}

impl VisionConfig {
    /// Patches along one side; what is left of the image is not seen.
    pub(crate) fn grid(&self) -> usize {
        self.image_size / self.patch_size
    }

    fn check(&self) -> Result<(), String> {
        checks::three_channels("vision_config.num_channels", self.num_channels)?;
        checks::patches(
            ("vision_config: image_size", self.image_size),
            ("patch_size", self.patch_size),
        )?;
        match self.vision_use_head {
            true => Ok(()),
            false => Err(
                "vision_config.vision_use_head: expected true, received false; without its pooling head \
                 an image has no embedding"
                    .into(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_keys_are_those_of_the_base_model() {
        let config = SiglipConfig::parse("{}").expect("all defaults");
        let (text, vision) = (&config.text, &config.vision);
        assert_eq!((text.projection(), vision.grid()), (768, 14));
        assert_eq!(
            (text.vocab_size, text.max_position_embeddings),
            (32_000, 64)
        );
    }

    #[test]
    fn the_giant_model_projects_its_texts() {
        let json = r#"{"model_type": "siglip",
            "text_config": {"hidden_size": 1152, "num_attention_heads": 16, "projection_size": 1536},
            "vision_config": {"hidden_size": 1536, "num_attention_heads": 16}}"#;
        assert_eq!(
            SiglipConfig::parse(json)
                .expect("a giant")
                .text
                .projection(),
            1536
        );
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        for (json, part) in [
            (r#"{"model_type": "clip"}"#, "received clip"),
            (
                r#"{"model_type": "siglip2", "vision_config": {"image_size": null}}"#,
                "NaFlex",
            ),
            (r#"{"text_config": {"hidden_act": "relu"}}"#, "relu"),
            (
                r#"{"text_config": {"num_attention_heads": 7}}"#,
                "num_attention_heads 7",
            ),
            (
                r#"{"text_config": {"hidden_size": 96}}"#,
                "texts have 96 dimensions",
            ),
            (r#"{"text_config": {"projection_size": 96}}"#, "images 768"),
            (r#"{"text_config": {"vocab_size": 0}}"#, "at least 1"),
            (
                r#"{"vision_config": {"num_channels": 1}}"#,
                "expected 3, received 1",
            ),
            (r#"{"vision_config": {"patch_size": 300}}"#, "no patch"),
            (r#"{"vision_config": {"layer_norm_eps": 0}}"#, "above 0"),
            (
                r#"{"vision_config": {"vision_use_head": false}}"#,
                "pooling head",
            ),
        ] {
            let error = SiglipConfig::parse(json).expect_err(json);
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
