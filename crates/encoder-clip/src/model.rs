//! The two towers.

use crate::config::{ClipConfig, TextConfig, VisionConfig};
use crate::names::Names;
use candle_core::Tensor;
use nnn_encode::{
    Compute, EncodeError, LayerNames, LayerSize, Linear, Norm, Shapes, Towers, Transformer,
    Weights, causal, features, indices, patches,
};

/// Configurations written before transformers 4.31 carry this id whatever the tokenizer's is; pooling then goes by the
/// highest id, which in CLIP's vocabulary is the end token. open_clip always pools so.
pub(crate) const LEGACY_EOS: u32 = 2;

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
    projection: Linear,
}

/// Pixels to image features.
struct VisionTower {
    class: Tensor,
    /// The convolution as a product: (width, 3 x patch x patch).
    patches: Linear,
    positions: Tensor,
    norm_before: Norm,
    layers: Transformer,
    norm_after: Norm,
    projection: Linear,
    size: VisionConfig,
}

impl ClipModel {
    /// Names and shapes of all weights.
    pub(crate) fn shapes(config: &ClipConfig, names: &Names) -> Shapes {
        let mut shapes = Shapes::new();
        TextTower::shapes(&mut shapes, &config.text, config.projection_dim, names);
        VisionTower::shapes(&mut shapes, &config.vision, config.projection_dim, names);
        shapes
    }

    /// Takes the model from weights that have [`shapes`](Self::shapes).
    pub(crate) fn new(
        weights: &Weights,
        config: &ClipConfig,
        names: &Names,
        compute: &Compute,
    ) -> candle_core::Result<Self> {
        Ok(Self {
            text: TextTower::new(weights, &config.text, names)?,
            vision: VisionTower::new(weights, &config.vision, names)?,
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
    fn size(config: &TextConfig, names: LayerNames) -> LayerSize {
        LayerSize {
            layers: config.num_hidden_layers,
            width: config.hidden_size,
            inner: config.intermediate_size,
            heads: config.num_attention_heads,
            activation: config.hidden_act,
            eps: config.layer_norm_eps,
            names,
        }
    }

    fn shapes(shapes: &mut Shapes, config: &TextConfig, projection: usize, names: &Names) {
        let (width, text) = (config.hidden_size, &names.text);
        shapes.insert(text.tokens.clone(), vec![config.vocab_size, width]);
        shapes.insert(
            text.positions.clone(),
            vec![config.max_position_embeddings, width],
        );
        Transformer::shapes(shapes, &text.layers, Self::size(config, names.layers));
        Norm::shapes(shapes, &text.norm, width);
        shapes.insert(text.projection.clone(), names.projection(width, projection));
    }

    fn new(weights: &Weights, config: &TextConfig, names: &Names) -> candle_core::Result<Self> {
        let text = &names.text;
        Ok(Self {
            tokens: weights[&text.tokens].clone(),
            positions: weights[&text.positions].clone(),
            layers: Transformer::new(weights, &text.layers, Self::size(config, names.layers))?,
            norm: Norm::new(weights, &text.norm, config.layer_norm_eps),
            projection: projection(weights, &text.projection, names)?,
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
        self.projection.forward(&self.norm.forward(&rows)?)
    }
}

impl VisionTower {
    fn size(config: &VisionConfig, names: LayerNames) -> LayerSize {
        LayerSize {
            layers: config.num_hidden_layers,
            width: config.hidden_size,
            inner: config.intermediate_size,
            heads: config.num_attention_heads,
            activation: config.hidden_act,
            eps: config.layer_norm_eps,
            names,
        }
    }

    fn shapes(shapes: &mut Shapes, config: &VisionConfig, projection: usize, names: &Names) {
        let (width, patch, vision) = (config.hidden_size, config.patch_size, &names.vision);
        let positions = config.grid() * config.grid() + 1;
        let mut insert = |name: &str, shape: Vec<usize>| shapes.insert(name.into(), shape);
        insert(vision.class, vec![width]);
        insert(vision.patches, vec![width, 3, patch, patch]);
        insert(vision.positions, vec![positions, width]);
        insert(vision.projection, names.projection(width, projection));
        Norm::shapes(shapes, vision.norm_before, width);
        Transformer::shapes(shapes, vision.layers, Self::size(config, names.layers));
        Norm::shapes(shapes, vision.norm_after, width);
    }

    fn new(weights: &Weights, config: &VisionConfig, names: &Names) -> candle_core::Result<Self> {
        let vision = &names.vision;
        let norm = |name: &str| Norm::new(weights, name, config.layer_norm_eps);
        Ok(Self {
            class: weights[vision.class].clone(),
            patches: Linear::unbiased(weights, weights[vision.patches].flatten_from(1)?)
                .packed()?,
            positions: weights[vision.positions].clone(),
            norm_before: norm(vision.norm_before),
            layers: Transformer::new(weights, vision.layers, Self::size(config, names.layers))?,
            norm_after: norm(vision.norm_after),
            projection: projection(weights, vision.projection, names)?,
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
        let patches = patches(pixels, batch, side, patch, compute)?;
        let patches = self.patches.forward(&patches)?;
        let patches = patches.reshape((batch, (), self.size.hidden_size))?;
        let class = self.class.broadcast_left((batch, 1))?;
        let tokens = Tensor::cat(&[&class, &patches], 1)?;
        let rows = tokens.broadcast_add(&self.positions)?;
        let length = rows.dim(1)?;
        let rows = self.norm_before.forward(&rows.flatten(0, 1)?)?;
        let keep = indices((0..batch).map(|item| item * length), compute)?;
        let rows = self.layers.forward(rows, batch, None, Some(&keep))?;
        self.projection.forward(&self.norm_after.forward(&rows)?)
    }
}

/// A projection, whichever way round the checkpoint has it.
fn projection(weights: &Weights, name: &str, names: &Names) -> candle_core::Result<Linear> {
    let weight = match names.projections_transposed {
        true => weights[name].t()?.contiguous()?,
        false => weights[name].clone(),
    };
    Linear::unbiased(weights, weight).packed()
}
