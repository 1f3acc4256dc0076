//! Query expansion.

use nnn_core::{
    BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo, RowRule,
    Rows, StatPlan, best_items, signature,
};

/// Radenović et al. take 3 for alpha and expand by 50 images; Chum et al. average, by fewer than 50. No grid for this use was published:
/// these are values around both.
const PARAMS: &[ParamInfo] = &[
    ParamInfo::whole(
        "n",
        "by how many of its best gallery items a query is expanded; all of a smaller gallery",
    )
    .default(10.0)
    .min(1.0)
    .grid(&[1.0, 2.0, 5.0, 10.0, 20.0, 50.0]),
    ParamInfo::number(
        "alpha",
        "power of an item's similarity that is its weight; 0 weighs all as the query",
    )
    .default(3.0)
    .grid(&[0.0, 1.0, 3.0]),
];

/// The family `query_expansion`.
#[derive(Debug, Clone, Copy)]
pub struct QueryExpansionFamily;

impl MethodFamily for QueryExpansionFamily {
    fn name(&self) -> &'static str {
        "query_expansion"
    }

    fn doc(&self) -> &'static str {
        "(q + sum of s(q,x)^alpha x) . g over the n gallery items x nearest to q: alpha query expansion (arXiv 1711.02512), average query expansion at alpha = 0 (ICCV 2007)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Rescaling
    }

    fn whole_gallery(&self) -> bool {
        true
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(QueryExpansion {
            n: point[0],
            alpha: point[1],
        })
    }
}

/// Query expansion at one number of items and one power.
#[derive(Debug, Clone, Copy)]
pub struct QueryExpansion {
    /// Items added to a query, of a smaller gallery all; a whole number, at least 1.
    pub n: Param,
    /// Power of a similarity, at least 0; a similarity below zero counts as zero, and to the power of 0 as one.
    pub alpha: Param,
}

impl Normalizer for QueryExpansion {
    fn signature(&self) -> String {
        signature("query_expansion", PARAMS, &[self.n, self.alpha])
    }

    fn needs(&self, _plan: &mut StatPlan) {}

    fn reads_gallery(&self) -> bool {
        true
    }

    fn held_bytes(&self, gallery: usize, dim: usize) -> usize {
        gallery.saturating_mul(dim).saturating_mul(size_of::<f32>())
    }

    fn fit(&self, _stats: &BankStats, gallery: Rows<'_>) -> Result<Fitted, FitError> {
        Ok(Fitted::Rescaling(Box::new(Rule {
            vectors: gallery.data().to_vec(),
            dim: gallery.dim(),
            n: self.n.get() as usize,
            alpha: self.alpha.get(),
        })))
    }
}

/// The expanded query's length is the same for a whole row, so that it is not brought to length one.
struct Rule {
    /// The gallery, row by row.
    vectors: Vec<f32>,
    dim: usize,
    n: usize,
    alpha: f64,
}

impl Rule {
    fn item(&self, item: usize) -> &[f32] {
        &self.vectors[item * self.dim..][..self.dim]
    }

    /// What is added to the query.
    fn added(&self, row: &[f32]) -> Vec<f64> {
        let mut sum = vec![0.0; self.dim];
        for item in best_items(row, self.n) {
            let weight = self.weight(row[item as usize]);
            let values = self.item(item as usize);
            for (sum, &value) in sum.iter_mut().zip(values) {
                *sum += weight * f64::from(value);
            }
        }
        sum
    }

    /// `s^alpha`, as no cosine is above one.
    fn weight(&self, s: f32) -> f64 {
        libm::pow(f64::from(s).clamp(0.0, 1.0), self.alpha)
    }
}

impl RowRule for Rule {
    fn apply(&self, row: &mut [f32]) {
        let added = self.added(row);
        for (item, score) in row.iter_mut().enumerate() {
            let expanded = f64::from(*score) + dot(&added, self.item(item));
            *score = expanded.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32;
        }
    }
}

/// Sums side by side: enough for the processor to add several at once.
const LANES: usize = 8;

/// The product in f64, as eight interleaved sums, which are then added in order.
fn dot(a: &[f64], b: &[f32]) -> f64 {
    let mut sums = [0.0; LANES];
    let (whole, rest) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let tail = whole.remainder().iter().zip(rest.remainder());
    let tail: f64 = tail.map(|(a, &b)| a * f64::from(b)).sum();
    for (a, b) in whole.zip(rest) {
        for (sum, (a, &b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * f64::from(b);
        }
    }
    sums.iter().sum::<f64>() + tail
}
