//! Nearest Neighbor Normalization: `s(q,g) - alpha * mean of the k largest s(d,g) over the query bank`.
//!
//! Chowdhury et al., "Nearest Neighbor Normalization Improves Multimodal Retrieval", EMNLP 2024, arXiv 2410.24114,
//! section 2.

use crate::param::signature;
use crate::{
    Bank, BankStats, FitError, Fitted, GalleryBias, MethodFamily, MethodKind, Normalizer, Param,
    ParamInfo, Rows, Stat, StatPlan,
};

const PARAMS: &[ParamInfo] = &[
    ParamInfo::whole(
        "k",
        "how many of an item's largest similarities to the query bank are averaged",
    )
    .default(128.0)
    .min(1.0)
    .grid(&[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0]),
    ParamInfo::number(
        "alpha",
        "share of that mean which is subtracted; 0 leaves the similarities as they are",
    )
    .default(0.75)
    .grid(&[
        0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0, 1.125, 1.25, 1.375, 1.5,
    ]),
];

/// The family `nnn`, with the paper's defaults and grid.
#[derive(Debug, Clone, Copy)]
pub struct NnnFamily;

impl MethodFamily for NnnFamily {
    fn name(&self) -> &'static str {
        "nnn"
    }

    fn doc(&self) -> &'static str {
        "s(q,g) - alpha * mean of the k largest s(d,g) over the query bank (EMNLP 2024, arXiv 2410.24114)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Additive
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Nnn {
            k: point[0].get() as usize,
            alpha: point[1],
        })
    }
}

/// NNN at one point.
#[derive(Debug, Clone, Copy)]
pub struct Nnn {
    /// Number of neighbours averaged, at least 1 and at most the size of the query bank.
    pub k: usize,
    /// Weight of their mean.
    pub alpha: Param,
}

impl Normalizer for Nnn {
    fn signature(&self) -> String {
        let k = Param::new(self.k as f64).unwrap_or(self.alpha);
        signature("nnn", PARAMS, &[k, self.alpha])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, Stat::TopMean { k: self.k });
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let means = stats.get(Bank::Query, Stat::TopMean { k: self.k })?;
        let alpha = self.alpha.get();
        Ok(Fitted::Additive(GalleryBias::from_f64(
            means.iter().map(|mean| alpha * mean),
        )))
    }
}
