//! Threads that calls compute on.

use crate::error::whole;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Pools by their number of threads, all cores without, and the process that they were started in.
struct Pools {
    process: u32,
    by_threads: BTreeMap<Option<usize>, Arc<ThreadPool>>,
}

static POOLS: Mutex<Pools> = Mutex::new(Pools {
    process: 0,
    by_threads: BTreeMap::new(),
});

/// The pool of so many threads, started at the first call. Without a number it is of as many as rayon takes: `RAYON_NUM_THREADS` or all
/// cores.
pub(crate) fn pool(threads: Option<i64>) -> PyResult<Arc<ThreadPool>> {
    let threads = threads.map(|threads| whole("threads", threads, 1));
    let threads = threads.transpose()?;
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let here = std::process::id();
    if pools.process != here {
        // A fork has the pools of its parent and none of their threads, so that nothing may wait for them.
        std::mem::forget(std::mem::take(&mut pools.by_threads));
        pools.process = here;
    }
    if let Some(pool) = pools.by_threads.get(&threads) {
        return Ok(Arc::clone(pool));
    }
    let builder = ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0));
    let pool = builder.thread_name(|at| format!("nnn-{at}")).build();
    let pool = pool.map_err(|error| {
        PyRuntimeError::new_err(format!("threads: they cannot be started: {error}"))
    })?;
    let pool = Arc::new(pool);
    pools.by_threads.insert(threads, Arc::clone(&pool));
    Ok(pool)
}
