//! Whitening.

use crate::space::{Space, need_moments, projector};
use nnn_core::{
    BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo, Rows,
    StatPlan, signature,
};

/// The paper keeps all of BERT's 768 dimensions, or 256 of them (384 of the large model's 1024).
const PARAMS: &[ParamInfo] = &[ParamInfo::whole(
    "dims",
    "how many principal components of largest variance are kept; 0 keeps all",
)
.grid(&[0.0, 256.0, 384.0])];

/// The family `whitening`.
#[derive(Debug, Clone, Copy)]
pub struct WhiteningFamily;

impl MethodFamily for WhiteningFamily {
    fn name(&self) -> &'static str {
        "whitening"
    }

    fn doc(&self) -> &'static str {
        "cosine after x -> (x - mu) U L^(-1/2), U L U^T the covariance of both banks: BERT-whitening (arXiv 2103.15316)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::VectorMoving
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Whitening { dims: point[0] })
    }
}

/// Whitening to one number of dimensions.
#[derive(Debug, Clone, Copy)]
pub struct Whitening {
    /// Components kept, 0 for all; a whole number, at most the dimension. Those without variance are left out.
    pub dims: Param,
}

impl Normalizer for Whitening {
    fn signature(&self) -> String {
        signature("whitening", PARAMS, &[self.dims])
    }

    fn needs(&self, plan: &mut StatPlan) {
        need_moments(plan);
    }

    fn least_dim(&self) -> usize {
        self.dims.get() as usize
    }

    fn fit(&self, stats: &BankStats, gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let space = Space::new(stats, gallery.dim())?;
        let kept = space.kept(self.dims.get() as usize)?;
        let whitener = projector(kept, gallery.dim(), |deviation| deviation);
        Ok(space.moved(&whitener, gallery))
    }
}
