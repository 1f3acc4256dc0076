//! What a person sees while a program runs: results on standard output, progress and warnings beside them.

pub(crate) mod output;
pub(crate) mod progress;

use std::sync::atomic::{AtomicBool, Ordering};

/// Whether nothing is printed but errors and data that were asked for.
static QUIET: AtomicBool = AtomicBool::new(false);

/// From now on this process prints neither results nor progress nor remarks, only errors and JSON. Warnings are recorded with
/// the results as ever.
pub fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}
