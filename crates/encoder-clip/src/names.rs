//! What the two layouts call the weights.

use nnn_encode::{LayerNames, QkvNames};

/// Names of all weights outside of the layers, and how the layers' are made.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    pub(crate) text: TextNames,
    pub(crate) vision: VisionNames,
    pub(crate) layers: LayerNames,
    /// Projections lie as (width, projection) instead of (projection, width).
    pub(crate) projections_transposed: bool,
}

/// The text tower's.
#[derive(Clone, Debug)]
pub(crate) struct TextNames {
    pub(crate) tokens: String,
    pub(crate) positions: String,
    pub(crate) layers: String,
    pub(crate) norm: String,
    pub(crate) projection: String,
}

/// The vision tower's.
#[derive(Clone, Debug)]
pub(crate) struct VisionNames {
    pub(crate) class: &'static str,
    pub(crate) patches: &'static str,
    pub(crate) positions: &'static str,
    pub(crate) norm_before: &'static str,
    pub(crate) layers: &'static str,
    pub(crate) norm_after: &'static str,
    pub(crate) projection: &'static str,
}

/// `nn.MultiheadAttention` between norms, as OpenAI wrote CLIP.
const OPEN_CLIP_LAYERS: LayerNames = LayerNames {
    layers: "resblocks",
    qkv: QkvNames::Fused {
        weight: "attn.in_proj_weight",
        bias: "attn.in_proj_bias",
    },
    out: "attn.out_proj",
    norm1: "ln_1",
    norm2: "ln_2",
    fc1: "mlp.c_fc",
    fc2: "mlp.c_proj",
};

impl Names {
    /// `CLIPModel` of `transformers`.
    pub(crate) fn hugging_face() -> Self {
        let text = |name: &str| format!("text_model.{name}");
        Self {
            text: TextNames {
                tokens: text("embeddings.token_embedding.weight"),
                positions: text("embeddings.position_embedding.weight"),
                layers: text("encoder"),
                norm: text("final_layer_norm"),
                projection: "text_projection.weight".into(),
            },
            vision: VisionNames {
                class: "vision_model.embeddings.class_embedding",
                patches: "vision_model.embeddings.patch_embedding.weight",
                positions: "vision_model.embeddings.position_embedding.weight",
                // Spelt so in every checkpoint.
                norm_before: "vision_model.pre_layrnorm",
                layers: "vision_model.encoder",
                norm_after: "vision_model.post_layernorm",
                projection: "visual_projection.weight",
            },
            layers: LayerNames::HUGGING_FACE,
            projections_transposed: false,
        }
    }

    /// `CLIP` of open_clip, or its `CustomTextCLIP`, which keeps the text tower under `text`.
    pub(crate) fn open_clip(custom_text: bool) -> Self {
        let prefix = if custom_text { "text." } else { "" };
        let text = |name: &str| format!("{prefix}{name}");
        Self {
            text: TextNames {
                tokens: text("token_embedding.weight"),
                positions: text("positional_embedding"),
                layers: text("transformer"),
                norm: text("ln_final"),
                projection: text("text_projection"),
            },
            vision: VisionNames {
                class: "visual.class_embedding",
                patches: "visual.conv1.weight",
                positions: "visual.positional_embedding",
                norm_before: "visual.ln_pre",
                layers: "visual.transformer",
                norm_after: "visual.ln_post",
                projection: "visual.proj",
            },
            layers: OPEN_CLIP_LAYERS,
            projections_transposed: true,
        }
    }

    /// The shape of a projection.
    pub(crate) fn projection(&self, width: usize, projection: usize) -> Vec<usize> {
        match self.projections_transposed {
            true => vec![width, projection],
            false => vec![projection, width],
        }
    }
}
