//! How long steps take.

use std::time::Instant;

/// Does some work and says how many seconds it took.
pub fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let started = Instant::now();
    let done = work();
    (done, started.elapsed().as_secs_f64())
}

/// Seconds of named steps, in the order taken.
#[derive(Default)]
pub(crate) struct Clock(pub(crate) Vec<(String, f64)>);

impl Clock {
    /// Does a step and notes its seconds.
    pub(crate) fn time<T>(&mut self, step: &str, work: impl FnOnce() -> T) -> T {
        let (done, seconds) = timed(work);
        self.0.push((step.to_owned(), seconds));
        done
    }
}
