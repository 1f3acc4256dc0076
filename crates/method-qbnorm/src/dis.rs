//! Dynamic inverted softmax.

use crate::{BETA, Is};
use nnn_core::{
    Bank, BankStats, FitError, Fitted, GalleryBias, GatedBias, MethodFamily, MethodKind,
    Normalizer, Param, ParamInfo, Rows, Stat, StatPlan, signature,
};

const PARAMS: &[ParamInfo] = &[
    BETA,
    ParamInfo::whole(
        "k",
        "an item is active if it is among the k best of some bank query",
    )
    .default(1.0)
    .min(1.0)
    .grid(&[1.0]),
];

/// The family `dis`.
#[derive(Debug, Clone, Copy)]
pub struct DisFamily;

impl MethodFamily for DisFamily {
    fn name(&self) -> &'static str {
        "dis"
    }

    fn doc(&self) -> &'static str {
        "IS for a query whose best raw item is active, the raw similarity otherwise: QB-Norm (arXiv 2112.12777)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Gated
    }

    fn whole_gallery(&self) -> bool {
        true
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Dis {
            beta: point[0],
            k: point[1],
        })
    }
}

/// DIS at one point.
#[derive(Debug, Clone, Copy)]
pub struct Dis {
    /// Inverse temperature, above 0.
    pub beta: Param,
    /// Length of the bank queries' lists that make the activation set; a whole number, at least 1.
    pub k: Param,
}

impl Dis {
    fn depth(self) -> usize {
        self.k.get() as usize
    }

    fn places(self) -> Stat {
        Stat::BestPlace {
            depth: self.depth(),
        }
    }
}

impl Normalizer for Dis {
    fn signature(&self) -> String {
        signature("dis", PARAMS, &[self.beta, self.k])
    }

    fn needs(&self, plan: &mut StatPlan) {
        Is { beta: self.beta }.needs(plan);
        plan.need(Bank::Query, self.places());
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let depth = self.depth() as f64;
        let places = stats.get(Bank::Query, self.places())?;
        let raw = GalleryBias::zero(stats.gallery());
        let active = places.iter().map(|&place| u8::from(place <= depth));
        Ok(Fitted::Gated(GatedBias::new(
            active.collect(),
            vec![raw, Is { beta: self.beta }.bias(stats)?],
        )))
    }
}
