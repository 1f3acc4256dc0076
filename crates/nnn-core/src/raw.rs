//! No correction: the similarities as they are, the line that every gain is measured from.

use crate::{
    BankStats, FitError, Fitted, GalleryBias, MethodFamily, MethodKind, Normalizer, Param,
    ParamInfo, Rows, StatPlan,
};

/// The family `raw`; it has no parameters and reads no bank.
#[derive(Debug, Clone, Copy)]
pub struct RawFamily;

impl MethodFamily for RawFamily {
    fn name(&self) -> &'static str {
        "raw"
    }

    fn doc(&self) -> &'static str {
        "s(q,g): the similarity, uncorrected"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::Additive
    }

    fn params(&self) -> &'static [ParamInfo] {
        &[]
    }

    fn at(&self, _point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Raw)
    }
}

/// The similarity itself.
#[derive(Debug, Clone, Copy)]
pub struct Raw;

impl Normalizer for Raw {
    fn signature(&self) -> String {
        "raw".to_owned()
    }

    fn needs(&self, _plan: &mut StatPlan) {}

    fn fit(&self, stats: &BankStats, _gallery: Rows<'_>) -> Result<Fitted, FitError> {
        Ok(Fitted::Additive(GalleryBias::zero(stats.gallery())))
    }
}
