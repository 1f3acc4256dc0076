//! Inverted softmax.

use crate::BETA;
use nnn_core::{
    Bank, BankStats, FitError, Fitted, GalleryBias, MethodFamily, MethodKind, Normalizer, Param,
    ParamInfo, Rows, Stat, StatPlan, signature,
};

const PARAMS: &[ParamInfo] = &[BETA];

/// The family `is`.
#[derive(Debug, Clone, Copy)]
pub struct IsFamily;

impl MethodFamily for IsFamily {
    fn name(&self) -> &'static str {
        "is"
    }

    fn doc(&self) -> &'static str {
        "s(q,g) - ln(mean exp(beta s(d,g))) / beta over the query bank: inverted softmax (arXiv 1702.03859)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Additive
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Is { beta: point[0] })
    }
}

/// IS at one inverse temperature.
#[derive(Debug, Clone, Copy)]
pub struct Is {
    /// Inverse temperature, above 0.
    pub beta: Param,
}

impl Is {
    fn stat(self) -> Stat {
        Stat::LogMeanExp { beta: self.beta }
    }

    /// `ln(mean exp(beta s)) / beta` of every gallery item: between the mean and the maximum of its similarities.
    pub(crate) fn bias(self, stats: &BankStats) -> Result<GalleryBias, FitError> {
        let logs = stats.get(Bank::Query, self.stat())?;
        let beta = self.beta.get();
        Ok(GalleryBias::from_f64(logs.iter().map(|log| log / beta)))
    }
}

impl Normalizer for Is {
    fn signature(&self) -> String {
        signature("is", PARAMS, &[self.beta])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, self.stat());
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        Ok(Fitted::Additive(self.bias(stats)?))
    }
}
