//! Globally corrected retrieval.

use nnn_core::{
    Bank, BankStats, FitError, Fitted, LargestLists, MethodFamily, MethodKind, Normalizer, Param,
    ParamInfo, RowRule, Rows, Stat, StatPlan, rewrite_by_key, signature,
};
use std::cmp::Reverse;

/// The paper ranks over all bank queries and has no such parameter, so that no grid was published.
const PARAMS: &[ParamInfo] = &[ParamInfo::whole(
    "depth",
    "how many bank queries an item's list holds; a query below them all has rank depth + 1",
)
.default(128.0)
.min(1.0)
.grid(&[8.0, 32.0, 128.0, 512.0])];

/// The family `gc`.
#[derive(Debug, Clone, Copy)]
pub struct GcFamily;

impl MethodFamily for GcFamily {
    fn name(&self) -> &'static str {
        "gc"
    }

    fn doc(&self) -> &'static str {
        "-(1 + #{d: s(d,g) > s(q,g)}) over the query bank, then s(q,g): globally corrected retrieval (arXiv 1412.6568)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Rescaling
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Gc { depth: point[0] })
    }
}

/// GC at one depth.
#[derive(Debug, Clone, Copy)]
pub struct Gc {
    /// Length of the items' lists; a whole number, at least 1 and at most the size of the query bank, at which every rank
    /// is exact. Takes four bytes per item and place, and twelve while it is fitted.
    pub depth: Param,
}

impl Gc {
    fn depth(self) -> usize {
        self.depth.get() as usize
    }
}

impl Normalizer for Gc {
    fn signature(&self) -> String {
        signature("gc", PARAMS, &[self.depth])
    }

    fn needs(&self, plan: &mut StatPlan) {
        let depth = self.depth();
        plan.need(Bank::Query, Stat::Largest { depth });
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let lists = LargestLists::new(stats, Bank::Query, self.depth())?;
        Ok(Fitted::Rescaling(Box::new(Rule(lists))))
    }
}

struct Rule(LargestLists);

impl Rule {
    /// How many of the item's list are more similar to it than `s`.
    fn above(&self, item: usize, s: f32) -> usize {
        let list = self.0.of(item);
        if s < self.0.lowest(item) {
            return list.len();
        }
        list.partition_point(|&other| other > s)
    }
}

impl RowRule for Rule {
    fn apply(&self, row: &mut [f32]) {
        rewrite_by_key(row, |item, s| (Reverse(self.above(item, s)), s));
    }
}
