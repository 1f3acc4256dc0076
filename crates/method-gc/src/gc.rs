//! Globally corrected retrieval.

use nnn_core::{
    Bank, BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo,
    RowRule, Rows, Stat, StatPlan, rewrite_by_key, signature,
};
use std::cmp::Reverse;

/// The paper ranks over all bank queries and has no such parameter, so that no grid was published.
const PARAMS: &[ParamInfo] = &[ParamInfo {
    name: "depth",
    doc: "how many bank queries an item's list holds; a query below them all has rank depth + 1",
    default: 128.0,
    min: 1.0,
    above_min: false,
    max: f64::INFINITY,
    whole: true,
    grid: &[8.0, 32.0, 128.0, 512.0],
}];

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
    /// is exact. Takes four bytes an item and place, and twelve while it is fitted.
    pub depth: Param,
}

impl Gc {
    fn depth(self) -> usize {
        self.depth.get() as usize
    }

    fn largest(self) -> Stat {
        Stat::Largest {
            depth: self.depth(),
        }
    }
}

impl Normalizer for Gc {
    fn signature(&self) -> String {
        signature("gc", PARAMS, &[self.depth])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, self.largest());
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let largest = stats.get(Bank::Query, self.largest())?;
        Ok(Fitted::Rescaling(Box::new(Rule::new(
            largest,
            self.depth(),
        ))))
    }
}

struct Rule {
    /// `(gallery, depth)`, each list descending.
    lists: Vec<f32>,
    depth: usize,
    /// The last of each list, side by side: most queries are below it, and nothing else of the list is read.
    last: Vec<f32>,
}

impl Rule {
    fn new(largest: &[f64], depth: usize) -> Self {
        // Similarities are f32 to begin with.
        let lists: Vec<f32> = largest.iter().map(|&s| s as f32).collect();
        Self {
            last: lists
                .chunks_exact(depth)
                .map(|list| list[depth - 1])
                .collect(),
            lists,
            depth,
        }
    }

    /// How many of the item's list are more similar to it than `s`.
    fn above(&self, item: usize, s: f32) -> usize {
        if s < self.last[item] {
            return self.depth;
        }
        let list = &self.lists[item * self.depth..][..self.depth];
        list.partition_point(|&other| other > s)
    }
}

impl RowRule for Rule {
    fn apply(&self, row: &mut [f32]) {
        rewrite_by_key(row, |item, s| (Reverse(self.above(item, s)), s));
    }
}
