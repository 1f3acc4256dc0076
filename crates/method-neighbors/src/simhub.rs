//! Shared nearest neighbours that count by how rarely they are one.

use crate::neighbors;
use crate::shared::Shared;
use nnn_core::{
    BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo, Rows,
    StatPlan, signature,
};

/// The default is hub-toolbox'.
const PARAMS: &[ParamInfo] = &[neighbors(50.0)];

/// A weight of one, in the units of what is summed: logarithms are rounded to 2^-40.
const ONE: f64 = (1u64 << 40) as f64;

/// The family `simhub_in`.
#[derive(Debug, Clone, Copy)]
pub struct SimhubInFamily;

impl MethodFamily for SimhubInFamily {
    fn name(&self) -> &'static str {
        "simhub_in"
    }

    fn doc(&self) -> &'static str {
        "sum of ln(n / (N_k(x) + 1)) over the items x shared by the k gallery items nearest to q and to g, then s(q,g): Simhub-in (Tomasev and Mladenic, KAIS 39)"
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
        Box::new(SimhubIn { k: point[0] })
    }
}

/// Simhub-in at one size of neighbourhoods.
#[derive(Debug, Clone, Copy)]
pub struct SimhubIn {
    /// Size of a neighbourhood, which of a smaller gallery is all of it; a whole number, at least 1.
    pub k: Param,
}

/// `ln(n / (N + 1))`: how much it says of two items that they share one that is in `count` of `items` lists. An item is not in its own
/// list, so that this is never below zero.
fn informativeness(items: usize, count: usize) -> u64 {
    let share = items as f64 / (count as f64 + 1.0);
    (libm::log(share) * ONE).round() as u64
}

impl Normalizer for SimhubIn {
    fn signature(&self) -> String {
        signature("simhub_in", PARAMS, &[self.k])
    }

    fn needs(&self, _plan: &mut StatPlan) {}

    fn reads_gallery(&self) -> bool {
        true
    }

    fn held_bytes(&self, gallery: usize, _dim: usize) -> usize {
        Shared::bytes(self.k.get() as usize, gallery)
    }

    fn fit(&self, _stats: &BankStats, gallery: Rows<'_>) -> Result<Fitted, FitError> {
        Ok(Shared::new(gallery, self.k.get() as usize, informativeness).fitted())
    }
}
