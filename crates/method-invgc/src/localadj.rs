//! Steps away from the nearest reference vectors.

use crate::step::{Push, moved};
use crate::{GALLERY_RATE, Pooled, QUERY_RATE};
use nnn_core::{
    Bank, BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo,
    Rows, StatPlan, signature,
};

/// The grid of `pool` is the two defaults of the authors' code.
const PARAMS: &[ParamInfo] = &[
    GALLERY_RATE,
    QUERY_RATE,
    ParamInfo::number(
        "pool",
        "share of a bank, at most 1, whose nearest vectors an item moves away from",
    )
    .default(0.01)
    .above(0.0)
    .grid(&[0.01, 0.1]),
];

/// The family `localadj`.
#[derive(Debug, Clone, Copy)]
pub struct LocalAdjFamily;

impl MethodFamily for LocalAdjFamily {
    fn name(&self) -> &'static str {
        "localadj"
    }

    fn doc(&self) -> &'static str {
        "q . unit(mean over both banks of unit(g - r mean_i s_i d_i)), i over the nearest pool M: InvGC with LocalAdj (arXiv 2310.13276)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::VectorMoving
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(LocalAdj {
            r_g: point[0],
            r_q: point[1],
            pool: point[2],
        })
    }
}

/// InvGC with LocalAdj at one point.
#[derive(Debug, Clone, Copy)]
pub struct LocalAdj {
    /// Rate of the gallery bank, at least 0.
    pub r_g: Param,
    /// Rate of the query bank, at least 0.
    pub r_q: Param,
    /// Share of either bank, above 0, at most 1.
    pub pool: Param,
}

impl LocalAdj {
    fn stat(self) -> Pooled {
        Pooled { share: self.pool }
    }
}

impl Normalizer for LocalAdj {
    fn signature(&self) -> String {
        signature("localadj", PARAMS, &[self.r_g, self.r_q, self.pool])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Gallery, self.stat());
        plan.need(Bank::Query, self.stat());
    }

    fn fit(&self, stats: &BankStats, gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let push = |bank, rate: Param| -> Result<Push<'_>, FitError> {
            Ok(Push {
                rate: rate.get(),
                vectors: stats.get(bank, self.stat())?,
            })
        };
        let pushes = [push(Bank::Gallery, self.r_g)?, push(Bank::Query, self.r_q)?];
        Ok(moved(gallery, pushes))
    }
}
