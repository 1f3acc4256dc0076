//! Dual dynamic inverted softmax as DBNorm's code multiplies it.

use crate::dualdis::{PARAMS, choices, published};
use crate::side::{Factor, Side, bias, sides};
use nnn_core::{
    BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo, RowRule,
    Rows, StatPlan, best_items, rewrite_by_key, signature, weighted_key,
};

/// The family `dualdis_released`.
#[derive(Debug, Clone, Copy)]
pub struct DualDisReleasedFamily;

impl MethodFamily for DualDisReleasedFamily {
    fn name(&self) -> &'static str {
        "dualdis_released"
    }

    fn doc(&self) -> &'static str {
        "product over both banks of exp(beta s) / sum exp(beta s) where the query's best raw item is active, of s elsewhere: \
         DBNorm (arXiv 2310.11612) as released"
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

    fn published_points(&self) -> Vec<Vec<f64>> {
        published()
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(DualDisReleased {
            beta1: point[0],
            beta2: point[1],
            k: point[2],
        })
    }
}

/// The released product at one point: of `s`, or where the query's best raw item is active for the bank of
/// `exp(beta s) / sum exp(beta s)`, which is constant at inverse temperature 0. Where both are, the similarities stay.
///
/// It rises with `s` only above zero: between two inactive banks it is `s^2`.
#[derive(Debug, Clone, Copy)]
pub struct DualDisReleased {
    /// Inverse temperature of the gallery bank, at least 0.
    pub beta1: Param,
    /// Inverse temperature of the query bank, at least 0.
    pub beta2: Param,
    /// Length of the bank rows' lists that make the activation sets; a whole number, at least 1.
    pub k: Param,
}

impl DualDisReleased {
    fn sides(self) -> [Side; 2] {
        sides(self.beta1, self.beta2)
    }

    fn depth(self) -> usize {
        self.k.get() as usize
    }
}

impl Normalizer for DualDisReleased {
    fn signature(&self) -> String {
        signature(
            "dualdis_released",
            PARAMS,
            &[self.beta1, self.beta2, self.k],
        )
    }

    fn needs(&self, plan: &mut StatPlan) {
        for side in self.sides() {
            side.need_softmax(plan);
            side.need_places(self.depth(), plan);
        }
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let (sides, depth) = (self.sides(), self.depth());
        let [first, second] = sides.map(|side| side.active(depth, stats));
        let factors = [sides[0].softmax(stats)?, sides[1].softmax(stats)?];
        Ok(Fitted::Rescaling(Box::new(Product {
            choice: choices(&first?, &second?),
            single: factors.map(|factor| Weights::new(factor, stats.gallery())),
            both: bias(factors, stats.gallery()),
        })))
    }
}

/// `exp(beta s - log)`.
struct Weights {
    beta: f64,
    /// One per item.
    logs: Vec<f64>,
}

impl Weights {
    fn new(factor: Factor<'_>, gallery: usize) -> Self {
        Self {
            beta: factor.beta,
            logs: (0..gallery).map(|g| factor.log(g)).collect(),
        }
    }
}

struct Product {
    /// Which factors are active where this item is the query's best: 1 for the first, and 2 for the second.
    choice: Vec<u8>,
    single: [Weights; 2],
    /// Orders as the product of both does.
    both: Vec<f64>,
}

impl RowRule for Product {
    fn apply(&self, row: &mut [f32]) {
        let best = best_items(row, 1)[0] as usize;
        match self.choice[best] {
            0 => rewrite_by_key(row, |_, s| f64::from(s) * f64::from(s)),
            3 => rewrite_by_key(row, |g, s| f64::from(s) - self.both[g]),
            one => {
                let Weights { beta, logs } = &self.single[usize::from(one) - 1];
                rewrite_by_key(row, |g, s| weighted_key(s, *beta, logs[g]));
            }
        }
    }
}
