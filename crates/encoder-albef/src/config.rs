//! What a card says of an ALBEF checkpoint: the authors' `configs/Retrieval_*.yaml` and `configs/config_bert.json`, and the
//! sizes that `models/model_retrieval.py` gives its vision transformer. Nothing has a default.

use nnn_encode::{Activation, BertSize, VitSize, checks};
use serde::{Deserialize, Serialize};

/// Most token ids of a text (`max_length` in the authors' `Retrieval.py`).
pub(crate) const CONTEXT: usize = 30;

/// Epsilon of the vision transformer's norms, as the authors' code has it.
const VISION_EPS: f64 = 1e-6;

/// Both towers and the joint dimension.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct AlbefConfig {
    model_type: String,
    /// Side of an image in pixels.
    pub(crate) image_res: usize,
    /// Length of an embedding.
    pub(crate) embed_dim: usize,
    pub(crate) vision_config: VisionConfig,
    pub(crate) bert_config: BertConfig,
}

/// The arguments of the authors' `VisionTransformer`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct VisionConfig {
    pub(crate) patch_size: usize,
    pub(crate) embed_dim: usize,
    pub(crate) depth: usize,
    pub(crate) num_heads: usize,
    pub(crate) mlp_ratio: usize,
}

/// What is read of `config_bert.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct BertConfig {
    pub(crate) vocab_size: usize,
    pub(crate) type_vocab_size: usize,
    pub(crate) hidden_size: usize,
    pub(crate) intermediate_size: usize,
    pub(crate) num_hidden_layers: usize,
    pub(crate) num_attention_heads: usize,
    pub(crate) max_position_embeddings: usize,
    pub(crate) hidden_act: Activation,
    pub(crate) layer_norm_eps: f64,
    /// The first layer that looks at the image; those before it make the text's embedding.
    pub(crate) fusion_layer: usize,
    /// Length of the image's states.
    pub(crate) encoder_width: usize,
}

impl AlbefConfig {
    /// Reads and checks the configuration.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let config: Self = serde_json::from_str(json).map_err(|it| it.to_string())?;
        checks::model_type("albef", &config.model_type)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        checks::at_least_one("embed_dim", self.embed_dim)?;
        let (text, vision) = (self.text(), self.vision());
        text.check(CONTEXT)
            .map_err(|it| format!("bert_config: {it}"))?;
        vision
            .check()
            .map_err(|it| format!("vision_config: {it}"))?;
        let (fusion, layers) = (self.bert_config.fusion_layer, text.layers);
        if fusion == 0 || fusion >= layers {
            return Err(format!(
                "bert_config: fusion_layer {fusion} should be at least 1 and below num_hidden_layers {layers}"
            ));
        }
        if text.cross_width != vision.width {
            return Err(format!(
                "bert_config: encoder_width {} is not the vision_config's embed_dim {}",
                text.cross_width, vision.width
            ));
        }
        Ok(())
    }

    pub(crate) fn vision(&self) -> VitSize {
        let vision = &self.vision_config;
        VitSize {
            image: self.image_res,
            patch: vision.patch_size,
            width: vision.embed_dim,
            layers: vision.depth,
            heads: vision.num_heads,
            inner: vision.mlp_ratio.saturating_mul(vision.embed_dim),
            activation: Activation::Gelu,
            eps: VISION_EPS,
        }
    }

    pub(crate) fn text(&self) -> BertSize {
        let text = &self.bert_config;
        BertSize {
            vocabulary: text.vocab_size,
            positions: text.max_position_embeddings,
            token_types: Some(text.type_vocab_size),
            layers: text.num_hidden_layers,
            width: text.hidden_size,
            inner: text.intermediate_size,
            heads: text.num_attention_heads,
            activation: text.hidden_act,
            eps: text.layer_norm_eps,
            cross_from: text.fusion_layer,
            cross_width: text.encoder_width,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn published() -> Value {
        json!({
            "model_type": "albef", "image_res": 384, "embed_dim": 256,
            "vision_config": {"patch_size": 16, "embed_dim": 768, "depth": 12, "num_heads": 12, "mlp_ratio": 4},
            "bert_config": {
                "vocab_size": 30522, "type_vocab_size": 2, "hidden_size": 768, "intermediate_size": 3072,
                "num_hidden_layers": 12, "num_attention_heads": 12, "max_position_embeddings": 512,
                "hidden_act": "gelu", "layer_norm_eps": 1e-12, "fusion_layer": 6, "encoder_width": 768
            }
        })
    }

    #[test]
    fn the_published_sizes_are_accepted_and_none_has_a_default() {
        AlbefConfig::parse(&published().to_string()).expect("the published sizes");
        for path in ["", "/vision_config", "/bert_config"] {
            let keys = published().pointer(path).expect("an object").clone();
            for key in keys.as_object().expect("an object").keys() {
                let mut config = published();
                let object = config.pointer_mut(path).and_then(Value::as_object_mut);
                object.expect("an object").remove(key);
                let error = AlbefConfig::parse(&config.to_string()).expect_err(key);
                assert!(error.contains(key.as_str()), "{key}: {error}");
            }
        }
    }

    #[test]
    fn what_cannot_be_computed_is_refused() {
        for (pointer, value, part) in [
            ("/model_type", json!("blip"), "received blip"),
            ("/image_res", json!(8), "no patch"),
            ("/embed_dim", json!(0), "at least 1"),
            ("/vision_config/num_heads", json!(7), "heads 7"),
            ("/bert_config/hidden_act", json!("relu"), "relu"),
            ("/bert_config/num_attention_heads", json!(0), "heads 0"),
            (
                "/bert_config/max_position_embeddings",
                json!(29),
                "received 29",
            ),
            ("/bert_config/type_vocab_size", json!(0), "token types"),
            ("/bert_config/layer_norm_eps", json!(-1.0), "above 0"),
            ("/bert_config/fusion_layer", json!(12), "fusion_layer 12"),
            (
                "/bert_config/encoder_width",
                json!(512),
                "encoder_width 512",
            ),
        ] {
            let mut config = published();
            *config.pointer_mut(pointer).expect(pointer) = value;
            let error = AlbefConfig::parse(&config.to_string()).expect_err(pointer);
            assert!(error.contains(part), "{pointer}: {error}");
        }
    }
}
