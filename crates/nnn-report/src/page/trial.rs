//! One trial: its hubs, queries that a correction won and lost, the grids it chose from, and its groups.

use maud::{Markup, html};

use crate::page::pictures::Pictures;
use crate::page::trial_view::TrialView;
use crate::page::{groups, heat, hubs, queries};
use crate::records::trial::{Setup, Trial};

/// The trial's part of the page, with its grids and without, if there is anything to show.
pub(super) fn forms(trial: &TrialView<'_>, pictures: &Pictures<'_>) -> Option<[Markup; 2]> {
    let (grids, groups) = (heat::part(trial), groups::part(trial));
    if trial.shown.is_none() && grids.0.is_empty() && groups.0.is_empty() {
        return None;
    }
    let items = html! {
        @if let Some(shown) = trial.shown {
            p { "Shown beside raw: " strong { (shown.cell.method_signature()) } "." }
            (hubs::part(trial, shown, pictures))
            (queries::part(shown, pictures))
        }
    };
    let instead = html! {
        @if !grids.0.is_empty() {
            p.note { "The grids of its parameters have no room on this page: see grid.parquet." }
        }
    };
    let with = |grids: &Markup| {
        html! {
            article.trial id=(trial.id) data-setup=(trial.view.setup_id(trial.trial.setup)) data-trial=(trial.id) {
                h3 { (title(trial.trial)) }
                (items)
                (grids)
                (groups)
            }
        }
    };
    Some([with(&grids), with(&instead)])
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
