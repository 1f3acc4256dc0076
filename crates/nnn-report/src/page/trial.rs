//! One trial: its hubs, queries that a correction won and lost, the grids it chose from, and its groups.

use maud::{Markup, html};

use crate::page::pictures::Pictures;
use crate::page::{View, groups, heat, hubs, queries};
use crate::records::trial::{Setup, Trial};
use crate::records::{CellId, Shown};

/// A trial with what is shown of it.
pub(super) struct TrialView<'a> {
    pub(super) view: &'a View<'a>,
    pub(super) trial: Trial<'a>,
    id: String,
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

    /// The trial's part of the page, if there is anything to show.
    pub(super) fn markup(&self, pictures: &Pictures<'_>) -> Option<Markup> {
        let setup = self.view.setup_id(self.trial.setup);
        let (grids, groups) = (heat::part(self), groups::part(self));
        if self.shown.is_none() && grids.0.is_empty() && groups.0.is_empty() {
            return None;
        }
        Some(html! {
            article.trial id=(self.id) data-setup=(setup) data-trial=(self.id) {
                h3 { (title(self.trial)) }
                @if let Some(shown) = self.shown {
                    p { "Shown beside raw: " strong { (shown.cell.method_signature()) } "." }
                    (hubs::part(self, shown, pictures))
                    (queries::part(shown, pictures))
                }
                (grids)
                (groups)
            }
        })
    }
}

/// What a trial is called.
pub(super) fn title(trial: Trial<'_>) -> String {
    let Setup {
        model,
        place,
        direction,
    } = trial.setup;
    let reference = match trial.reference_set {
        "" => String::new(),
        name => format!(", {name}"),
    };
    format!("{}, {direction}{reference} ({model})", place.label())
}
