//! Dynamic inverted softmax.

use crate::{BETA, Is};
use nnn_core::{
    Bank, BankStats, FitError, Fitted, GalleryBias, MethodFamily, MethodKind, Normalizer, Param,
    ParamInfo, Stat, StatPlan, best_items, signature,
};

const PARAMS: &[ParamInfo] = &[
    BETA,
    ParamInfo {
        name: "k",
        doc: "an item is active if it is among the k best of some bank query",
        default: 1.0,
        min: 1.0,
        above_min: false,
        whole: true,
        grid: &[1.0],
    },
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

    fn fit(&self, stats: &BankStats) -> Result<Box<dyn Fitted>, FitError> {
        let depth = self.depth() as f64;
        let places = stats.get(Bank::Query, self.places())?;
        Ok(Box::new(GatedBias {
            bias: Is { beta: self.beta }.bias(stats)?,
            active: places.iter().map(|&place| place <= depth).collect(),
        }))
    }
}

/// A bias that is subtracted only where the query's best raw item is active.
struct GatedBias {
    bias: GalleryBias,
    active: Vec<bool>,
}

impl Fitted for GatedBias {
    fn apply(&self, row: &mut [f32]) {
        // Of equally scored items the one of lower index is the best: the rule of every ranking here.
        let best = best_items(row, 1);
        if best.first().is_some_and(|&item| self.active[item as usize]) {
            self.bias.subtract_from(row);
        }
    }
}
