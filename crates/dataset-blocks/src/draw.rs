//! Drawing a scene. The rasteriser (scalar `f32`) gives the coverage of every outline; all else is integer
//! arithmetic, so that a scene has the same pixels on every machine.

use image::{Rgb, RgbImage};
use tiny_skia::{FillRule, Mask, Path, PathBuilder, Transform};

use crate::backdrop::backdrop;
use crate::draws::pixel_hash;
use crate::scene::{FRAME, Object, Scene, Scrap};
use crate::vocabulary::{Pattern, Shape};

/// Cosine and sine of the tilts: exact fractions of Pythagorean triples (0, ±9.5 and ±12.7 degrees).
const TILTS: [(f32, f32); 5] = [
    (1.0, 0.0),
    (40.0 / 41.0, 9.0 / 41.0),
    (40.0 / 41.0, -9.0 / 41.0),
    (72.0 / 73.0, 12.0 / 73.0),
    (72.0 / 73.0, -12.0 / 73.0),
];

/// Draws the scene as a square picture of `side` pixels.
pub(crate) fn draw(scene: &Scene, side: u32) -> RgbImage {
    let mut image = RgbImage::from_fn(side, side, |x, y| {
        Rgb(backdrop(scene, unit(x, side), unit(y, side)))
    });
    for scrap in &scene.scraps {
        draw_scrap(&mut image, scrap);
    }
    for object in &scene.objects {
        draw_object(&mut image, object);
    }
    add_light_and_noise(&mut image, scene);
    image
}

/// A pixel's place in 1/64 of the frame: textures look alike at every size of picture.
fn unit(pixel: u32, side: u32) -> u32 {
    pixel * 64 / side
}

fn draw_scrap(image: &mut RgbImage, scrap: &Scrap) {
    let side = image.width();
    let pixel = |units: i32| (units as u32 * side) / FRAME as u32;
    for y in pixel(scrap.corner.1)..pixel(scrap.corner.1 + scrap.side) {
        for x in pixel(scrap.corner.0)..pixel(scrap.corner.0 + scrap.side) {
            image.put_pixel(x, y, Rgb(scrap.rgb));
        }
    }
}

/// An object is its outline, one pixel of 64 wider and in a contrasting tone, below its patterned fill.
fn draw_object(image: &mut RgbImage, object: &Object) {
    let side = image.width();
    let tone = if luma(object.rgb) > 90 {
        [28, 28, 32]
    } else {
        [236, 236, 232]
    };
    blend(image, coverage(object, object.radius + 8, side), |_, _| {
        tone
    });
    blend(image, coverage(object, object.radius, side), |x, y| {
        fill(object, unit(x, side), unit(y, side))
    });
}

/// Mixes a colour into every pixel by its coverage (0 to 255).
fn blend(image: &mut RgbImage, coverage: Option<Mask>, colour: impl Fn(u32, u32) -> [u8; 3]) {
    let Some(mask) = coverage else { return };
    for ((x, y, pixel), &cover) in image.enumerate_pixels_mut().zip(mask.data()) {
        if cover > 0 {
            let above = colour(x, y);
            for (below, above) in pixel.0.iter_mut().zip(above) {
                *below = mix(*below, above, cover);
            }
        }
    }
}

fn mix(below: u8, above: u8, cover: u8) -> u8 {
    let (below, above, cover) = (u32::from(below), u32::from(above), u32::from(cover));
    ((below * (255 - cover) + above * cover + 127) / 255) as u8
}

/// The share of every pixel that the object covers, 0 to 255; nothing if the rasteriser has nothing to draw.
fn coverage(object: &Object, radius: i32, side: u32) -> Option<Mask> {
    let path = outline(object.shape)?;
    let mut mask = Mask::new(side, side)?;
    let scale = side as f32 / FRAME as f32;
    let (cos, sin) = TILTS[object.tilt];
    let size = radius as f32 * scale;
    let (x, y) = (
        object.centre.0 as f32 * scale,
        object.centre.1 as f32 * scale,
    );
    let placed = Transform::from_row(cos * size, sin * size, -sin * size, cos * size, x, y);
    mask.fill_path(&path, FillRule::EvenOdd, true, placed);
    Some(mask)
}

/// The fill at a place in 1/64 of the frame: the main colour, or the pattern's second tone.
fn fill(object: &Object, x: u32, y: u32) -> [u8; 3] {
    let (x, y) = (x + object.texture % 8, y + object.texture / 8 % 8);
    let second = match object.pattern {
        Pattern::Solid => false,
        Pattern::Striped if object.texture & 64 == 0 => x / 2 % 2 == 0,
        Pattern::Striped => y / 2 % 2 == 0,
        Pattern::Dotted => x % 4 < 2 && y % 4 < 2,
        Pattern::Checkered => (x / 3 + y / 3) % 2 == 0,
    };
    if second {
        second_tone(object.rgb)
    } else {
        object.rgb
    }
}

/// Dark colours are patterned with a light tone of themselves, light colours with a dark one.
fn second_tone(rgb: [u8; 3]) -> [u8; 3] {
    let towards = if luma(rgb) > 120 { 0 } else { 255 };
    rgb.map(|channel| mix(channel, towards, 150))
}

/// Brightness of a colour, 0 to 255 (weights of ITU-R BT.601, rounded to 1/256).
fn luma(rgb: [u8; 3]) -> u32 {
    let [r, g, b] = rgb.map(u32::from);
    (77 * r + 150 * g + 29 * b) / 256
}

fn add_light_and_noise(image: &mut RgbImage, scene: &Scene) {
    let side = image.width() as i32;
    for (x, y, pixel) in image.enumerate_pixels_mut() {
        let light = scene.light * (2 * x as i32 - side) / side;
        let hash = pixel_hash(!scene.grain, x, y);
        for (channel, value) in pixel.0.iter_mut().enumerate() {
            let random = (hash >> (8 * channel)) as i32 & 255;
            let noise = ((random * (2 * scene.noise + 1)) >> 8) - scene.noise;
            *value = (i32::from(*value) + light + noise).clamp(0, 255) as u8;
        }
    }
}

/// The outline within the unit circle, y downwards; filled by the even-odd rule.
fn outline(shape: Shape) -> Option<Path> {
    match shape {
        Shape::Circle => PathBuilder::from_circle(0.0, 0.0, 0.95),
        Shape::Square => polygon(&[(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)]),
        Shape::Triangle => polygon(&[(0.0, -1.0), (0.95, 0.75), (-0.95, 0.75)]),
        Shape::Star => polygon(&STAR),
        Shape::Heart => heart(),
        Shape::Cross => polygon(&CROSS),
        Shape::Diamond => polygon(&[(0.0, -1.0), (0.7, 0.0), (0.0, 1.0), (-0.7, 0.0)]),
        Shape::Hexagon => polygon(&HEXAGON),
        Shape::Ring => ring(),
        Shape::Arrow => polygon(&ARROW),
    }
}

const STAR: [(f32, f32); 10] = [
    (0.0, -1.0),
    (0.25, -0.34),
    (0.95, -0.31),
    (0.4, 0.13),
    (0.59, 0.81),
    (0.0, 0.42),
    (-0.59, 0.81),
    (-0.4, 0.13),
    (-0.95, -0.31),
    (-0.25, -0.34),
];

const CROSS: [(f32, f32); 12] = [
    (-0.3, -0.95),
    (0.3, -0.95),
    (0.3, -0.3),
    (0.95, -0.3),
    (0.95, 0.3),
    (0.3, 0.3),
    (0.3, 0.95),
    (-0.3, 0.95),
    (-0.3, 0.3),
    (-0.95, 0.3),
    (-0.95, -0.3),
    (-0.3, -0.3),
];

const HEXAGON: [(f32, f32); 6] = [
    (1.0, 0.0),
    (0.5, 0.866),
    (-0.5, 0.866),
    (-1.0, 0.0),
    (-0.5, -0.866),
    (0.5, -0.866),
];

const ARROW: [(f32, f32); 7] = [
    (-1.0, -0.28),
    (0.1, -0.28),
    (0.1, -0.8),
    (1.0, 0.0),
    (0.1, 0.8),
    (0.1, 0.28),
    (-1.0, 0.28),
];

fn polygon(corners: &[(f32, f32)]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (index, &(x, y)) in corners.iter().enumerate() {
        if index == 0 {
            path.move_to(x, y)
        } else {
            path.line_to(x, y)
        }
    }
    path.close();
    path.finish()
}

fn ring() -> Option<Path> {
    let mut path = PathBuilder::new();
    path.push_circle(0.0, 0.0, 0.98);
    path.push_circle(0.0, 0.0, 0.52);
    path.finish()
}

fn heart() -> Option<Path> {
    let mut path = PathBuilder::new();
    path.move_to(0.0, 0.95);
    path.quad_to(-1.0, 0.3, -0.98, -0.3);
    path.quad_to(-0.92, -0.85, -0.48, -0.85);
    path.quad_to(-0.1, -0.85, 0.0, -0.4);
    path.quad_to(0.1, -0.85, 0.48, -0.85);
    path.quad_to(0.92, -0.85, 0.98, -0.3);
    path.quad_to(1.0, 0.3, 0.0, 0.95);
    path.close();
    path.finish()
}
