//! All-but-the-top.

use crate::space::{Axis, Space, need_moments};
use nnn_core::{
    BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo, Rows,
    StatPlan, signature,
};

/// The paper gives the rule of thumb dim / 100, and uses 2 and 3 at dimension 300, but no grid; these are values around it.
const PARAMS: &[ParamInfo] = &[ParamInfo::whole(
    "d",
    "how many principal components of largest variance are removed; the paper's rule is dim / 100",
)
.default(5.0)
.grid(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0])];

/// The family `abtt`.
#[derive(Debug, Clone, Copy)]
pub struct AbttFamily;

impl MethodFamily for AbttFamily {
    fn name(&self) -> &'static str {
        "abtt"
    }

    fn doc(&self) -> &'static str {
        "cosine after x -> (I - U U^T)(x - mu), U the d top principal components of both banks: all-but-the-top (arXiv 1702.01417)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::VectorMoving
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(Abtt { d: point[0] })
    }
}

/// All-but-the-top for one number of components.
#[derive(Debug, Clone, Copy)]
pub struct Abtt {
    /// Components removed; a whole number, at least 0 and at most the dimension.
    pub d: Param,
}

impl Normalizer for Abtt {
    fn signature(&self) -> String {
        signature("abtt", PARAMS, &[self.d])
    }

    fn needs(&self, plan: &mut StatPlan) {
        need_moments(plan);
    }

    fn least_dim(&self) -> usize {
        self.d.get() as usize
    }

    fn fit(&self, stats: &BankStats, gallery: Rows<'_>) -> Result<Fitted, FitError> {
        let space = Space::new(stats, gallery.dim())?;
        let top = space.varying(self.d.get() as usize)?;
        Ok(space.moved(&complement(top, gallery.dim()), gallery))
    }
}

/// `I - U U^T`, row by row; zero where nothing is left.
fn complement(axes: &[Axis], dim: usize) -> Vec<f64> {
    if axes.len() == dim {
        return vec![0.0; dim * dim];
    }
    let at = |i: usize, j: usize| {
        let products = axes
            .iter()
            .map(|axis| axis.direction[i] * axis.direction[j]);
        f64::from(u8::from(i == j)) - products.sum::<f64>()
    };
    let row = |i: usize| (0..dim).map(move |j| at(i, j));
    (0..dim).flat_map(row).collect()
}
