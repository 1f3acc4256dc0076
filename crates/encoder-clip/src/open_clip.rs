//! `open_clip_config.json`: open_clip's own description of a model and its preprocessing.

use crate::config::{ClipConfig, TextConfig, VisionConfig};
use crate::model::LEGACY_EOS;
use nnn_encode::{Activation, OpenClipCleaning, PixelSpec, PixelSpecError};
use serde::Deserialize;
use serde_json::{Map, Value};

/// The model that the file describes.
pub(crate) struct OpenClipConfig {
    pub(crate) model: ClipConfig,
    /// What is done to a text before the tokenizer sees it.
    pub(crate) cleaning: OpenClipCleaning,
    preprocess: Value,
}

#[derive(Deserialize)]
struct Raw {
    model_cfg: Model,
    #[serde(default)]
    preprocess_cfg: Value,
}

/// `model_cfg`; of its defaults, see `open_clip/model.py`.
#[derive(Deserialize)]
struct Model {
    embed_dim: usize,
    #[serde(default)]
    quick_gelu: bool,
    /// Not read: names of the weights say themselves whether the text tower lies under `text`.
    #[serde(default, rename = "custom_text")]
    _custom_text: bool,
    vision_cfg: Vision,
    text_cfg: Text,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Vision {
    layers: Value,
    width: usize,
    head_width: usize,
    mlp_ratio: f64,
    patch_size: usize,
    image_size: usize,
    norm_kwargs: Option<NormSettings>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(default)]
struct Text {
    context_length: usize,
    vocab_size: usize,
    width: usize,
    heads: usize,
    layers: usize,
    mlp_ratio: f64,
    norm_kwargs: Option<NormSettings>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NormSettings {
    eps: f64,
}

impl Default for Vision {
    fn default() -> Self {
        Self {
            layers: 12.into(),
            width: 768,
            head_width: 64,
            mlp_ratio: 4.0,
            patch_size: 16,
            image_size: 224,
            norm_kwargs: None,
            rest: Map::new(),
        }
    }
}

impl Default for Text {
    fn default() -> Self {
        Self {
            context_length: 77,
            vocab_size: 49_408,
            width: 512,
            heads: 8,
            layers: 12,
            mlp_ratio: 4.0,
            norm_kwargs: None,
            rest: Map::new(),
        }
    }
}

/// Keys that say nothing of the forward pass to an embedding: of the loss, of training, of where a tokenizer is.
const WITHOUT_EFFECT: [&str; 9] = [
    "hf_tokenizer_name",
    "init_logit_bias",
    "init_logit_scale",
    "nonscalar_logit_scale",
    "output_tokens",
    "pad_id",
    "patch_dropout",
    "timm_model_pretrained",
    "tokenizer_kwargs",
];

/// Keys with the one value that is computed here.
const ONE_VALUE: [(&str, &str); 4] = [
    ("pool_type", "tok"),
    ("pool_type", "argmax"),
    ("pos_embed_type", "learnable"),
    ("proj_type", "linear"),
];

impl OpenClipConfig {
    /// Reads and checks the file's text; the error says what is wrong or not supported.
    pub(crate) fn parse(json: &str) -> Result<Self, String> {
        let raw: Raw = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let model = raw.model_cfg;
        let (vision, text) = (&model.vision_cfg, &model.text_cfg);
        // First, as a tower of another kind is best said by its own key.
        refuse_rest("model_cfg", &model.rest)?;
        refuse_rest("vision_cfg", &vision.rest)?;
        refuse_rest("text_cfg", &text.rest)?;
        let activation = match model.quick_gelu {
            true => Activation::QuickGelu,
            false => Activation::Gelu,
        };
        let config = ClipConfig {
            text: text.config(activation),
            vision: vision.config(activation)?,
            projection_dim: model.embed_dim,
        };
        config.check()?;
        Ok(Self {
            model: config,
            cleaning: cleaning(&text.rest)?,
            preprocess: raw.preprocess_cfg,
        })
    }

    /// What the file says of preprocessing.
    pub(crate) fn pixels(&self) -> Result<PixelSpec, PixelSpecError> {
        PixelSpec::open_clip(&self.preprocess, self.model.vision.image_size)
    }
}

impl Vision {
    fn config(&self, hidden_act: Activation) -> Result<VisionConfig, String> {
        let layers = self.layers.as_u64().ok_or_else(|| {
            let received = &self.layers;
            format!("vision_cfg.layers: expected a number, received {received}; ResNets are not supported")
        })?;
        if self.head_width == 0 || !self.width.is_multiple_of(self.head_width) {
            let (head, width) = (self.head_width, self.width);
            return Err(format!(
                "vision_cfg: head_width {head} does not divide width {width}"
            ));
        }
        Ok(VisionConfig {
            hidden_size: self.width,
            intermediate_size: inner(self.width, self.mlp_ratio),
            num_hidden_layers: layers as usize,
            num_attention_heads: self.width / self.head_width,
            num_channels: 3,
            image_size: self.image_size,
            patch_size: self.patch_size,
            hidden_act,
            layer_norm_eps: epsilon(self.norm_kwargs.as_ref()),
        })
    }
}

impl Text {
    fn config(&self, hidden_act: Activation) -> TextConfig {
        TextConfig {
            vocab_size: self.vocab_size,
            hidden_size: self.width,
            intermediate_size: inner(self.width, self.mlp_ratio),
            num_hidden_layers: self.layers,
            num_attention_heads: self.heads,
            max_position_embeddings: self.context_length,
            hidden_act,
            layer_norm_eps: epsilon(self.norm_kwargs.as_ref()),
            eos_token_id: LEGACY_EOS,
        }
    }
}

/// `get_tokenizer` of `factory.py`: CLIP's own tokenizer lowers case, one named by the file does what it is told to.
fn cleaning(text: &Map<String, Value>) -> Result<OpenClipCleaning, String> {
    let given = |key: &str| text.get(key).filter(|it| !it.is_null());
    let asked = given("tokenizer_kwargs").and_then(|it| it.get("clean"));
    match (asked, given("hf_tokenizer_name")) {
        (Some(name), _) => name
            .as_str()
            .and_then(OpenClipCleaning::named)
            .ok_or_else(|| {
                format!("text_cfg.tokenizer_kwargs.clean: expected lower, whitespace or canonicalize, received {name}")
            }),
        (None, Some(_)) => Ok(OpenClipCleaning::Whitespace),
        (None, None) => Ok(OpenClipCleaning::Lower),
    }
}

/// As Python's `int(width * ratio)`.
fn inner(width: usize, ratio: f64) -> usize {
    (width as f64 * ratio) as usize
}

fn epsilon(settings: Option<&NormSettings>) -> f64 {
    settings.map_or(1e-5, |it| it.eps)
}

/// Refuses keys that change the model in ways that are not computed here.
fn refuse_rest(part: &str, rest: &Map<String, Value>) -> Result<(), String> {
    let harmless = |(key, value): &(&String, &Value)| {
        let off = value.is_null() || **value == false;
        let known = value.as_str().map(|it| (key.as_str(), it));
        off || WITHOUT_EFFECT.contains(&key.as_str())
            || known.is_some_and(|it| ONE_VALUE.contains(&it))
    };
    match rest.iter().find(|it| !harmless(it)) {
        None => Ok(()),
        Some((key, value)) => Err(format!("{part}: {key} = {value} is not supported")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(vision: &str, text: &str, rest: &str) -> Result<OpenClipConfig, String> {
        OpenClipConfig::parse(&format!(
            r#"{{"model_cfg": {{"embed_dim": 1024, "vision_cfg": {vision}, "text_cfg": {text}{rest}}}}}"#
        ))
    }

    /// Sizes as in open_clip 3.3.0, `model_configs`.
    #[test]
    fn published_sizes_are_read() {
        let text = r#"{"context_length": 77, "vocab_size": 49408, "width": 1024, "heads": 16, "layers": 24}"#;
        for (vision, heads, inner, grid) in [
            (
                r#"{"image_size": 224, "layers": 12, "width": 768, "patch_size": 32}"#,
                12,
                3072,
                7,
            ),
            (
                r#"{"image_size": 336, "layers": 24, "width": 1024, "patch_size": 14}"#,
                16,
                4096,
                24,
            ),
            (
                r#"{"layers": 32, "width": 1280, "head_width": 80, "patch_size": 14}"#,
                16,
                5120,
                16,
            ),
            (
                r#"{"layers": 40, "width": 1408, "head_width": 88, "mlp_ratio": 4.3637, "patch_size": 14}"#,
                16,
                6144,
                16,
            ),
            (
                r#"{"layers": 48, "width": 1664, "head_width": 104, "mlp_ratio": 4.9231, "patch_size": 14}"#,
                16,
                8192,
                16,
            ),
        ] {
            let config = parse(vision, text, "").expect(vision).model;
            let tower = &config.vision;
            assert_eq!(
                (
                    tower.num_attention_heads,
                    tower.intermediate_size,
                    tower.grid()
                ),
                (heads, inner, grid)
            );
            assert_eq!(
                (config.text.intermediate_size, config.text.hidden_act),
                (4096, Activation::Gelu)
            );
        }
        let config =
            parse("{}", "{}", r#", "quick_gelu": true, "custom_text": true"#).expect("defaults");
        assert_eq!(
            (config.model.vision.hidden_act, config.cleaning),
            (Activation::QuickGelu, OpenClipCleaning::Lower)
        );
    }

    #[test]
    fn what_has_no_effect_is_passed_over() {
        let vision = r#"{"patch_dropout": 0.5, "pool_type": "tok", "attentional_pool": false, "ls_init_value": null}"#;
        let text = r#"{"hf_tokenizer_name": "a/b", "pool_type": "argmax", "proj_bias": false}"#;
        assert!(parse(vision, text, r#", "init_logit_bias": -10"#).is_ok());
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (vision, text, rest, part) in [
            (
                r#"{"timm_model_name": "vit_base_patch16_siglip_224"}"#,
                "{}",
                "",
                "timm_model_name",
            ),
            (r#"{"layers": [3, 4, 6, 3]}"#, "{}", "", "ResNets"),
            (r#"{"pool_type": "avg"}"#, "{}", "", "pool_type = \"avg\""),
            (r#"{"ls_init_value": 0.1}"#, "{}", "", "ls_init_value"),
            (r#"{"head_width": 100}"#, "{}", "", "head_width 100"),
            (r#"{"norm_kwargs": {"epsilon": 1}}"#, "{}", "", "epsilon"),
            (r#"{"patch_size": 0}"#, "{}", "", "patch_size 0"),
            (
                "{}",
                r#"{"hf_model_name": "roberta-base"}"#,
                "",
                "hf_model_name",
            ),
            ("{}", r#"{"no_causal_mask": true}"#, "", "no_causal_mask"),
            ("{}", r#"{"heads": 7}"#, "", "num_attention_heads 7"),
            (
                "{}",
                "{}",
                r#", "multimodal_cfg": {"width": 512}"#,
                "multimodal_cfg",
            ),
        ] {
            let error = parse(vision, text, rest).err().expect(vision);
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
