//! The histogram of hubs: how many gallery items are found how often, before (raw) and after.

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::series::AreaSeries;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use nnn_files::{plural, short_name};

use crate::number::{distinct, grouped};
use crate::records::trial::{Place, Trial};
use crate::records::{CellId, OccurrenceRow};
use crate::tables::caption::retrieval;
use crate::tables::folder::slug;
use crate::tables::formats::{PICTURE, origin};
use crate::wording::marks;

/// Width and height of a panel: alone, or among others.
const ALONE: (u32, u32) = (760, 380);
const AMONG: (u32, u32) = (380, 240);

/// Panels side by side, and at most in one picture.
const ACROSS: usize = 3;
const PANELS: usize = 12;

/// Height of the title and the key above the panels, and of the name of the axis below.
const HEAD: u32 = 62;
const FOOT_LINE: u32 = 34;

/// Intervals that the axis of occurrences is cut into, or fewer.
const BINS: usize = 40;

/// Where the axis of items begins: below one item, so that one is seen and none lies on the axis.
const FOOT: f64 = 0.5;

/// How much higher than the highest column the axis of items ends.
const HEADROOM: f64 = 3.0;

const FONT: &str = "sans-serif";

/// Grey for raw, and the colour of the method in front of it.
const RAW: RGBColor = RGBColor(120, 120, 120);
const METHOD: RGBColor = RGBColor(0, 90, 160);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), DrawingAreaErrorKind<std::io::Error>>;

/// What goes into one picture: the methods of a trial, one panel each, and raw behind each of them.
struct Picture<'a> {
    cell: &'a CellId,
    raw: &'a OccurrenceRow,
    others: Vec<&'a OccurrenceRow>,
    /// Methods beyond [`PANELS`].
    left_out: usize,
}

/// An SVG file for every model, data set, direction and reference set that raw and another method were measured with: its
/// name and its text.
pub(crate) fn pictures(rows: &[OccurrenceRow]) -> Vec<(String, String)> {
    let corrected = rows.iter().filter(|row| row.cell.method != "raw");
    let trials = distinct(corrected.map(|row| Trial::of(&row.cell)));
    let picture = |trial: Trial<'_>| {
        // Raw reads no reference set: one row stands behind the methods of all trials of a setup.
        let raw = rows
            .iter()
            .find(|row| row.cell.method == "raw" && Trial::of(&row.cell).setup == trial.setup)?;
        let own = |row: &&OccurrenceRow| row.cell.method != "raw" && Trial::of(&row.cell) == trial;
        let mut others: Vec<_> = rows.iter().filter(own).collect();
        let left_out = others.len().saturating_sub(PANELS);
        others.truncate(PANELS);
        let picture = Picture {
            cell: &others.first()?.cell,
            raw,
            others,
            left_out,
        };
        picture.file()
    };
    trials.into_iter().filter_map(picture).collect()
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

/// The axes that all panels share.
struct Axes {
    bins: Bins,
    /// Upper end of the axis of items.
    top: f64,
}

impl Picture<'_> {
    /// Name and text; none where drawing fails, which into a string it never does.
    fn file(&self) -> Option<(String, String)> {
        let cell = self.cell;
        let parts = [&cell.model, &Place::of(cell).label(), &cell.reference_set];
        let parts: Vec<_> = parts.iter().map(|part| slug(part)).collect();
        let trial = short_name(parts.join("--"));
        let name = format!("hubs_{}--{trial}.svg", slug(&cell.direction));
        let mut svg = String::new();
        let area = SVGBackend::with_string(&mut svg, self.size()).into_drawing_area();
        self.draw(&area).ok()?;
        drop(area);
        let (_, comment) = PICTURE;
        let mark = format!("{comment}{} -->", origin("cells"));
        Some((name, format!("{mark}\n{svg}\n")))
    }

    /// Panels across and down.
    fn grid(&self) -> (usize, usize) {
        let across = self.others.len().min(ACROSS);
        (across, self.others.len().div_ceil(across))
    }

    fn size(&self) -> (u32, u32) {
        let (across, down) = self.grid();
        let (width, height) = if across == 1 { ALONE } else { AMONG };
        let height = height * down as u32 + HEAD + FOOT_LINE;
        ((width * across as u32).max(ALONE.0), height)
    }

    fn title(&self) -> String {
        let cell = self.cell;
        let (retrieval, place) = (retrieval(&cell.direction), Place::of(cell).label());
        format!(
            "{retrieval}: {} on {place}, reference set {}",
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
            more => format!("; {} more {} not drawn", more, plural(more, "method")),
        };
        format!(
            "queries that rank the item {first} (of {}; mean {mean:.1}){more}",
            grouped(queries)
        )
    }

    fn axes(&self) -> Axes {
        let all = || std::iter::once(self.raw).chain(self.others.iter().copied());
        let bins = Bins::new(all().map(largest).max().unwrap_or(0));
        let highest = all().flat_map(|row| bins.items(row)).max();
        let top = HEADROOM * highest.unwrap_or(1) as f64;
        Axes { bins, top }
    }

    fn draw(&self, area: &Area<'_>) -> Drawn {
        area.fill(&WHITE)?;
        let (head, rest) = area.split_vertically(HEAD);
        let (_, height) = rest.dim_in_pixel();
        let (panels, foot) = rest.split_vertically(height - FOOT_LINE);
        self.draw_head(&head)?;
        let middle = i32::try_from(foot.dim_in_pixel().0 / 2).unwrap_or_default();
        let centred = |size: i32| text_style(size).pos(Pos::new(HPos::Center, VPos::Top));
        foot.draw(&Text::new(self.axis(), (middle, 4), centred(15)))?;
        let (across, down) = self.grid();
        let (axes, panels) = (self.axes(), panels.split_evenly((down, across)));
        for (row, panel) in self.others.iter().zip(&panels) {
            self.draw_panel(panel, row, &axes)?;
        }
        area.present()
    }

    /// The title, and what grey and colour mean.
    fn draw_head(&self, area: &Area<'_>) -> Drawn {
        area.draw(&Text::new(self.title(), (14, 10), text_style(17)))?;
        let key = RAW.mix(0.3).filled();
        area.draw(&Rectangle::new([(14, 40), (34, 52)], key))?;
        let meaning = "most queries of one item, items never found";
        let words = format!("{}, behind each method ({meaning})", label(self.raw, &[]));
        area.draw(&Text::new(words, (40, 38), text_style(14)))
    }

    /// The outline of a method in front of the area of raw.
    fn draw_panel(&self, area: &Area<'_>, row: &OccurrenceRow, axes: &Axes) -> Drawn {
        let Axes { bins, top } = axes;
        let caption = text_style(14).color(&METHOD);
        let mut chart = ChartBuilder::on(area)
            .caption(label(row, &self.others), caption)
            .margin_left(10)
            .margin_right(16)
            .x_label_area_size(26)
            .y_label_area_size(58)
            .build_cartesian_2d(0.0..bins.end(), (FOOT..*top).log_scale())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(RAW.mix(0.2))
            .x_labels(6)
            .y_labels(5)
            .y_desc("gallery items")
            .axis_desc_style(text_style(14))
            .label_style(text_style(12))
            .x_label_formatter(&|value| grouped(*value as usize))
            .y_label_formatter(&|value| grouped(*value as usize))
            .draw()?;
        let raw = AreaSeries::new(bins.outline(self.raw), FOOT, RAW.mix(0.3));
        chart.draw_series(raw.border_style(RAW))?;
        let line = LineSeries::new(bins.outline(row), METHOD.stroke_width(2));
        chart.draw_series(line)?;
        Ok(())
    }
}

fn text_style(size: i32) -> TextStyle<'static> {
    (FONT, size).into_text_style(&(0, 0))
}
