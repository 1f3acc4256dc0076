//! k-reciprocal encoding.

use crate::encoding::Encodings;
use crate::neighborhoods::most_expanded;
use nnn_core::{
    Bank, BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo,
    RowRule, Rows, Stat, StatPlan, best_items, rewrite_by_key, signature,
};

/// The defaults are the paper's. It varies one parameter at a time around them; these are some of its values.
const PARAMS: &[ParamInfo] = &[
    ParamInfo::whole(
        "k1",
        "how many nearest items make a neighbourhood, of which mutual ones are encoded",
    )
    .default(20.0)
    .min(1.0)
    .grid(&[10.0, 20.0, 30.0]),
    ParamInfo::whole(
        "k2",
        "over how many nearest items, itself included, an encoding is averaged; 1 does not average",
    )
    .default(6.0)
    .min(1.0)
    .grid(&[1.0, 6.0]),
    ParamInfo::number(
        "lambda",
        "weight of the original distance; 0 is the encodings' distance alone, 1 the original order",
    )
    .default(0.3)
    .max(1.0)
    .grid(&[0.1, 0.3, 0.5, 0.7, 0.9]),
];

/// The family `k_reciprocal`.
#[derive(Debug, Clone, Copy)]
pub struct KReciprocalFamily;

impl MethodFamily for KReciprocalFamily {
    fn name(&self) -> &'static str {
        "k_reciprocal"
    }

    fn doc(&self) -> &'static str {
        "-(1 - lambda) d_J - lambda d, d = 2 - 2 s(q,g), d_J the Jaccard distance of encoded mutual neighbours: k-reciprocal re-ranking (CVPR 2017, arXiv 1701.08398)"
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
        Box::new(KReciprocal {
            k1: point[0],
            k2: point[1],
            lambda: point[2],
        })
    }
}

/// k-reciprocal encoding at one point.
#[derive(Debug, Clone, Copy)]
pub struct KReciprocal {
    /// Size of neighbourhoods, of a smaller gallery all of it; a whole number, at least 1 and at most the size of the query bank.
    pub k1: Param,
    /// Encodings in a mean; a whole number, at least 1.
    pub k2: Param,
    /// Weight of the original distance, from 0 to 1.
    pub lambda: Param,
}

impl KReciprocal {
    /// The similarity from which on a query is among an item's `k1` nearest.
    fn stat(self) -> Stat {
        let k = self.k1.get() as usize;
        Stat::Kth { k }
    }
}

impl Normalizer for KReciprocal {
    fn signature(&self) -> String {
        signature("k_reciprocal", PARAMS, &[self.k1, self.k2, self.lambda])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, self.stat());
    }

    fn reads_gallery(&self) -> bool {
        true
    }

    /// Plain encodings, and averaged ones twice while they are turned over, beside lists of neighbours as they are made.
    fn held_bytes(&self, gallery: usize, _dim: usize) -> usize {
        let [k1, k2] = [self.k1, self.k2].map(|it| it.get() as usize);
        let plain = most_expanded(k1, gallery);
        let averaged = plain.saturating_mul(k2).min(gallery);
        let encoded = averaged.saturating_mul(2).saturating_add(plain);
        let lists = k1.max(k2).min(gallery).saturating_mul(3);
        let pairs = encoded.saturating_add(lists).saturating_add(16);
        gallery.saturating_mul(pairs).saturating_mul(8)
    }

    fn fit(&self, stats: &BankStats, gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let nearest = stats.get(Bank::Query, self.stat())?;
        let [k1, k2] = [self.k1, self.k2].map(|it| it.get() as usize);
        Ok(Fitted::Rescaling(Box::new(Rule {
            k1,
            lambda: self.lambda.get(),
            nearest: nearest.iter().map(|&s| s as f32).collect(),
            encodings: Encodings::new(gallery, k1, k2),
        })))
    }
}

struct Rule {
    k1: usize,
    lambda: f64,
    /// Every item's `k1`-th largest similarity to the query bank.
    nearest: Vec<f32>,
    encodings: Encodings,
}

impl Rule {
    /// `R(q, k1)`, ascending: the query's nearest items among whose nearest queries it is.
    fn mutual(&self, row: &[f32]) -> Vec<u32> {
        let near = best_items(row, self.k1).into_iter();
        let is_mutual = |item: &u32| row[*item as usize] >= self.nearest[*item as usize];
        let mut set: Vec<u32> = near.filter(is_mutual).collect();
        set.sort_unstable();
        set
    }
}

impl RowRule for Rule {
    /// `-(1 - lambda) d_J - lambda (2 - 2 s)` but for a constant.
    fn apply(&self, row: &mut [f32]) {
        let encoding = self.encodings.of_query(row, &self.mutual(row));
        let agreement = self.encodings.agreement(&encoding);
        rewrite_by_key(row, |item, s| {
            let original = 2.0 * self.lambda * f64::from(s);
            ((1.0 - self.lambda) * agreement[item] + original, s)
        });
    }
}
