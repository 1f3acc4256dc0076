//! What is wrong with an argument, as Python's exceptions.

use nnn_core::{Bank, FitError};
use pyo3::PyErr;
use pyo3::exceptions::{PyOSError, PyValueError};
use std::fmt::Display;
use std::path::Path;

/// A `ValueError` that names the argument.
pub(crate) fn wrong(argument: &str, problem: impl Display) -> PyErr {
    PyValueError::new_err(format!("{argument}: {problem}"))
}

/// A whole number that an argument has to be.
pub(crate) fn whole(argument: &str, value: i64, least: usize) -> Result<usize, PyErr> {
    match usize::try_from(value) {
        Ok(value) if value >= least => Ok(value),
        _ => Err(wrong(
            argument,
            format!("{value}, expected a whole number >= {least}"),
        )),
    }
}

/// Why a method cannot be fitted; a bank that is missing is named with the argument that gives it.
pub(crate) fn unfit(signature: &str, error: &FitError) -> PyErr {
    let bank = |words: &str| wrong("bank", format!("{signature}: {error}{words}"));
    match error {
        FitError::MissingBank { bank: of, .. } => bank(match of {
            Bank::Query => "; give it as `bank`",
            Bank::Gallery => "; give it as `bank=Bank(queries, gallery=items)`",
            Bank::Evaluated => "; `rank` and `hubness` have them",
        }),
        FitError::EmptyBank { .. }
        | FitError::KExceedsBank { .. }
        | FitError::DoesNotMerge { .. }
        | FitError::Dimension { .. } => bank(""),
        _ => wrong("method", format!("{signature}: {error}")),
    }
}

/// An `OSError` of the kind that the system's number says, with the file.
pub(crate) fn io(path: &Path, problem: &std::io::Error) -> PyErr {
    let path = path.display().to_string();
    match problem.raw_os_error() {
        Some(number) => PyOSError::new_err((number, problem.to_string(), path)),
        None => PyOSError::new_err(format!("{path}: {problem}")),
    }
}
