//! BERT's text encoder: embeddings and post-norm layers, some of which may look at an image's states too.
//!
//! As in [`Transformer`](crate::Transformer), a row is a function of its own sequence, bit for bit, whatever else is in the
//! batch. The texts of a batch all look at one image, so that its keys and values are computed once and need no copy.

use super::{Activation, Linear, MIN_ROWS, Norm, attend, check_layers, indices};
use crate::checkpoint::{Shapes, Weights};
use crate::compute::Compute;
use candle_core::{Result, Tensor};

/// Size of the encoder.
#[derive(Clone, Copy, Debug)]
pub struct BertSize {
    /// Number of token embeddings.
    pub vocabulary: usize,
    /// Number of positions.
    pub positions: usize,
    /// Number of token types, of which all tokens have the first; none in BLIP.
    pub token_types: Option<usize>,
    /// Number of layers.
    pub layers: usize,
    /// Length of a state.
    pub width: usize,
    /// Length inside an MLP.
    pub inner: usize,
    /// Attention heads; divides `width`.
    pub heads: usize,
    /// Between the halves of an MLP.
    pub activation: Activation,
    /// Epsilon of the norms.
    pub eps: f64,
    /// The first layer with cross-attention; all from there on have it.
    pub cross_from: usize,
    /// Length of the states that the cross-attention looks at.
    pub cross_width: usize,
}

impl BertSize {
    /// Refuses sizes that cannot be computed for texts of up to `context` tokens.
    ///
    /// # Errors
    /// What is wrong, with the value received.
    pub fn check(&self, context: usize) -> std::result::Result<(), String> {
        let counts = [
            ("token embeddings", self.vocabulary, 1),
            ("positions", self.positions, context),
            ("token types", self.token_types.unwrap_or(1), 1),
        ];
        match counts.iter().find(|(_, count, least)| count < least) {
            Some((what, received, least)) => Err(format!(
                "{what}: expected at least {least}, received {received}"
            )),
            None => check_layers(self.width, self.heads, self.inner, self.eps),
        }
    }
}

/// The encoder.
pub struct Bert {
    words: Tensor,
    /// With the embedding of the first token type, where there is one.
    positions: Tensor,
    norm: Norm,
    layers: Vec<Layer>,
    size: BertSize,
}

struct Layer {
    /// Queries, keys and values in one product; the queries already divided by the square root of a head's width.
    qkv: Linear,
    mixed: Residual,
    cross: Option<Cross>,
    inner: Linear,
    output: Residual,
}

struct Cross {
    /// Divided by the square root of a head's width.
    query: Linear,
    key: Linear,
    value: Linear,
    mixed: Residual,
}

/// norm(rows + x W^T + b).
struct Residual {
    dense: Linear,
    norm: Norm,
}

/// What the layers with cross-attention look at in one image.
pub struct ImageStates {
    /// One entry per layer: keys (heads, width / heads, states) and values (heads, states, width / heads).
    layers: Vec<(Tensor, Tensor)>,
}

impl Bert {
    /// Adds names and shapes of all weights under `prefix`.
    pub fn shapes(shapes: &mut Shapes, prefix: &str, size: &BertSize) {
        let width = size.width;
        let embeddings = [
            ("word", Some(size.vocabulary)),
            ("position", Some(size.positions)),
            ("token_type", size.token_types),
        ];
        for (kind, rows) in embeddings {
            let name = format!("{prefix}.embeddings.{kind}_embeddings.weight");
            rows.map(|rows| shapes.insert(name, vec![rows, width]));
        }
        Norm::shapes(shapes, &format!("{prefix}.embeddings.LayerNorm"), width);
        for layer in 0..size.layers {
            Layer::shapes(shapes, &layer_name(prefix, layer), layer, size);
        }
    }

    /// Takes the encoder from weights that have [`shapes`](Self::shapes).
    ///
    /// # Errors
    /// Weights of other shapes.
    pub fn new(weights: &Weights, prefix: &str, size: BertSize) -> Result<Self> {
        let table = |kind: &str| &weights[&format!("{prefix}.embeddings.{kind}_embeddings.weight")];
        let positions = match size.token_types {
            Some(_) => table("position").broadcast_add(&table("token_type").get(0)?)?,
            None => table("position").clone(),
        };
        let norm = format!("{prefix}.embeddings.LayerNorm");
        let layers = (0..size.layers)
            .map(|layer| Layer::new(weights, &layer_name(prefix, layer), layer, &size));
        Ok(Self {
            words: table("word").clone(),
            positions,
            norm: Norm::new(weights, &norm, size.eps),
            layers: layers.collect::<Result<_>>()?,
            size,
        })
    }

    /// States of each sequence's first token, (batch, width), after the first `layers` layers without cross-attention.
    ///
    /// # Errors
    /// `ids` is not (batch, sequence), or an id is beyond the vocabulary.
    pub fn texts(
        &self,
        ids: Vec<u32>,
        batch: usize,
        layers: usize,
        compute: &Compute,
    ) -> Result<Tensor> {
        self.forward(ids, batch, layers, None, compute)
    }

    /// States of each sequence's first token, (batch, width), after all layers, those with cross-attention looking at `image`.
    ///
    /// # Errors
    /// `ids` is not (batch, sequence), or an id is beyond the vocabulary.
    pub fn texts_with(
        &self,
        image: &ImageStates,
        ids: Vec<u32>,
        batch: usize,
        compute: &Compute,
    ) -> Result<Tensor> {
        self.forward(ids, batch, self.size.layers, Some(image), compute)
    }

    /// What the layers look at of an image's `states`, (states, `cross_width`).
    ///
    /// # Errors
    /// States of another width.
    pub fn look_at(&self, states: &Tensor) -> Result<ImageStates> {
        let cross = self.layers.iter().filter_map(|it| it.cross.as_ref());
        let layers = cross.map(|cross| {
            let keys = by_head(&cross.key.forward(states)?, self.size.heads)?;
            let values = by_head(&cross.value.forward(states)?, self.size.heads)?;
            Ok((keys.transpose(1, 2)?.contiguous()?, values))
        });
        Ok(ImageStates {
            layers: layers.collect::<Result<_>>()?,
        })
    }

    fn forward(
        &self,
        ids: Vec<u32>,
        batch: usize,
        layers: usize,
        image: Option<&ImageStates>,
        compute: &Compute,
    ) -> Result<Tensor> {
        let length = ids.len() / batch;
        let first = indices((0..batch).map(|item| item * length), compute)?;
        let mut rows = self.embed(ids, batch, compute)?;
        for (index, layer) in self.layers[..layers].iter().enumerate() {
            let image = match (image, index.checked_sub(self.size.cross_from)) {
                (Some(image), Some(place)) => Some(&image.layers[place]),
                _ => None,
            };
            let keep = (index + 1 == layers).then_some(&first);
            rows = layer.forward(&rows, batch, image, keep, &self.size)?;
        }
        match layers {
            0 => rows.index_select(&first, 0),
            _ => Ok(rows),
        }
    }

    fn embed(&self, ids: Vec<u32>, batch: usize, compute: &Compute) -> Result<Tensor> {
        let (count, length) = (ids.len(), ids.len() / batch);
        let words = self
            .words
            .index_select(&Tensor::new(ids, &compute.device)?, 0)?;
        let rows = words
            .reshape((batch, length, ()))?
            .broadcast_add(&self.positions.narrow(0, 0, length)?)?;
        self.norm.forward(&rows.reshape((count, ()))?)
    }
}

fn layer_name(prefix: &str, layer: usize) -> String {
    format!("{prefix}.encoder.layer.{layer}")
}

impl Layer {
    fn shapes(shapes: &mut Shapes, name: &str, layer: usize, size: &BertSize) {
        let width = size.width;
        let mut attention = |kind: &str, input: usize| {
            for (part, input) in [("query", width), ("key", input), ("value", input)] {
                Linear::shapes(shapes, &format!("{name}.{kind}.self.{part}"), width, input);
            }
            Residual::shapes(shapes, &format!("{name}.{kind}.output"), width, width);
        };
        attention("attention", width);
        if layer >= size.cross_from {
            attention("crossattention", size.cross_width);
        }
        let inner = format!("{name}.intermediate.dense");
        Linear::shapes(shapes, &inner, size.inner, width);
        Residual::shapes(shapes, &format!("{name}.output"), width, size.inner);
    }

    fn new(weights: &Weights, name: &str, layer: usize, size: &BertSize) -> Result<Self> {
        let linear = |part: &str| Linear::new(weights, &format!("{name}.{part}"));
        let residual = |part: &str| Residual::new(weights, &format!("{name}.{part}"), size.eps);
        let scale = 1.0 / ((size.width / size.heads) as f64).sqrt();
        let parts = ["query", "key", "value"].map(|it| linear(&format!("attention.self.{it}")));
        let cross = || -> Result<Cross> {
            Ok(Cross {
                query: linear("crossattention.self.query")
                    .scaled(size.width, scale)?
                    .packed()?,
                key: linear("crossattention.self.key").packed()?,
                value: linear("crossattention.self.value").packed()?,
                mixed: residual("crossattention.output")?,
            })
        };
        Ok(Self {
            qkv: Linear::stacked(&parts)?
                .scaled(size.width, scale)?
                .packed()?,
            mixed: residual("attention.output")?,
            cross: (layer >= size.cross_from).then(cross).transpose()?,
            inner: linear("intermediate.dense").packed()?,
            output: residual("output")?,
        })
    }

    /// Only the rows at `keep` (all if none) go past the self-attention.
    fn forward(
        &self,
        rows: &Tensor,
        batch: usize,
        image: Option<&(Tensor, Tensor)>,
        keep: Option<&Tensor>,
        size: &BertSize,
    ) -> Result<Tensor> {
        let mixed = attend(&self.qkv.forward(rows)?, batch, size.heads, None)?;
        let (rows, mixed) = match keep {
            Some(keep) => (rows.index_select(keep, 0)?, mixed.index_select(keep, 0)?),
            None => (rows.clone(), mixed),
        };
        let mut rows = self.mixed.forward(&rows, &mixed)?;
        if let (Some(cross), Some((keys, values))) = (&self.cross, image) {
            let mixed = look(&cross.query.forward(&rows)?, keys, values)?;
            rows = cross.mixed.forward(&rows, &mixed)?;
        }
        let inner = self.inner.activated(&rows, size.activation)?;
        self.output.forward(&rows, &inner)
    }
}

impl Residual {
    fn shapes(shapes: &mut Shapes, name: &str, output: usize, input: usize) {
        Linear::shapes(shapes, &format!("{name}.dense"), output, input);
        Norm::shapes(shapes, &format!("{name}.LayerNorm"), output);
    }

    fn new(weights: &Weights, name: &str, eps: f64) -> Result<Self> {
        Ok(Self {
            dense: Linear::new(weights, &format!("{name}.dense")).packed()?,
            norm: Norm::new(weights, &format!("{name}.LayerNorm"), eps),
        })
    }

    fn forward(&self, rows: &Tensor, x: &Tensor) -> Result<Tensor> {
        self.norm.forward(&(rows + self.dense.forward(x)?)?)
    }
}

/// (rows, width) as (heads, rows, width / heads).
fn by_head(rows: &Tensor, heads: usize) -> Result<Tensor> {
    let (count, width) = rows.dims2()?;
    rows.reshape((count, heads, width / heads))?
        .transpose(0, 1)?
        .contiguous()
}

/// Attention of `queries` (rows, width) to one image's keys and values. Filled up as products with weights are.
fn look(queries: &Tensor, keys: &Tensor, values: &Tensor) -> Result<Tensor> {
    let (count, width) = queries.dims2()?;
    let filled = queries.pad_with_zeros(0, 0, MIN_ROWS.saturating_sub(count))?;
    let scores = by_head(&filled, keys.dim(0)?)?.matmul(keys)?;
    let mixed = candle_nn::ops::softmax_last_dim(&scores)?.matmul(values)?;
    let mixed = mixed.transpose(0, 1)?.reshape(((), width))?;
    mixed.narrow(0, 0, count)?.contiguous()
}
