//! The traits that every correction implements.

use crate::param::{self, Param, ParamError, ParamGrid, ParamInfo};
use crate::{BankStats, FitError, StatPlan};

/// A number per gallery item that is subtracted from the item's similarity: `score = similarity - bias[g]`.
///
/// Because it depends on the item alone, an inner-product engine serves it: append `bias[g]` to the item's vector and
/// `-1` to the query's.
#[derive(Debug, Clone, PartialEq)]
pub struct GalleryBias(Vec<f32>);

impl GalleryBias {
    /// Rounds f64 values, one a gallery item, to f32; what is beyond its range becomes its largest value, so that a
    /// corrected score is finite at any weight.
    pub fn from_f64(values: impl IntoIterator<Item = f64>) -> Self {
        let largest = f64::from(f32::MAX);
        let values = values.into_iter();
        Self(values.map(|v| v.clamp(-largest, largest) as f32).collect())
    }

    /// No correction: zero for each of `gallery` items.
    #[must_use]
    pub fn zero(gallery: usize) -> Self {
        Self(vec![0.0; gallery])
    }

    /// The values, one a gallery item, in units of similarity.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// Subtracts the bias from a row of scores.
    ///
    /// # Panics
    /// The row is not as long as the gallery.
    pub fn subtract_from(&self, row: &mut [f32]) {
        assert_eq!(row.len(), self.0.len(), "a row spans the gallery");
        for (score, bias) in row.iter_mut().zip(&self.0) {
            *score -= bias;
        }
    }
}

/// What a method does to a row of scores, and so what can serve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodKind {
    /// Subtracts a number per gallery item: any inner-product engine serves it.
    Additive,
    /// Decides query by query whether to subtract: needs the query's own top item first.
    Gated,
}

impl MethodKind {
    /// The word used in lists and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Additive => "additive",
            Self::Gated => "gated",
        }
    }
}

/// A method with all its parameters set: one point in hyper-parameter space.
pub trait Normalizer: Send + Sync {
    /// Name and every parameter, such as `nnn(k=128,alpha=0.75)`; [`crate::parse_signature`] reads it back.
    fn signature(&self) -> String;

    /// Declares the statistics that [`Normalizer::fit`] will read.
    fn needs(&self, plan: &mut StatPlan);

    /// Turns statistics into a correction for their gallery.
    ///
    /// # Errors
    /// A statistic is absent.
    fn fit(&self, stats: &BankStats) -> Result<Box<dyn Fitted>, FitError>;
}

/// A correction fitted to one gallery.
pub trait Fitted: Send + Sync {
    /// Rewrites one query's scores over the whole gallery. Only the order within the row has a meaning afterwards.
    fn apply(&self, row: &mut [f32]);

    /// The bias, if `apply` does nothing but subtract it.
    fn additive(&self) -> Option<&GalleryBias> {
        None
    }
}

impl Fitted for GalleryBias {
    fn apply(&self, row: &mut [f32]) {
        self.subtract_from(row);
    }

    fn additive(&self) -> Option<&GalleryBias> {
        Some(self)
    }
}

/// A method with its parameters open.
pub trait MethodFamily: Sync {
    /// Name in configs, tables and signatures.
    fn name(&self) -> &'static str;

    /// Paper and formula in one line.
    fn doc(&self) -> &'static str;

    /// What it does to a row.
    fn kind(&self) -> MethodKind;

    /// Parameters in the order of signatures; the first varies slowest in a grid.
    fn params(&self) -> &'static [ParamInfo];

    /// The method at one point: a checked value for each of [`MethodFamily::params`], in their order.
    fn at(&self, point: &[Param]) -> Box<dyn Normalizer>;

    /// The method at every point of a grid, first parameter slowest; parameters left out have their default.
    ///
    /// # Errors
    /// An unknown name, an empty list, or a value out of range.
    fn expand(&self, grid: &ParamGrid) -> Result<Vec<Box<dyn Normalizer>>, ParamError> {
        let points = param::expand(self.name(), self.params(), grid)?;
        Ok(points.iter().map(|point| self.at(point)).collect())
    }
}
