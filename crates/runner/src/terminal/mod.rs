//! What a person sees while a program runs: results on standard output, progress and warnings beside them.

pub(crate) mod output;
pub(crate) mod progress;
