//! Centering.

use nnn_core::{
    Bank, BankStats, FitError, Fitted, GalleryBias, MethodFamily, MethodKind, Normalizer, Param,
    ParamInfo, Rows, Stat, StatPlan,
};

/// The family `centering`.
#[derive(Debug, Clone, Copy)]
pub struct CenteringFamily;

impl MethodFamily for CenteringFamily {
    fn name(&self) -> &'static str {
        "centering"
    }

    fn doc(&self) -> &'static str {
        "(q - mu) . (g - mu) with mu the centroid of both banks: centering (Suzuki et al., EMNLP 2013, D13-1058)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Additive
    }

    fn params(&self) -> &'static [ParamInfo] {
        &[]
    }

    fn at(&self, _point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Centering)
    }
}

/// Centering: `(q - mu) . (g - mu) = s(q,g) - mu . g - mu . q + |mu|^2`, whose last two terms are the same for all items of
/// a query, so that it is the bias `mu . g = (mean s(d,g) over the query bank + mean over the gallery bank) / 2`.
#[derive(Debug, Clone, Copy)]
pub struct Centering;

impl Normalizer for Centering {
    fn signature(&self) -> String {
        "centering".into()
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, Stat::Mean);
        plan.need(Bank::Gallery, Stat::Mean);
    }

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let query = stats.get(Bank::Query, Stat::Mean)?;
        let gallery = stats.get(Bank::Gallery, Stat::Mean)?;
        let means = query.iter().zip(gallery).map(|(q, g)| (q + g) / 2.0);
        Ok(Fitted::Additive(GalleryBias::from_f64(means)))
    }
}
