//! Pre-norm layers, of which CLIP, SigLIP, BEiT-3 and the vision transformer are made.

mod cpu;

use super::{Activation, Linear, Norm, attend};
use crate::checkpoint::{Shapes, Weights};
use candle_core::{Result, Tensor};

/// What a checkpoint calls the parts of a pre-norm layer.
#[derive(Clone, Copy, Debug)]
pub struct LayerNames {
    /// The list of layers, such as `layers`.
    pub layers: &'static str,
    /// Queries, keys and values.
    pub qkv: QkvNames,
    /// The output projection of the attention.
    pub out: &'static str,
    /// The norm before the attention.
    pub norm1: &'static str,
    /// The norm before the MLP.
    pub norm2: &'static str,
    /// The MLP's first half.
    pub fc1: &'static str,
    /// The MLP's second half.
    pub fc2: &'static str,
}

/// How a checkpoint keeps queries, keys and values.
#[derive(Clone, Copy, Debug)]
pub enum QkvNames {
    /// Three linear layers.
    Separate([&'static str; 3]),
    /// One, given by the names of its weight and its bias.
    Fused {
        /// (3 width, width).
        weight: &'static str,
        /// (3 width).
        bias: &'static str,
    },
}

impl LayerNames {
    /// `transformers`' names in CLIP and SigLIP.
    pub const HUGGING_FACE: Self = Self {
        layers: "layers",
        qkv: QkvNames::Separate(["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]),
        out: "self_attn.out_proj",
        norm1: "layer_norm1",
        norm2: "layer_norm2",
        fc1: "mlp.fc1",
        fc2: "mlp.fc2",
    };

    /// `timm`'s names.
    pub const TIMM: Self = Self {
        layers: "blocks",
        qkv: QkvNames::Fused {
            weight: "attn.qkv.weight",
            bias: "attn.qkv.bias",
        },
        out: "attn.proj",
        norm1: "norm1",
        norm2: "norm2",
        fc1: "mlp.fc1",
        fc2: "mlp.fc2",
    };
}

/// Size of a tower's layers.
#[derive(Clone, Copy, Debug)]
pub struct LayerSize {
    /// Number of layers.
    pub layers: usize,
    /// Length of an activation row.
    pub width: usize,
    /// Length inside an MLP.
    pub inner: usize,
    /// Attention heads; divides `width`.
    pub heads: usize,
    /// Between the halves of an MLP.
    pub activation: Activation,
    /// Epsilon of the norms.
    pub eps: f64,
    /// Names in the checkpoint.
    pub names: LayerNames,
}

/// The pre-norm layers of one tower: x + attention(norm1(x)), then x + mlp(norm2(x)).
pub struct Transformer {
    layers: Vec<Layer>,
    heads: usize,
    activation: Activation,
}

/// What a checkpoint calls the norms of a sub-LN layer (Magneto, arXiv:2210.06423) beside those of [`LayerNames`].
#[derive(Clone, Copy, Debug)]
pub struct SubNorms {
    /// Before the output projection of the attention, over the width.
    pub attention: &'static str,
    /// Between the halves of the MLP, over the length inside.
    pub mlp: &'static str,
}

impl SubNorms {
    /// Names and shapes of the norms of all layers under `prefix`.
    pub fn shapes(&self, shapes: &mut Shapes, prefix: &str, size: LayerSize) {
        for layer in 0..size.layers {
            let name = |part: &str| format!("{prefix}.{}.{layer}.{part}", size.names.layers);
            Norm::shapes(shapes, &name(self.attention), size.width);
            Norm::shapes(shapes, &name(self.mlp), size.inner);
        }
    }
}

struct Layer {
    norm1: Norm,
    /// Queries, keys and values in one product; the queries already divided by the square root of a head's width.
    qkv: Linear,
    out: Linear,
    norm2: Norm,
    fc1: Linear,
    fc2: Linear,
    /// Of sub-LN layers: before `out`, and before `fc2`.
    sub_norms: Option<[Norm; 2]>,
}

impl Transformer {
    /// Names and shapes of all layers under `prefix`.
    pub fn shapes(shapes: &mut Shapes, prefix: &str, size: LayerSize) {
        let LayerSize {
            width,
            inner,
            names,
            ..
        } = size;
        for layer in 0..size.layers {
            let name = |part: &str| format!("{prefix}.{}.{layer}.{part}", names.layers);
            match names.qkv {
                QkvNames::Separate(parts) => parts
                    .iter()
                    .for_each(|part| Linear::shapes(shapes, &name(part), width, width)),
                QkvNames::Fused { weight, bias } => {
                    shapes.insert(name(weight), vec![3 * width, width]);
                    shapes.insert(name(bias), vec![3 * width]);
                }
            }
            Linear::shapes(shapes, &name(names.out), width, width);
            Norm::shapes(shapes, &name(names.norm1), width);
            Norm::shapes(shapes, &name(names.norm2), width);
            Linear::shapes(shapes, &name(names.fc1), inner, width);
            Linear::shapes(shapes, &name(names.fc2), width, inner);
        }
    }

    /// Takes the layers from weights that have [`shapes`](Self::shapes).
    ///
    /// # Errors
    /// Weights of other shapes.
    pub fn new(weights: &Weights, prefix: &str, size: LayerSize) -> Result<Self> {
        let layers = (0..size.layers).map(|layer| {
            Layer::new(
                weights,
                &format!("{prefix}.{}.{layer}", size.names.layers),
                size,
            )
        });
        Ok(Self {
            layers: layers.collect::<Result<_>>()?,
            heads: size.heads,
            activation: size.activation,
        })
    }

    /// The same with sub-LN's two further norms per layer, from weights that have [`SubNorms::shapes`].
    #[must_use]
    pub fn with_sub_norms(
        mut self,
        weights: &Weights,
        prefix: &str,
        size: LayerSize,
        names: SubNorms,
    ) -> Self {
        for (index, layer) in self.layers.iter_mut().enumerate() {
            let norm = |part: &str| {
                let name = format!("{prefix}.{}.{index}.{part}", size.names.layers);
                Norm::new(weights, &name, size.eps)
            };
            layer.sub_norms = Some([norm(names.attention), norm(names.mlp)]);
        }
        self
    }

    /// Runs all layers over `batch` sequences; of the last, only the rows at `keep` (all if none) go past the attention.
    ///
    /// `mask` (sequence, sequence) is added to the scores.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn forward(
        &self,
        mut rows: Tensor,
        batch: usize,
        mask: Option<&Tensor>,
        keep: Option<&Tensor>,
    ) -> Result<Tensor> {
        let mut layers = self.layers.as_slice();
        if let Some(passed) = cpu::pass(self, &rows, batch, mask, keep.is_some())? {
            rows = passed;
            layers = &layers[layers.len() - usize::from(keep.is_some())..];
        }
        for (left, layer) in layers
            .iter()
            .enumerate()
            .map(|(at, it)| (layers.len() - at, it))
        {
            let qkv = layer.qkv.forward(&layer.norm1.forward(&rows)?)?;
            let mixed = attend(&qkv, batch, self.heads, mask)?;
            rows = layer.finish(&rows, mixed, keep.filter(|_| left == 1), self.activation)?;
        }
        match keep {
            Some(keep) if self.layers.is_empty() => rows.index_select(keep, 0),
            _ => Ok(rows),
        }
    }
}

impl Layer {
    fn new(weights: &Weights, name: &str, size: LayerSize) -> Result<Self> {
        let names = size.names;
        let part = |part: &str| format!("{name}.{part}");
        let linear = |it: &str| Linear::new(weights, &part(it));
        let packed = |it: &str| linear(it).packed();
        let norm = |it: &str| Norm::new(weights, &part(it), size.eps);
        let qkv = match names.qkv {
            QkvNames::Separate(parts) => Linear::stacked(&parts.map(linear))?,
            QkvNames::Fused { weight, bias } => Linear::named(weights, &part(weight), &part(bias)),
        };
        let scale = 1.0 / ((size.width / size.heads) as f64).sqrt();
        Ok(Self {
            norm1: norm(names.norm1),
            qkv: qkv.scaled(size.width, scale)?.packed()?,
            out: packed(names.out)?,
            norm2: norm(names.norm2),
            fc1: packed(names.fc1)?,
            fc2: packed(names.fc2)?,
            sub_norms: None,
        })
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
        let mixed = match &self.sub_norms {
            Some([norm, _]) => norm.forward(&mixed)?,
            None => mixed,
        };
        let rows = (rows + self.out.forward(&mixed)?)?;
        let inner = self
            .fc1
            .activated(&self.norm2.forward(&rows)?, activation)?;
        let inner = match &self.sub_norms {
            Some([_, norm]) => norm.forward(&inner)?,
            None => inner,
        };
        &rows + self.fc2.forward(&inner)?
    }
}
