//! Z-score of an item's similarity over the query bank.

use crate::linear::Linear;
use crate::normal::need_means_and_deviations;
use nnn_core::{
    BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo, Rows,
    StatPlan,
};

/// The family `zscore`; it has no parameters.
#[derive(Debug, Clone, Copy)]
pub struct ZscoreFamily;

impl MethodFamily for ZscoreFamily {
    fn name(&self) -> &'static str {
        "zscore"
    }

    fn doc(&self) -> &'static str {
        "(s(q,g) - mean) / deviation of s(d,g) over the query bank: Z-norm (Digital Signal Processing 10, 2000)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Rescaling
    }

    fn params(&self) -> &'static [ParamInfo] {
        &[]
    }

    fn at(&self, _point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Zscore)
    }
}

/// Z-score of an item's similarity over the query bank.
#[derive(Debug, Clone, Copy)]
pub struct Zscore;

impl Normalizer for Zscore {
    fn signature(&self) -> String {
        "zscore".to_owned()
    }

    fn needs(&self, plan: &mut StatPlan) {
        need_means_and_deviations(plan);
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        Linear::by_deviation(stats)
    }
}
