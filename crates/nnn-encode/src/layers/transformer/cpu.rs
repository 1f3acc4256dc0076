//! A stack of layers in single precision on the CPU: sequences cut into parts, each of which one thread takes through all
//! layers.

use super::{Layer, Transformer};
use crate::layers::Activation;
use crate::layers::cpu::{CpuLinear, CpuNorm, Mask, Values};
use crate::layers::kernels;
use candle_core::{Device, Result, Tensor};
use rayon::prelude::*;

/// Rows that one thread takes through a stack of layers at a time: enough for products at full speed, few enough that
/// its activations stay in a cache.
const PART_ROWS: usize = 256;

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
        layer.qkv.run(narrow, None, wide);
        let sequences = wide.chunks_exact(3 * self.length * width);
        for (qkv, out) in sequences.zip(narrow.chunks_exact_mut(self.length * width)) {
            kernels::attend(qkv, (width, self.heads), self.mask.slice(), scores, out);
        }
        sub_norm(0, narrow);
        layer.out.run(narrow, None, &mut wide[..rows.len()]);
        kernels::add(rows, wide);
        layer.norm2.run(rows, narrow);
        wide.resize(count * layer.fc1.outputs(), 0.0);
        layer.fc1.run(narrow, Some(self.activation), wide);
        sub_norm(1, wide);
        layer.fc2.run(wide, None, narrow);
        kernels::add(rows, narrow);
    }
}
