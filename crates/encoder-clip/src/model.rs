//! The two towers.

use crate::checkpoint::{Shapes, Weights};
use crate::config::{ClipConfig, TextConfig, VisionConfig};
use crate::layers::{LayerSize, Norm, Transformer, project};
use candle_core::{Device, Result, Tensor};

/// A `CLIPModel`.
pub(crate) struct ClipModel {
    text: TextTower,
    vision: VisionTower,
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
    pub(crate) fn new(weights: &Weights, config: &ClipConfig) -> Result<Self> {
        Ok(Self {
            text: TextTower::new(weights, &config.text)?,
            vision: VisionTower::new(weights, &config.vision)?,
        })
    }

    /// Text features (batch, projection) of equally long sequences, pooled at the places `ends`.
    pub(crate) fn text(&self, ids: Vec<u32>, ends: &[usize]) -> Result<Tensor> {
        self.text.forward(ids, ends)
    }

    /// Image features (batch, projection) of pixels (batch, 3, side, side).
    pub(crate) fn images(&self, pixels: Vec<f32>, batch: usize) -> Result<Tensor> {
        self.vision.forward(pixels, batch)
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

    fn new(weights: &Weights, config: &TextConfig) -> Result<Self> {
        let (norm, eps) = ("text_model.final_layer_norm", config.layer_norm_eps);
        Ok(Self {
            tokens: weights["text_model.embeddings.token_embedding.weight"].clone(),
            positions: weights["text_model.embeddings.position_embedding.weight"].clone(),
            layers: Transformer::new(weights, "text_model.encoder", Self::size(config))?,
            norm: Norm::new(weights, norm, eps),
            projection: weights["text_projection.weight"].clone(),
        })
    }

    fn forward(&self, ids: Vec<u32>, ends: &[usize]) -> Result<Tensor> {
        let (batch, count) = (ends.len(), ids.len());
        let length = count / batch;
        let tokens = self
            .tokens
            .index_select(&Tensor::new(ids, &Device::Cpu)?, 0)?;
        let positions = self.positions.narrow(0, 0, length)?;
        let rows = tokens
            .reshape((batch, length, ()))?
            .broadcast_add(&positions)?
            .reshape((count, ()))?;
        let places = ends
            .iter()
            .enumerate()
            .map(|(item, end)| item * length + end);
        let keep = indices(places)?;
        let rows = self
            .layers
            .forward(rows, batch, Some(&causal(length)?), &keep)?;
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

    fn new(weights: &Weights, config: &VisionConfig) -> Result<Self> {
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

    fn forward(&self, pixels: Vec<f32>, batch: usize) -> Result<Tensor> {
        let patches = project(&self.cut(pixels, batch)?, &self.patches)?;
        let patches = patches.reshape((batch, (), self.size.hidden_size))?;
        let class = self.class.broadcast_left((batch, 1))?;
        let tokens = Tensor::cat(&[&class, &patches], 1)?;
        let rows = tokens.broadcast_add(&self.positions)?;
        let length = rows.dim(1)?;
        let rows = self.norm_before.forward(&rows.flatten(0, 1)?)?;
        let keep = indices((0..batch).map(|item| item * length))?;
        let rows = self.layers.forward(rows, batch, None, &keep)?;
        project(&self.norm_after.forward(&rows)?, &self.projection)
    }

    /// One row a patch: (batch x grid x grid, 3 x patch x patch).
    fn cut(&self, pixels: Vec<f32>, batch: usize) -> Result<Tensor> {
        let (side, grid, patch) = (self.size.image_size, self.size.grid(), self.size.patch_size);
        let pixels = Tensor::from_vec(pixels, (batch, 3, side, side), &Device::Cpu)?;
        pixels
            .narrow(2, 0, grid * patch)?
            .narrow(3, 0, grid * patch)?
            .contiguous()?
            .reshape(&[batch, 3, grid, patch, grid, patch])?
            .permute(vec![0, 2, 4, 1, 3, 5])?
            .reshape((batch * grid * grid, 3 * patch * patch))
    }
}

fn indices(places: impl Iterator<Item = usize>) -> Result<Tensor> {
    let places: Vec<u32> = places.map(|place| place as u32).collect();
    Tensor::new(places, &Device::Cpu)
}

/// Zero where a place may look (itself and before), minus infinity elsewhere.
fn causal(length: usize) -> Result<Tensor> {
    let value = |at: usize| match at % length > at / length {
        true => f32::NEG_INFINITY,
        false => 0.0,
    };
    let mask: Vec<f32> = (0..length * length).map(value).collect();
    Tensor::from_vec(mask, (length, length), &Device::Cpu)
}
