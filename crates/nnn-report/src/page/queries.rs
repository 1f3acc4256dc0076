//! Queries that a correction won and lost, chosen by a rule.

use maud::{Markup, html};

use crate::number::grouped;
use crate::page::pictures::Pictures;
use crate::records::{Shown, ShownQuery};

pub(super) fn part(shown: &Shown, pictures: &Pictures<'_>) -> Markup {
    let changed = shown.changed;
    html! {
        section.queries {
            h4 { "Queries" }
            p.note {
                "Of " (grouped(changed.of)) " queries, " (grouped(changed.won)) " are answered first only with the correction, and "
                (grouped(changed.lost)) " only without. Shown are the middle ones of each third of both, in their order."
            }
            div.beside { @for query in &shown.queries { (one(shown, query, pictures)) } }
        }
    }
}

fn one(shown: &Shown, query: &ShownQuery, pictures: &Pictures<'_>) -> Markup {
    let (before, after) = query.ranks;
    let verdict = if query.is_won() { "won" } else { "lost" };
    html! {
        div.query {
            p {
                span class=(verdict) { (verdict) } " "
                (pictures.item(&query.query)) " "
                span.note { "rank " (before) " → " (after) }
            }
            (list("Raw", shown, query, &query.before, pictures))
            (list("After", shown, query, &query.after, pictures))
        }
    }
}

/// The best items of a query, those that answer it marked.
fn list(
    title: &str,
    shown: &Shown,
    query: &ShownQuery,
    rows: &[u32],
    pictures: &Pictures<'_>,
) -> Markup {
    let item = |row: u32| shown.items.iter().find(|item| item.row == row);
    html! {
        p.list { (title) ":" }
        ol {
            @for &row in rows {
                @let right = query.answers.contains(&row);
                li.answers[right] {
                    @if let Some(item) = item(row) { (pictures.item(item)) }
                    @if right { " " span.mark { "✓" span.hidden { " answers it" } } }
                }
            }
        }
    }
}
