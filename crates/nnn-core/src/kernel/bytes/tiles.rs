//! The product of bytes in tiles of 16 rows of 64 bytes: four tiles of sums, two of rows and two of columns.

use super::{ByteKernel, ByteLine, Found, LINES, MAX_ROWS, Pair, RowOrder, Run};
use crate::dispatch::dispatched;
use crate::kernel::{LANES, PANEL};

/// Rows of a tile.
pub(super) const TILE: usize = nnn_amx::LINES;

/// Eight tiles, each [`TILE`] lines.
pub(super) trait Tiles {
    /// Loads tile `T` with lines of `from`, the first one and every `stride`-th after it; all are the first one if `stride`
    /// is zero.
    fn load<const T: usize>(&mut self, from: &[ByteLine], stride: usize);

    /// Adds to place `n` of line `m` of tile `SUM`, for every place `k` of a line, the products of the four unsigned bytes in
    /// place `k` of line `m` of tile `LEFT` with the four signed ones in place `n` of line `k` of tile `RIGHT`.
    fn multiply<const SUM: usize, const LEFT: usize, const RIGHT: usize>(&mut self);

    /// Stores the lines of tile `T` in `to`, one every `stride` places.
    fn store<const T: usize>(&self, to: &mut [i32], stride: usize);
}

/// A kernel that works in tiles of any kind.
pub(super) const fn kernel(name: &'static str, run: Run, pair: Pair) -> ByteKernel {
    ByteKernel {
        name,
        rows: 2 * TILE,
        order: RowOrder::RowMajor,
        most: 127,
        run,
        pair,
    }
}

/// See [`super::Find`].
pub(super) fn find<T: Tiles>(
    tiles: &mut T,
    rows: &[ByteLine],
    columns: &[ByteLine],
    cuts: &[i32; MAX_ROWS],
    found: &mut Found,
) {
    let depth = rows.len() / (2 * TILE);
    assert_eq!(rows.len(), 2 * TILE * depth);
    assert_eq!(columns.len(), (1 + depth * LANES) * LINES);
    tiles.load::<0>(columns, 0);
    tiles.load::<1>(&columns[1..], 0);
    tiles.load::<2>(columns, 0);
    tiles.load::<3>(&columns[1..], 0);
    for step in 0..depth {
        let columns = &columns[LINES * (1 + step * LANES)..];
        tiles.load::<4>(&rows[step..], depth);
        tiles.load::<5>(&rows[TILE * depth + step..], depth);
        tiles.load::<6>(columns, LINES);
        tiles.load::<7>(&columns[1..], LINES);
        tiles.multiply::<0, 4, 6>();
        tiles.multiply::<1, 4, 7>();
        tiles.multiply::<2, 5, 6>();
        tiles.multiply::<3, 5, 7>();
    }
    let sums = found.sums.as_flattened_mut();
    tiles.store::<0>(sums, PANEL);
    tiles.store::<1>(&mut sums[LANES..], PANEL);
    tiles.store::<2>(&mut sums[TILE * PANEL..], PANEL);
    tiles.store::<3>(&mut sums[TILE * PANEL + LANES..], PANEL);
    for ((columns, sums), &cut) in found.columns.iter_mut().zip(&found.sums).zip(cuts) {
        *columns = reached(sums, cut);
    }
}

dispatched! {
    /// The sums that are at least `cut`, a bit each.
    pub(crate) fn reached(sums: &[i32; PANEL], cut: i32) -> u32 {
        let bits = sums.iter().enumerate();
        bits.fold(0, |bits, (c, &sum)| bits | u32::from(sum >= cut) << c)
    }
}

/// Tiles in memory, which do what Intel's manual says of each instruction, faults included.
#[cfg(test)]
pub(super) mod software {
    use super::*;
    use nnn_amx::CONFIG;

    /// Rows, bytes of a row, and the bytes themselves of one tile.
    #[derive(Clone, Copy)]
    struct Tile {
        rows: usize,
        row_bytes: usize,
        data: [[u8; 64]; 16],
    }

    impl Tile {
        fn four(&self, row: usize, place: usize) -> [u8; 4] {
            std::array::from_fn(|i| self.data[row][4 * place + i])
        }
    }

    pub(in crate::kernel::bytes) struct Software([Tile; 8]);

    impl Software {
        /// `LDTILECFG`: palette 1 has eight tiles of at most 16 rows of 64 bytes; everything else in the 64 bytes is zero.
        fn configured(config: &[u8; 64]) -> Self {
            assert_eq!(config[0], 1, "#GP: unknown palette");
            assert_eq!(
                config[1], 0,
                "start row: an instruction would begin in the middle"
            );
            assert!(config[2..16].iter().all(|&b| b == 0), "#GP: reserved bytes");
            assert!(
                config[32..48].iter().all(|&b| b == 0),
                "#GP: only eight tiles"
            );
            assert!(
                config[56..64].iter().all(|&b| b == 0),
                "#GP: only eight tiles"
            );
            Self(std::array::from_fn(|t| {
                let row_bytes = u16::from_le_bytes([config[16 + 2 * t], config[17 + 2 * t]]);
                let (rows, row_bytes) = (usize::from(config[48 + t]), usize::from(row_bytes));
                assert!(
                    rows <= 16 && row_bytes <= 64,
                    "#GP: a tile that is too large"
                );
                assert!((rows == 0) == (row_bytes == 0), "#GP: half a tile");
                Tile {
                    rows,
                    row_bytes,
                    data: [[0; 64]; 16],
                }
            }))
        }
    }

    impl Tiles for Software {
        /// `TILELOADD`: row by row from memory; what is past a row's bytes or past the rows becomes zero.
        fn load<const T: usize>(&mut self, from: &[ByteLine], stride: usize) {
            let tile = &mut self.0[T];
            assert!(tile.rows > 0, "#UD: no such tile");
            tile.data = [[0; 64]; 16];
            for row in 0..tile.rows {
                let bytes = from[row * stride]
                    .0
                    .iter()
                    .flat_map(|four| four.to_le_bytes());
                let bytes: Vec<u8> = bytes.take(tile.row_bytes).collect();
                tile.data[row][..tile.row_bytes].copy_from_slice(&bytes);
            }
        }

        /// `TDPBUSD`: wraps around, never saturates.
        fn multiply<const SUM: usize, const LEFT: usize, const RIGHT: usize>(&mut self) {
            let (mut sum, left, right) = (self.0[SUM], self.0[LEFT], self.0[RIGHT]);
            assert!(
                SUM != LEFT && SUM != RIGHT && LEFT != RIGHT,
                "#UD: one tile twice"
            );
            assert!(
                sum.rows > 0 && left.rows > 0 && right.rows > 0,
                "#UD: no such tile"
            );
            assert_eq!(sum.rows, left.rows, "#UD: rows of sums");
            assert_eq!(sum.row_bytes, right.row_bytes, "#UD: columns of sums");
            assert_eq!(left.row_bytes / 4, right.rows, "#UD: depth");
            for m in 0..sum.rows {
                for k in 0..left.row_bytes / 4 {
                    for n in 0..sum.row_bytes / 4 {
                        let pairs = left.four(m, k).into_iter().zip(right.four(k, n));
                        let product = |(a, b): (u8, u8)| i32::from(a) * i32::from(b as i8);
                        let before = i32::from_le_bytes(sum.four(m, n));
                        let after = pairs.map(product).fold(before, i32::wrapping_add);
                        sum.data[m][4 * n..4 * n + 4].copy_from_slice(&after.to_le_bytes());
                    }
                }
            }
            self.0[SUM] = sum;
        }

        /// `TILESTORED`: the bytes of every row.
        fn store<const T: usize>(&self, to: &mut [i32], stride: usize) {
            let tile = &self.0[T];
            assert!(tile.rows > 0, "#UD: no such tile");
            for row in 0..tile.rows {
                for place in 0..tile.row_bytes / 4 {
                    to[row * stride + place] = i32::from_le_bytes(tile.four(row, place));
                }
            }
        }
    }

    pub(in crate::kernel::bytes) const KERNEL: ByteKernel =
        kernel("software tiles", run, super::super::portable::pair);

    fn run(with: &mut dyn FnMut(&mut super::super::Find<'_>)) {
        let mut tiles = Software::configured(&CONFIG.0);
        with(&mut |rows, columns, cuts, found| find(&mut tiles, rows, columns, cuts, found));
    }

    #[test]
    fn sums_wrap_around_as_those_of_the_instruction() {
        let mut tiles = Software::configured(&CONFIG.0);
        let line = |byte: u8| ByteLine([i32::from_le_bytes([byte; 4]); LANES]);
        tiles.load::<0>(&[ByteLine([i32::MIN + 5; LANES])], 0);
        tiles.load::<4>(&[line(255)], 0);
        tiles.load::<6>(&[line(0x80)], 0);
        tiles.multiply::<0, 4, 6>();
        let mut out = [0; TILE * LANES];
        tiles.store::<0>(&mut out, LANES);
        let expected = (i32::MIN + 5).wrapping_sub(64 * 255 * 128);
        assert_eq!(out, [expected; TILE * LANES]);
    }
}
