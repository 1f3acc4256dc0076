//! Dual inverted softmax.

use crate::side::{Side, bias, sides};
use crate::{BETA1, BETA2, grid};
use nnn_core::{
    BankStats, FitError, Fitted, GalleryBias, MethodFamily, MethodKind, Normalizer, Param,
    ParamInfo, Rows, StatPlan, signature,
};

const PARAMS: &[ParamInfo] = &[BETA1, BETA2];

/// The family `dualis`.
#[derive(Debug, Clone, Copy)]
pub struct DualIsFamily;

impl MethodFamily for DualIsFamily {
    fn name(&self) -> &'static str {
        "dualis"
    }

    fn doc(&self) -> &'static str {
        "s(q,g) - (L1(g) + L2(g)) / (beta1 + beta2), L the log-sum-exp of beta s over the gallery and query bank: \
         DBNorm (EMNLP 2023, arXiv 2310.11612)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Additive
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn published_points(&self) -> Vec<Vec<f64>> {
        grid::pairs().map(Vec::from).collect()
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(DualIs {
            beta1: point[0],
            beta2: point[1],
        })
    }
}

/// DualIS at one point. A side of inverse temperature 0 is left out and its bank not read: the inverted softmax over the
/// other bank remains, or the raw similarity.
#[derive(Debug, Clone, Copy)]
pub struct DualIs {
    /// Inverse temperature of the gallery bank, at least 0.
    pub beta1: Param,
    /// Inverse temperature of the query bank, at least 0.
    pub beta2: Param,
}

impl DualIs {
    fn sides(self) -> [Side; 2] {
        sides(self.beta1, self.beta2)
    }
}

impl Normalizer for DualIs {
    fn signature(&self) -> String {
        signature("dualis", PARAMS, &[self.beta1, self.beta2])
    }

    fn needs(&self, plan: &mut StatPlan) {
        for side in self.sides() {
            side.need_softmax(plan);
        }
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let [first, second] = self.sides();
        let factors = [first.softmax(stats)?, second.softmax(stats)?];
        let bias = bias(factors, stats.gallery());
        Ok(Fitted::Additive(GalleryBias::from_f64(bias)))
    }
}
