//! What tables and the terminal say in the same words: marks of methods, what a bootstrap resamples, texts that stand out.

use crate::number::{grouped, shown, signed};
use crate::records::{Interval, ScoreRow};

/// What stands in a column of a table: a number or a word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) text: String,
    /// Set off from the others: bold, or starred where there is no bold.
    pub(crate) strong: bool,
}

impl Entry {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            strong: false,
        }
    }
}

/// Stands where a number does not exist.
pub(crate) const ABSENT: &str = "–";

/// Marks what reads the evaluated queries as a whole.
const TRANSDUCTIVE: &str = "†";

/// Marks what was chosen on the evaluated items themselves.
const ORACLE: &str = "‡";

/// Marks what was chosen on held-out items.
pub(crate) const VALIDATION: &str = "§";

/// That mark, or nothing.
pub(crate) fn held_out_mark(chosen: &str) -> &'static str {
    if chosen == "validation" {
        VALIDATION
    } else {
        ""
    }
}

/// The marks of a method.
pub(crate) fn marks(transductive: bool, chosen: &str) -> String {
    let transductive = if transductive { TRANSDUCTIVE } else { "" };
    let oracle = if chosen == "oracle" { ORACLE } else { "" };
    format!("{transductive}{oracle}")
}

/// What the marks mean, as far as they occur.
pub(crate) fn mark_notes(transductive: bool, oracle: bool) -> Vec<String> {
    let notes = [
        (
            transductive,
            format!(
                "{TRANSDUCTIVE} Transductive: reads the evaluated queries as a whole, so that an answer depends on what else is asked; a class of its own, never bold as best."
            ),
        ),
        (
            oracle,
            format!(
                "{ORACLE} Parameters chosen on the evaluated queries themselves (oracle): an upper bound, never bold as best."
            ),
        ),
    ];
    let said = notes.into_iter().filter(|(said, _)| *said);
    said.map(|(_, note)| note).collect()
}

/// What a bootstrap resamples, and how many there are: `resampled by image (n = 1,000)`.
pub(crate) fn resampled(cluster: &str, count: usize) -> String {
    format!("resampled by {cluster} (n = {})", grouped(count))
}

/// ` [57.11, 60.53]`, or nothing.
pub(crate) fn bracketed(interval: Option<Interval>, show: impl Fn(f64) -> String) -> String {
    let text = |i: Interval| format!(" [{}, {}]", show(i.low), show(i.high));
    interval.map_or(String::new(), text)
}

/// The gain over raw with its interval.
pub(crate) fn gain(row: &ScoreRow) -> String {
    let show = |difference| signed(&row.metric, difference);
    row.gain.map_or(String::new(), |gain| {
        show(gain.delta) + &bracketed(gain.interval, |bound| shown(&row.metric, bound))
    })
}
