//! The two towers.

use crate::config::{ClipConfig, TextConfig, VisionConfig};
use candle_core::Tensor;
use nnn_encode::{
    Compute, EncodeError, LayerNames, LayerSize, Norm, Shapes, Towers, Transformer, Weights,
    causal, features, indices, patches, project,
};

/// Configurations written before transformers 4.31 carry this id whatever the tokenizer's is; pooling then goes by the
/// highest id, which in CLIP's vocabulary is the end token.
const LEGACY_EOS: u32 = 2;

/// A `CLIPModel`.
pub(crate) struct ClipModel {
    text: TextTower,
    vision: VisionTower,
    eos: u32,
    compute: Compute,
}

/// Token ids to text features.
struct TextTower {
    tokens: Tensor,
    positions: Tensor,
    layers: Transformer,
    norm: Norm,
    projection: Tensor,
}

/// Pixels to image features.
struct VisionTower {
    class: Tensor,
    /// The convolution as a product: (width, 3 x patch x patch).
    patches: Tensor,
    positions: Tensor,
    norm_before: Norm,
    layers: Transformer,
    norm_after: Norm,
    projection: Tensor,
    size: VisionConfig,
}

impl ClipModel {
    /// Names and shapes of all weights.
    pub(crate) fn shapes(config: &ClipConfig) -> Shapes {
        let mut shapes = Shapes::new();
        TextTower::shapes(&mut shapes, &config.text, config.projection_dim);
        VisionTower::shapes(&mut shapes, &config.vision, config.projection_dim);
        shapes
    }

    /// Takes the model from weights that have [`shapes`](Self::shapes).
    pub(crate) fn new(
        weights: &Weights,
        config: &ClipConfig,
        compute: &Compute,
    ) -> candle_core::Result<Self> {
        Ok(Self {
            text: TextTower::new(weights, &config.text)?,
            vision: VisionTower::new(weights, &config.vision)?,
            eos: config.text.eos_token_id,
            compute: compute.clone(),
        })
    }

    /// Where a sequence is pooled: at its first end token, or by the legacy rule at its first highest id.
    fn end(&self, ids: &[u32]) -> Result<usize, EncodeError> {
        let eos = match self.eos {
            LEGACY_EOS => ids.iter().copied().max().unwrap_or_default(),
            other => other,
        };
        let end = ids.iter().position(|&id| id == eos);
        end.ok_or_else(|| EncodeError::NoEndToken {
            eos,
            ids: ids.to_vec(),
        })
    }
}

impl Towers for ClipModel {
    fn images(&self, pixels: Vec<f32>, batch: usize) -> Result<Vec<f32>, EncodeError> {
        features(self.vision.forward(pixels, batch, &self.compute))
    }

    fn texts(&self, ids: Vec<u32>, batch: usize) -> Result<Vec<f32>, EncodeError> {
        let sequences = ids.chunks_exact(ids.len() / batch);
        let ends: Vec<usize> = sequences
            .map(|ids| self.end(ids))
            .collect::<Result<_, _>>()?;
        features(self.text.forward(ids, &ends, &self.compute))
    }
}

impl TextTower {
    fn size(config: &TextConfig) -> LayerSize {
        LayerSize {
            layers: config.num_hidden_layers,
            width: config.hidden_size,
            inner: config.intermediate_size,
            heads: config.num_attention_heads,
            activation: config.hidden_act,
            eps: config.layer_norm_eps,
            names: LayerNames::HUGGING_FACE,
        }
    }

    fn shapes(shapes: &mut Shapes, config: &TextConfig, projection: usize) {
        let width = config.hidden_size;
        let embeddings = [
            ("token_embedding", config.vocab_size),
            ("position_embedding", config.max_position_embeddings),
        ];
        for (name, rows) in embeddings {
            let name = format!("text_model.embeddings.{name}.weight");
            shapes.insert(name, vec![rows, width]);
        }
        Transformer::shapes(shapes, "text_model.encoder", Self::size(config));
        Norm::shapes(shapes, "text_model.final_layer_norm", width);
        shapes.insert("text_projection.weight".into(), vec![projection, width]);
    }

    fn new(weights: &Weights, config: &TextConfig) -> candle_core::Result<Self> {
        let (norm, eps) = ("text_model.final_layer_norm", config.layer_norm_eps);
        Ok(Self {
            tokens: weights["text_model.embeddings.token_embedding.weight"].clone(),
            positions: weights["text_model.embeddings.position_embedding.weight"].clone(),
            layers: Transformer::new(weights, "text_model.encoder", Self::size(config))?,
            norm: Norm::new(weights, norm, eps),
            projection: weights["text_projection.weight"].clone(),
        })
    }

    fn forward(
        &self,
        ids: Vec<u32>,
        ends: &[usize],
        compute: &Compute,
    ) -> candle_core::Result<Tensor> {
        let (batch, count) = (ends.len(), ids.len());
        let length = count / batch;
        let tokens = self
            .tokens
            .index_select(&Tensor::new(ids, &compute.device)?, 0)?;
        let positions = self.positions.narrow(0, 0, length)?;
        let rows = tokens
            .reshape((batch, length, ()))?
            .broadcast_add(&positions)?
            .reshape((count, ()))?;
        let places = ends
            .iter()
            .enumerate()
            .map(|(item, end)| item * length + end);
        let keep = indices(places, compute)?;
        let mask = causal(length, compute)?;
        let rows = self.layers.forward(rows, batch, Some(&mask), Some(&keep))?;
        project(&self.norm.forward(&rows)?, &self.projection)
    }
}

impl VisionTower {
    fn size(config: &VisionConfig) -> LayerSize {
        LayerSize {
            layers: config.num_hidden_layers,
            width: config.hidden_size,
            inner: config.intermediate_size,
            heads: config.num_attention_heads,
            activation: config.hidden_act,
            eps: config.layer_norm_eps,
            names: LayerNames::HUGGING_FACE,
        }
    }

    fn shapes(shapes: &mut Shapes, config: &VisionConfig, projection: usize) {
        let (width, patch) = (config.hidden_size, config.patch_size);
        let mut insert = |name: &str, shape: Vec<usize>| shapes.insert(name.into(), shape);
        insert("vision_model.embeddings.class_embedding", vec![width]);
        insert(
            "vision_model.embeddings.patch_embedding.weight",
            vec![width, 3, patch, patch],
        );
        insert(
            "vision_model.embeddings.position_embedding.weight",
            vec![config.grid() * config.grid() + 1, width],
        );
        insert("visual_projection.weight", vec![projection, width]);
        // The name is spelt so in every checkpoint.
        Norm::shapes(shapes, "vision_model.pre_layrnorm", width);
        Transformer::shapes(shapes, "vision_model.encoder", Self::size(config));
        Norm::shapes(shapes, "vision_model.post_layernorm", width);
    }

    fn new(weights: &Weights, config: &VisionConfig) -> candle_core::Result<Self> {
        let norm = |name: &str| Norm::new(weights, name, config.layer_norm_eps);
        let patches = &weights["vision_model.embeddings.patch_embedding.weight"];
        Ok(Self {
            class: weights["vision_model.embeddings.class_embedding"].clone(),
            patches: patches.flatten_from(1)?,
            positions: weights["vision_model.embeddings.position_embedding.weight"].clone(),
            norm_before: norm("vision_model.pre_layrnorm"),
            layers: Transformer::new(weights, "vision_model.encoder", Self::size(config))?,
            norm_after: norm("vision_model.post_layernorm"),
            projection: weights["visual_projection.weight"].clone(),
            size: config.clone(),
        })
    }

    fn forward(
        &self,
        pixels: Vec<f32>,
        batch: usize,
        compute: &Compute,
    ) -> candle_core::Result<Tensor> {
        let (side, patch) = (self.size.image_size, self.size.patch_size);
        let patches = project(
            &patches(pixels, batch, side, patch, compute)?,
            &self.patches,
        )?;
        let patches = patches.reshape((batch, (), self.size.hidden_size))?;
        let class = self.class.broadcast_left((batch, 1))?;
        let tokens = Tensor::cat(&[&class, &patches], 1)?;
        let rows = tokens.broadcast_add(&self.positions)?;
        let length = rows.dim(1)?;
        let rows = self.norm_before.forward(&rows.flatten(0, 1)?)?;
        let keep = indices((0..batch).map(|item| item * length), compute)?;
        let rows = self.layers.forward(rows, batch, None, Some(&keep))?;
        project(&self.norm_after.forward(&rows)?, &self.projection)
    }
}
