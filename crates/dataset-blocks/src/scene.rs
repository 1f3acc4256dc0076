//! Scenes: what is where, before anything is drawn or described.

use crate::draws::Draws;
use crate::vocabulary::{Background, Colour, Pattern, Shape, Size};

/// Scenes are laid out in a frame of `FRAME` x `FRAME` units, whatever the size of the picture.
pub(crate) const FRAME: i32 = 512;

/// One of the nine cells of the frame: `column` and `row` are 0, 1 or 2, from the left and from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// 0 left, 1 middle, 2 right.
    pub column: u8,
    /// 0 top, 1 middle, 2 bottom.
    pub row: u8,
}

/// One object of a scene.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its outline.
    pub shape: Shape,
    /// Its main colour.
    pub colour: Colour,
    /// How it is filled.
    pub pattern: Pattern,
    /// How large it is.
    pub size: Size,
    /// The cell that its centre lies in; no two objects of a scene share one.
    pub cell: Cell,
    /// Centre, in 1/512 of the frame.
    pub(crate) centre: (i32, i32),
    /// Radius of the circle around it, in 1/512 of the frame.
    pub(crate) radius: i32,
    /// Which of the small tilts of `draw::TILTS` it has.
    pub(crate) tilt: usize,
    /// The main colour as drawn.
    pub(crate) rgb: [u8; 3],
    /// Seed of its pattern's phase and direction.
    pub(crate) texture: u32,
}

/// A scrap of clutter: a little square that no caption mentions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scrap {
    pub(crate) corner: (i32, i32),
    pub(crate) side: i32,
    pub(crate) rgb: [u8; 3],
}

/// One scene: one to four objects on a background, with clutter, light and noise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// The objects, in the order in which they are drawn.
    pub objects: Vec<Object>,
    /// What lies behind them.
    pub background: Background,
    pub(crate) scraps: Vec<Scrap>,
    /// Change of brightness from the middle to the right edge, in 8-bit steps.
    pub(crate) light: i32,
    /// Largest change of a channel by noise, in 8-bit steps.
    pub(crate) noise: i32,
    /// Seed of the background's texture and of the noise.
    pub(crate) grain: u32,
}

impl Scene {
    /// True if the scene is strewn with scraps, so much that a caption may call it messy.
    pub fn is_messy(&self) -> bool {
        self.scraps.len() >= 8
    }
}

/// How often things are drawn: what makes the scenes of one style differ from another's.
pub(crate) struct Statistics {
    /// Weights of one, two, three and four objects.
    pub(crate) objects: [u32; 4],
    pub(crate) shapes: &'static [u32],
    pub(crate) colours: &'static [u32],
    pub(crate) patterns: &'static [u32],
    pub(crate) sizes: &'static [u32],
    pub(crate) backgrounds: &'static [u32],
    /// Weights of no, some and much clutter.
    pub(crate) clutter: [u32; 3],
}

/// Everyday scenes: a few shapes and colours are common, the others rare.
pub(crate) const EVERYDAY: Statistics = Statistics {
    objects: [18, 36, 28, 18],
    shapes: Shape::WEIGHTS,
    colours: Colour::WEIGHTS,
    patterns: Pattern::WEIGHTS,
    sizes: Size::WEIGHTS,
    backgrounds: Background::WEIGHTS,
    clutter: [50, 35, 15],
};

/// Catalogue scenes: tidy, mostly one or two objects on paper, every shape and colour as common as the others.
pub(crate) const CATALOGUE: Statistics = Statistics {
    objects: [45, 30, 10, 15],
    shapes: &[1; 10],
    colours: &[1; 10],
    patterns: &[1; 4],
    sizes: &[20, 40, 40],
    backgrounds: &[60, 4, 4, 4, 4, 4, 10, 10],
    clutter: [90, 10, 0],
};

/// Draws one scene.
pub(crate) fn sample_scene(draws: &mut Draws, statistics: &Statistics) -> Scene {
    let count = draws.weighted(&statistics.objects) + 1;
    let cells = distinct_cells(draws, count);
    let objects = cells
        .into_iter()
        .map(|cell| sample_object(draws, statistics, cell))
        .collect();
    let scraps = match draws.weighted(&statistics.clutter) {
        0 => 0,
        1 => draws.between(2, 5),
        _ => draws.between(8, 14),
    };
    Scene {
        objects,
        background: Background::ALL[draws.weighted(statistics.backgrounds)],
        scraps: (0..scraps).map(|_| sample_scrap(draws)).collect(),
        light: draws.between(-18, 18),
        noise: draws.between(0, 14),
        grain: draws.word(),
    }
}

/// The first `count` of the nine cells in random order.
fn distinct_cells(draws: &mut Draws, count: usize) -> Vec<Cell> {
    let mut cells: Vec<Cell> = (0..9)
        .map(|n| Cell {
            column: n % 3,
            row: n / 3,
        })
        .collect();
    for place in 0..count {
        let other = place + draws.below((cells.len() - place) as u32) as usize;
        cells.swap(place, other);
    }
    cells.truncate(count);
    cells
}

fn sample_object(draws: &mut Draws, statistics: &Statistics, cell: Cell) -> Object {
    let colour = Colour::ALL[draws.weighted(statistics.colours)];
    let size = Size::ALL[draws.weighted(statistics.sizes)];
    Object {
        shape: Shape::ALL[draws.weighted(statistics.shapes)],
        colour,
        pattern: Pattern::ALL[draws.weighted(statistics.patterns)],
        size,
        cell,
        centre: (place(draws, cell.column), place(draws, cell.row)),
        radius: match size {
            Size::Small => draws.between(40, 50),
            Size::Medium => draws.between(62, 74),
            Size::Large => draws.between(90, 108),
        },
        tilt: draws.below(5) as usize,
        rgb: jitter(draws, colour.rgb(), 12),
        texture: draws.word(),
    }
}

/// A coordinate near the middle of the third `cell` of the frame.
fn place(draws: &mut Draws, cell: u8) -> i32 {
    FRAME * (2 * i32::from(cell) + 1) / 6 + draws.between(-20, 20)
}

fn sample_scrap(draws: &mut Draws) -> Scrap {
    let colour = Colour::ALL[draws.below(Colour::ALL.len() as u32) as usize];
    Scrap {
        corner: (draws.between(0, FRAME - 24), draws.between(0, FRAME - 24)),
        side: draws.between(12, 24),
        rgb: jitter(draws, colour.rgb(), 40),
    }
}

pub(crate) fn jitter(draws: &mut Draws, rgb: [u8; 3], amount: i32) -> [u8; 3] {
    rgb.map(|channel| (i32::from(channel) + draws.between(-amount, amount)).clamp(0, 255) as u8)
}
