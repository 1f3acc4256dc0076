//! The vision transformer with a class token, as in `timm` and in what descends from it.

use super::{
    Activation, LayerNames, LayerSize, Linear, Norm, Transformer, check_layers, indices, patches,
};
use crate::checkpoint::{Shapes, Weights};
use crate::compute::Compute;
use candle_core::{DType, Device, Result, Tensor};

/// What a checkpoint calls the parts of a vision transformer.
#[derive(Clone, Copy, Debug)]
pub struct VitNames {
    /// The class token, (1, 1, width).
    pub class: &'static str,
    /// Positions, class token first, (1, 1 + grid x grid, width).
    pub positions: &'static str,
    /// The convolution of the patches.
    pub patches: &'static str,
    /// What the list of layers hangs on.
    pub layers: &'static str,
    /// Names within a layer.
    pub layer: LayerNames,
    /// The last norm.
    pub norm: &'static str,
}

impl VitNames {
    /// `timm`'s names under `visual_encoder`.
    pub const TIMM: Self = Self {
        class: "visual_encoder.cls_token",
        positions: "visual_encoder.pos_embed",
        patches: "visual_encoder.patch_embed.proj",
        layers: "visual_encoder",
        layer: LayerNames::TIMM,
        norm: "visual_encoder.norm",
    };

    /// The side of the grid that positions of this shape belong to, if they belong to any.
    #[must_use]
    pub fn grid(positions: &[usize]) -> Option<usize> {
        let patches = positions.get(1)?.checked_sub(1)?;
        let side = patches.isqrt();
        (side > 0 && side * side == patches).then_some(side)
    }
}

/// Size of a vision transformer.
#[derive(Clone, Copy, Debug)]
pub struct VitSize {
    /// Side of an image in pixels.
    pub image: usize,
    /// Side of a patch in pixels.
    pub patch: usize,
    /// Length of a state.
    pub width: usize,
    /// Number of layers.
    pub layers: usize,
    /// Attention heads; divides `width`.
    pub heads: usize,
    /// Length inside an MLP.
    pub inner: usize,
    /// Between the halves of an MLP.
    pub activation: Activation,
    /// Epsilon of the norms.
    pub eps: f64,
}

impl VitSize {
    /// Patches along one side; what is left of the image is not seen.
    #[must_use]
    pub fn grid(&self) -> usize {
        self.image / self.patch
    }

    /// Refuses sizes that cannot be computed.
    ///
    /// # Errors
    /// What is wrong, with the value received.
    pub fn check(&self) -> std::result::Result<(), String> {
        let (image, patch) = (self.image, self.patch);
        if patch == 0 || image < patch {
            return Err(format!("an image of {image} holds no patch of {patch}"));
        }
        check_layers(self.width, self.heads, self.inner, self.eps)
    }

    fn layers(&self, names: LayerNames) -> LayerSize {
        LayerSize {
            layers: self.layers,
            width: self.width,
            inner: self.inner,
            heads: self.heads,
            activation: self.activation,
            eps: self.eps,
            names,
        }
    }
}

/// Pixels to states: one of the class token and one per patch.
pub struct VisionTransformer {
    class: Tensor,
    /// The convolution as a product: (width, 3 x patch x patch).
    patches: Linear,
    positions: Tensor,
    layers: Transformer,
    norm: Norm,
    size: VitSize,
}

impl VisionTransformer {
    /// Adds names and shapes of all weights; the positions are those of a grid of `grid` x `grid` patches.
    pub fn shapes(shapes: &mut Shapes, names: VitNames, size: &VitSize, grid: usize) {
        let (width, patch) = (size.width, size.patch);
        shapes.insert(names.class.into(), vec![1, 1, width]);
        shapes.insert(names.positions.into(), vec![1, 1 + grid * grid, width]);
        shapes.insert(
            format!("{}.weight", names.patches),
            vec![width, 3, patch, patch],
        );
        shapes.insert(format!("{}.bias", names.patches), vec![width]);
        Transformer::shapes(shapes, names.layers, size.layers(names.layer));
        Norm::shapes(shapes, names.norm, width);
    }

    /// Takes the transformer from weights that have [`shapes`](Self::shapes). Positions of another grid than the size's
    /// are interpolated, see [`resized_positions`].
    ///
    /// # Errors
    /// Weights of other shapes.
    pub fn new(weights: &Weights, names: VitNames, size: VitSize) -> Result<Self> {
        Ok(Self {
            class: weights[names.class].clone(),
            patches: Linear::new(weights, names.patches).flattened()?.packed()?,
            positions: resized_positions(&weights[names.positions], size.grid())?,
            layers: Transformer::new(weights, names.layers, size.layers(names.layer))?,
            norm: Norm::new(weights, names.norm, size.eps),
            size,
        })
    }

    /// States after the last norm, (batch x (1 + grid x grid), width), each image's class token first; of the class tokens
    /// alone, (batch, width), if `class_only`.
    ///
    /// # Errors
    /// `pixels` is not (batch, 3, side, side).
    pub fn forward(
        &self,
        pixels: Vec<f32>,
        batch: usize,
        class_only: bool,
        compute: &Compute,
    ) -> Result<Tensor> {
        let (side, patch) = (self.size.image, self.size.patch);
        let patches = patches(pixels, batch, side, patch, compute)?;
        let patches = self.patches.forward(&patches)?;
        let patches = patches.reshape((batch, (), self.size.width))?;
        let class = self.class.broadcast_as((batch, 1, self.size.width))?;
        let tokens = Tensor::cat(&[&class, &patches], 1)?;
        let rows = tokens.broadcast_add(&self.positions)?;
        let length = rows.dim(1)?;
        let places = (0..batch).map(|item| item * length);
        let keep = class_only.then(|| indices(places, compute)).transpose()?;
        let rows = rows.flatten(0, 1)?;
        let rows = self.layers.forward(rows, batch, None, keep.as_ref())?;
        self.norm.forward(&rows)
    }
}

/// Positions (1, 1 + old x old, width) as those of `grid` x `grid` patches, the class token's unchanged: bicubic with
/// a = -0.75, pixel centres at halves, the border repeated, no antialiasing. That is PyTorch's
/// `interpolate(mode="bicubic", align_corners=False)`, which the authors of BLIP and ALBEF use.
///
/// # Errors
/// `positions` is not of a square grid and a class token.
pub fn resized_positions(positions: &Tensor, grid: usize) -> Result<Tensor> {
    let (_, count, width) = positions.dims3()?;
    let Some(old) = VitNames::grid(positions.dims()) else {
        candle_core::bail!("{count} positions are not those of a square grid and a class token");
    };
    if old == grid {
        return Ok(positions.clone());
    }
    let values = positions.to_dtype(DType::F64)?.to_device(&Device::Cpu)?;
    let values: Vec<f64> = values.flatten_all()?.to_vec1()?;
    let (class, patches) = values.split_at(width);
    let taps: Vec<_> = (0..grid).map(|at| bicubic(at, old, grid)).collect();
    let mut out = class.to_vec();
    for (vertical, horizontal) in taps.iter().flat_map(|v| taps.iter().map(move |h| (v, h))) {
        let value = |channel: usize| {
            let at = |row: usize, column: usize| patches[(row * old + column) * width + channel];
            let line = |row: usize| sum(horizontal.map(|(column, by)| by * at(row, column)));
            sum(vertical.map(|(row, by)| by * line(row)))
        };
        out.extend((0..width).map(value));
    }
    Tensor::from_vec(out, (1, 1 + grid * grid, width), positions.device())?
        .to_dtype(positions.dtype())
}

fn sum(parts: [f64; 4]) -> f64 {
    parts.into_iter().sum()
}

/// The four old places that make the new place `at`, with their weights.
fn bicubic(at: usize, old: usize, new: usize) -> [(usize, f64); 4] {
    const A: f64 = -0.75;
    let centre = (at as f64 + 0.5) * (old as f64 / new as f64) - 0.5;
    let (first, part) = (centre.floor(), centre - centre.floor());
    let near = |x: f64| ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0;
    let far = |x: f64| ((A * x - 5.0 * A) * x + 8.0 * A) * x - 4.0 * A;
    let weights = [
        far(part + 1.0),
        near(part),
        near(1.0 - part),
        far(2.0 - part),
    ];
    let place = |offset: usize| {
        let place = first as isize + offset as isize - 1;
        place.clamp(0, old as isize - 1) as usize
    };
    std::array::from_fn(|tap| (place(tap), weights[tap]))
}
