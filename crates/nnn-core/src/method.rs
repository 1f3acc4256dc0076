//! The traits that every correction implements.

use crate::param::{self, Param, ParamError, ParamGrid, ParamInfo};
use crate::topk::best_items;
use crate::{BankStats, FitError, MovedVectors, Rows, StatPlan};

/// One number per gallery item that is subtracted from the item's similarity: `score = similarity - bias[g]`.
///
/// Because it depends on the item alone, an inner-product engine serves it: append `bias[g]` to the item's vector and
/// `-1` to the query's.
#[derive(Debug, Clone, PartialEq)]
pub struct GalleryBias(Vec<f32>);

impl GalleryBias {
    /// Rounds f64 values, one per gallery item, to f32; what is beyond its range becomes its largest value, so that a
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

    /// The values, one per gallery item, in units of similarity.
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

/// A bias chosen query by query from a few, by the query's best raw item.
#[derive(Debug, Clone, PartialEq)]
pub struct GatedBias {
    /// Which bias applies where this item is the best.
    choice: Vec<u8>,
    biases: Vec<GalleryBias>,
}

impl GatedBias {
    /// `choice[g]` is the place in `biases` of the one to subtract where gallery item `g` is a query's best.
    ///
    /// # Panics
    /// A choice is not a place in `biases`.
    #[must_use]
    pub fn new(choice: Vec<u8>, biases: Vec<GalleryBias>) -> Self {
        assert!(choice.iter().all(|&c| usize::from(c) < biases.len()));
        Self { choice, biases }
    }

    /// Whether both choose alike, so that one look at the gate serves both.
    pub(crate) fn same_gate(&self, other: &Self) -> bool {
        self.biases.len() == other.biases.len() && self.choice == other.choice
    }

    pub(crate) fn biases(&self) -> &[GalleryBias] {
        &self.biases
    }

    pub(crate) fn choice(&self, best: u32) -> usize {
        usize::from(self.choice[best as usize])
    }

    /// The bias to subtract from a row whose best item is `best`.
    #[must_use]
    pub fn of(&self, best: u32) -> &GalleryBias {
        &self.biases[self.choice(best)]
    }
}

/// Rewrites one query's scores over the whole gallery; only the order within the row has a meaning afterwards.
pub trait RowRule: Send + Sync {
    /// Rewrites the row. What was finite stays finite.
    fn apply(&self, row: &mut [f32]);
}

/// What a method does, and so what can serve it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MethodKind {
    /// Subtracts one number per gallery item: any inner-product engine serves it.
    Additive,
    /// Decides query by query which bias to subtract: needs the query's own best item first.
    Gated,
    /// Rewrites a query's scores by a rule that is no bias: needs all of them.
    Rescaling,
    /// Changes the vectors of both sides: any inner-product engine serves it after the change.
    VectorMoving,
}

impl MethodKind {
    /// The word used in lists and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Additive => "additive",
            Self::Gated => "gated",
            Self::Rescaling => "rescaling",
            Self::VectorMoving => "vector-moving",
        }
    }
}

/// A method with all its parameters set: one point in hyper-parameter space.
pub trait Normalizer: Send + Sync {
    /// Name and every parameter, such as `nnn(k=128,alpha=0.75)`; [`crate::parse_signature`] reads it back.
    fn signature(&self) -> String;

    /// Declares the statistics that [`Normalizer::fit`] will read.
    fn needs(&self, plan: &mut StatPlan);

    /// The least dimension of vectors that it can be fitted to.
    fn least_dim(&self) -> usize {
        1
    }

    /// Whether [`Normalizer::fit`] reads products of the gallery's vectors with one another, which nobody has where only similarities are
    /// known ([`Embeddings::similarities`](crate::Embeddings::similarities)).
    fn reads_gallery(&self) -> bool {
        false
    }

    /// Bytes that its correction of `gallery` items of dimension `dim` holds at most, where that is more than some numbers an item: lists
    /// of neighbours, or vectors. A caller who bounds memory counts them, and holds one such correction at a time where it can.
    fn held_bytes(&self, gallery: usize, dim: usize) -> usize {
        let _ = (gallery, dim);
        0
    }

    /// Turns statistics into a correction for their gallery, whose vectors are `gallery`.
    ///
    /// # Errors
    /// A statistic is absent.
    fn fit(&self, stats: &BankStats, gallery: Rows<'_>) -> Result<Fitted, FitError>;
}

impl StatPlan {
    /// What all of these methods together need.
    pub fn of<'a>(points: impl IntoIterator<Item = &'a dyn Normalizer>) -> Self {
        let mut plan = Self::default();
        for point in points {
            point.needs(&mut plan);
        }
        plan
    }
}

/// A correction fitted to one gallery.
pub enum Fitted {
    /// `s(q,g) - b(g)`.
    Additive(GalleryBias),
    /// `s(q,g) - b(g)` with one of several `b`.
    Gated(GatedBias),
    /// Any rule over a query's row.
    Rescaling(Box<dyn RowRule>),
    /// `q' . g'`.
    VectorMoving(MovedVectors),
}

impl Fitted {
    /// Rewrites one query's scores over the whole gallery. Only the order within the row has a meaning afterwards.
    ///
    /// # Panics
    /// The correction moves vectors, so that it has other scores, not other forms of these; or the row is not as long
    /// as the gallery.
    pub fn apply(&self, row: &mut [f32]) {
        match self {
            Self::Additive(bias) => bias.subtract_from(row),
            // Of equally scored items the one of lower index is the best: the rule of every ranking here.
            Self::Gated(gated) => gated.of(best_items(row, 1)[0]).subtract_from(row),
            Self::Rescaling(rule) => rule.apply(row),
            Self::VectorMoving(_) => panic!("moved vectors have scores of their own"),
        }
    }

    /// The bias, if the correction is one.
    #[must_use]
    pub fn additive(&self) -> Option<&GalleryBias> {
        match self {
            Self::Additive(bias) => Some(bias),
            _ => None,
        }
    }

    /// What it does.
    #[must_use]
    pub fn kind(&self) -> MethodKind {
        match self {
            Self::Additive(_) => MethodKind::Additive,
            Self::Gated(_) => MethodKind::Gated,
            Self::Rescaling(_) => MethodKind::Rescaling,
            Self::VectorMoving(_) => MethodKind::VectorMoving,
        }
    }
}

/// A method with its parameters open.
pub trait MethodFamily: Sync {
    /// Name in configs, tables and signatures.
    fn name(&self) -> &'static str;

    /// Paper and formula in one line.
    fn doc(&self) -> &'static str;

    /// What its corrections do; that of every [`Fitted`] it makes.
    fn kind(&self) -> MethodKind;

    /// Whether it reads the evaluated queries as a whole: its results are of a class of their own, as an answer depends
    /// on what else was asked.
    fn transductive(&self) -> bool {
        false
    }

    /// Whether what is fitted to an item depends on the other items of the gallery, so that neither a gallery in parts nor new items can be
    /// corrected by themselves.
    fn whole_gallery(&self) -> bool {
        false
    }

    /// Parameters in the order of signatures; the first varies slowest in a grid.
    fn params(&self) -> &'static [ParamInfo];

    /// The points of the published grid, each a value for every one of [`MethodFamily::params`], in the order in which
    /// ties are settled: every combination of the parameters' published values, unless the paper chose among others.
    fn published_points(&self) -> Vec<Vec<f64>> {
        param::product(self.params().iter().map(|info| info.grid))
    }

    /// The method at one point: a checked value for each of [`MethodFamily::params`], in their order.
    fn at(&self, point: &[Param]) -> Box<dyn Normalizer>;

    /// The method at every point of the published grid.
    ///
    /// # Errors
    /// A published value is out of the parameter's own range: a mistake of the family.
    fn published_grid(&self) -> Result<Vec<Box<dyn Normalizer>>, ParamError> {
        let checked = |point: Vec<f64>| -> Result<Vec<Param>, ParamError> {
            let pairs = self.params().iter().zip(point);
            pairs.map(|(info, value)| info.check(value)).collect()
        };
        let points = self.published_points().into_iter();
        points.map(|point| Ok(self.at(&checked(point)?))).collect()
    }

    /// The method at every point of a grid, first parameter slowest; parameters left out have their default.
    ///
    /// # Errors
    /// An unknown name, an empty list, or a value out of range.
    fn expand(&self, grid: &ParamGrid) -> Result<Vec<Box<dyn Normalizer>>, ParamError> {
        let points = param::expand(self.name(), self.params(), grid)?;
        Ok(points.iter().map(|point| self.at(point)).collect())
    }
}
