//! Which methods exist: one entry per family. Adding one means adding its entry here.

use crate::TrialError;
use nnn_core::{MethodFamily, NnnFamily, RawFamily};

/// Every method family, raw first.
pub const METHODS: &[&dyn MethodFamily] = &[
    &RawFamily,
    &NnnFamily,
    &method_csls::CslsFamily,
    &method_distnorm::DnFamily,
    &method_qbnorm::IsFamily,
    &method_qbnorm::DisFamily,
    &method_dbnorm::DualIsFamily,
    &method_dbnorm::DualDisFamily,
    &method_dbnorm::DualDisReleasedFamily,
    &method_sinkhorn::SnFamily,
    &method_sinkhorn::DbsnFamily,
    &method_dissim::DisSimLocalFamily,
    &method_centering::CenteringFamily,
    &method_centering::GrClipFamily,
    &method_centering::AbttFamily,
    &method_centering::WhiteningFamily,
    &method_centering::SpectralTemperingFamily,
    &method_invgc::InvGcFamily,
    &method_invgc::LocalAdjFamily,
    &method_gc::GcFamily,
    &method_scaling::LsFamily,
    &method_scaling::NicdmFamily,
    &method_scaling::MpNormalFamily,
    &method_scaling::MpGammaFamily,
    &method_scaling::MpEmpiricalFamily,
    &method_scaling::ZscoreFamily,
    &method_neighbors::SnnFamily,
    &method_neighbors::SimhubInFamily,
    &method_rerank::KReciprocalFamily,
    &method_rerank::QueryExpansionFamily,
    &method_dsl::DslFamily,
];

/// The method family of a name.
///
/// # Errors
/// [`TrialError::UnknownMethod`], with the nearest name.
pub fn method(name: &str) -> Result<&'static dyn MethodFamily, TrialError> {
    let found = METHODS.iter().find(|family| family.name() == name);
    found.copied().ok_or_else(|| {
        let valid = METHODS.iter().map(|family| family.name());
        TrialError::UnknownMethod(nnn_files::unknown("method", name, valid))
    })
}
