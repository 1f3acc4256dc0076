//! Progress: bars with rate and remaining time on a terminal, plain lines elsewhere.

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// One stretch of work with a known number of steps.
pub(crate) struct Progress {
    bar: ProgressBar,
    plain: Option<Plain>,
}

/// What a line on a pipe or in a log needs.
struct Plain {
    label: String,
    total: u64,
    started: Instant,
    /// Tenths of a minute already reported.
    reported: AtomicU64,
    done: AtomicU64,
}

/// Time between two plain lines.
const LINE_EVERY: Duration = Duration::from_secs(10);

impl Progress {
    /// Starts `label` with `total` steps of `unit`.
    pub(crate) fn new(label: &str, total: u64, unit: &str) -> Self {
        let counts = format!("{{human_pos}}/{{human_len}} {unit} {{rate}}/s");
        Self::with_counts(label, total, &counts)
    }

    /// Starts `label` with `total` bytes.
    pub(crate) fn bytes(label: &str, total: u64) -> Self {
        Self::with_counts(label, total, "{bytes}/{total_bytes} {bytes_per_sec}")
    }

    fn with_counts(label: &str, total: u64, counts: &str) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(label.to_owned());
        let template = format!("{{msg}} {{bar:24}} {counts} {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.with_key("rate", write_rate));
        }
        let plain = (!terminal).then(|| Plain::new(label, total));
        Self { bar, plain }
    }

    /// Adds finished steps; callable from any thread.
    pub(crate) fn advance(&self, steps: u64) {
        self.bar.inc(steps);
        if let Some(plain) = &self.plain {
            plain.advance(steps);
        }
    }
}

/// Steps a second, whole: `1,467`.
fn write_rate(state: &ProgressState, out: &mut dyn fmt::Write) {
    // A rate that cannot be written is not worth more than a gap in the bar.
    let _ = write!(out, "{}", HumanCount(state.per_sec().round() as u64));
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Plain {
    fn new(label: &str, total: u64) -> Self {
        Self {
            label: label.to_owned(),
            total,
            started: Instant::now(),
            reported: AtomicU64::new(0),
            done: AtomicU64::new(0),
        }
    }

    fn advance(&self, steps: u64) {
        let done = self.done.fetch_add(steps, Ordering::Relaxed) + steps;
        let elapsed = self.started.elapsed();
        let period = elapsed.as_secs() / LINE_EVERY.as_secs();
        if self.reported.fetch_max(period, Ordering::Relaxed) < period {
            let left = elapsed.as_secs_f64() * (self.total.saturating_sub(done)) as f64
                / done.max(1) as f64;
            say(&format!(
                "{}: {done} of {} ({left:.0} s left)",
                self.label, self.total
            ));
        }
    }
}

/// A line for a person, beside the results: on standard error. That nobody reads it stops nothing.
pub fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
