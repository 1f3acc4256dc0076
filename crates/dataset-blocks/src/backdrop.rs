//! The textures behind the objects, in integer arithmetic.

use crate::draws::pixel_hash;
use crate::scene::Scene;
use crate::vocabulary::Background;

/// The background's colour at a place in 1/64 of the frame.
pub(crate) fn backdrop(scene: &Scene, x: u32, y: u32) -> [u8; 3] {
    let speckle = pixel_hash(scene.grain, x, y);
    match scene.background {
        Background::Paper => shade([240, 236, 226], speckle, 2),
        Background::Grass => shade([104, 164, 84], speckle, 22),
        Background::Sand => shade([226, 204, 152], speckle, 14),
        Background::Water => water(x, y),
        Background::Night => night(speckle),
        Background::Brick => brick(x, y, speckle),
        Background::Wood => wood(scene.grain, x, y),
        Background::Grid => grid(x, y),
    }
}

/// The colour, lighter or darker by at most `amount` steps.
fn shade(rgb: [u8; 3], random: u32, amount: i32) -> [u8; 3] {
    let step = (random % (2 * amount as u32 + 1)) as i32 - amount;
    rgb.map(|channel| (i32::from(channel) + step).clamp(0, 255) as u8)
}

/// Zigzag waves: the phase rises and falls over eight columns.
fn water(x: u32, y: u32) -> [u8; 3] {
    let zigzag = (x % 8).min(8 - x % 8) / 2;
    if ((y + zigzag) / 3).is_multiple_of(2) {
        [86, 158, 208]
    } else {
        [116, 184, 226]
    }
}

fn night(speckle: u32) -> [u8; 3] {
    if speckle.is_multiple_of(61) {
        [226, 226, 200]
    } else {
        [26, 30, 62]
    }
}

fn brick(x: u32, y: u32, speckle: u32) -> [u8; 3] {
    let offset = if (y / 8).is_multiple_of(2) { 0 } else { 8 };
    let mortar = y.is_multiple_of(8) || (x + offset).is_multiple_of(16);
    if mortar {
        [206, 198, 188]
    } else {
        shade([164, 92, 74], speckle, 8)
    }
}

/// Boards of six rows, each of its own tone, with a dark joint.
fn wood(grain: u32, x: u32, y: u32) -> [u8; 3] {
    let board = pixel_hash(grain, 0, y / 6);
    let joint = y.is_multiple_of(6) || (x + board % 64).is_multiple_of(40);
    if joint {
        [128, 88, 52]
    } else {
        shade([186, 138, 90], board, 14)
    }
}

fn grid(x: u32, y: u32) -> [u8; 3] {
    if x.is_multiple_of(8) || y.is_multiple_of(8) {
        [164, 196, 224]
    } else {
        [234, 241, 247]
    }
}
