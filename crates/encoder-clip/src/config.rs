//! `config.json` of a `CLIPModel`, with the defaults of `transformers` for what it leaves out.

use nnn_encode::{Activation, checks};
use serde::{Deserialize, Serialize};

/// Both towers and the joint dimension.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ClipConfig {
    pub(crate) text: TextConfig,
    pub(crate) vision: VisionConfig,
    pub(crate) projection_dim: usize,
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
    pub(crate) eos_token_id: u32,
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
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            vocab_size: 49_408,
            hidden_size: 512,
            intermediate_size: 2048,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            max_position_embeddings: 77,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
            eos_token_id: 49_407,
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
            patch_size: 32,
            hidden_act: Activation::QuickGelu,
            layer_norm_eps: 1e-5,
        }
    }
}

/// The file as written. A `*_config_dict`, as OpenAI's large checkpoints have, replaces its `*_config` whole.
#[derive(Deserialize)]
struct Raw {
    model_type: Option<String>,
    text_config: Option<TextConfig>,
    text_config_dict: Option<TextConfig>,
    vision_config: Option<VisionConfig>,
    vision_config_dict: Option<VisionConfig>,
    #[serde(default = "default_projection")]
    projection_dim: usize,
}

fn default_projection() -> usize {
    512
}

impl ClipConfig {
    /// Reads and checks the file's text; the error says what is wrong.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let raw: Raw = serde_json::from_str(json).map_err(|error| error.to_string())?;
        checks::model_type("clip", raw.model_type.as_deref().unwrap_or("clip"))?;
        let config = Self {
            text: raw.text_config_dict.or(raw.text_config).unwrap_or_default(),
            vision: raw
                .vision_config_dict
                .or(raw.vision_config)
                .unwrap_or_default(),
            projection_dim: raw.projection_dim,
        };
        config.check()?;
        Ok(config)
    }

    /// Refuses sizes that cannot be computed; the keys are those of `config.json`.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (text, vision) = (&self.text, &self.vision);
        checks::at_least_one("projection_dim", self.projection_dim)?;
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
        checks::three_channels("vision_config.num_channels", vision.num_channels)?;
        checks::patches(
            ("vision_config: image_size", vision.image_size),
            ("patch_size", vision.patch_size),
        )
    }
}

impl VisionConfig {
    /// Patches along one side; what is left of the image is not seen.
    pub(crate) fn grid(&self) -> usize {
        self.image_size / self.patch_size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_keys_are_those_of_the_base_model() {
        let config = ClipConfig::parse("{}").expect("all defaults");
        assert_eq!(
            (config.projection_dim, config.vision.image_size),
            (512, 224)
        );
        assert_eq!(config.text.eos_token_id, 49_407);
    }

    #[test]
    fn a_config_dict_replaces_the_config_with_its_defaults() {
        let json = r#"{"text_config": {"hidden_size": 64, "eos_token_id": 2},
                       "text_config_dict": {"hidden_size": 96},
                       "vision_config": {"hidden_size": 48}, "vision_config_dict": null}"#;
        let config = ClipConfig::parse(json).expect("a configuration");
        assert_eq!(
            (config.text.hidden_size, config.text.eos_token_id),
            (96, 49_407)
        );
        assert_eq!(config.vision.hidden_size, 48);
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        for (json, part) in [
            (r#"{"model_type": "siglip"}"#, "received siglip"),
            (r#"{"text_config": {"hidden_act": "relu"}}"#, "relu"),
            (
                r#"{"text_config": {"num_attention_heads": 7}}"#,
                "num_attention_heads 7",
            ),
            (
                r#"{"vision_config": {"num_channels": 1}}"#,
                "expected 3, received 1",
            ),
            (r#"{"vision_config": {"patch_size": 300}}"#, "no patch"),
            (r#"{"vision_config": {"layer_norm_eps": 0}}"#, "above 0"),
            (r#"{"projection_dim": 0}"#, "at least 1"),
        ] {
            let error = ClipConfig::parse(json).expect_err(json);
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
