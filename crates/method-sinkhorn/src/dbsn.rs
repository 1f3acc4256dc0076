//! Sinkhorn normalisation with a query bank and a gallery bank.

use crate::{PARAMS, fitted, potential};
use nnn_core::{
    Bank, BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo,
    Rows, Stat, StatPlan, signature,
};

/// The family `dbsn`.
#[derive(Debug, Clone, Copy)]
pub struct DbsnFamily;

impl MethodFamily for DbsnFamily {
    fn name(&self) -> &'static str {
        "dbsn"
    }

    fn doc(&self) -> &'static str {
        "s(q,g) + tau ln u(g), u of Sinkhorn's scaling of (gallery, gallery bank) x query bank: DBSN (arXiv 2508.02538)"
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
        Box::new(Dbsn {
            tau: point[0],
            iterations: point[1],
        })
    }
}

/// DBSN at one point.
#[derive(Debug, Clone, Copy)]
pub struct Dbsn {
    /// Temperature in units of similarity, above 0.
    pub tau: Param,
    /// Rounds of scaling both sides; a whole number, at least 1.
    pub iterations: Param,
}

impl Dbsn {
    fn stat(self) -> Stat {
        potential(self.tau, self.iterations, true)
    }
}

impl Normalizer for Dbsn {
    fn signature(&self) -> String {
        signature("dbsn", PARAMS, &[self.tau, self.iterations])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, self.stat());
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        fitted(stats, self.stat())
    }
}
