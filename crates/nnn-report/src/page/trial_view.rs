//! One trial with what is shown of it.

use crate::page::View;
use crate::records::trial::{Setup, Trial};
use crate::records::{CellId, Shown};

/// A trial with what is shown of it.
pub(super) struct TrialView<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) trial: Trial<'a>,
    /// Of its part of the page.
    pub(super) id: String,
    /// The correction that stands beside raw, with hubs and queries.
    pub(super) shown: Option<&'a Shown>,
}

impl<'a> TrialView<'a> {
    pub(super) fn new(view: &'a View<'a>, trial: Trial<'a>, id: String) -> Self {
        let mut all = view.experiment.shown.iter();
        Self {
            view,
            trial,
            id,
            shown: all.find(|shown| Trial::of(&shown.cell) == trial),
        }
    }

    /// Whether rows of this cell are the trial's own, or raw's, which stands in a trial without reference set.
    pub(super) fn is_own(&self, cell: &CellId) -> bool {
        Trial::of(cell) == self.trial
            || (cell.method == "raw" && Setup::of(cell) == self.trial.setup)
    }
}
