//! The model of ALBEF and BLIP: a vision transformer and a BERT with a contrastive head each, and a BERT that looks at the
//! image's states with a matching head.

use crate::checkpoint::{Shapes, Weights};
use crate::compute::Compute;
use crate::dual_encoder::{Towers, check_known, check_pixels};
use crate::encoder::Reranker;
use crate::error::EncodeError;
use crate::layers::{
    Bert, BertSize, ImageStates, Linear, VisionTransformer, VitNames, VitSize, features,
};
use candle_core::{Result, Tensor};

/// Names and sizes of the model's parts.
#[derive(Clone, Debug)]
pub struct FusionSpec {
    /// Size of the vision transformer.
    pub vision: VitSize,
    /// Its names.
    pub vision_names: VitNames,
    /// Patches along one side for which the checkpoint has positions.
    pub grid: usize,
    /// Size of the BERT.
    pub text: BertSize,
    /// What its names begin with.
    pub text_prefix: &'static str,
    /// Layers of the BERT that make a text's embedding, without the image.
    pub text_layers: usize,
    /// Length of an embedding.
    pub dim: usize,
    /// The id that stands for a text's first when it is matched with an image; its own if none.
    pub matching_token: Option<u32>,
    /// See [`Reranker::adds_similarity`].
    pub adds_similarity: bool,
}

/// The model.
pub struct FusionModel {
    vision: VisionTransformer,
    text: Bert,
    vision_proj: Linear,
    text_proj: Linear,
    /// Two outputs: no match, match.
    itm_head: Linear,
    spec: FusionSpec,
    compute: Compute,
}

impl FusionModel {
    /// Names and shapes of all weights.
    #[must_use]
    pub fn shapes(spec: &FusionSpec) -> Shapes {
        let mut shapes = Shapes::new();
        VisionTransformer::shapes(&mut shapes, spec.vision_names, &spec.vision, spec.grid);
        Bert::shapes(&mut shapes, spec.text_prefix, &spec.text);
        Linear::shapes(&mut shapes, "vision_proj", spec.dim, spec.vision.width);
        Linear::shapes(&mut shapes, "text_proj", spec.dim, spec.text.width);
        Linear::shapes(&mut shapes, "itm_head", 2, spec.text.width);
        shapes
    }

    /// Takes the model from weights that have [`shapes`](Self::shapes).
    ///
    /// # Errors
    /// Weights of other shapes.
    pub fn new(weights: &Weights, spec: FusionSpec, compute: &Compute) -> Result<Self> {
        Ok(Self {
            vision: VisionTransformer::new(weights, spec.vision_names, spec.vision)?,
            text: Bert::new(weights, spec.text_prefix, spec.text)?,
            vision_proj: Linear::new(weights, "vision_proj").packed()?,
            text_proj: Linear::new(weights, "text_proj").packed()?,
            itm_head: Linear::new(weights, "itm_head").packed()?,
            spec,
            compute: compute.clone(),
        })
    }

    fn look_at(&self, batch: &[Vec<f32>]) -> Result<Vec<ImageStates>> {
        let states = self
            .vision
            .forward(batch.concat(), batch.len(), false, &self.compute)?;
        let length = states.dim(0)? / batch.len();
        (0..batch.len())
            .map(|item| self.text.look_at(&states.narrow(0, item * length, length)?))
            .collect()
    }

    fn check_ids(&self, ids: &[u32], expected: usize) -> std::result::Result<(), EncodeError> {
        if ids.len() != expected {
            let received = ids.len();
            return Err(EncodeError::TokenCount { expected, received });
        }
        check_known(ids, self.spec.text.vocabulary)
    }

    /// The second output of the matching head, (batch).
    fn matching(&self, image: &ImageStates, ids: Vec<u32>, batch: usize) -> Result<Tensor> {
        let rows = self.text.texts_with(image, ids, batch, &self.compute)?;
        self.itm_head.forward(&rows)?.narrow(1, 1, 1)
    }
}

impl Towers for FusionModel {
    fn images(&self, pixels: Vec<f32>, batch: usize) -> std::result::Result<Vec<f32>, EncodeError> {
        let rows = self.vision.forward(pixels, batch, true, &self.compute);
        features(rows.and_then(|rows| self.vision_proj.forward(&rows)))
    }

    fn texts(&self, ids: Vec<u32>, batch: usize) -> std::result::Result<Vec<f32>, EncodeError> {
        let layers = self.spec.text_layers;
        let rows = self.text.texts(ids, batch, layers, &self.compute);
        features(rows.and_then(|rows| self.text_proj.forward(&rows)))
    }

    fn reranker(&self) -> Option<&dyn Reranker> {
        Some(self)
    }
}

impl Reranker for FusionModel {
    fn image_states(
        &self,
        batch: &[Vec<f32>],
    ) -> std::result::Result<Vec<ImageStates>, EncodeError> {
        if batch.is_empty() {
            return Ok(Vec::new());
        }
        let side = self.spec.vision.image;
        batch
            .iter()
            .try_for_each(|pixels| check_pixels(pixels, side))?;
        let states = self.look_at(batch);
        states.map_err(|error| EncodeError::Forward(Box::new(error)))
    }

    fn matches(
        &self,
        image: &ImageStates,
        batch: &[Vec<u32>],
    ) -> std::result::Result<Vec<f32>, EncodeError> {
        let Some(expected) = batch.first().map(Vec::len) else {
            return Ok(Vec::new());
        };
        let positions = self.spec.text.positions;
        batch
            .iter()
            .try_for_each(|ids| self.check_ids(ids, expected.clamp(1, positions)))?;
        let mut ids = batch.concat();
        if let Some(token) = self.spec.matching_token {
            ids.iter_mut()
                .step_by(expected)
                .for_each(|first| *first = token);
        }
        features(self.matching(image, ids, batch.len()))
    }

    fn adds_similarity(&self) -> bool {
        self.spec.adds_similarity
    }
}
