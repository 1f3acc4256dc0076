//! Two groups in a gallery: the bias of every class, before and after.

use maud::{Markup, html};

use crate::number::{distinct, shown};
use crate::page::track::{Mark, Scale};
use crate::page::trial_view::TrialView;
use crate::records::{CellId, ClassRow};
use crate::tables::{has_classes, meaning, sign_of};

pub(super) fn part(trial: &TrialView<'_>) -> Markup {
    let rows: Vec<&ClassRow> = trial
        .view
        .experiment
        .records
        .classes
        .iter()
        .filter(|row| trial.is_own(&row.cell))
        .collect();
    let Some(after) = after(trial, &rows) else {
        return html! {};
    };
    let metrics = distinct(rows.iter().map(|row| row.metric.as_str()));
    // Those that have tables class by class; the others are in classes.csv.
    let metrics: Vec<&str> = metrics
        .into_iter()
        .filter(|metric| has_classes(metric))
        .collect();
    if metrics.is_empty() {
        return html! {};
    }
    html! {
        section.groups {
            h4 { "Groups" }
            @if let Some(sign) = sign(trial, after) { p.note { (sign) } }
            @for metric in metrics { (figure(metric, &rows, after)) }
        }
    }
}

/// The correction that is shown, or the first that has classes.
fn after<'a>(trial: &TrialView<'a>, rows: &[&'a ClassRow]) -> Option<&'a CellId> {
    let has = |cell: &CellId| rows.iter().any(|row| row.cell == *cell);
    let shown = trial
        .shown
        .map(|shown| &shown.cell)
        .filter(|cell| has(cell));
    let mut others = rows
        .iter()
        .map(|row| &row.cell)
        .filter(|cell| cell.method != "raw" && cell.is_counted());
    shown.or_else(|| others.next())
}

/// Which group a positive value means.
fn sign(trial: &TrialView<'_>, cell: &CellId) -> Option<String> {
    let mut scores = trial.view.experiment.records.scores.iter();
    sign_of(&scores.find(|row| row.cell == *cell)?.signature)
}

fn figure(metric: &str, rows: &[&ClassRow], after: &CellId) -> Markup {
    let value = |class: &str, own: &dyn Fn(&CellId) -> bool| {
        let found = |row: &&&ClassRow| row.metric == metric && row.class == class && own(&row.cell);
        rows.iter().find(found).map(|row| row.value)
    };
    let mut classes: Vec<(&str, f64, f64)> = distinct(rows.iter().map(|row| row.class.as_str()))
        .into_iter()
        .filter_map(|class| {
            let raw = value(class, &|cell| cell.method == "raw")?;
            Some((class, raw, value(class, &|cell| cell == after)?))
        })
        .collect();
    classes.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    let scale = Scale::with_zero(classes.iter().flat_map(|it| [it.1, it.2]));
    let line = |&(class, raw, new): &(&str, f64, f64)| {
        let said = format!(
            "{class}: {} raw, {} after",
            shown(metric, raw),
            shown(metric, new)
        );
        let marks = [
            Mark::Rule(0.0, "zero"),
            Mark::Bar(raw.min(new), raw.max(new), "bar same", said),
            Mark::Dot(raw, "dot raw", format!("raw {}", shown(metric, raw))),
            Mark::Dot(new, "dot after", format!("after {}", shown(metric, new))),
        ];
        html! {
            tr {
                th scope="row" { (class) }
                td.plot { (scale.track(&marks)) }
                td.n { (shown(metric, raw)) } td.n { (shown(metric, new)) }
            }
        }
    };
    html! {
        @if !classes.is_empty() {
            h5 { (metric) " by class" }
            @if let Some(meaning) = meaning(metric) { p.note { (meaning) "." } }
            div.wide tabindex="0" role="group" aria-label={ (metric) " by class" } {
                table.forest {
                    thead { tr {
                        th scope="col" { "Class" } th.plot scope="col" { span.key.raw {} " raw " span.key.after {} " " (after.method_signature()) }
                        th.n scope="col" { "Raw" } th.n scope="col" { "After" }
                    } }
                    tbody { @for it in &classes { (line(it)) } }
                    tfoot { tr { td {} td.plot { (scale.axis()) } td {} td {} } }
                }
            }
        }
    }
}
