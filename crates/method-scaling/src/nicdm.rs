//! Non-iterative contextual dissimilarity measure.

use crate::linear::Linear;
use crate::neighbors;
use nnn_core::{
    Bank, BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo,
    Rows, Stat, StatPlan, signature,
};

/// No default was published for this use: 10 neighbours are a common choice; for the grid see [`K_GRID`](crate::K_GRID).
const PARAMS: &[ParamInfo] =
    &[neighbors("how many nearest bank queries give an item its scale").default(10.0)];

/// The family `nicdm`.
#[derive(Debug, Clone, Copy)]
pub struct NicdmFamily;

impl MethodFamily for NicdmFamily {
    fn name(&self) -> &'static str {
        "nicdm"
    }

    fn doc(&self) -> &'static str {
        "-d^2 / mu_g, d^2 = 2 - 2 s(q,g), mu_g the mean distance of g to its k nearest bank queries: NICDM (CVPR 2007, JMLR 2012)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Rescaling
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Nicdm { k: point[0] })
    }
}

/// NICDM at one point.
#[derive(Debug, Clone, Copy)]
pub struct Nicdm {
    /// How many neighbours are averaged; a whole number, at least 1 and at most the size of the query bank.
    pub k: Param,
}

impl Nicdm {
    fn stat(self) -> Stat {
        Stat::TopDistance {
            k: self.k.get() as usize,
        }
    }
}

impl Normalizer for Nicdm {
    fn signature(&self) -> String {
        signature("nicdm", PARAMS, &[self.k])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, self.stat());
    }

    /// `d / sqrt(mu_q mu_g)` is the root of `d^2 / mu_g` over `mu_q > 0`, one number for the row.
    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        Linear::by_distance(stats, self.stat(), |mean| mean)
    }
}
