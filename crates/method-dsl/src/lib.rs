//! Dual softmax at inference: `s(q,g) * n * softmax over all n evaluated queries of (beta s(., g))`.
//!
//! Cheng, Lin, Wu, Yang, Shen, "Improving Video-Text Retrieval by Multi-Stream Corpus Alignment and Dual Softmax Loss"
//! (CAMoE), arXiv 2109.04290.
//!
//! With `L(g) = ln((1/n) sum_q exp(beta s(q,g))` the score is `s exp(beta s - L(g))`. It is no bias, as `s` is a factor
//! too, and it reads the evaluated queries as a whole: its answers depend on what else was asked.

use nnn_core::{
    Bank, BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo,
    RowRule, Rows, Stat, StatPlan, rewrite_by_key, signature, weighted_key,
};

/// The published temperature 1000 acts on similarities that CLIP's scale of 100 multiplies: 0.1 on cosines. No grid was
/// published; this one is ours.
const PARAMS: &[ParamInfo] = &[ParamInfo::number(
    "beta",
    "inverse temperature of the softmax over the evaluated queries; 0 leaves the order of the \
     similarities",
)
.default(0.1)
.grid(&[0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0])];

/// The family `dsl`.
#[derive(Debug, Clone, Copy)]
pub struct DslFamily;

impl MethodFamily for DslFamily {
    fn name(&self) -> &'static str {
        "dsl"
    }

    fn doc(&self) -> &'static str {
        "s(q,g) * softmax over the evaluated queries of beta s(.,g): dual softmax, CAMoE (arXiv 2109.04290)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Rescaling
    }

    fn transductive(&self) -> bool {
        true
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Dsl { beta: point[0] })
    }
}

/// DSL at one inverse temperature.
#[derive(Debug, Clone, Copy)]
pub struct Dsl {
    /// Inverse temperature, at least 0; 0 needs no statistic.
    pub beta: Param,
}

impl Dsl {
    /// `None` at 0, where the softmax is the same for every pair.
    fn stat(self) -> Option<Stat> {
        let beta = self.beta;
        (beta.get() > 0.0).then_some(Stat::LogMeanExp { beta })
    }
}

impl Normalizer for Dsl {
    fn signature(&self) -> String {
        signature("dsl", PARAMS, &[self.beta])
    }

    fn needs(&self, plan: &mut StatPlan) {
        if let Some(stat) = self.stat() {
            plan.need(Bank::Evaluated, stat);
        }
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let logs = match self.stat() {
            Some(stat) => stats.get(Bank::Evaluated, stat)?.to_vec(),
            None => vec![0.0; stats.gallery()],
        };
        let beta = self.beta.get();
        Ok(Fitted::Rescaling(Box::new(Weighted { beta, logs })))
    }
}

/// `s exp(beta s - log)`.
struct Weighted {
    beta: f64,
    /// One per item.
    logs: Vec<f64>,
}

impl RowRule for Weighted {
    fn apply(&self, row: &mut [f32]) {
        rewrite_by_key(row, |g, s| weighted_key(s, self.beta, self.logs[g]));
    }
}
