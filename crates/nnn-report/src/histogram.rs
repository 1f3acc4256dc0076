//! The histogram of hubs: how many gallery items are found how often, before (raw) and after.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::series::AreaSeries;

use crate::layout::{Place, marks};
use crate::number::{distinct, grouped};
use crate::record::{CellId, OccurrenceRow};
use crate::table::MARK;
use crate::tables::{slug, task};

const SIZE: (u32, u32) = (880, 500);

/// Intervals that the axis of occurrences is cut into, or fewer.
const BINS: usize = 40;

/// Where the axis of items begins: below one item, so that one is seen and none lies on the axis.
const FOOT: f64 = 0.5;

/// How much higher than the highest column the axis of items ends.
const HEADROOM: f64 = 3.0;

const FONT: &str = "sans-serif";

/// Grey behind, for raw.
const RAW: RGBColor = RGBColor(120, 120, 120);

/// Colours that most people can tell apart (Okabe and Ito); as many methods are drawn.
const COLOURS: [RGBColor; 5] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
];

/// What goes into one picture: the methods of a group, and raw.
struct Picture<'a> {
    cell: &'a CellId,
    raw: &'a OccurrenceRow,
    others: Vec<&'a OccurrenceRow>,
    /// Methods beyond the colours.
    left_out: usize,
}

/// An SVG file for every model, data set, direction and reference set that raw and another method were measured with: its
/// name and its text.
pub(crate) fn pictures(rows: &[OccurrenceRow]) -> Vec<(String, String)> {
    let corrected = rows.iter().filter(|row| row.cell.method != "raw");
    let groups = distinct(corrected.map(|row| group(&row.cell)));
    let picture = |wanted: Group<'_>| {
        let raw = rows.iter().find(|row| {
            let (model, place, direction, _) = group(&row.cell);
            row.cell.method == "raw" && (model, place, direction) == (wanted.0, wanted.1, wanted.2)
        })?;
        let own = |row: &&OccurrenceRow| row.cell.method != "raw" && group(&row.cell) == wanted;
        let mut others: Vec<_> = rows.iter().filter(own).collect();
        let left_out = others.len().saturating_sub(COLOURS.len());
        others.truncate(COLOURS.len());
        let picture = Picture {
            cell: &others.first()?.cell,
            raw,
            others,
            left_out,
        };
        picture.file()
    };
    groups.into_iter().filter_map(picture).collect()
}

type Group<'a> = (&'a str, Place<'a>, &'a str, &'a str);

fn group(cell: &CellId) -> Group<'_> {
    (
        &cell.model,
        Place::of(cell),
        &cell.direction,
        &cell.reference_set,
    )
}

/// The axis of occurrences.
struct Bins {
    width: usize,
    count: usize,
}

impl Bins {
    fn new(largest: usize) -> Self {
        let width = (largest + 1).div_ceil(BINS).max(1);
        Self {
            width,
            count: (largest + 1).div_ceil(width),
        }
    }

    fn end(&self) -> f64 {
        (self.width * self.count) as f64
    }

    /// Items in each bin.
    fn items(&self, row: &OccurrenceRow) -> Vec<usize> {
        let mut items = vec![0; self.count];
        for &(occurrences, count) in &row.counts {
            items[occurrences / self.width] += count;
        }
        items
    }

    /// The outline of the columns, from the left foot to the right foot; empty bins lie on the axis.
    fn outline(&self, row: &OccurrenceRow) -> Vec<(f64, f64)> {
        let mut points = vec![(0.0, FOOT)];
        for (at, items) in self.items(row).into_iter().enumerate() {
            let height = if items == 0 { FOOT } else { items as f64 };
            points.extend([at, at + 1].map(|edge| ((edge * self.width) as f64, height)));
        }
        points.push((self.end(), FOOT));
        points
    }
}

fn largest(row: &OccurrenceRow) -> usize {
    row.counts.last().map_or(0, |count| count.0)
}

fn items(row: &OccurrenceRow) -> usize {
    row.counts.iter().map(|count| count.1).sum()
}

/// `nnn: at most 48, 12.3 % never`.
fn label(row: &OccurrenceRow, others: &[&OccurrenceRow]) -> String {
    let cell = &row.cell;
    let same = others
        .iter()
        .filter(|other| other.cell.method == cell.method);
    let params = match same.count() > 1 && !cell.params.is_empty() {
        true => format!(" ({})", cell.params),
        false => String::new(),
    };
    let never = row.counts.iter().find(|count| count.0 == 0);
    let never = never.map_or(0, |count| count.1) as f64 / items(row).max(1) as f64;
    let marks = marks(cell.is_transductive(), &cell.chosen);
    format!(
        "{}{marks}{params}: at most {}, {:.1} % never",
        cell.method,
        grouped(largest(row)),
        100.0 * never
    )
}

impl Picture<'_> {
    /// A string takes whatever is drawn; the types know no better.
    fn file(&self) -> Option<(String, String)> {
        let cell = self.cell;
        let parts = [&cell.model, &Place::of(cell).label(), &cell.reference_set];
        let parts: Vec<_> = parts.iter().map(|part| slug(part)).collect();
        let name = format!("hubs_{}--{}.svg", slug(&cell.direction), parts.join("--"));
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        self.draw(&area).ok()?;
        drop(area);
        Some((
            name,
            format!("<!-- {MARK}from cells; edits are lost. -->\n{svg}\n"),
        ))
    }

    fn all(&self) -> impl Iterator<Item = &OccurrenceRow> {
        std::iter::once(self.raw).chain(self.others.iter().copied())
    }

    fn title(&self) -> String {
        let cell = self.cell;
        let (task, place) = (task(&cell.direction), Place::of(cell).label());
        format!(
            "{task}: {} on {place}, reference set {}",
            cell.model, cell.reference_set
        )
    }

    fn axis(&self) -> String {
        let (queries, items) = (self.raw.n_queries, items(self.raw));
        let mean = (queries * self.raw.k) as f64 / items.max(1) as f64;
        let first = match self.raw.k {
            1 => "first".to_owned(),
            k => format!("among the first {k}"),
        };
        let more = match self.left_out {
            0 => String::new(),
            more => format!("; {more} more methods not drawn"),
        };
        format!(
            "queries that rank the item {first} (of {}; mean {mean:.1}){more}",
            grouped(queries)
        )
    }

    fn draw(
        &self,
        area: &DrawingArea<SVGBackend<'_>, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        area.fill(&WHITE)?;
        let bins = Bins::new(self.all().map(largest).max().unwrap_or(0));
        let highest = self.all().flat_map(|row| bins.items(row)).max();
        let top = HEADROOM * highest.unwrap_or(1) as f64;
        let mut chart = ChartBuilder::on(area)
            .caption(self.title(), (FONT, 17))
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..bins.end(), (FOOT..top).log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc(self.axis())
            .y_desc("gallery items")
            .axis_desc_style((FONT, 15))
            .label_style((FONT, 13))
            .x_label_formatter(&|value| grouped(*value as usize))
            .y_label_formatter(&|value| grouped(*value as usize))
            .draw()?;
        let raw = AreaSeries::new(bins.outline(self.raw), FOOT, RAW.mix(0.3)).border_style(RAW);
        let key = |style: ShapeStyle| move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style);
        chart
            .draw_series(raw)?
            .label(label(self.raw, &[]))
            .legend(key(RAW.stroke_width(6)));
        for (row, colour) in self.others.iter().zip(COLOURS) {
            chart
                .draw_series(LineSeries::new(bins.outline(row), colour.stroke_width(2)))?
                .label(label(row, &self.others))
                .legend(key(colour.stroke_width(2)));
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperRight)
            .background_style(WHITE.mix(0.9))
            .border_style(RAW)
            .legend_area_size(30)
            .label_font((FONT, 14))
            .draw()?;
        area.present()
    }
}
