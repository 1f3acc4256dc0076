//! Hubs before and after: how many items are ranked first how often, and the worst of them as they are.

use maud::{Markup, html};

use crate::number::grouped;
use crate::page::canvas::{Canvas, tenth};
use crate::page::pictures::{Pictures, name};
use crate::page::trial_view::TrialView;
use crate::records::{CellId, Hub, OccurrenceRow, Shown, ShownItem};

/// Bins of an axis of occurrences: never, 1, 2 to 3, 4 to 7 and so on.
fn bin(occurrences: usize) -> usize {
    (usize::BITS - occurrences.leading_zeros()) as usize
}

/// What a bin holds, in words.
fn label(bin: usize) -> String {
    match bin {
        0 => "never".to_owned(),
        1 => "1".to_owned(),
        _ => format!(
            "{}–{}",
            grouped(1 << (bin - 1)),
            grouped(usize::MAX >> (usize::BITS as usize - bin))
        ),
    }
}

pub(super) fn part(trial: &TrialView<'_>, shown: &Shown, pictures: &Pictures<'_>) -> Markup {
    html! {
        section.hubs {
            h4 { "Hubs" }
            div.beside {
                (histogram(trial, shown))
                (table(shown, pictures))
            }
        }
    }
}

fn histogram(trial: &TrialView<'_>, shown: &Shown) -> Markup {
    let all = trial.view.experiment.records.occurrences;
    let raw = all
        .iter()
        .find(|row| row.cell.method == "raw" && trial.is_own(&row.cell));
    let after = all.iter().find(|row| row.cell == shown.cell);
    html! {
        @if let (Some(raw), Some(after)) = (raw, after) { (drawn(raw, after, &shown.cell)) }
    }
}

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 44.0;
const BOTTOM: f64 = 34.0;

/// Bars for raw and for the correction, side by side; both axes are logarithmic.
fn drawn(raw: &OccurrenceRow, after: &OccurrenceRow, cell: &CellId) -> Markup {
    let series = [binned(raw), binned(after)];
    let bins = series.iter().map(Vec::len).max().unwrap_or(1);
    let most = series.iter().flatten().copied().max().unwrap_or(1).max(10);
    let top = (most as f64).log10().max(1.0);
    // Half an item lies on the axis, so that one item is seen.
    let foot = 0.5_f64.log10();
    let y = |items: f64| {
        (HEIGHT - BOTTOM) - (items.log10() - foot) / (top - foot) * (HEIGHT - BOTTOM - 10.0)
    };
    let slot = (WIDTH - LEFT) / bins as f64;
    let canvas = Canvas::new(WIDTH, HEIGHT);
    let method = cell.method_signature();
    let names = ["raw", method.as_str()];
    let classes = ["raw", "after"];
    let inside = html! {
        @for power in 0..=(top.floor() as i32) {
            @let at = y(10_f64.powi(power));
            path.grid d={ "M" (LEFT) " " (tenth(at)) "H" (WIDTH) } {}
            text.y x=(LEFT - 6.0) y=(tenth(at + 4.0)) { (grouped(10_usize.pow(power as u32))) }
        }
        @for at in 0..bins {
            @let x = LEFT + slot * at as f64;
            @for (which, counts) in series.iter().enumerate() {
                @let items = counts.get(at).copied().unwrap_or(0);
                @if items > 0 {
                    @let high = y(items as f64);
                    rect class=(classes[which]) x=(tenth(x + slot * (0.12 + 0.38 * which as f64))) y=(tenth(high))
                        width=(tenth(0.36 * slot)) height=(tenth(HEIGHT - BOTTOM - high)) {
                        title { (names[which]) ": " (grouped(items)) " items are first " (times(at)) }
                    }
                }
            }
            text.x x=(tenth(x + slot / 2.0)) y=(HEIGHT - BOTTOM + 14.0) { (short(at)) }
        }
        text.x x=((WIDTH + LEFT) / 2.0) y=(HEIGHT - 4.0) { "queries that rank an item first" }
    };
    html! {
        figure {
            (canvas.markup("histogram", "How many gallery items are ranked first how often", &inside))
            figcaption {
                span.key.raw {} " raw" span.key.after {} " " (method) "; items on a logarithmic axis, queries in doubling bins."
            }
        }
    }
}

/// Labels under the bars: where a bin begins.
fn short(bin: usize) -> String {
    match bin {
        0 => "0".to_owned(),
        _ => grouped(1 << (bin - 1)),
    }
}

fn times(bin: usize) -> String {
    match bin {
        0 => "for no query".to_owned(),
        1 => "for 1 query".to_owned(),
        _ => format!("for {} queries", label(bin)),
    }
}

fn binned(row: &OccurrenceRow) -> Vec<usize> {
    let bins = row.counts.iter().map(|count| bin(count.0)).max();
    let mut items = vec![0_usize; bins.unwrap_or(0) + 1];
    for &(occurrences, count) in &row.counts {
        let bin = &mut items[bin(occurrences)];
        *bin = bin.saturating_add(count);
    }
    items
}

/// The worst hubs, as they are.
fn table(shown: &Shown, pictures: &Pictures<'_>) -> Markup {
    let item = |hub: &Hub| shown.items.iter().find(|item| item.row == hub.item);
    html! {
        div.wide tabindex="0" role="group" aria-label="The worst hubs" {
            table.worst {
                caption { "At most six items that raw ranks first most often, and two that the correction does: for how many queries." }
                thead { tr { th scope="col" { "Item" } th.n scope="col" { "Raw" } th.n scope="col" { "After" } } }
                tbody {
                    @for hub in &shown.hubs {
                        tr {
                            th scope="row" { @if let Some(item) = item(hub) { (named(item, pictures)) } }
                            td.n { (grouped(hub.before)) }
                            td.n { (grouped(hub.after)) }
                        }
                    }
                }
            }
        }
    }
}

/// An item with its picture, if it has one, and its name.
fn named(item: &ShownItem, pictures: &Pictures<'_>) -> Markup {
    html! {
        (pictures.item(item))
        @if item.picture.is_some() { " " span.item { (name(item)) } }
    }
}
