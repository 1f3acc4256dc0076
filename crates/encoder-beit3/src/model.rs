//! The two ways through the multiway transformer: experts `A` see images, experts `B` texts, and retrieval never mixes them.

use crate::config::Beit3Config;
use candle_core::{D, Tensor};
use nnn_encode::{
    Activation, Checkpoint, Compute, EncodeError, LayerNames, LayerSize, Linear, Norm, QkvNames,
    Shapes, SubNorms, Towers, Transformer, Weights, features, indices, patches, resized_positions,
};

const IMAGE_POSITIONS: &str = "beit3.encoder.embed_positions.A.weight";
const TEXT_POSITIONS: &str = "beit3.encoder.embed_positions.B.weight";
const PATCHES: &str = "beit3.vision_embed.proj";

/// Rows of a table of positions before that of the first token, a habit of fairseq's.
const FIRST_POSITION: usize = 2;

/// A `BEiT3ForRetrieval`.
pub(crate) struct Beit3Model {
    class: Tensor,
    patches: Linear,
    /// (1, 1 + grid x grid, width).
    image_positions: Tensor,
    images: Way,
    tokens: Tensor,
    /// (positions, width), that of the first token first.
    text_positions: Tensor,
    texts: Way,
    config: Beit3Config,
    compute: Compute,
}

/// The experts of one kind of input, and its head.
struct Way {
    layers: Transformer,
    norm: Norm,
    head: Linear,
}

/// What a way's parts are called.
struct WayNames {
    layer: LayerNames,
    sub: SubNorms,
    norm: &'static str,
    head: &'static str,
}

macro_rules! way {
    ($expert:literal, $head:literal) => {
        WayNames {
            layer: LayerNames {
                layers: "layers",
                qkv: QkvNames::Separate([
                    concat!("self_attn.q_proj.", $expert),
                    concat!("self_attn.k_proj.", $expert),
                    concat!("self_attn.v_proj.", $expert),
                ]),
                out: concat!("self_attn.out_proj.", $expert),
                norm1: concat!("self_attn_layer_norm.", $expert),
                norm2: concat!("final_layer_norm.", $expert),
                fc1: concat!("ffn.", $expert, ".fc1"),
                fc2: concat!("ffn.", $expert, ".fc2"),
            },
            sub: SubNorms {
                attention: concat!("self_attn.inner_attn_ln.", $expert),
                mlp: concat!("ffn.", $expert, ".ffn_layernorm"),
            },
            norm: concat!("beit3.encoder.layer_norm.", $expert),
            head: $head,
        }
    };
}

const IMAGES: WayNames = way!("A", "vision_head.weight");
const TEXTS: WayNames = way!("B", "language_head.weight");

impl Beit3Model {
    /// Names and shapes of all weights. The positions of images are those of the checkpoint's own grid, if it has one.
    pub(crate) fn shapes(config: &Beit3Config, checkpoint: &Checkpoint) -> Shapes {
        let (width, patch) = (config.encoder_embed_dim, config.patch_size);
        let own = checkpoint.shape(IMAGE_POSITIONS);
        let grid = own.and_then(|it| grid(*it.first()?));
        let grid = grid.unwrap_or(config.grid());
        let mut shapes = Shapes::new();
        let mut insert = |name: &str, shape: Vec<usize>| shapes.insert(name.into(), shape);
        insert("beit3.vision_embed.cls_token", vec![1, 1, width]);
        insert(&format!("{PATCHES}.weight"), vec![width, 3, patch, patch]);
        insert(&format!("{PATCHES}.bias"), vec![width]);
        insert(
            IMAGE_POSITIONS,
            vec![FIRST_POSITION + 1 + grid * grid, width],
        );
        insert("beit3.text_embed.weight", vec![config.vocab_size, width]);
        insert(TEXT_POSITIONS, vec![config.max_source_positions, width]);
        Way::shapes(&mut shapes, &IMAGES, config);
        Way::shapes(&mut shapes, &TEXTS, config);
        shapes
    }

    /// Takes the model from weights that have [`shapes`](Self::shapes).
    pub(crate) fn new(
        weights: &Weights,
        config: &Beit3Config,
        compute: &Compute,
    ) -> candle_core::Result<Self> {
        let table = |name: &str| {
            let table = &weights[name];
            table.narrow(0, FIRST_POSITION, table.dim(0)? - FIRST_POSITION)
        };
        let image_positions = table(IMAGE_POSITIONS)?.unsqueeze(0)?;
        Ok(Self {
            class: weights["beit3.vision_embed.cls_token"].clone(),
            patches: Linear::new(weights, PATCHES).flattened()?.packed()?,
            image_positions: resized_positions(&image_positions, config.grid())?,
            images: Way::new(weights, &IMAGES, config)?,
            tokens: weights["beit3.text_embed.weight"].clone(),
            text_positions: table(TEXT_POSITIONS)?,
            texts: Way::new(weights, &TEXTS, config)?,
            config: config.clone(),
            compute: compute.clone(),
        })
    }

    fn embed_images(&self, pixels: Vec<f32>, batch: usize) -> candle_core::Result<Tensor> {
        let (side, patch) = (self.config.img_size, self.config.patch_size);
        let patches = patches(pixels, batch, side, patch, &self.compute)?;
        let patches = self.patches.forward(&patches)?;
        let width = patches.dim(D::Minus1)?;
        let class = self.class.broadcast_as((batch, 1, width))?;
        let tokens = Tensor::cat(&[&class, &patches.reshape((batch, (), width))?], 1)?;
        let rows = tokens.broadcast_add(&self.image_positions)?;
        self.images.forward(&rows, &self.compute)
    }

    fn embed_texts(&self, ids: Vec<u32>, batch: usize) -> candle_core::Result<Tensor> {
        let length = ids.len() / batch;
        let ids = Tensor::new(ids, &self.compute.device)?;
        let tokens = self.tokens.index_select(&ids, 0)?;
        let positions = self.text_positions.narrow(0, 0, length)?;
        let rows = tokens
            .reshape((batch, length, ()))?
            .broadcast_add(&positions)?;
        self.texts.forward(&rows, &self.compute)
    }
}

/// The side of the grid whose positions, class token and unused rows are so many.
fn grid(rows: usize) -> Option<usize> {
    let patches = rows.checked_sub(FIRST_POSITION + 1)?;
    let side = patches.isqrt();
    (side > 0 && side * side == patches).then_some(side)
}

impl Towers for Beit3Model {
    fn images(&self, pixels: Vec<f32>, batch: usize) -> Result<Vec<f32>, EncodeError> {
        features(self.embed_images(pixels, batch))
    }

    fn texts(&self, ids: Vec<u32>, batch: usize) -> Result<Vec<f32>, EncodeError> {
        features(self.embed_texts(ids, batch))
    }
}

impl Way {
    fn size(names: &WayNames, config: &Beit3Config) -> LayerSize {
        LayerSize {
            layers: config.encoder_layers,
            width: config.encoder_embed_dim,
            inner: config.encoder_ffn_embed_dim,
            heads: config.encoder_attention_heads,
            activation: Activation::Gelu,
            eps: config.layernorm_eps,
            names: names.layer,
        }
    }

    fn shapes(shapes: &mut Shapes, names: &WayNames, config: &Beit3Config) {
        let (width, size) = (config.encoder_embed_dim, Self::size(names, config));
        Transformer::shapes(shapes, "beit3.encoder", size);
        names.sub.shapes(shapes, "beit3.encoder", size);
        Norm::shapes(shapes, names.norm, width);
        shapes.insert(names.head.into(), vec![width, width]);
    }

    fn new(weights: &Weights, names: &WayNames, config: &Beit3Config) -> candle_core::Result<Self> {
        let size = Self::size(names, config);
        let layers = Transformer::new(weights, "beit3.encoder", size)?;
        Ok(Self {
            layers: layers.with_sub_norms(weights, "beit3.encoder", size, names.sub),
            norm: Norm::new(weights, names.norm, config.layernorm_eps),
            head: Linear::unbiased(weights, weights[names.head].clone()).packed()?,
        })
    }

    /// The head's view of the first token of every sequence of `rows` (batch, sequence, width).
    fn forward(&self, rows: &Tensor, compute: &Compute) -> candle_core::Result<Tensor> {
        let (batch, length, _) = rows.dims3()?;
        let first = indices((0..batch).map(|item| item * length), compute)?;
        let rows = rows.flatten(0, 1)?;
        let rows = self.layers.forward(rows, batch, None, Some(&first))?;
        self.head.forward(&self.norm.forward(&rows)?)
    }
}
