//! The pieces of transformer towers, on rows of activations: (batch x sequence, width), contiguous.
//!
//! **A row is a function of its own sequence, bit for bit, whatever else is in the batch.** Norms, activations and
//! softmax work row by row. Attention multiplies each head of each sequence by itself, in shapes that depend on the
//! sequence alone. What is left are the products with weights, where the batch is part of the shape: `gemm` sums every
//! element in one order, cut into chunks that depend on the inner dimension, except that it has other kernels for
//! single vectors and for results of up to 256 elements, and another cut where both sides are at most 64. Rows are
//! therefore filled up to 65, beyond all three.

mod bert;
mod cpu;
mod kernels;
mod transformer;
mod vit;

pub use bert::{Bert, BertSize, ImageStates};
pub use transformer::{LayerNames, LayerSize, QkvNames, SubNorms, Transformer};
pub use vit::{VisionTransformer, VitNames, VitSize, resized_positions};

use crate::checkpoint::{Shapes, Weights, checks};
use crate::compute::Compute;
use crate::error::EncodeError;
use candle_core::{D, DType, Device, Result, Tensor};
use kernels::MIN_ROWS;
use serde::{Deserialize, Serialize};

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

/// x W^T + b.
#[derive(Clone)]
pub struct Linear {
    /// (output, input); in memory the other way round, as products read it fastest.
    weight: Tensor,
    /// (output).
    bias: Tensor,
}

/// `x W^T` with `weight` (output, input), in the shapes that the module describes.
///
/// # Errors
/// Shapes that do not fit.
pub fn project(rows: &Tensor, weight: &Tensor) -> Result<Tensor> {
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
fn packed(weight: &Tensor) -> Tensor {
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
            weight: packed(&weights[weight]),
            bias: weights[bias].clone(),
        }
    }

    /// Several layers of one input as one, outputs side by side.
    ///
    /// # Errors
    /// Their inputs differ.
    pub fn stacked(parts: &[Self]) -> Result<Self> {
        let weights: Vec<&Tensor> = parts.iter().map(|it| &it.weight).collect();
        let biases: Vec<&Tensor> = parts.iter().map(|it| &it.bias).collect();
        Ok(Self {
            weight: packed(&Tensor::cat(&weights, 0)?),
            bias: Tensor::cat(&biases, 0)?,
        })
    }

    /// A convolution of non-overlapping patches as a layer over [`patches`].
    ///
    /// # Errors
    /// The device fails.
    pub fn flattened(self) -> Result<Self> {
        Ok(Self {
            weight: packed(&self.weight.flatten_from(1)?),
            bias: self.bias,
        })
    }

    /// The layer that gives `count` of the outputs, from the `first` on.
    ///
    /// # Errors
    /// There are not so many.
    pub fn outputs(&self, first: usize, count: usize) -> Result<Self> {
        Ok(Self {
            weight: packed(&self.weight.narrow(0, first, count)?),
            bias: self.bias.narrow(0, first, count)?,
        })
    }

    /// The same with the first `outputs` outputs multiplied by `scale`: how queries are scaled once for all.
    pub(crate) fn scaled(self, outputs: usize, scale: f64) -> Result<Self> {
        let scale_first = |it: &Tensor| {
            let rest = it.dim(0)? - outputs;
            let first = (it.narrow(0, 0, outputs)? * scale)?;
            Tensor::cat(&[&first, &it.narrow(0, outputs, rest)?], 0)
        };
        Ok(Self {
            weight: packed(&scale_first(&self.weight)?),
            bias: scale_first(&self.bias)?,
        })
    }

    /// The layer's output.
    ///
    /// # Errors
    /// Rows of another width.
    pub fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        match cpu::linear(rows, &self.weight, Some(&self.bias), None)? {
            Some(out) => Ok(out),
            None => project(rows, &self.weight)?.broadcast_add(&self.bias),
        }
    }

    /// The layer's output after an activation.
    ///
    /// # Errors
    /// Rows of another width.
    pub fn activated(&self, rows: &Tensor, activation: Activation) -> Result<Tensor> {
        match cpu::linear(rows, &self.weight, Some(&self.bias), Some(activation))? {
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
        .to_dtype(compute.dtype)
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
    Tensor::from_vec(mask, (length, length), &compute.device)?.to_dtype(compute.dtype)
}

/// The values of a forward pass's result, in single precision.
///
/// # Errors
/// [`EncodeError::Forward`] with the pass's own error.
pub fn features(passed: Result<Tensor>) -> std::result::Result<Vec<f32>, EncodeError> {
    let values = passed.and_then(|it| it.to_dtype(DType::F32)?.flatten_all()?.to_vec1());
    values.map_err(|error| EncodeError::Forward(Box::new(error)))
}
