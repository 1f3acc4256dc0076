//! `config.json` of a `SiglipModel`, with the defaults of `transformers` for what it leaves out.

use nnn_encode::{Activation, at_least_one, epsilon, heads};
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
        match kind.model_type.as_deref() {
            None | Some("siglip") => {}
            Some("siglip2") => {
                return Err(
                    "model_type: expected siglip, received siglip2, the checkpoints of any \
                     aspect ratio (NaFlex), which are not supported; those of SigLIP 2 with one \
                     resolution say siglip"
                        .into(),
                );
            }
            Some(other) => return Err(format!("model_type: expected siglip, received {other}")),
        }
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
        let sizes = [
            ("text_config.vocab_size", text.vocab_size),
            ("text_config.intermediate_size", text.intermediate_size),
            ("vision_config.intermediate_size", vision.intermediate_size),
        ];
        sizes
            .iter()
            .try_for_each(|&(key, it)| at_least_one(key, it))?;
        heads("text_config", text.hidden_size, text.num_attention_heads)?;
        heads(
            "vision_config",
            vision.hidden_size,
            vision.num_attention_heads,
        )?;
        epsilon("text_config", text.layer_norm_eps)?;
        epsilon("vision_config", vision.layer_norm_eps)?;
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
        if self.num_channels != 3 {
            let received = self.num_channels;
            return Err(format!(
                "vision_config.num_channels: expected 3, received {received}"
            ));
        }
        let (image, patch) = (self.image_size, self.patch_size);
        if patch == 0 || image < patch {
            return Err(format!(
                "vision_config: image_size {image} holds no patch of patch_size {patch}"
            ));
        }
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
