//! One line of a figure: values on a track between two ends, drawn to the width that is there.

use maud::{Markup, html};

/// The ends of a track.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    low: f64,
    high: f64,
}

/// What is drawn on a track.
pub(super) enum Mark {
    /// A dot, its class and what it says.
    Dot(f64, &'static str, String),
    /// A bar between two values, its class and what it says.
    Bar(f64, f64, &'static str, String),
    /// A line across.
    Rule(f64, &'static str),
}

impl Scale {
    /// The ends that hold some values and 0, with a little room beside them.
    pub(super) fn with_zero(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((0.0, 0.0), |(low, high): (f64, f64), value| {
                (low.min(value), high.max(value))
            });
        let room = 0.04 * (high - low).max(1e-9);
        Self {
            low: low - room,
            high: high + room,
        }
    }

    /// Given ends; values beyond are drawn at them.
    pub(super) fn between(low: f64, high: f64) -> Self {
        Self { low, high }
    }

    /// A value's place in percent of the width.
    fn place(self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        100.0 * share.clamp(0.0, 1.0)
    }

    /// Round values for an axis: 0 and up to three on either side.
    fn ticks(self) -> Vec<f64> {
        let rough = (self.high - self.low) / 4.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|it| it * power)
            .into_iter()
            .find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let (first, last) = (
            (self.low / step).ceil() as i64,
            (self.high / step).floor() as i64,
        );
        (first..=last).map(|at| at as f64 * step).collect()
    }

    /// The axis under a column of tracks.
    pub(super) fn axis(self) -> Markup {
        html! {
            div.axis aria-hidden="true" {
                @for tick in self.ticks() {
                    // Steps are 1, 2 or 5 times a power of ten, but not in binary.
                    span style={ "left:" (percent(self.place(tick))) "%" } { ((tick * 1e6).round() / 1e6) }
                }
            }
        }
    }

    /// Marks on a track. It is hidden from who hears the page: the numbers stand beside it.
    pub(super) fn track(self, marks: &[Mark]) -> Markup {
        html! {
            svg.track viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
                @for mark in marks { (self.mark(mark)) }
            }
        }
    }

    fn mark(self, mark: &Mark) -> Markup {
        let at = |value: f64| percent(self.place(value));
        match mark {
            Mark::Rule(value, class) => {
                html! { path class=(class) d={ "M" (at(*value)) " 0V10" } {} }
            }
            // A line of no length with round ends is a dot, however the track is stretched.
            Mark::Dot(value, class, said) => html! {
                path class=(class) d={ "M" (at(*value)) " 5h0" } { title { (said) } }
            },
            Mark::Bar(low, high, class, said) => html! {
                path class=(class) d={ "M" (at(*low)) " 5H" (at(*high)) } { title { (said) } }
            },
        }
    }
}

/// With one decimal, and none where it is 0.
fn percent(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
