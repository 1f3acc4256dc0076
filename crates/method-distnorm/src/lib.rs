//! Distribution normalization: `(q - lambda mu_q) . (g - lambda mu_g)` with the mean `mu_q` of the query bank and the mean
//! `mu_g` of gallery items, not brought to unit length again.
//!
//! Zhou, Ren, Li, Zabih, Lim, "Test-Time Distribution Normalization for Contrastively Learned Visual-language Models",
//! NeurIPS 2023, arXiv 2302.11084.
//!
//! Multiplied out, the products with `mu_g` are `lambda q . mu_g` and `lambda^2 mu_q . mu_g`, the same for every item of a
//! row. What is left orders a query's gallery: `s(q,g) - lambda mu_q . g`, a bias per item and, as `mu_q . g` is the mean
//! similarity of the item to the bank, that of NNN at `k` = size of the bank and `alpha = lambda`.

use nnn_core::{
    Bank, BankStats, FitError, Fitted, GalleryBias, MethodFamily, MethodKind, Normalizer, Param,
    ParamInfo, Rows, Stat, StatPlan, signature,
};

/// 0.25 is the paper's value; no grid was published, and this one is ours. 0.5 is the default of NNN's library.
const PARAMS: &[ParamInfo] = &[ParamInfo::number(
    "lambda",
    "share of the means that is subtracted; 0 leaves the similarities as they are",
)
.default(0.25)
.grid(&[0.125, 0.25, 0.375, 0.5, 0.625, 0.75, 0.875, 1.0])];

/// The family `dn`.
#[derive(Debug, Clone, Copy)]
pub struct DnFamily;

impl MethodFamily for DnFamily {
    fn name(&self) -> &'static str {
        "dn"
    }

    fn doc(&self) -> &'static str {
        "(q - lambda mu_q).(g - lambda mu_g) with the banks' means: distribution normalization (NeurIPS 2023, arXiv 2302.11084)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Additive
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Dn { lambda: point[0] })
    }
}

/// DN at one weight.
#[derive(Debug, Clone, Copy)]
pub struct Dn {
    /// Weight of the means, at least 0.
    pub lambda: Param,
}

impl Normalizer for Dn {
    fn signature(&self) -> String {
        signature("dn", PARAMS, &[self.lambda])
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, Stat::Mean);
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let (means, lambda) = (stats.get(Bank::Query, Stat::Mean)?, self.lambda.get());
        Ok(Fitted::Additive(GalleryBias::from_f64(
            means.iter().map(|mean| lambda * mean),
        )))
    }
}
