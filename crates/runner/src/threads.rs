//! Worker threads.

use anyhow::{Context, Result};
use rayon::ThreadPoolBuilder;
use std::error::Error;

/// Does work on so many worker threads, or on as many as there are cores.
///
/// Whatever computes in parallel has to be below one of these calls: elsewhere the library starts threads by itself, and ends the
/// program where the system gives none.
///
/// # Errors
/// The system gives no more threads.
pub(crate) fn with_threads<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> T + Send,
) -> Result<T> {
    let pool = || ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    let refused = "worker threads cannot be started";
    // A thread beside the pool, such as the one that prepares images, computes on the program's own, which starts only once.
    if let Err(error) = pool().build_global()
        && error.source().is_some()
    {
        return Err(error).context(refused);
    }
    let pool = pool().build().context(refused)?;
    Ok(pool.install(work))
}
