//! The pieces of transformer towers, on rows of activations: (batch x sequence, width), contiguous.
//!
//! **A row is a function of its own sequence, bit for bit, whatever else is in the batch.** Norms, activations and
//! softmax work row by row. Attention multiplies each head of each sequence by itself, in shapes that depend on the
//! sequence alone. What is left are the products with weights, where the batch is part of the shape: `gemm` sums every
//! element in one order, cut into chunks that depend on the inner dimension, except that it has other kernels for
//! single vectors and for results of up to 256 elements, and another cut where both sides are at most 64. Rows are
//! therefore filled up to 65, beyond all three.

mod bert;
mod bf16;
mod cpu;
mod kernels;
mod transformer;
mod vit;

pub use bert::{Bert, BertSize, ImageStates};
pub use bf16::{bf16_instructions, bf16_refused};
pub use transformer::{LayerNames, LayerSize, QkvNames, SubNorms, Transformer};
pub use vit::{VisionTransformer, VitNames, VitSize, resized_positions};

use crate::checkpoint::{Shapes, Weights, checks};
use crate::compute::Compute;
use crate::error::EncodeError;
use bf16::Packed;
use candle_core::{D, DType, Device, Result, Tensor};
use kernels::MIN_ROWS;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The activation between the two halves of an MLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// x * sigmoid(1.702 x), OpenAI's.
    QuickGelu,
    /// x * (1 + erf(x / sqrt 2)) / 2.
    Gelu,
    /// x * (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
    #[serde(rename = "gelu_pytorch_tanh", alias = "gelu_new")]
    GeluTanh,
}

/// x W^T + b, or without b.
#[derive(Clone)]
pub struct Linear {
    weight: Weight,
    /// (output).
    bias: Option<Tensor>,
    /// Whether [`packed`](Self::packed) rounds to bf16.
    rounds: bool,
}

#[derive(Clone)]
enum Weight {
    /// (output, input); in memory the other way round, as products read it fastest.
    Plain(Tensor),
    /// Rounded to bf16, with the bias.
    Packed(Arc<Packed>),
}

/// `x W^T` with `weight` (output, input), in the shapes that the module describes.
///
/// # Errors
/// Shapes that do not fit.
fn project(rows: &Tensor, weight: &Tensor) -> Result<Tensor> {
    if let Some(out) = cpu::linear(rows, weight, None, None)? {
        return Ok(out);
    }
    let count = rows.dim(0)?;
    if count >= MIN_ROWS {
        return rows.matmul(&weight.t()?);
    }
    let filled = rows.pad_with_zeros(0, 0, MIN_ROWS - count)?;
    filled
        .matmul(&weight.t()?)?
        .narrow(0, 0, count)?
        .contiguous()
}

/// The same tensor with columns that are contiguous; as it was where it has no columns or the device has no room.
fn turned(weight: &Tensor) -> Tensor {
    if weight.dims().len() != 2 {
        return weight.clone();
    }
    let turned = weight.t().and_then(|it| it.contiguous()?.t());
    turned.unwrap_or_else(|_| weight.clone())
}

impl Linear {
    /// Adds `name.weight` and `name.bias`.
    pub fn shapes(shapes: &mut Shapes, name: &str, output: usize, input: usize) {
        shapes.insert(format!("{name}.weight"), vec![output, input]);
        shapes.insert(format!("{name}.bias"), vec![output]);
    }

    /// Takes `name.weight` and `name.bias` from weights that have [`shapes`](Self::shapes).
    #[must_use]
    pub fn new(weights: &Weights, name: &str) -> Self {
        Self::named(weights, &format!("{name}.weight"), &format!("{name}.bias"))
    }

    /// Takes the two tensors by their whole names.
    #[must_use]
    pub fn named(weights: &Weights, weight: &str, bias: &str) -> Self {
        Self {
            weight: Weight::Plain(turned(&weights[weight])),
            bias: Some(weights[bias].clone()),
            rounds: weights.round_products(),
        }
    }

    /// A layer without a bias, of one of the `weights` or what was made of it: (output, input).
    #[must_use]
    pub fn unbiased(weights: &Weights, weight: Tensor) -> Self {
        Self {
            weight: Weight::Plain(weight),
            bias: None,
            rounds: weights.round_products(),
        }
    }

    /// The same layer with another weight and bias.
    fn with(&self, weight: &Tensor, bias: Option<Tensor>) -> Self {
        Self {
            weight: Weight::Plain(turned(weight)),
            bias,
            rounds: self.rounds,
        }
    }

    /// The weight, if it is not rounded yet.
    fn plain(&self) -> Result<&Tensor> {
        match &self.weight {
            Weight::Plain(weight) => Ok(weight),
            Weight::Packed(_) => candle_core::bail!("a packed layer stays as it is"),
        }
    }

    /// Several layers of one input as one, outputs side by side.
    ///
    /// # Errors
    /// Their inputs differ, or one of them has no bias or is packed.
    pub fn stacked(parts: &[Self]) -> Result<Self> {
        let weights: Vec<&Tensor> = parts.iter().map(Self::plain).collect::<Result<_>>()?;
        let biases: Vec<&Tensor> = parts.iter().filter_map(|it| it.bias.as_ref()).collect();
        Ok(parts[0].with(&Tensor::cat(&weights, 0)?, Some(Tensor::cat(&biases, 0)?)))
    }

    /// A convolution of non-overlapping patches as a layer over [`patches`].
    ///
    /// # Errors
    /// The device fails, or the layer is packed.
    pub fn flattened(self) -> Result<Self> {
        let weight = self.plain()?.flatten_from(1)?;
        Ok(self.with(&weight, self.bias.clone()))
    }

    /// The layer that gives `count` of the outputs, from the `first` on.
    ///
    /// # Errors
    /// There are not so many, or the layer is packed.
    pub fn outputs(&self, first: usize, count: usize) -> Result<Self> {
        let weight = self.plain()?.narrow(0, first, count)?;
        let bias = self.bias.as_ref().map(|it| it.narrow(0, first, count));
        Ok(self.with(&weight, bias.transpose()?))
    }

    /// The same with the first `outputs` outputs multiplied by `scale`: how queries are scaled once for all.
    pub(crate) fn scaled(self, outputs: usize, scale: f64) -> Result<Self> {
        let scale_first = |it: &Tensor| {
            let rest = it.dim(0)? - outputs;
            let first = (it.narrow(0, 0, outputs)? * scale)?;
            Tensor::cat(&[&first, &it.narrow(0, outputs, rest)?], 0)
        };
        let weight = scale_first(self.plain()?)?;
        let bias = self.bias.as_ref().map(scale_first).transpose()?;
        Ok(self.with(&weight, bias))
    }

    /// The finished layer: its weight rounded and packed if products are in bf16 on the processor
    /// ([`Compute::rounds_products`]), else as it is.
    ///
    /// # Errors
    /// The weight is no matrix.
    pub fn packed(self) -> Result<Self> {
        let Weight::Plain(weight) = &self.weight else {
            return Ok(self);
        };
        if !self.rounds {
            return Ok(self);
        }
        let packed = cpu::packed(weight, self.bias.as_ref())?;
        let weight = Weight::Packed(Arc::new(packed));
        Ok(Self { weight, ..self })
    }

    /// The layer's output.
    ///
    /// # Errors
    /// Rows of another width.
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        let weight = match &self.weight {
            Weight::Plain(weight) => weight,
            Weight::Packed(packed) => return cpu::packed_linear(rows, packed, None),
        };
        let Some(bias) = &self.bias else {
            return project(rows, weight);
        };
        match cpu::linear(rows, weight, Some(bias), None)? {
            Some(out) => Ok(out),
            None => project(rows, weight)?.broadcast_add(bias),
        }
    }

    /// The layer's output after an activation.
    ///
    /// # Errors
    /// Rows of another width.
    pub fn activated(&self, rows: &Tensor, activation: Activation) -> Result<Tensor> {
        let weight = match &self.weight {
            Weight::Plain(weight) => weight,
            Weight::Packed(packed) => return cpu::packed_linear(rows, packed, Some(activation)),
        };
        match cpu::linear(rows, weight, self.bias.as_ref(), Some(activation))? {
            Some(out) => Ok(out),
            None => activation.apply(&self.forward(rows)?),
        }
    }
}

impl Activation {
    /// The activation of every value, computed in single precision.
    fn apply(self, rows: &Tensor) -> Result<Tensor> {
        let wide = rows.to_dtype(DType::F32)?;
        let out = match self {
            Self::QuickGelu => (&wide * candle_nn::ops::sigmoid(&(&wide * 1.702)?)?)?,
            Self::Gelu => wide.gelu_erf()?,
            Self::GeluTanh => wide.gelu()?,
        };
        out.to_dtype(rows.dtype())
    }
}

/// (x - mean) / sqrt(variance + eps) * weight + bias, row by row.
#[derive(Clone)]
pub struct Norm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

impl Norm {
    /// Adds `name.weight` and `name.bias`.
    pub fn shapes(shapes: &mut Shapes, name: &str, width: usize) {
        shapes.insert(format!("{name}.weight"), vec![width]);
        shapes.insert(format!("{name}.bias"), vec![width]);
    }

    /// Takes the norm from weights that have [`shapes`](Self::shapes).
    #[must_use]
    pub fn new(weights: &Weights, name: &str, eps: f64) -> Self {
        Self {
            weight: weights[&format!("{name}.weight")].clone(),
            bias: weights[&format!("{name}.bias")].clone(),
            eps: eps as f32,
        }
    }

    /// The normalised rows.
    ///
    /// # Errors
    /// Rows of another width.
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        match cpu::norm(self, rows)? {
            Some(out) => Ok(out),
            None => candle_nn::ops::layer_norm(rows, &self.weight, &self.bias, self.eps),
        }
    }
}

/// Attention of `batch` sequences in parallel: `qkv` (batch x sequence, 3 width) holds queries (already scaled), keys and
/// values side by side, heads side by side within each; the result (batch x sequence, width) the mixed values. `mask`
/// (sequence, sequence) is added to the scores.
///
/// # Errors
/// Shapes that do not fit.
pub fn attend(qkv: &Tensor, batch: usize, heads: usize, mask: Option<&Tensor>) -> Result<Tensor> {
    let (count, width) = qkv.dims2()?;
    let (length, width) = (count / batch, width / 3);
    if let Some(out) = cpu::attend(qkv, (length, width, heads), mask)? {
        return Ok(out);
    }
    let qkv = qkv
        .reshape((batch, length, 3, heads, width / heads))?
        .permute((2, 0, 3, 1, 4))?
        .contiguous()?;
    let (queries, keys, values) = (qkv.get(0)?, qkv.get(1)?, qkv.get(2)?);
    let scores = queries.matmul(&keys.transpose(D::Minus2, D::Minus1)?)?;
    // Half precision keeps no sum of many exponentials.
    let scores = scores.to_dtype(DType::F32)?;
    let scores = match mask {
        Some(mask) => scores.broadcast_add(&mask.to_dtype(DType::F32)?)?,
        None => scores,
    };
    let weights = candle_nn::ops::softmax_last_dim(&scores)?.to_dtype(values.dtype())?;
    let mixed = weights.matmul(&values)?;
    mixed.transpose(1, 2)?.reshape((count, width))
}

/// Refuses sizes of layers that cannot be computed.
fn check_layers(
    width: usize,
    heads: usize,
    inner: usize,
    eps: f64,
) -> std::result::Result<(), String> {
    checks::heads(("the number of heads", heads), ("the width", width))?;
    checks::at_least_one("the width inside an MLP", inner)?;
    checks::epsilon("the epsilon of the norms", eps)
}

/// The convolution of non-overlapping patches as a product: (batch x grid x grid, 3 x patch x patch), one row per patch,
/// of `pixels` (batch, 3, side, side). What is left of the image beyond whole patches is not seen.
///
/// # Errors
/// `pixels` has another length.
pub fn patches(
    pixels: Vec<f32>,
    batch: usize,
    side: usize,
    patch: usize,
    compute: &Compute,
) -> Result<Tensor> {
    let grid = side / patch;
    Tensor::from_vec(pixels, (batch, 3, side, side), &Device::Cpu)?
        .narrow(2, 0, grid * patch)?
        .narrow(3, 0, grid * patch)?
        .contiguous()?
        .reshape(&[batch, 3, grid, patch, grid, patch])?
        .permute(vec![0, 2, 4, 1, 3, 5])?
        .reshape((batch * grid * grid, 3 * patch * patch))?
        .to_device(&compute.device)?
        .to_dtype(compute.activations())
}

/// Places as a tensor, for `index_select`.
///
/// # Errors
/// The device fails.
pub fn indices(places: impl Iterator<Item = usize>, compute: &Compute) -> Result<Tensor> {
    let places: Vec<u32> = places.map(|place| place as u32).collect();
    Tensor::new(places, &compute.device)
}

/// A mask (length, length): zero where a place may look (itself and before), minus infinity elsewhere.
///
/// # Errors
/// The device fails.
pub fn causal(length: usize, compute: &Compute) -> Result<Tensor> {
    let value = |at: usize| match at % length > at / length {
        true => f32::NEG_INFINITY,
        false => 0.0,
    };
    let mask: Vec<f32> = (0..length * length).map(value).collect();
    Tensor::from_vec(mask, (length, length), &compute.device)?.to_dtype(compute.activations())
}

/// The values of a forward pass's result, in single precision.
///
/// # Errors
/// [`EncodeError::Forward`] with the pass's own error.
pub fn features(passed: Result<Tensor>) -> std::result::Result<Vec<f32>, EncodeError> {
    let values = passed.and_then(|it| it.to_dtype(DType::F32)?.flatten_all()?.to_vec1());
    values.map_err(|error| EncodeError::Forward(Box::new(error)))
}
