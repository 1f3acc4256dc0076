//! What captions say: what is retrieved, how much of it, and how parameters came about.

use crate::number::distinct;
use crate::tables::sweep::{Setting, Sweep};
use crate::wording::mark_notes;

/// What is retrieved in a direction, as titles say it.
pub(crate) fn retrieval(direction: &str) -> String {
    match direction {
        "t2i" => "Image retrieval (text queries)".to_owned(),
        "i2t" => "Text retrieval (image queries)".to_owned(),
        other => other.to_owned(),
    }
}

/// What every caption says of the scores in its table; `among` is what the best is the best of.
pub(crate) fn notes(sweep: &Sweep<'_>, among: &str) -> Vec<String> {
    let mut notes = notes_without_best(sweep);
    notes.push(format!("Bold: the best {among}."));
    notes
}

/// The same for a table that compares nothing.
pub(crate) fn notes_without_best(sweep: &Sweep<'_>) -> Vec<String> {
    let settings = sweep.settings();
    let mut notes = vec![format!("{}.", sweep.sizes())];
    let references = sweep.references();
    if !references.is_empty() {
        notes.push(format!("Reference sets: {references}."));
    }
    notes.extend(choices(&settings));
    notes
}

/// How parameters came about.
fn choices(settings: &[Setting<'_>]) -> Vec<String> {
    let mut notes = Vec::new();
    let fixed = settings.iter().filter(|setting| !setting.params.is_empty());
    let (shown, told): (Vec<&Setting<'_>>, Vec<_>) =
        fixed.partition(|setting| setting.is_ambiguous(settings));
    let told = distinct(told.iter().map(|s| format!("{}({})", s.method, s.params)));
    if !told.is_empty() {
        notes.push(format!("Fixed parameters: {}.", told.join(", ")));
    }
    if !shown.is_empty() {
        notes.push("Parameters in parentheses are fixed.".to_owned());
    }
    let chosen = settings.iter().filter(|s| s.chosen == "validation");
    let chosen = distinct(chosen.map(|setting| setting.method)).join(", ");
    if !chosen.is_empty() {
        notes.push(format!(
            "Parameters of {chosen} are chosen on held-out training items, for each model, data set and reference set."
        ));
    }
    notes.extend(mark_notes(
        settings.iter().any(|setting| setting.transductive),
        settings.iter().any(Setting::is_oracle),
    ));
    notes
}
