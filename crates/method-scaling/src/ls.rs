//! Local scaling.

use crate::linear::Linear;
use crate::neighbors;
use nnn_core::{
    Bank, BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo,
    Rows, Stat, StatPlan, signature,
};

/// The default is the 7 that the paper uses throughout; for the grid see [`K_GRID`](crate::K_GRID).
const PARAMS: &[ParamInfo] =
    &[neighbors("which nearest bank query gives an item its scale").default(7.0)];

/// The family `ls`.
#[derive(Debug, Clone, Copy)]
pub struct LsFamily;

impl MethodFamily for LsFamily {
    fn name(&self) -> &'static str {
        "ls"
    }

    fn doc(&self) -> &'static str {
        "-d^2 / sigma_g, d^2 = 2 - 2 s(q,g), sigma_g the distance of g to its k-th nearest bank query: local scaling (NIPS 2004)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Rescaling
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Ls { k: point[0] })
    }
}

/// Local scaling at one point.
#[derive(Debug, Clone, Copy)]
pub struct Ls {
    /// Place of the neighbour that gives the scale; a whole number, at least 1 and at most the size of the query bank.
    pub k: Param,
}

impl Ls {
    fn stat(self) -> Stat {
        Stat::Kth {
            k: self.k.get() as usize,
        }
    }
}

impl Normalizer for Ls {
    fn signature(&self) -> String {
        signature("ls", PARAMS, &[self.k])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, self.stat());
    }

    /// `1 - exp(-d^2 / (sigma_q sigma_g))` rises strictly with `d^2 / sigma_g`, as `sigma_q > 0` is one number for the row.
    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let distance = |s: f64| (2.0 - 2.0 * s).max(0.0).sqrt();
        Linear::by_distance(stats, self.stat(), distance)
    }
}
