//! What a run prints at its end.

use crate::records::ScoreRow;
use crate::terminal::blocks::blocks;
use crate::terminal::brief::brief;
use crate::terminal::lines::{Style, seen};
use crate::terminal::overview::{FORMS, overview};
use crate::terminal::setups::measured;

/// The scores as text, in the first of three forms that fits the width and the height of `style`. A setup is a model, a data
/// set and a direction; setups and methods keep the order of the rows, but raw comes first. No number is ever cut.
///
/// 1. **Blocks**, one for each setup. Every method has a line with its reference set and parameters: R@1 with its 95 %
///    bootstrap interval, R@5, R@10, the median rank, the gain over raw with its interval and p-value, and the skewness of
///    the k-occurrences (its value before is raw's). Columns that were not measured are left out.
/// 2. **One table**. Every method has a line for each reference set, every setup a column with R@1 and the gain over raw.
///    Parameters are shown only where they tell fixed settings of one method apart. Where the lines are too many, every
///    reference set has columns of its own instead. Gains with a p-value below 0.05 (not corrected) are marked where the
///    width allows.
/// 3. **A line for each setup**: raw, the best competing method with its reference set, gain, interval and p-value, and how
///    many settings it is the best of. Where even these are too many, the first ones, and how many more there are.
///
/// Where R@1 was not measured, the first metric of a setup takes its place. Fractions are in percent. The best value of a
/// block or column is bold, or starred without colour; rows chosen on the evaluated queries (oracle) and transductive
/// methods are marked and do not compete. Lines below say what marks and columns mean.
#[must_use]
pub fn summary(rows: &[ScoreRow], style: Style) -> String {
    if rows.is_empty() {
        return "No scores.\n".to_owned();
    }
    let setups = measured(rows);
    let whole = std::iter::once_with(|| blocks(&setups, style));
    let tables = FORMS
        .iter()
        .filter_map(|&form| overview(&setups, form, style));
    let form = whole.chain(tables).find(|form| fits(form, style));
    form.unwrap_or_else(|| brief(&setups, style)).join("\n") + "\n"
}

fn fits(form: &[String], style: Style) -> bool {
    form.len() <= style.height && form.iter().all(|line| seen(line) <= style.width)
}
