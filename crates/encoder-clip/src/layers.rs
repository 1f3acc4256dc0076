//! The pieces of both towers, on rows of activations: (batch x sequence, width), contiguous, single precision.
//!
//! **A row is a function of its own sequence, bit for bit, whatever else is in the batch.** Norms, activations and
//! softmax work row by row. Attention multiplies each head of each sequence by itself, in shapes that depend on the
//! sequence alone. What is left are the products with weights, where the batch is part of the shape: `gemm` sums every
//! element in one order, cut into chunks that depend on the inner dimension, except that it has other kernels for
//! single vectors and for results of up to 256 elements, and another cut where both sides are at most 64. Rows are
//! therefore filled up to 65, beyond all three.

use crate::checkpoint::{Shapes, Weights};
use crate::config::Activation;
use candle_core::{CpuStorage, CustomOp2, D, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

/// Fewest rows a product with weights is given.
const MIN_ROWS: usize = 65;

/// x W^T + b.
struct Linear {
    /// (output, input).
    weight: Tensor,
    /// (output).
    bias: Tensor,
}

/// `x W^T` with `weight` (output, input), in the shapes that the module describes.
pub(crate) fn project(rows: &Tensor, weight: &Tensor) -> Result<Tensor> {
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

impl Linear {
    fn shapes(shapes: &mut Shapes, name: &str, output: usize, input: usize) {
        shapes.insert(format!("{name}.weight"), vec![output, input]);
        shapes.insert(format!("{name}.bias"), vec![output]);
    }

    fn new(weights: &Weights, name: &str) -> Self {
        Self {
            weight: weights[&format!("{name}.weight")].clone(),
            bias: weights[&format!("{name}.bias")].clone(),
        }
    }

    fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        project(rows, &self.weight)?.broadcast_add(&self.bias)
    }

    fn activated(&self, rows: &Tensor, activation: Activation) -> Result<Tensor> {
        project(rows, &self.weight)?.apply_op2_no_bwd(&self.bias, &Activated(activation))
    }
}

/// activation(x + b), b along the rows of x.
struct Activated(Activation);

impl CustomOp2 for Activated {
    fn name(&self) -> &'static str {
        "bias-activation"
    }

    fn cpu_fwd(
        &self,
        rows: &CpuStorage,
        layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let bias = values(bias, bias_layout)?;
        let mut out = values(rows, layout)?.to_vec();
        out.par_chunks_mut(bias.len()).for_each(|row| {
            for (value, bias) in row.iter_mut().zip(bias) {
                *value = activate(self.0, *value + bias);
            }
        });
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }
}

fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&storage.as_slice()?[start..end]),
        None => candle_core::bail!("contiguous values expected"),
    }
}

#[inline]
fn activate(activation: Activation, x: f32) -> f32 {
    match activation {
        Activation::QuickGelu => x / (1.0 + (-1.702 * x).exp()),
        Activation::Gelu => {
            let erf = candle_core::cpu::erf::erf_f32(x * std::f32::consts::FRAC_1_SQRT_2);
            x * 0.5 * (1.0 + erf)
        }
    }
}

/// (x - mean) / sqrt(variance + eps) * weight + bias, row by row.
pub(crate) struct Norm {
    weight: Tensor,
    bias: Tensor,
    eps: f32,
}

impl Norm {
    pub(crate) fn shapes(shapes: &mut Shapes, name: &str, width: usize) {
        shapes.insert(format!("{name}.weight"), vec![width]);
        shapes.insert(format!("{name}.bias"), vec![width]);
    }

    pub(crate) fn new(weights: &Weights, name: &str, eps: f64) -> Self {
        Self {
            weight: weights[&format!("{name}.weight")].clone(),
            bias: weights[&format!("{name}.bias")].clone(),
            eps: eps as f32,
        }
    }

    pub(crate) fn forward(&self, rows: &Tensor) -> Result<Tensor> {
        candle_nn::ops::layer_norm(rows, &self.weight, &self.bias, self.eps)
    }
}

/// Size of a tower's layers.
#[derive(Clone, Copy)]
pub(crate) struct LayerSize {
    pub(crate) layers: usize,
    pub(crate) width: usize,
    pub(crate) inner: usize,
    pub(crate) heads: usize,
    pub(crate) activation: Activation,
    pub(crate) eps: f64,
}

/// The layers of one tower.
pub(crate) struct Transformer {
    layers: Vec<Layer>,
    heads: usize,
    activation: Activation,
}

struct Layer {
    norm1: Norm,
    /// Queries, keys and values in one product; the queries already divided by the square root of a head's width.
    qkv: Linear,
    out: Linear,
    norm2: Norm,
    fc1: Linear,
    fc2: Linear,
}

impl Transformer {
    /// Names and shapes of all layers under `prefix`.
    pub(crate) fn shapes(shapes: &mut Shapes, prefix: &str, size: LayerSize) {
        let LayerSize { width, inner, .. } = size;
        for layer in 0..size.layers {
            let name = |part: &str| format!("{prefix}.layers.{layer}.{part}");
            for part in ["q_proj", "k_proj", "v_proj", "out_proj"] {
                Linear::shapes(shapes, &name(&format!("self_attn.{part}")), width, width);
            }
            Norm::shapes(shapes, &name("layer_norm1"), width);
            Norm::shapes(shapes, &name("layer_norm2"), width);
            Linear::shapes(shapes, &name("mlp.fc1"), inner, width);
            Linear::shapes(shapes, &name("mlp.fc2"), width, inner);
        }
    }

    /// Takes the layers from weights that have [`shapes`](Self::shapes).
    pub(crate) fn new(weights: &Weights, prefix: &str, size: LayerSize) -> Result<Self> {
        let layers = (0..size.layers)
            .map(|layer| Layer::new(weights, &format!("{prefix}.layers.{layer}"), size));
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            heads: size.heads,
            activation: size.activation,
        })
    }

    /// Runs all layers over `batch` sequences; of the last, only the rows at `keep` go past the attention.
    ///
    /// `mask` (sequence, sequence) is added to the scores.
    pub(crate) fn forward(
        &self,
        mut rows: Tensor,
        batch: usize,
        mask: Option<&Tensor>,
        keep: &Tensor,
    ) -> Result<Tensor> {
        for (index, layer) in self.layers.iter().enumerate() {
            let keep = (index + 1 == self.layers.len()).then_some(keep);
            let mixed = layer.attend(&rows, batch, self.heads, mask)?;
            rows = layer.finish(&rows, mixed, keep, self.activation)?;
        }
        match self.layers.is_empty() {
            true => rows.index_select(keep, 0),
            false => Ok(rows),
        }
    }
}

impl Layer {
    fn new(weights: &Weights, name: &str, size: LayerSize) -> Result<Self> {
        let part = |part: &str| format!("{name}.{part}");
        let scale = 1.0 / ((size.width / size.heads) as f64).sqrt();
        let [queries, keys, values] = ["q_proj", "k_proj", "v_proj"]
            .map(|it| Linear::new(weights, &part(&format!("self_attn.{it}"))));
        let weight = (queries.weight * scale)?;
        let bias = (queries.bias * scale)?;
        Ok(Self {
            norm1: Norm::new(weights, &part("layer_norm1"), size.eps),
            qkv: Linear {
                weight: Tensor::cat(&[weight, keys.weight, values.weight], 0)?,
                bias: Tensor::cat(&[bias, keys.bias, values.bias], 0)?,
            },
            out: Linear::new(weights, &part("self_attn.out_proj")),
            norm2: Norm::new(weights, &part("layer_norm2"), size.eps),
            fc1: Linear::new(weights, &part("mlp.fc1")),
            fc2: Linear::new(weights, &part("mlp.fc2")),
        })
    }

    /// Attention up to the mixed values, heads side by side.
    fn attend(
        &self,
        rows: &Tensor,
        batch: usize,
        heads: usize,
        mask: Option<&Tensor>,
    ) -> Result<Tensor> {
        let (count, width) = rows.dims2()?;
        let (length, part) = (count / batch, width / heads);
        let qkv = self.qkv.forward(&self.norm1.forward(rows)?)?;
        let qkv = qkv
            .reshape((batch, length, 3, heads, part))?
            .permute((2, 0, 3, 1, 4))?
            .contiguous()?;
        let (queries, keys, values) = (qkv.get(0)?, qkv.get(1)?, qkv.get(2)?);
        let scores = queries.matmul(&keys.transpose(D::Minus2, D::Minus1)?)?;
        let scores = match mask {
            Some(mask) => scores.broadcast_add(mask)?,
            None => scores,
        };
        let mixed = candle_nn::ops::softmax_last_dim(&scores)?.matmul(&values)?;
        mixed.transpose(1, 2)?.reshape((count, width))
    }

    /// Output projection, residuals and MLP, for the rows at `keep` or for all.
    fn finish(
        &self,
        rows: &Tensor,
        mixed: Tensor,
        keep: Option<&Tensor>,
        activation: Activation,
    ) -> Result<Tensor> {
        let (rows, mixed) = match keep {
            Some(keep) => (rows.index_select(keep, 0)?, mixed.index_select(keep, 0)?),
            None => (rows.clone(), mixed),
        };
        let rows = (rows + self.out.forward(&mixed)?)?;
        let inner = self
            .fc1
            .activated(&self.norm2.forward(&rows)?, activation)?;
        &rows + self.fc2.forward(&inner)?
    }
}
