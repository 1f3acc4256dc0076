//! The two towers.

use crate::config::{SiglipConfig, TextConfig, VisionConfig};
use candle_core::{D, Result, Tensor};
use candle_nn::ops::softmax_last_dim;
use nnn_encode::{
    Activation, Compute, EncodeError, LayerNames, LayerSize, Linear, Norm, Shapes, Towers,
    Transformer, Weights, features, indices, patches,
};

/// A `SiglipModel`.
pub(crate) struct SiglipModel {
    text: TextTower,
    vision: VisionTower,
    compute: Compute,
}

/// Token ids to text features.
struct TextTower {
    tokens: Tensor,
    positions: Tensor,
    layers: Transformer,
    norm: Norm,
    head: Linear,
}

/// Pixels to image features.
struct VisionTower {
    /// The convolution as a product: (width, 3 x patch x patch).
    patches: Linear,
    positions: Tensor,
    layers: Transformer,
    norm: Norm,
    head: PoolingHead,
    size: VisionConfig,
}

/// Attention of one learnt query to all patches, then an MLP with a residual around it.
struct PoolingHead {
    /// (heads, 1, width / heads); already divided by the square root of the last.
    queries: Tensor,
    keys: Linear,
    values: Linear,
    out: Linear,
    norm: Norm,
    fc1: Linear,
    fc2: Linear,
    activation: Activation,
}

impl SiglipModel {
    /// Names and shapes of all weights.
    pub(crate) fn shapes(config: &SiglipConfig) -> Shapes {
        let mut shapes = Shapes::new();
        TextTower::shapes(&mut shapes, &config.text);
        VisionTower::shapes(&mut shapes, &config.vision);
        shapes
    }

    /// Takes the model from weights that have [`shapes`](Self::shapes).
    pub(crate) fn new(weights: &Weights, config: &SiglipConfig, compute: &Compute) -> Result<Self> {
        Ok(Self {
            text: TextTower::new(weights, &config.text)?,
            vision: VisionTower::new(weights, &config.vision)?,
            compute: compute.clone(),
        })
    }
}

impl Towers for SiglipModel {
    fn images(&self, pixels: Vec<f32>, batch: usize) -> std::result::Result<Vec<f32>, EncodeError> {
        features(self.vision.forward(pixels, batch, &self.compute))
    }

    fn texts(&self, ids: Vec<u32>, batch: usize) -> std::result::Result<Vec<f32>, EncodeError> {
        features(self.text.forward(ids, batch, &self.compute))
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

    fn shapes(shapes: &mut Shapes, config: &TextConfig) {
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
        Linear::shapes(shapes, "text_model.head", config.projection(), width);
    }

    fn new(weights: &Weights, config: &TextConfig) -> Result<Self> {
        let (norm, eps) = ("text_model.final_layer_norm", config.layer_norm_eps);
        Ok(Self {
            tokens: weights["text_model.embeddings.token_embedding.weight"].clone(),
            positions: weights["text_model.embeddings.position_embedding.weight"].clone(),
            layers: Transformer::new(weights, "text_model.encoder", Self::size(config))?,
            norm: Norm::new(weights, norm, eps),
            head: Linear::new(weights, "text_model.head").packed()?,
        })
    }

    /// Every token looks at every other, padding included; the last position becomes the embedding.
    fn forward(&self, ids: Vec<u32>, batch: usize, compute: &Compute) -> Result<Tensor> {
        let count = ids.len();
        let length = count / batch;
        let ids = Tensor::new(ids, &compute.device)?;
        let rows = self
            .tokens
            .index_select(&ids, 0)?
            .reshape((batch, length, ()))?
            .broadcast_add(&self.positions.narrow(0, 0, length)?)?
            .reshape((count, ()))?;
        let keep = indices((1..=batch).map(|item| item * length - 1), compute)?;
        let rows = self.layers.forward(rows, batch, None, Some(&keep))?;
        self.head.forward(&self.norm.forward(&rows)?)
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

    fn shapes(shapes: &mut Shapes, config: &VisionConfig) {
        let (width, patch) = (config.hidden_size, config.patch_size);
        let mut insert = |name: &str, shape: Vec<usize>| shapes.insert(name.into(), shape);
        insert(
            "vision_model.embeddings.patch_embedding.weight",
            vec![width, 3, patch, patch],
        );
        insert("vision_model.embeddings.patch_embedding.bias", vec![width]);
        insert(
            "vision_model.embeddings.position_embedding.weight",
            vec![config.grid() * config.grid(), width],
        );
        Transformer::shapes(shapes, "vision_model.encoder", Self::size(config));
        Norm::shapes(shapes, "vision_model.post_layernorm", width);
        PoolingHead::shapes(shapes, config);
    }

    fn new(weights: &Weights, config: &VisionConfig) -> Result<Self> {
        let (norm, eps) = ("vision_model.post_layernorm", config.layer_norm_eps);
        let embeddings = "vision_model.embeddings";
        let patches = Linear::new(weights, &format!("{embeddings}.patch_embedding"));
        Ok(Self {
            patches: patches.flattened()?.packed()?,
            positions: weights[&format!("{embeddings}.position_embedding.weight")].clone(),
            layers: Transformer::new(weights, "vision_model.encoder", Self::size(config))?,
            norm: Norm::new(weights, norm, eps),
            head: PoolingHead::new(weights, config)?,
            size: config.clone(),
        })
    }

    fn forward(&self, pixels: Vec<f32>, batch: usize, compute: &Compute) -> Result<Tensor> {
        let (side, patch) = (self.size.image_size, self.size.patch_size);
        let patches = patches(pixels, batch, side, patch, compute)?;
        let rows = self
            .patches
            .forward(&patches)?
            .reshape((batch, (), self.size.hidden_size))?
            .broadcast_add(&self.positions)?
            .flatten(0, 1)?;
        let rows = self.layers.forward(rows, batch, None, None)?;
        self.head.forward(&self.norm.forward(&rows)?, batch)
    }
}

impl PoolingHead {
    const NAME: &str = "vision_model.head";

    fn shapes(shapes: &mut Shapes, config: &VisionConfig) {
        let (width, inner) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("{}.{part}", Self::NAME);
        shapes.insert(name("probe"), vec![1, 1, width]);
        shapes.insert(name("attention.in_proj_weight"), vec![3 * width, width]);
        shapes.insert(name("attention.in_proj_bias"), vec![3 * width]);
        Linear::shapes(shapes, &name("attention.out_proj"), width, width);
        Norm::shapes(shapes, &name("layernorm"), width);
        Linear::shapes(shapes, &name("mlp.fc1"), inner, width);
        Linear::shapes(shapes, &name("mlp.fc2"), width, inner);
    }

    fn new(weights: &Weights, config: &VisionConfig) -> Result<Self> {
        let (width, heads) = (config.hidden_size, config.num_attention_heads);
        let name = |part: &str| format!("{}.{part}", Self::NAME);
        let linear = |part: &str| Linear::new(weights, &name(part)).packed();
        let (weight, bias) = ("attention.in_proj_weight", "attention.in_proj_bias");
        let qkv = Linear::named(weights, &name(weight), &name(bias));
        let part = |index: usize| qkv.outputs(index * width, width);
        let probe = weights[&name("probe")].reshape((1, width))?;
        let queries = (part(0)?.forward(&probe)? / ((width / heads) as f64).sqrt())?;
        Ok(Self {
            queries: queries.reshape((heads, 1, width / heads))?,
            keys: part(1)?.packed()?,
            values: part(2)?.packed()?,
            out: linear("attention.out_proj")?,
            norm: Norm::new(weights, &name("layernorm"), config.layer_norm_eps),
            fc1: linear("mlp.fc1")?,
            fc2: linear("mlp.fc2")?,
            activation: config.hidden_act,
        })
    }

    /// (batch, width) of `rows` (batch x patches, width).
    fn forward(&self, rows: &Tensor, batch: usize) -> Result<Tensor> {
        let (heads, _, head) = self.queries.dims3()?;
        let split = |it: Tensor| {
            let it = it.reshape((batch, (), heads, head))?;
            it.transpose(1, 2)?.contiguous()
        };
        let keys = split(self.keys.forward(rows)?)?;
        let values = split(self.values.forward(rows)?)?;
        // One item at a time: the shapes of these products are then the same in every batch.
        let queries = self.queries.broadcast_left(batch)?.contiguous()?;
        let scores = queries.matmul(&keys.transpose(D::Minus2, D::Minus1)?)?;
        let mixed = softmax_last_dim(&scores)?.matmul(&values)?;
        let rows = self.out.forward(&mixed.reshape((batch, heads * head))?)?;
        let inner = self
            .fc1
            .activated(&self.norm.forward(&rows)?, self.activation)?;
        &rows + self.fc2.forward(&inner)?
    }
}
