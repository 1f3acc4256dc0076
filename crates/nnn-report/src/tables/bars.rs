//! One picture of hubs before and after, for a page: how many gallery items are found how often, as bars side by side.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::number::grouped;
use crate::records::OccurrenceRow;
use crate::records::trial::Place;
use crate::tables::formats::{PICTURE, origin};

const SIZE: (u32, u32) = (760, 384);

/// Where the bars stand and how high the highest is.
const LEFT: i32 = 20;
const GROUND: i32 = 322;
const HIGHEST: f64 = 190.0;

/// Share of a bin's width that its two bars take.
const FILLED: f64 = 0.8;

const INK: RGBColor = RGBColor(36, 41, 47);
const RAW: RGBColor = RGBColor(150, 155, 160);
const METHOD: RGBColor = RGBColor(0, 90, 160);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// Draws how many gallery items are found how often by raw and by one method, as an SVG of 760 by 384 pixels on a white
/// ground, which can be read at small size.
///
/// Items that are never found stand for themselves; from there on each bin is twice as wide as the one before it: 1, 2–3,
/// 4–7 and so on. Both rows are of one model, data set and direction, and count the same `k`.
#[must_use]
pub fn draw_hubs(raw: &OccurrenceRow, method: &OccurrenceRow) -> String {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    let hubs = Hubs { raw, method };
    hubs.draw(&area).expect("a string takes whatever is drawn");
    drop(area);
    format!("{}{} -->\n{svg}\n", PICTURE.1, origin("queries"))
}

struct Hubs<'a> {
    raw: &'a OccurrenceRow,
    method: &'a OccurrenceRow,
}

impl Hubs<'_> {
    fn draw(&self, area: &Area<'_>) -> Drawn {
        area.fill(&WHITE)?;
        let place = |x: i32, y: i32| (x, y);
        area.draw(&Text::new(self.title(), place(LEFT, 14), left(26)))?;
        area.draw(&Text::new(self.subtitle(), place(LEFT, 46), left(17)))?;
        let key = [(&RAW, "raw".to_owned()), (&METHOD, self.name())];
        for ((colour, words), x) in key.into_iter().zip([LEFT, 110]) {
            let square = Rectangle::new([(x, 78), (x + 16, 94)], colour.filled());
            area.draw(&square)?;
            area.draw(&Text::new(words, place(x + 24, 77), left(18)))?;
        }
        self.draw_bars(area)?;
        let middle = SIZE.0 as i32 / 2;
        area.draw(&Text::new(
            self.axis(),
            place(middle, GROUND + 40),
            centred(18),
        ))
    }

    fn draw_bars(&self, area: &Area<'_>) -> Drawn {
        let rows = [self.raw, self.method];
        let bins = rows.iter().map(|row| largest_bin(row) + 1).max();
        let bins = bins.unwrap_or(1);
        let items = rows.map(|row| items(row, bins));
        let most = items.iter().flatten().copied().max().unwrap_or(1).max(1);
        let width = f64::from(SIZE.0 as i32 - 2 * LEFT) / bins as f64;
        for bin in 0..bins {
            let start = f64::from(LEFT) + width * (bin as f64 + (1.0 - FILLED) / 2.0);
            for ((items, colour), side) in items.iter().zip([RAW, METHOD]).zip([0.0, 0.5]) {
                let x = start + width * FILLED * side;
                let ends = [x, x + width * FILLED / 2.0].map(|x| x.round() as i32);
                draw_bar(area, ends, items[bin], most, colour)?;
            }
            let middle = (start + width * FILLED / 2.0).round() as i32;
            let words = Text::new(label(bin, bins), (middle, GROUND + 8), centred(18));
            area.draw(&words)?;
        }
        let ends = vec![(LEFT, GROUND), (SIZE.0 as i32 - LEFT, GROUND)];
        area.draw(&PathElement::new(ends, INK))
    }

    /// What the gallery holds: one of them, and several as a title begins.
    fn nouns(&self) -> (&'static str, &'static str) {
        match self.raw.cell.direction.as_str() {
            "t2i" => ("image", "Images"),
            "i2t" => ("text", "Texts"),
            _ => ("item", "Items"),
        }
    }

    fn found(&self) -> String {
        match self.raw.k {
            1 => "first".to_owned(),
            k => format!("among the first {k}"),
        }
    }

    fn title(&self) -> String {
        let (_, items) = self.nouns();
        format!("{items} by how often they are ranked {}", self.found())
    }

    fn subtitle(&self) -> String {
        let cell = &self.raw.cell;
        let items: usize = self.raw.counts.iter().map(|count| count.1).sum();
        let mean = (self.raw.n_queries * self.raw.k) as f64 / items.max(1) as f64;
        format!(
            "{} on {}: {} queries, {} {}s. Shared evenly, each would be found {mean:.1} times.",
            cell.model,
            Place::of(cell).label(),
            grouped(self.raw.n_queries),
            grouped(items),
            self.nouns().0,
        )
    }

    fn name(&self) -> String {
        let cell = &self.method.cell;
        let method = cell.method_signature();
        match cell.reference_set.as_str() {
            "" => method,
            set => format!("{method}, reference set {set}"),
        }
    }

    fn axis(&self) -> String {
        let ((noun, _), found) = (self.nouns(), self.found());
        format!("number of queries that rank the {noun} {found}")
    }
}

/// A bar with its number above it; none for no items.
fn draw_bar(area: &Area<'_>, ends: [i32; 2], items: usize, most: usize, colour: RGBColor) -> Drawn {
    if items == 0 {
        return Ok(());
    }
    let height = (HIGHEST * items as f64 / most as f64).round().max(2.0) as i32;
    let corners = [(ends[0], GROUND - height), (ends[1], GROUND)];
    area.draw(&Rectangle::new(corners, colour.filled()))?;
    let above = ((ends[0] + ends[1]) / 2, GROUND - height - 18);
    area.draw(&Text::new(grouped(items), above, centred(16)))
}

/// Bin 0 holds what is never found, bin `i` what is found at least `2^(i - 1)` times and less than twice as often.
fn bin(occurrences: usize) -> usize {
    (usize::BITS - occurrences.leading_zeros()) as usize
}

fn largest_bin(row: &OccurrenceRow) -> usize {
    row.counts.last().map_or(0, |count| bin(count.0))
}

fn items(row: &OccurrenceRow, bins: usize) -> Vec<usize> {
    let mut items = vec![0; bins];
    for &(occurrences, count) in &row.counts {
        items[bin(occurrences)] += count;
    }
    items
}

/// `never`, `1`, `2–3` and so on.
fn label(bin: usize, bins: usize) -> String {
    match bin {
        0 => "never".to_owned(),
        1 => "1".to_owned(),
        _ => {
            let first = 1_usize << (bin - 1);
            match bin + 1 == bins {
                true => format!("{}+", grouped(first)),
                false => format!("{}–{}", grouped(first), grouped(2 * first - 1)),
            }
        }
    }
}

fn left(size: i32) -> TextStyle<'static> {
    ("sans-serif", size)
        .into_text_style(&SIZE)
        .color(&INK)
        .pos(Pos::new(HPos::Left, VPos::Top))
}

fn centred(size: i32) -> TextStyle<'static> {
    left(size).pos(Pos::new(HPos::Center, VPos::Top))
}
