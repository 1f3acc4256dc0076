//! What the page shows of a trial besides numbers: hubs and queries, as people see them.

use super::rows::TrialRows;
use crate::open::trials::TrialPlan;
use crate::open::{Side, Sources};
use crate::warning::Warning;
use nnn_report::{SelectedQuery, Selection, Shown, ShownItem, ShownQuery, select_shown};
use std::collections::BTreeSet;

/// Hubs and queries of a trial with its items' names and pictures; a page without pictures is worth a warning, not a failure.
pub(super) fn shown(
    trial: &TrialPlan,
    sources: &Sources,
    rows: &TrialRows,
) -> (Option<Shown>, Vec<Warning>) {
    let Some(selection) = select_shown(&rows.raw, &rows.queries, &rows.scores, &rows.choosing)
    else {
        return (None, Vec::new());
    };
    let asked: Vec<u32> = selection.queries.iter().map(|it| it.query as u32).collect();
    let (shown_items, of_items) = items(sources, &trial.test.gallery, &gallery_rows(&selection));
    let (queries, of_queries) = items(sources, &trial.test.queries, &asked);
    let asked = selection.queries.iter().zip(queries);
    let queries = asked.map(|(selected, query)| shown_query(trial, selected, query));
    let shown = Shown {
        cell: selection.cell.clone(),
        hubs: selection.hubs.clone(),
        changed: selection.changed,
        queries: queries.collect(),
        items: shown_items,
    };
    (
        Some(shown),
        of_items.into_iter().chain(of_queries).collect(),
    )
}

/// Every gallery row that is shown, once.
fn gallery_rows(selection: &Selection) -> Vec<u32> {
    let hubs = selection.hubs.iter().map(|hub| hub.item);
    let lists = selection
        .queries
        .iter()
        .flat_map(|it| it.before.iter().chain(&it.after).copied());
    let rows: BTreeSet<u32> = hubs.chain(lists).collect();
    rows.into_iter().collect()
}

fn shown_query(trial: &TrialPlan, selected: &SelectedQuery, query: ShownItem) -> ShownQuery {
    let answering = trial.test.relevance.of(selected.query);
    let listed: BTreeSet<u32> = selected
        .before
        .iter()
        .chain(&selected.after)
        .copied()
        .collect();
    ShownQuery {
        query,
        ranks: selected.ranks,
        before: selected.before.clone(),
        after: selected.after.clone(),
        answers: listed
            .into_iter()
            .filter(|row| answering.contains(row))
            .collect(),
    }
}

/// Items of a side as people see them, and what a reader has to know of their pictures.
fn items(sources: &Sources, side: &Side, rows: &[u32]) -> (Vec<ShownItem>, Option<Warning>) {
    let source = &sources.all()[side.source];
    let mut items = source.named_items(side, rows);
    let drawn = source.add_pictures(side, &mut items);
    let warning = drawn.err().map(|error| Warning::NoPictures {
        dataset: source.name.clone(),
        reason: format!("{error:#}"),
    });
    (items, warning)
}
