//! Worker threads.

use anyhow::{Context, Result};

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
    let mut pool = rayon::ThreadPoolBuilder::new();
    if let Some(threads) = threads {
        pool = pool.num_threads(threads);
    }
    let pool = pool.build().context("worker threads cannot be started")?;
    Ok(pool.install(work))
}
