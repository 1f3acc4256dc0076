//! Dual dynamic inverted softmax, gated in the logarithm.

use crate::side::{Factor, Side, bias, sides};
use crate::{BETA1, BETA2, K, grid};
use nnn_core::{
    BankStats, FitError, Fitted, GalleryBias, GatedBias, MethodFamily, MethodKind, Normalizer,
    Param, ParamInfo, Rows, StatPlan, signature,
};

pub(crate) const PARAMS: &[ParamInfo] = &[BETA1, BETA2, K];

/// The published pairs of betas, each with the published `k`.
pub(crate) fn published() -> Vec<Vec<f64>> {
    grid::pairs()
        .map(|[beta1, beta2]| vec![beta1, beta2, K.default])
        .collect()
}

/// The family `dualdis`.
#[derive(Debug, Clone, Copy)]
pub struct DualDisFamily;

impl MethodFamily for DualDisFamily {
    fn name(&self) -> &'static str {
        "dualdis"
    }

    fn doc(&self) -> &'static str {
        "sum over both banks of beta s - L(g) where the query's best raw item is active for the bank, of s elsewhere: \
         DBNorm (EMNLP 2023, arXiv 2310.11612), gated in the logarithm"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Gated
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
        Box::new(DualDis {
            beta1: point[0],
            beta2: point[1],
            k: point[2],
        })
    }
}

/// DualDIS at one point: the score is the sum over both banks of `beta s - L(g)` where the query's best raw item is active
/// for the bank, and of `s` where it is not.
///
/// A side of inverse temperature 0 is left out and its bank not read: DIS over the other bank remains, or the raw
/// similarity.
#[derive(Debug, Clone, Copy)]
pub struct DualDis {
    /// Inverse temperature of the gallery bank, at least 0.
    pub beta1: Param,
    /// Inverse temperature of the query bank, at least 0.
    pub beta2: Param,
    /// Length of the bank rows' lists that make the activation sets; a whole number, at least 1.
    pub k: Param,
}

impl DualDis {
    fn sides(self) -> [Side; 2] {
        sides(self.beta1, self.beta2)
    }

    fn depth(self) -> usize {
        self.k.get() as usize
    }
}

impl Normalizer for DualDis {
    fn signature(&self) -> String {
        signature("dualdis", PARAMS, &[self.beta1, self.beta2, self.k])
    }

    fn needs(&self, plan: &mut StatPlan) {
        for side in self.sides().into_iter().filter(|side| side.counts()) {
            side.need_softmax(plan);
            side.need_places(self.depth(), plan);
        }
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let [first, second] = self
            .sides()
            .map(|side| Gated::new(side, self.depth(), stats));
        let (first, second) = (first?, second?);
        let bias = |choice: usize| {
            let factors = [first.factors[choice & 1], second.factors[choice >> 1]];
            GalleryBias::from_f64(bias(factors, stats.gallery()))
        };
        Ok(Fitted::Gated(GatedBias::new(
            choices(&first.active, &second.active),
            (0..4).map(bias).collect(),
        )))
    }
}

/// For each item 1 if the first bank's activation set has it, and 2 if the second's has.
pub(crate) fn choices(first: &[bool], second: &[bool]) -> Vec<u8> {
    let pairs = first.iter().zip(second);
    pairs
        .map(|(&first, &second)| u8::from(first) + 2 * u8::from(second))
        .collect()
}

/// A side's factor by its gate.
struct Gated<'a> {
    /// Of the queries whose best raw item is not active, and of those whose is.
    factors: [Factor<'a>; 2],
    active: Vec<bool>,
}

impl<'a> Gated<'a> {
    /// A side that does not count is never active and has the constant factor.
    fn new(side: Side, depth: usize, stats: &'a BankStats) -> Result<Self, FitError> {
        let softmax = side.softmax(stats)?;
        Ok(if side.counts() {
            Self {
                factors: [Factor::RAW, softmax],
                active: side.active(depth, stats)?,
            }
        } else {
            Self {
                factors: [softmax; 2],
                active: vec![false; stats.gallery()],
            }
        })
    }
}
