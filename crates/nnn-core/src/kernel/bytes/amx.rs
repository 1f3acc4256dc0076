//! The product of bytes in the hardware's tiles.

use super::tiles::{Tiles, find, kernel as tile_kernel};
use super::{ByteKernel, ByteLine, Find, vnni};
use nnn_amx::{Bytes, granted};

const NAME: &str = "amx";

/// `None` where the processor has no such tiles; an error where it has and the system does not let them be used.
pub(super) fn kernel() -> Option<Result<ByteKernel, (&'static str, &'static str)>> {
    let vectors = vnni::kernel()?;
    Some(match granted::<Bytes>()? {
        true => Ok(tile_kernel(NAME, run, vectors.pair)),
        false => Err((NAME, "the operating system does not grant tile data")),
    })
}

type Hardware = nnn_amx::Tiles<Bytes>;

impl Tiles for Hardware {
    fn load<const T: usize>(&mut self, from: &[ByteLine], stride: usize) {
        Hardware::load::<T, ByteLine>(self, from, stride);
    }

    fn multiply<const SUM: usize, const LEFT: usize, const RIGHT: usize>(&mut self) {
        Hardware::multiply::<SUM, LEFT, RIGHT>(self);
    }

    fn store<const T: usize>(&self, to: &mut [i32], stride: usize) {
        Hardware::store::<T>(self, to, stride);
    }
}

fn run(with: &mut dyn FnMut(&mut Find<'_>)) {
    let mut tiles = Hardware::configured().expect("`kernel` was granted tiles");
    with(&mut |rows, columns, cuts, found| find(&mut tiles, rows, columns, cuts, found));
}
