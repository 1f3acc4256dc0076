//! The tiles of Intel's AMX: eight of 16 lines of 64 bytes, and two products in them, of bytes and of bf16.
//!
//! One instruction a function; nothing here is `unsafe` to call. There are [`Tiles`] only where the processor has them and Linux grants
//! them, which is looked for once.

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod hardware;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
pub use hardware::{Tiles, granted};

/// Lines of a tile.
pub const LINES: usize = 16;

/// Bytes of a line.
pub const LINE_BYTES: usize = 64;

/// What all eight tiles are configured to: the first byte is the palette, those from 16 on are the bytes of a line of each tile, in two
/// bytes each, and those from 48 on the lines of each.
#[derive(Debug)]
#[repr(C, align(64))]
pub struct Config(pub [u8; 64]);

/// Eight tiles of [`LINES`] lines of [`LINE_BYTES`].
pub static CONFIG: Config = {
    let mut bytes = [0; 64];
    bytes[0] = 1;
    let mut tile = 0;
    while tile < 8 {
        bytes[16 + 2 * tile] = LINE_BYTES as u8;
        bytes[48 + tile] = LINES as u8;
        tile += 1;
    }
    Config(bytes)
};

/// What is multiplied.
pub trait Factors {
    /// The processor's feature: the bit of `edx` of leaf 7 of `cpuid`.
    const FEATURE: u32;
}

/// Unsigned bytes with signed ones, summed in `i32`.
#[derive(Debug)]
pub struct Bytes;

/// bf16, summed in `f32`.
#[derive(Debug)]
pub struct Bf16;

impl Factors for Bytes {
    const FEATURE: u32 = 1 << 25;
}

impl Factors for Bf16 {
    const FEATURE: u32 = 1 << 22;
}
