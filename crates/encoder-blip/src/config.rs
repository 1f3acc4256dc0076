//! `config.json` of a `BlipForImageTextRetrieval`, with the defaults of `transformers` 5.23.0 for what it leaves out.

use nnn_encode::{Activation, BertSize, VitSize, checks};
use serde::{Deserialize, Serialize};

/// Most token ids of a text (`max_length` in the authors' `train_retrieval.py`).
pub(crate) const CONTEXT: usize = 35;

/// Both towers and the joint dimension.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct BlipConfig {
    pub(crate) text: TextConfig,
    pub(crate) vision: VisionConfig,
    pub(crate) image_text_hidden_size: usize,
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
    pub(crate) bos_token_id: u32,
}

/// The vision tower.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default)]
pub(crate) struct VisionConfig {
    pub(crate) hidden_size: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) image_size: usize,
    pub(crate) patch_size: usize,
    pub(crate) hidden_act: Activation,
    pub(crate) layer_norm_eps: f64,
}

impl Default for TextConfig {
    fn default() -> Self {
        Self {
            vocab_size: 30_524,
            hidden_size: 768,
            intermediate_size: 3072,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            max_position_embeddings: 512,
            hidden_act: Activation::Gelu,
            layer_norm_eps: 1e-12,
            bos_token_id: 30_522,
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
            image_size: 384,
            patch_size: 16,
            hidden_act: Activation::Gelu,
            layer_norm_eps: 1e-5,
        }
    }
}

/// The file as written.
#[derive(Deserialize)]
struct Raw {
    model_type: Option<String>,
    #[serde(default)]
    text_config: TextConfig,
    #[serde(default)]
    vision_config: VisionConfig,
    #[serde(default = "default_dim")]
    image_text_hidden_size: usize,
}

fn default_dim() -> usize {
    256
}

impl BlipConfig {
    /// Reads and checks `config.json`.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let raw: Raw = serde_json::from_str(json).map_err(|it| it.to_string())?;
        checks::model_type("blip", raw.model_type.as_deref().unwrap_or("blip"))?;
        let config = Self {
            text: raw.text_config,
            vision: raw.vision_config,
            image_text_hidden_size: raw.image_text_hidden_size,
        };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        checks::at_least_one("image_text_hidden_size", self.image_text_hidden_size)?;
        let (text, vision) = (&self.text, &self.vision);
        let sizes = text.size(vision.hidden_size);
        sizes
            .check(CONTEXT)
            .map_err(|it| format!("text_config: {it}"))?;
        let sizes = vision.size();
        sizes.check().map_err(|it| format!("vision_config: {it}"))?;
        let (token, vocabulary) = (text.matching_token(), text.vocab_size);
        if token as usize >= vocabulary {
            return Err(format!(
                "text_config: [ENC] has id {token}, one after bos_token_id, beyond vocab_size {vocabulary}"
            ));
        }
        Ok(())
    }
}

impl TextConfig {
    pub(crate) fn size(&self, cross_width: usize) -> BertSize {
        BertSize {
            vocabulary: self.vocab_size,
            positions: self.max_position_embeddings,
            token_types: None,
            layers: self.num_hidden_layers,
            width: self.hidden_size,
            inner: self.intermediate_size,
            heads: self.num_attention_heads,
            activation: self.hidden_act,
            eps: self.layer_norm_eps,
            cross_from: 0,
            cross_width,
        }
    }

    /// The id of `[ENC]`, which stands for `[CLS]` where a text is matched with an image. The authors add `[DEC]`, the
    /// configuration's `bos_token_id`, and `[ENC]` to BERT's vocabulary, in this order.
    pub(crate) fn matching_token(&self) -> u32 {
        self.bos_token_id.saturating_add(1)
    }
}

impl VisionConfig {
    pub(crate) fn size(&self) -> VitSize {
        VitSize {
            image: self.image_size,
            patch: self.patch_size,
            width: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            inner: self.intermediate_size,
            activation: self.hidden_act,
            eps: self.layer_norm_eps,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_keys_are_those_of_the_base_model() {
        let config = BlipConfig::parse("{}").expect("all defaults");
        assert_eq!(config.image_text_hidden_size, 256);
        assert_eq!(config.vision.image_size, 384);
        assert_eq!(config.text.matching_token(), 30_523);
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        for (json, part) in [
            (r#"{"model_type": "clip"}"#, "received clip"),
            (r#"{"text_config": {"hidden_act": "relu"}}"#, "relu"),
            (r#"{"text_config": {"num_attention_heads": 7}}"#, "heads 7"),
            (r#"{"text_config": {"vocab_size": 30523}}"#, "[ENC]"),
            (
                r#"{"text_config": {"max_position_embeddings": 34}}"#,
                "positions: expected at least 35, received 34",
            ),
            (r#"{"vision_config": {"patch_size": 0}}"#, "no patch"),
            (r#"{"vision_config": {"patch_size": 400}}"#, "no patch"),
            (r#"{"vision_config": {"layer_norm_eps": 0}}"#, "above 0"),
            (r#"{"image_text_hidden_size": 0}"#, "at least 1"),
        ] {
            let error = BlipConfig::parse(json).expect_err(json);
            assert!(error.contains(part), "{json}: {error}");
        }
    }
}
