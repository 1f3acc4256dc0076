//! A method at one point with its banks from files: what `bias` and `export` compute without a config.

use crate::verbs::arrays::vectors;
use anyhow::{Result, anyhow};
use nnn_core::{Bank, FitError};
use nnn_data::ArrayFile;
use nnn_trial::{Fitting, TrialError, from_signature};

/// Reads the banks of `method`.
///
/// # Errors
/// A bank cannot be read, is missing or is too small, or the banks' dimensions do not fit.
pub(crate) fn fitting(
    method: &str,
    reference: &[ArrayFile],
    reference_gallery: &[ArrayFile],
) -> Result<Fitting> {
    let (_, point) = from_signature(method)?;
    let signature = point.signature();
    Fitting::new(point, vectors(reference)?, vectors(reference_gallery)?)
        .map_err(|error| with_option(error, &signature))
}

/// The error of a bank that is not there, with the option that gives it.
fn with_option(error: TrialError, method: &str) -> anyhow::Error {
    let option = match &error {
        TrialError::Fit(FitError::MissingBank {
            bank: Bank::Query, ..
        }) => "--reference",
        TrialError::Fit(FitError::MissingBank {
            bank: Bank::Gallery,
            ..
        }) => "--reference-gallery",
        _ => return error.into(),
    };
    anyhow!("{method}: {error}; give it with {option}")
}
