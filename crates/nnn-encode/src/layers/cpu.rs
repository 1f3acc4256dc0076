//! Layers in single precision on the CPU: where rows and sequences are cut into parts that run in parallel.
//!
//! Everything here gives nothing for tensors that are elsewhere, of another type or laid out otherwise; candle's own
//! operations take those.

use super::kernels::{self, MIN_ROWS, Matrix, NormRows, Product};
use super::{Activation, Layer, Linear, Norm, Transformer};
use candle_core::{CpuStorage, D, Device, Layout, Result, Storage, StorageRef, Tensor};
use rayon::prelude::*;

/// Rows that one thread takes through a stack of layers at a time: enough for products at full speed, few enough that
/// its activations stay in a cache.
const PART_ROWS: usize = 256;

/// Values of a contiguous tensor of single precision on the CPU, or of one whose last two dimensions are swapped.
struct Values<'a> {
    storage: StorageRef<'a>,
    layout: &'a Layout,
}

impl<'a> Values<'a> {
    /// None for a tensor that is elsewhere, of another type or laid out otherwise.
    fn of(tensor: &'a Tensor) -> Option<Self> {
        let (storage, layout) = tensor.storage_and_layout();
        let plain =
            layout.is_contiguous() || (layout.dims().len() == 2 && layout.is_fortran_contiguous());
        let here = matches!(&*storage, Storage::Cpu(CpuStorage::F32(_)));
        (plain && here).then_some(Self { storage, layout })
    }

    /// From the first value on.
    fn slice(&self) -> &[f32] {
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
struct CpuLinear<'a> {
    weight: Values<'a>,
    bias: Values<'a>,
}

impl<'a> CpuLinear<'a> {
    fn of(linear: &'a Linear) -> Option<Self> {
        Some(Self {
            weight: Values::of(&linear.weight)?,
            bias: Values::of(&linear.bias)?,
        })
    }

    fn product(&self, activation: Option<Activation>) -> Product<'_> {
        Product {
            weight: self.weight.matrix().transposed(),
            bias: Some(self.bias.slice()),
            activation,
        }
    }
}

/// A [`Norm`].
struct CpuNorm<'a> {
    weight: Values<'a>,
    bias: Values<'a>,
    eps: f32,
}

impl<'a> CpuNorm<'a> {
    fn of(norm: &'a Norm) -> Option<Self> {
        Some(Self {
            weight: Values::of(&norm.weight)?,
            bias: Values::of(&norm.bias)?,
            eps: norm.eps,
        })
    }

    fn run(&self, rows: &[f32], out: &mut [f32]) {
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
struct Mask<'a>(Option<Values<'a>>);

impl<'a> Mask<'a> {
    fn of(mask: Option<&'a Tensor>, length: usize) -> Option<Self> {
        let Some(mask) = mask else {
            return Some(Self(None));
        };
        let values = Values::of(mask)?;
        (mask.dims() == [length, length] && values.layout.is_contiguous())
            .then_some(Self(Some(values)))
    }

    fn slice(&self) -> Option<&[f32]> {
        self.0.as_ref().map(Values::slice)
    }
}

/// A [`Layer`].
struct CpuLayer<'a> {
    norm1: CpuNorm<'a>,
    qkv: CpuLinear<'a>,
    out: CpuLinear<'a>,
    norm2: CpuNorm<'a>,
    fc1: CpuLinear<'a>,
    fc2: CpuLinear<'a>,
    sub_norms: Option<[CpuNorm<'a>; 2]>,
}

impl<'a> CpuLayer<'a> {
    fn of(layer: &'a Layer) -> Option<Self> {
        Some(Self {
            norm1: CpuNorm::of(&layer.norm1)?,
            qkv: CpuLinear::of(&layer.qkv)?,
            out: CpuLinear::of(&layer.out)?,
            norm2: CpuNorm::of(&layer.norm2)?,
            fc1: CpuLinear::of(&layer.fc1)?,
            fc2: CpuLinear::of(&layer.fc2)?,
            sub_norms: match &layer.sub_norms {
                Some([attention, mlp]) => Some([CpuNorm::of(attention)?, CpuNorm::of(mlp)?]),
                None => None,
            },
        })
    }
}

/// What a pass through layers needs beside its rows; kept from layer to layer, since fresh memory costs a page fault
/// every 4 KiB.
#[derive(Default)]
struct Room {
    /// As wide as a row.
    narrow: Vec<f32>,
    /// As wide as queries, keys and values, or as the MLP.
    wide: Vec<f32>,
    /// For what sub-LN's norms give.
    normed: Vec<f32>,
    scores: Vec<f32>,
}

/// What all layers of a pass share.
struct Pass<'a> {
    layers: Vec<CpuLayer<'a>>,
    mask: Mask<'a>,
    activation: Activation,
    length: usize,
    width: usize,
    heads: usize,
}

/// All layers, or all but the last, over `batch` sequences cut into parts that run in parallel.
pub(super) fn pass(
    transformer: &Transformer,
    rows: &Tensor,
    batch: usize,
    mask: Option<&Tensor>,
    but_last: bool,
) -> Result<Option<Tensor>> {
    let ((count, width), threads) = (rows.dims2()?, rayon::current_num_threads());
    let length = count / batch;
    let number = transformer
        .layers
        .len()
        .saturating_sub(usize::from(but_last));
    let layers = transformer.layers[..number].iter().map(CpuLayer::of);
    let (Some(layers), Some(mask)) = (layers.collect(), Mask::of(mask, length)) else {
        return Ok(None);
    };
    // Fewer sequences than threads: rows are cut instead, product by product.
    if batch < threads || number == 0 || !rows.is_contiguous() {
        return Ok(None);
    }
    let Some(mut values) = Values::of(rows).map(|it| it.slice().to_vec()) else {
        return Ok(None);
    };
    let pass = Pass {
        layers,
        mask,
        activation: transformer.activation,
        length,
        width,
        heads: transformer.heads,
    };
    let parts = threads * count.div_ceil(threads * PART_ROWS);
    values
        .par_chunks_mut(batch.div_ceil(parts) * length * width)
        .for_each_init(Room::default, |room, rows| {
            pass.layers.iter().for_each(|it| pass.layer(it, rows, room));
        });
    Tensor::from_vec(values, (count, width), &Device::Cpu).map(Some)
}

impl Pass<'_> {
    /// In the order of [`Layer::finish`], so that a sequence alone has the same bits.
    fn layer(&self, layer: &CpuLayer<'_>, rows: &mut [f32], room: &mut Room) {
        let (width, count) = (self.width, rows.len() / self.width);
        let Room {
            narrow,
            wide,
            normed,
            scores,
        } = room;
        // What comes out stands where what went in stood.
        let mut sub_norm = |which: usize, values: &mut Vec<f32>| {
            if let Some(norms) = &layer.sub_norms {
                normed.resize(values.len(), 0.0);
                norms[which].run(values, normed);
                std::mem::swap(values, normed);
            }
        };
        narrow.resize(rows.len(), 0.0);
        layer.norm1.run(rows, narrow);
        wide.resize(3 * rows.len(), 0.0);
        layer.qkv.product(None).run(narrow, wide);
        let sequences = wide.chunks_exact(3 * self.length * width);
        for (qkv, out) in sequences.zip(narrow.chunks_exact_mut(self.length * width)) {
            kernels::attend(qkv, (width, self.heads), self.mask.slice(), scores, out);
        }
        sub_norm(0, narrow);
        layer.out.product(None).run(narrow, &mut wide[..rows.len()]);
        kernels::add(rows, wide);
        layer.norm2.run(rows, narrow);
        wide.resize(count * layer.fc1.bias.slice().len(), 0.0);
        layer.fc1.product(Some(self.activation)).run(narrow, wide);
        sub_norm(1, wide);
        layer.fc2.product(None).run(wide, narrow);
        kernels::add(rows, narrow);
    }
}
