//! The grids that parameters were chosen from, on the held-out and on the evaluated items: whether choosing worked is seen.

use maud::{Markup, html};

use crate::number::{distinct, merit, shown};
use crate::page::canvas::{Canvas, tenth};
use crate::page::trial_view::TrialView;
use crate::records::GridRow;
use crate::records::params::pairs;
use crate::records::trial::Trial;

/// Shades, from the worst to the best.
const SHADES: f64 = 8.0;

/// Pixels of a square, unless so many stand side by side that they are narrower; of all of them; and of the room for labels.
const SQUARE: (f64, f64) = (24.0, 16.0);
const ACROSS: f64 = 330.0;
const LEFT: f64 = 56.0;
const BOTTOM: f64 = 30.0;

/// The points of one method of a trial.
struct Grid<'a> {
    rows: Vec<&'a GridRow>,
    /// Parameters of more than one value: across, and down.
    across: &'a str,
    down: Option<&'a str>,
}

pub(super) fn part(trial: &TrialView<'_>) -> Markup {
    let own = trial.view.experiment.grid.iter();
    let own: Vec<&GridRow> = own
        // The evaluated items chose of an oracle's: nothing can be seen of it.
        .filter(|row| Trial::of(&row.cell) == trial.trial && row.cell.chosen != "oracle")
        .collect();
    let methods = distinct(own.iter().map(|row| (&row.cell.method, &row.cell.chosen)));
    let of = |method| {
        own.iter()
            .copied()
            .filter(move |row| (&row.cell.method, &row.cell.chosen) == method)
    };
    let parts: Vec<Markup> = methods
        .into_iter()
        .map(|method| grid(of(method).collect()))
        .filter(|part| !part.0.is_empty())
        .collect();
    html! {
        @if !parts.is_empty() {
            section.grids {
                h4 { "Parameters" }
                p.note {
                    "The farther a shade is from the paper's, the better, each map on its own scale. Ringed: the point that the held-out items chose. Dotted: the best of a map. "
                    "The evaluated items choose nothing."
                }
                div.beside { @for part in parts { (part) } }
            }
        }
    }
}

fn grid(rows: Vec<&GridRow>) -> Markup {
    let names = rows
        .iter()
        .flat_map(|row| pairs(&row.cell.params).map(|(name, _)| name));
    let varying: Vec<&str> = distinct(names)
        .into_iter()
        .filter(|name| values(&rows, name).len() > 1)
        .collect();
    let first = rows[0];
    let title = format!("{}: {}", first.cell.method, first.metric);
    let grid = match varying[..] {
        [] => return html! {},
        [across] => Grid {
            rows,
            across,
            down: None,
        },
        [down, across] => Grid {
            rows,
            across,
            down: Some(down),
        },
        _ => {
            let points = rows
                .iter()
                .filter(|row| row.evaluated_on == rows[0].evaluated_on)
                .count();
            return html! {
                div.map { h5 { (title) } p.note { (points) " points in " (varying.join(", ")) ": see grid.parquet." } }
            };
        }
    };
    html! {
        div.map {
            h5 { (title) }
            @for (side, name) in [("validation", "Held-out items"), ("test", "Evaluated items")] {
                @if let Some(map) = grid.map(side, name) { (map) }
            }
        }
    }
}

/// The values of a parameter, ascending where they are numbers.
fn values<'a>(rows: &[&'a GridRow], name: &str) -> Vec<&'a str> {
    let mut values = distinct(rows.iter().filter_map(|row| value(row, name)));
    values.sort_by(|a, b| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => a.cmp(b),
    });
    values
}

fn value<'a>(row: &'a GridRow, name: &str) -> Option<&'a str> {
    pairs(&row.cell.params)
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

impl Grid<'_> {
    /// The map on one side; none where it was not measured there.
    fn map(&self, side: &str, name: &str) -> Option<Markup> {
        let rows: Vec<_> = self
            .rows
            .iter()
            .copied()
            .filter(|row| row.evaluated_on == side)
            .collect();
        let first = rows.first()?;
        let range = Range::of(&rows);
        let across = values(&self.rows, self.across);
        let down = self.down.map_or(vec![""], |down| values(&self.rows, down));
        let square = (ACROSS / across.len() as f64).min(SQUARE.0);
        let (width, height) = (
            LEFT + square * across.len() as f64,
            SQUARE.1 * down.len() as f64,
        );
        let canvas = Canvas::new(tenth(width + 4.0), height + BOTTOM);
        let place = |row: &GridRow| {
            let at = |values: &[&str], name: &str| {
                values.iter().position(|it| value(row, name) == Some(*it))
            };
            let x = at(&across, self.across)?;
            let y = self.down.map_or(Some(0), |name| at(&down, name))?;
            Some((tenth(LEFT + square * x as f64), SQUARE.1 * y as f64))
        };
        let placed: Vec<Placed<'_>> = rows
            .iter()
            .filter_map(|row| {
                let (x, y) = place(row)?;
                let values = [self.down, Some(self.across)].into_iter().flatten();
                let values: Vec<&str> = values.filter_map(|name| value(row, name)).collect();
                Some(Placed {
                    row,
                    x,
                    y,
                    values: values.join(", "),
                })
            })
            .collect();
        let inside = html! {
            (squares(&placed, square, &range))
            (self.labels(&across, &down, width, height))
        };
        let values = rows.iter().map(|row| row.value);
        let low = shown(&first.metric, values.clone().fold(f64::INFINITY, f64::min));
        let high = shown(&first.metric, values.fold(f64::NEG_INFINITY, f64::max));
        let label = format!("{name}: {} by {}", first.metric, self.across);
        Some(html! {
            figure {
                (canvas.markup("heat", &label, &inside))
                figcaption { (name) ", " (low) " to " (high) (self.chosen(&rows)) }
            }
        })
    }

    /// The chosen point and what it has.
    fn chosen(&self, rows: &[&GridRow]) -> String {
        let chosen = rows.iter().find(|row| row.selected);
        chosen.map_or(String::new(), |row| {
            format!(
                "; chosen {}: {}",
                row.cell.params,
                shown(&row.metric, row.value)
            )
        })
    }

    fn labels(&self, across: &[&str], down: &[&str], width: f64, height: f64) -> Markup {
        let step = across
            .len()
            .div_ceil(((width - LEFT) / 34.0).max(1.0) as usize)
            .max(1);
        html! {
            @for (at, value) in across.iter().enumerate().step_by(step) {
                text.x x=(tenth(LEFT + (width - LEFT) * (at as f64 + 0.5) / across.len() as f64)) y=(height + 12.0) { (short(value)) }
            }
            text.x x=(tenth((LEFT + width) / 2.0)) y=(height + 26.0) { (self.across) }
            @if let Some(name) = self.down {
                @for (at, value) in down.iter().enumerate() {
                    text.y x=(LEFT - 5.0) y=(SQUARE.1 * (at as f64 + 0.75)) { (short(value)) }
                }
                text.name x="0" y=(height + 12.0) { (name) " ↑" }
            }
        }
    }
}

/// A value as the axes have room for: a number with three digits at most behind its zeros.
fn short(value: &str) -> String {
    match value.parse::<f64>() {
        Ok(number) if value.len() > 6 && number != 0.0 => {
            let digits = 2 - number.abs().log10().floor() as i32;
            format!("{number:.*}", digits.clamp(0, 8) as usize)
        }
        _ => value.to_owned(),
    }
}

/// How good the values of a map are, from the worst to the best.
struct Range {
    worst: f64,
    best: f64,
}

impl Range {
    fn of(rows: &[&GridRow]) -> Self {
        let merits = rows.iter().map(|row| merit(&row.metric, row.value));
        Self {
            worst: merits.clone().fold(f64::INFINITY, f64::min),
            best: merits.fold(f64::NEG_INFINITY, f64::max),
        }
    }

    fn shade(&self, row: &GridRow) -> u8 {
        let range = self.best - self.worst;
        let above = merit(&row.metric, row.value) - self.worst;
        let share = if range > 0.0 { above / range } else { 0.5 };
        (SHADES * share).round() as u8
    }

    fn is_best(&self, row: &GridRow) -> bool {
        merit(&row.metric, row.value) >= self.best
    }
}

/// A point with its place on the map.
struct Placed<'a> {
    row: &'a GridRow,
    x: f64,
    y: f64,
    /// Its parameters, as the axes name them.
    values: String,
}

/// The squares, shade by shade, as that is shorter; the marks of the best and of the chosen point lie above them.
fn squares(placed: &[Placed<'_>], width: f64, range: &Range) -> Markup {
    let shaded = |shade: u8| placed.iter().filter(move |it| range.shade(it.row) == shade);
    html! {
        @for shade in 0..=SHADES as u8 {
            @if shaded(shade).next().is_some() {
                g class={ "h" (shade) } style={ "--square:" (tenth(width)) "px" } {
                    @for Placed { row, x, y, values } in shaded(shade) {
                        rect x=(x) y=(y) { title { (values) ": " (shown(&row.metric, row.value)) @if row.selected { ", chosen" } } }
                    }
                }
            }
        }
        @for Placed { row, x, y, .. } in placed {
            @let (middle, centre) = (tenth(x + width / 2.0), y + SQUARE.1 / 2.0);
            @if range.is_best(row) { circle.top cx=(middle) cy=(centre) r="2.5" {} }
            @if row.selected { circle.ring cx=(middle) cy=(centre) r="6" {} }
        }
    }
}
