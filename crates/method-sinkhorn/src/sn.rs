//! Sinkhorn normalisation with a query bank.

use crate::{PARAMS, fitted, potential};
use nnn_core::{
    Bank, BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo,
    Rows, Stat, StatPlan, signature,
};

/// The family `sn`.
#[derive(Debug, Clone, Copy)]
pub struct SnFamily;

impl MethodFamily for SnFamily {
    fn name(&self) -> &'static str {
        "sn"
    }

    fn doc(&self) -> &'static str {
        "s(q,g) + tau ln u(g), u of Sinkhorn's scaling of gallery x query bank: SN (arXiv 2508.02538)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Additive
    }

    fn whole_gallery(&self) -> bool {
        true
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Sn {
            tau: point[0],
            iterations: point[1],
        })
    }
}

/// SN at one point.
#[derive(Debug, Clone, Copy)]
pub struct Sn {
    /// Temperature in units of similarity, above 0.
    pub tau: Param,
    /// Rounds of scaling both sides; a whole number, at least 1.
    pub iterations: Param,
}

impl Sn {
    fn stat(self) -> Stat {
        potential(self.tau, self.iterations, false)
    }
}

impl Normalizer for Sn {
    fn signature(&self) -> String {
        signature("sn", PARAMS, &[self.tau, self.iterations])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, self.stat());
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        fitted(stats, self.stat())
    }
}
