//! Progress: bars with rate and remaining time on a terminal, plain lines elsewhere.

use crate::terminal::is_quiet;
use indicatif::{
    HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle,
    WeakProgressBar,
};
use std::fmt;
use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
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
    unit: Unit,
    started: Instant,
    done: AtomicU64,
}

/// What is counted.
enum Unit {
    /// By name.
    Steps(String),
    Bytes,
}

/// The least time between two plain lines, whatever they are about.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// When the last plain line was written, of all stretches of work.
static LAST_LINE: Mutex<Option<Instant>> = Mutex::new(None);

/// The bars on the terminal.
static BARS: Mutex<Vec<WeakProgressBar>> = Mutex::new(Vec::new());

impl Progress {
    /// Starts `label` with `total` steps of `unit`.
    pub(crate) fn new(label: &str, total: u64, unit: &str) -> Self {
        let counts = format!("{{human_pos}}/{{human_len}} {unit} {{rate}}/s");
        Self::with_counts(label, total, &counts, Unit::Steps(unit.to_owned()))
    }

    /// Starts `label` with `total` bytes.
    pub(crate) fn bytes(label: &str, total: u64) -> Self {
        let counts = "{bytes}/{total_bytes} {bytes_per_sec}";
        Self::with_counts(label, total, counts, Unit::Bytes)
    }

    fn with_counts(label: &str, total: u64, counts: &str, unit: Unit) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let target = if terminal && !is_quiet() {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target).with_message(label.to_owned());
        let template = format!("{{msg}} {{bar:24}} {counts} {{eta}} left");
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style.with_key("rate", write_rate));
        }
        if terminal {
            let mut bars = BARS.lock().unwrap_or_else(PoisonError::into_inner);
            bars.retain(|bar| bar.upgrade().is_some());
            bars.push(bar.downgrade());
        }
        let plain = (!terminal).then(|| Plain::new(label, total, unit));
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

/// Takes all bars off the terminal, for a process that is about to end.
pub fn clear_bars() {
    let bars = BARS.lock().unwrap_or_else(PoisonError::into_inner);
    for bar in bars.iter().filter_map(WeakProgressBar::upgrade) {
        bar.finish_and_clear();
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
    fn new(label: &str, total: u64, unit: Unit) -> Self {
        Self {
            label: label.to_owned(),
            total,
            unit,
            started: Instant::now(),
            done: AtomicU64::new(0),
        }
    }

    fn advance(&self, steps: u64) {
        let done = self.done.fetch_add(steps, Ordering::Relaxed) + steps;
        let elapsed = self.started.elapsed();
        if elapsed >= LINE_EVERY && is_time_for_a_line(&LAST_LINE, Instant::now()) {
            say(&self.line(done, elapsed));
        }
    }

    /// `drawing blocks: 1,500 of 25,000 images, 47 s left`.
    fn line(&self, done: u64, elapsed: Duration) -> String {
        let to_do = self.total.saturating_sub(done) as f64;
        let left = elapsed.as_secs_f64() * to_do / done.max(1) as f64;
        let [done, total] = [done, self.total].map(|count| self.unit.amount(count));
        let unit = match &self.unit {
            Unit::Steps(name) => format!(" {name}"),
            Unit::Bytes => String::new(),
        };
        format!("{}: {done} of {total}{unit}, {left:.0} s left", self.label)
    }
}

impl Unit {
    fn amount(&self, count: u64) -> String {
        match self {
            Self::Bytes => HumanBytes(count).to_string(),
            // Of numbers that nobody counts in, two digits are what can be read.
            Self::Steps(_) if count >= 10_000_000 => format!("{:.1e}", count as f64),
            Self::Steps(_) => HumanCount(count).to_string(),
        }
    }
}

/// Whether the last line is long enough ago; if so, this is the time of the last one.
fn is_time_for_a_line(last: &Mutex<Option<Instant>>, now: Instant) -> bool {
    // Whoever finds it taken would only write the line that is being written.
    let Ok(mut last) = last.try_lock() else {
        return false;
    };
    let is_time = last.is_none_or(|last| now.duration_since(last) >= LINE_EVERY);
    if is_time {
        *last = Some(now);
    }
    is_time
}

/// A line for a person, beside the results: on standard error, unless all is to be quiet. That nobody reads it stops nothing.
pub(crate) fn say(line: &str) {
    if !is_quiet() {
        say_error(line);
    }
}

/// The same for an error, which is said in any case.
pub fn say_error(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_line_has_units_and_short_numbers() {
        let line =
            |unit, done, total| Plain::new("work", total, unit).line(done, Duration::from_secs(10));
        let scores = || Unit::Steps("scores".to_owned());
        assert_eq!(
            line(scores(), 27_500_000_000, 55_000_000_000),
            "work: 2.8e10 of 5.5e10 scores, 10 s left"
        );
        assert_eq!(
            line(Unit::Steps("images".to_owned()), 1_500, 6_000),
            "work: 1,500 of 6,000 images, 30 s left"
        );
        assert_eq!(
            line(Unit::Bytes, 1 << 30, 4 << 30),
            "work: 1.00 GiB of 4.00 GiB, 30 s left"
        );
    }

    #[test]
    fn two_plain_lines_are_ten_seconds_apart() {
        let (last, start) = (Mutex::new(None), Instant::now());
        let at =
            |tenths: u64| is_time_for_a_line(&last, start + Duration::from_millis(100 * tenths));
        let written: Vec<u64> = (0..400).filter(|&tenths| at(tenths)).collect();
        assert_eq!(written, [0, 100, 200, 300]);
    }
}
