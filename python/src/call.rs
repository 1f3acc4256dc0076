//! Calls that take long: without the GIL, on a pool of threads, watched and interrupted by the thread that called.

use crate::pool::pool;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::any::Any;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How often the calling thread looks for signals and tells how far the call is.
const WAKE: Duration = Duration::from_millis(100);

/// What unwinds a pass that is to stop; it never leaves this module.
struct Stopped;

/// How far a call is, and whether it is to stop.
#[derive(Default)]
pub(crate) struct Watch {
    done: AtomicU64,
    stop: AtomicBool,
}

impl Watch {
    /// Counts scores that were computed. It does not return once the call is to stop: it unwinds the pass.
    pub(crate) fn advance(&self, scores: u64) {
        if self.stop.load(Ordering::Relaxed) {
            // Unlike a panic it prints nothing.
            resume_unwind(Box::new(Stopped));
        }
        self.done.fetch_add(scores, Ordering::Relaxed);
    }
}

/// The keywords that all long calls have in common.
pub(crate) struct Options<'py> {
    pub(crate) threads: Option<i64>,
    /// What makes a bar, such as `tqdm`.
    pub(crate) progress: Option<Bound<'py, PyAny>>,
}

impl Options<'_> {
    /// All cores, and no bar.
    pub(crate) fn none() -> Self {
        Self {
            threads: None,
            progress: None,
        }
    }
}

/// What a bar is told before it shows anything.
#[derive(Clone, Copy)]
pub(crate) struct Task {
    pub(crate) name: &'static str,
    /// Scores that will be computed.
    pub(crate) scores: u64,
}

impl Task {
    /// What has no bar.
    pub(crate) const QUIET: Self = Self {
        name: "",
        scores: 0,
    };
}

/// Runs `work` on a pool of threads, with the GIL released. Every 100 ms the calling thread looks for signals, such as that of Ctrl-C, and
/// tells the bar how far it is.
///
/// # Errors
/// Those of `work`; the exception of a signal's handler or of the bar, which stop the work; a panic, as `RuntimeError`.
pub(crate) fn run<T: Send>(
    py: Python<'_>,
    options: &Options<'_>,
    task: Task,
    work: impl FnOnce(&Watch) -> PyResult<T> + Send,
) -> PyResult<T> {
    let pool = pool(options.threads)?;
    let mut bar = Bar::open(options, task)?;
    let watch = Watch::default();
    let (ended, problem) = py.detach(|| {
        thread::scope(|scope| {
            let (done, finished) = channel::<()>();
            let (pool, watch) = (&pool, &watch);
            let worker = thread::Builder::new().spawn_scoped(scope, move || {
                let _dropped_at_the_end = done;
                pool.install(|| work(watch))
            });
            let worker = match worker {
                Ok(worker) => worker,
                Err(error) => return (Err(Box::new(error.to_string()) as Box<_>), None),
            };
            let mut problem = None;
            while finished.recv_timeout(WAKE) == Err(RecvTimeoutError::Timeout) {
                if problem.is_none() {
                    problem = Python::attach(|py| look(py, &mut bar, watch)).err();
                    watch.stop.store(problem.is_some(), Ordering::Relaxed);
                }
            }
            (worker.join(), problem)
        })
    });
    finish(py, bar, &watch, problem, ended)
}

fn look(py: Python<'_>, bar: &mut Option<Bar>, watch: &Watch) -> PyResult<()> {
    py.check_signals()?;
    bar.as_mut().map_or(Ok(()), |bar| bar.tell(py, watch))
}

/// Closes the bar and gives what came of the work.
fn finish<T>(
    py: Python<'_>,
    mut bar: Option<Bar>,
    watch: &Watch,
    problem: Option<PyErr>,
    ended: thread::Result<PyResult<T>>,
) -> PyResult<T> {
    let result = match (problem, ended) {
        (Some(problem), _) => Err(problem),
        (None, Ok(result)) => result,
        (None, Err(panic)) => Err(PyRuntimeError::new_err(text(&*panic))),
    };
    let told = match (&result, &mut bar) {
        (Ok(_), Some(bar)) => bar.tell(py, watch),
        _ => Ok(()),
    };
    let closed = bar.map_or(Ok(()), |bar| bar.close(py));
    let result = result?;
    told.and(closed)?;
    Ok(result)
}

/// What a panic says.
fn text(panic: &(dyn Any + Send)) -> String {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
    format!(
        "a mistake of nnn_bench, please report it: {}",
        said.unwrap_or("it says nothing of itself")
    )
}

/// A bar of the caller's making, and what it was told.
struct Bar {
    bar: Py<PyAny>,
    total: u64,
    told: u64,
}

impl Bar {
    /// None where none is wanted, or nothing is computed.
    fn open(options: &Options<'_>, task: Task) -> PyResult<Option<Self>> {
        let Some(progress) = options.progress.as_ref().filter(|_| task.scores > 0) else {
            return Ok(None);
        };
        let keywords = PyDict::new(progress.py());
        keywords.set_item("total", task.scores)?;
        keywords.set_item("desc", task.name)?;
        keywords.set_item("unit", "scores")?;
        keywords.set_item("unit_scale", true)?;
        Ok(Some(Self {
            bar: progress.call((), Some(&keywords))?.unbind(),
            total: task.scores,
            told: 0,
        }))
    }

    /// Tells what was computed since the last time. Scores that are computed twice, as where screening gives up, are told once.
    fn tell(&mut self, py: Python<'_>, watch: &Watch) -> PyResult<()> {
        let done = watch.done.load(Ordering::Relaxed).min(self.total);
        let more = done - self.told;
        self.told = done;
        if more > 0 {
            self.bar.call_method1(py, "update", (more,))?;
        }
        Ok(())
    }

    fn close(self, py: Python<'_>) -> PyResult<()> {
        self.bar.call_method0(py, "close")?;
        Ok(())
    }
}
