//! Dissimilarity with local centroids.

use crate::CentroidNorm;
use nnn_core::{
    Bank, BankStats, FitError, Fitted, GalleryBias, MethodFamily, MethodKind, Normalizer, Param,
    ParamInfo, Rows, Stat, StatPlan, signature,
};

/// The default is scikit-hubness'. No grid for this use is published; these are values around it.
const PARAMS: &[ParamInfo] = &[ParamInfo::whole(
    "k",
    "how many of the nearest reference queries make an item's centroid",
)
.default(5.0)
.min(1.0)
.grid(&[1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0])];

/// The family `dissimlocal`.
#[derive(Debug, Clone, Copy)]
pub struct DisSimLocalFamily;

impl MethodFamily for DisSimLocalFamily {
    fn name(&self) -> &'static str {
        "dissimlocal"
    }

    fn doc(&self) -> &'static str {
        "s(q,g) + |g - c_k(g)|^2 / 2, c_k the centroid of the k nearest reference queries: DisSimLocal (Hara et al., AAAI 2016)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Additive
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(DisSimLocal { k: point[0] })
    }
}

/// DisSimLocal at one number of neighbours.
#[derive(Debug, Clone, Copy)]
pub struct DisSimLocal {
    /// Reference queries in a centroid; a whole number, at least 1.
    pub k: Param,
}

impl DisSimLocal {
    /// Mean similarity to the nearest rows, and the squared length of their centroid.
    fn stats(self) -> [Stat; 2] {
        let k = self.k.get() as usize;
        [Stat::TopMean { k }, CentroidNorm { k }.into()]
    }
}

impl Normalizer for DisSimLocal {
    fn signature(&self) -> String {
        signature("dissimlocal", PARAMS, &[self.k])
    }

    fn needs(&self, plan: &mut StatPlan) {
        self.stats()
            .into_iter()
            .for_each(|stat| plan.need(Bank::Query, stat));
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let [means, norms] = self.stats().map(|stat| stats.get(Bank::Query, stat));
        let pairs = means?.iter().zip(norms?);
        // Minus half of the squared distance to the centroid.
        let values = pairs.map(|(mean, norm)| mean - (1.0 + norm) / 2.0);
        Ok(Fitted::Additive(GalleryBias::from_f64(values)))
    }
}
