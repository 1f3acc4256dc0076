//! Shared nearest neighbours.

use crate::neighbors;
use crate::shared::Shared;
use nnn_core::{
    BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo, Rows,
    StatPlan, signature,
};

/// The default is hub-toolbox'.
const PARAMS: &[ParamInfo] = &[neighbors(10.0)];

/// The family `snn`.
#[derive(Debug, Clone, Copy)]
pub struct SnnFamily;

impl MethodFamily for SnnFamily {
    fn name(&self) -> &'static str {
        "snn"
    }

    fn doc(&self) -> &'static str {
        "how many of the k gallery items nearest to q are among the k nearest to g, then s(q,g): shared nearest neighbours (Jarvis and Patrick, 1973)"
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
        Box::new(Snn { k: point[0] })
    }
}

/// Shared nearest neighbours at one size of neighbourhoods.
#[derive(Debug, Clone, Copy)]
pub struct Snn {
    /// Size of a neighbourhood, which of a smaller gallery is all of it; a whole number, at least 1.
    pub k: Param,
}

impl Normalizer for Snn {
    fn signature(&self) -> String {
        signature("snn", PARAMS, &[self.k])
    }

    fn needs(&self, _plan: &mut StatPlan) {}

    fn reads_gallery(&self) -> bool {
        true
    }

    fn held_bytes(&self, gallery: usize, _dim: usize) -> usize {
        Shared::bytes(self.k.get() as usize, gallery)
    }

    fn fit(&self, _stats: &BankStats, gallery: Rows<'_>) -> Result<Fitted, FitError> {
        Ok(Shared::new(gallery, self.k.get() as usize, |_, _| 1).fitted())
    }
}
