//! Layers in single precision on the CPU: where rows and sequences are cut into parts that run in parallel.
//!
//! Everything here gives nothing for tensors that are elsewhere, of another type or laid out otherwise; candle's own
//! operations take those.

use super::bf16::{BLOCK, Packed};
use super::kernels::{self, MIN_ROWS, Matrix, NormRows, Product};
use super::{Activation, Linear, Norm, Weight};
use candle_core::{CpuStorage, D, Device, Layout, Result, Storage, StorageRef, Tensor};
use rayon::prelude::*;

/// Values of a contiguous tensor of single precision on the CPU, or of one whose last two dimensions are swapped.
pub(super) struct Values<'a> {
    storage: StorageRef<'a>,
    layout: &'a Layout,
}

impl<'a> Values<'a> {
    /// None for a tensor that is elsewhere, of another type or laid out otherwise.
    pub(super) fn of(tensor: &'a Tensor) -> Option<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        let plain =
            layout.is_contiguous() || (layout.dims().len() == 2 && layout.is_fortran_contiguous());
        let here = matches!(&*storage, Storage::Cpu(CpuStorage::F32(_)));
        (plain && here).then_some(Self { storage, layout })
    }

    /// From the first value on.
    pub(super) fn slice(&self) -> &[f32] {
        let (start, count) = (self.layout.start_offset(), self.layout.shape().elem_count());
        match &*self.storage {
            Storage::Cpu(CpuStorage::F32(values)) => &values[start..start + count],
            _ => &[],
        }
    }

    /// As a matrix of the last two dimensions; anything else as one row.
    fn matrix(&self) -> Matrix<'_> {
        let (dims, strides) = (self.layout.dims(), self.layout.stride());
        match (dims, strides) {
            (&[rows, columns], &[down, across]) => Matrix {
                values: self.slice(),
                size: (rows, columns),
                strides: (down, across),
            },
            _ => Matrix::rows(self.slice(), self.slice().len()),
        }
    }
}

/// A [`Linear`].
pub(super) enum CpuLinear<'a> {
    /// In single precision.
    Plain {
        weight: Values<'a>,
        bias: Option<Values<'a>>,
    },
    /// In bf16.
    Packed(&'a Packed),
}

impl<'a> CpuLinear<'a> {
    pub(super) fn of(linear: &'a Linear) -> Option<Self> {
        let weight = match &linear.weight {
            Weight::Plain(weight) => Values::of(weight)?,
            Weight::Packed(packed) => return Some(Self::Packed(packed)),
        };
        let bias = match &linear.bias {
            Some(bias) => Some(Values::of(bias)?),
            None => None,
        };
        Some(Self::Plain { weight, bias })
    }

    /// Length of an output.
    pub(super) fn outputs(&self) -> usize {
        match self {
            Self::Plain { weight, .. } => weight.layout.dims()[0],
            Self::Packed(packed) => packed.outputs(),
        }
    }

    /// Applies the layer and then the activation to `rows`, into `out`.
    pub(super) fn run(&self, rows: &[f32], activation: Option<Activation>, out: &mut [f32]) {
        match self {
            Self::Plain { weight, bias } => Product {
                weight: weight.matrix().transposed(),
                bias: bias.as_ref().map(Values::slice),
                activation,
            }
            .run(rows, out),
            Self::Packed(packed) => packed.run(rows, activation, out),
        }
    }
}

/// A weight (output, input) and a bias, rounded to bf16.
pub(super) fn packed(weight: &Tensor, bias: Option<&Tensor>) -> Result<Packed> {
    let weight = weight.contiguous()?;
    let bias = bias.map(Tensor::contiguous).transpose()?;
    let bias = bias.as_ref().map(Values::of);
    match (weight.dims(), Values::of(&weight), &bias) {
        ([_, _], Some(weight), None | Some(Some(_))) => {
            let bias = bias.as_ref().and_then(Option::as_ref).map(Values::slice);
            Ok(Packed::new(weight.matrix().transposed(), bias))
        }
        _ => candle_core::bail!("a layer of {weight:?} cannot be packed"),
    }
}

/// activation(x W^T + b) with rounded factors, rows in parallel.
pub(super) fn packed_linear(
    rows: &Tensor,
    layer: &Packed,
    activation: Option<Activation>,
) -> Result<Tensor> {
    let (count, width) = rows.dims2()?;
    let rows = rows.contiguous()?;
    let (input, output) = (layer.inputs(), layer.outputs());
    let Some(rows) = Values::of(&rows).filter(|_| width == input) else {
        candle_core::bail!("rows of {width} where a layer takes {input}");
    };
    let mut out = vec![0.0; count * output];
    let share = count.div_ceil(rayon::current_num_threads());
    let share = share.next_multiple_of(BLOCK);
    out.par_chunks_mut(share * output)
        .zip(rows.slice().par_chunks(share * input))
        .for_each(|(out, rows)| layer.run(rows, activation, out));
    Tensor::from_vec(out, (count, output), &Device::Cpu)
}

/// A [`Norm`].
pub(super) struct CpuNorm<'a> {
    weight: Values<'a>,
    bias: Values<'a>,
    eps: f32,
}

impl<'a> CpuNorm<'a> {
    pub(super) fn of(norm: &'a Norm) -> Option<Self> {
        Some(Self {
            weight: Values::of(&norm.weight)?,
            bias: Values::of(&norm.bias)?,
            eps: norm.eps,
        })
    }

    pub(super) fn run(&self, rows: &[f32], out: &mut [f32]) {
        NormRows {
            rows,
            weight: self.weight.slice(),
            bias: self.bias.slice(),
            eps: self.eps,
            out,
        }
        .run();
    }
}

/// activation(x W^T + b), rows in parallel.
pub(super) fn linear(
    rows: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    activation: Option<Activation>,
) -> Result<Option<Tensor>> {
    let ((count, width), (output, input)) = (rows.dims2()?, weight.dims2()?);
    let (Some(rows), Some(weight)) = (Values::of(rows), Values::of(weight)) else {
        return Ok(None);
    };
    if width != input || !rows.layout.is_contiguous() {
        return Ok(None);
    }
    let bias = match bias.map(Values::of) {
        None => None,
        Some(Some(bias)) => Some(bias),
        Some(None) => return Ok(None),
    };
    let product = Product {
        weight: weight.matrix().transposed(),
        bias: bias.as_ref().map(Values::slice),
        activation,
    };
    let mut out = vec![0.0; count * output];
    let share = count.div_ceil(rayon::current_num_threads()).max(MIN_ROWS);
    out.par_chunks_mut(share * output)
        .zip(rows.slice().par_chunks(share * input))
        .for_each(|(out, rows)| product.run(rows, out));
    Tensor::from_vec(out, (count, output), &Device::Cpu).map(Some)
}

/// [`Norm::forward`], rows in parallel.
pub(super) fn norm(norm: &Norm, rows: &Tensor) -> Result<Option<Tensor>> {
    let (Some(values), Some(norm)) = (Values::of(rows), CpuNorm::of(norm)) else {
        return Ok(None);
    };
    let width = norm.weight.slice().len();
    if rows.dim(D::Minus1)? != width || !values.layout.is_contiguous() {
        return Ok(None);
    }
    let mut out = vec![0.0; values.slice().len()];
    out.par_chunks_mut(MIN_ROWS * width)
        .zip(values.slice().par_chunks(MIN_ROWS * width))
        .for_each(|(out, rows)| norm.run(rows, out));
    Tensor::from_vec(out, rows.shape(), &Device::Cpu).map(Some)
}

/// [`attend`](super::attend), sequences in parallel.
pub(super) fn attend(
    qkv: &Tensor,
    (length, width, heads): (usize, usize, usize),
    mask: Option<&Tensor>,
) -> Result<Option<Tensor>> {
    let Some(values) = Values::of(qkv).filter(|it| it.layout.is_contiguous()) else {
        return Ok(None);
    };
    let Some(mask) = Mask::of(mask, length) else {
        return Ok(None);
    };
    let mut out = vec![0.0; qkv.dim(0)? * width];
    out.par_chunks_mut(length * width)
        .zip(values.slice().par_chunks(3 * length * width))
        .for_each_init(Vec::new, |scores, (out, qkv)| {
            kernels::attend(qkv, (width, heads), mask.slice(), scores, out);
        });
    Tensor::from_vec(out, (qkv.dim(0)?, width), &Device::Cpu).map(Some)
}

/// A mask (length, length), or none.
pub(super) struct Mask<'a>(Option<Values<'a>>);

impl<'a> Mask<'a> {
    pub(super) fn of(mask: Option<&'a Tensor>, length: usize) -> Option<Self> {
        let Some(mask) = mask else {
            return Some(Self(None));
        };
        let values = Values::of(mask)?;
        (mask.dims() == [length, length] && values.layout.is_contiguous())
            .then_some(Self(Some(values)))
    }

    pub(super) fn slice(&self) -> Option<&[f32]> {
        self.0.as_ref().map(Values::slice)
    }
}
