//! Removal of the modality gap.

use crate::space::round;
use nnn_core::{
    Bank, BankStats, FitError, Fitted, MethodFamily, MethodKind, MovedVectors, Normalizer, Param,
    ParamInfo, Rows, Stat, StatPlan, VectorMap,
};

/// The family `gr_clip`.
#[derive(Debug, Clone, Copy)]
pub struct GrClipFamily;

impl MethodFamily for GrClipFamily {
    fn name(&self) -> &'static str {
        "gr_clip"
    }

    fn doc(&self) -> &'static str {
        "cos(q - m_Q, g - m_G), either side less the mean of its own bank: GR-CLIP (arXiv 2507.19054)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::VectorMoving
    }

    fn params(&self) -> &'static [ParamInfo] {
        &[]
    }

    fn at(&self, _point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(GrClip)
    }
}

/// GR-CLIP: either side less the mean of its modality's bank, then to unit length. A vector that is that mean becomes zero.
#[derive(Debug, Clone, Copy)]
pub struct GrClip;

impl Normalizer for GrClip {
    fn signature(&self) -> String {
        "gr_clip".into()
    }

    fn needs(&self, plan: &mut StatPlan) {
        plan.need(Bank::Query, Stat::Centroid);
        plan.need(Bank::Gallery, Stat::Centroid);
    }

    fn fit(&self, stats: &BankStats, gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let without_mean_of = |bank| -> Result<VectorMap, FitError> {
            Ok(VectorMap {
                shift: round(stats.get(bank, Stat::Centroid)?),
                matrix: None,
                normalize: true,
            })
        };
        Ok(Fitted::VectorMoving(MovedVectors {
            gallery: without_mean_of(Bank::Gallery)?.apply(gallery),
            query: without_mean_of(Bank::Query)?,
        }))
    }
}
