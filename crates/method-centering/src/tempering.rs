//! Whitening as far as the variances themselves say.

use crate::knee::knee;
use crate::space::{Axis, Space, need_moments, projector};
use nnn_core::{
    BankStats, FitError, Fitted, MethodFamily, MethodKind, Normalizer, Param, ParamInfo, Rows,
    StatPlan, signature,
};

/// All dimensions, which is our default, and those that the authors' released script reduces to.
const PARAMS: &[ParamInfo] = &[ParamInfo::whole(
    "dims",
    "how many principal components of largest variance are kept, which also says how far they are whitened; 0 keeps all",
)
.grid(&[0.0, 64.0, 128.0, 256.0, 512.0, 768.0])];

/// The family `spectral_tempering`.
#[derive(Debug, Clone, Copy)]
pub struct SpectralTemperingFamily;

impl MethodFamily for SpectralTemperingFamily {
    fn name(&self) -> &'static str {
        "spectral_tempering"
    }

    fn doc(&self) -> &'static str {
        "cosine after x -> (x - mu) U L^(-gamma/2), gamma the signal-to-noise ratio at the last kept variance over that at the knee: spectral tempering (arXiv 2603.19339)"
    }

    fn kind(&self) -> MethodKind {
        MethodKind::VectorMoving
    }

    fn params(&self) -> &'static [ParamInfo] {
        PARAMS
    }

    fn at(&self, point: &[Param]) -> Box<dyn Normalizer> {
        Box::new(SpectralTempering { dims: point[0] })
    }
}

/// Spectral tempering to one number of dimensions.
#[derive(Debug, Clone, Copy)]
pub struct SpectralTempering {
    /// Components kept, 0 for all; a whole number, at most the dimension. Those without variance are left out.
    pub dims: Param,
}

impl Normalizer for SpectralTempering {
    fn signature(&self) -> String {
        signature("spectral_tempering", PARAMS, &[self.dims])
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
        let gamma = gamma(space.kept(0)?, kept.len());
        let tempered = projector(kept, gallery.dim(), |sd| libm::pow(sd, gamma));
        Ok(space.moved(&tempered, gallery))
    }
}

/// How far variances are evened out where the first `kept` axes are: from 0, where they stay, to 1, where they become equal.
fn gamma(axes: &[Axis], kept: usize) -> f64 {
    let ratios = signal_to_noise(axes);
    let Some(&last) = ratios.last() else {
        return 1.0;
    };
    let at_knee = ratios[knee(&ratios).unwrap_or((kept / 2).max(1) - 1)];
    let at_kept = ratios.get(kept - 1).copied().unwrap_or(last);
    match at_knee > 0.0 {
        true => (at_kept / at_knee).min(1.0),
        false => 1.0,
    }
}

/// `max(0, variance / noise - 1)` of the first nine tenths of the axes; the noise is the mean variance of the others.
fn signal_to_noise(axes: &[Axis]) -> Vec<f64> {
    let (signal, tail) = axes.split_at(axes.len() * 9 / 10);
    let noise = tail.iter().map(|axis| axis.variance).sum::<f64>() / tail.len() as f64;
    let ratio = |axis: &Axis| (axis.variance / noise - 1.0).max(0.0);
    signal.iter().map(ratio).collect()
}
