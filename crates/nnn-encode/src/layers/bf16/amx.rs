//! The product of bf16 in the hardware's tiles.

use super::{Kernel, Pairs, Refused, Sums};
use nnn_amx::{Bf16, Tiles, granted};

const NAME: &str = "amx";

/// `None` where the processor has no such tiles; an error where it has and the system does not let them be used.
pub(super) fn kernel() -> Option<Result<Kernel, Refused>> {
    granted::<Bf16>().map(|granted| match granted {
        true => Ok(Kernel { name: NAME, run }),
        false => Err((NAME, "the operating system does not grant tile data")),
    })
}

fn run(with: &mut dyn FnMut(&mut super::Block<'_>)) {
    let mut tiles = Tiles::configured().expect("`kernel` was granted tiles");
    with(&mut |rows, columns, sums| block(&mut tiles, rows, columns, sums));
}

/// Four tiles of sums, two of rows and two of columns.
fn block(
    tiles: &mut Tiles<Bf16>,
    rows: [&[Pairs]; 2],
    columns: [&[Pairs]; 2],
    sums: &mut [Sums; 4],
) {
    tiles.clear::<0>();
    tiles.clear::<1>();
    tiles.clear::<2>();
    tiles.clear::<3>();
    let rows = rows[0].iter().zip(rows[1]);
    let columns = columns[0].iter().zip(columns[1]);
    for ((upper, lower), (left, right)) in rows.zip(columns) {
        tiles.load::<4, _>(&upper.0, 1);
        tiles.load::<6, _>(&left.0, 1);
        tiles.load::<7, _>(&right.0, 1);
        tiles.load::<5, _>(&lower.0, 1);
        tiles.multiply::<0, 4, 6>();
        tiles.multiply::<1, 4, 7>();
        tiles.multiply::<2, 5, 6>();
        tiles.multiply::<3, 5, 7>();
    }
    tiles.store::<0>(&mut sums[0].0);
    tiles.store::<1>(&mut sums[1].0);
    tiles.store::<2>(&mut sums[2].0);
    tiles.store::<3>(&mut sums[3].0);
}
