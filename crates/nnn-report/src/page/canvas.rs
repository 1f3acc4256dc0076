//! Pictures of a given size.

use maud::{Markup, html};

/// A coordinate with one decimal at most.
pub(super) fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A picture of given size.
pub(super) struct Canvas {
    width: f64,
    height: f64,
}

impl Canvas {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height }
    }

    pub(super) fn markup(&self, class: &str, label: &str, inside: &Markup) -> Markup {
        let Self { width, height } = self;
        html! {
            svg class=(class) viewBox={ "0 0 " (width) " " (height) } width=(width) height=(height) role="img" aria-label=(label) {
                (inside)
            }
        }
    }
}
