//! Panics of the parquet library at damaged files.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs one read of a parquet file. The library asserts some of what it expects of page headers and of the footer; such a
/// panic becomes the error that `panicked` makes of its message. Nothing outlives the read, so that no half-changed state
/// can be seen.
pub(crate) fn contained<T, E>(
    read: impl FnOnce() -> Result<T, E>,
    panicked: impl FnOnce(&str) -> E,
) -> Result<T, E> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|cause| {
        let said = cause
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| cause.downcast_ref::<&str>().copied());
        Err(panicked(said.unwrap_or("its pages contradict each other")))
    })
}
