//! What the kernels read and write ends where their slices end: every slice here is the last part of an allocation, so that the
//! address sanitizer (`tools/asan.sh`) sees one place too many. Starts are unaligned wherever the types allow it, and lengths go
//! from none to two registers and one more. Results are those of the portable kernels in any build.

use super::bytes::{self, ByteKernel, ByteLine};
use super::near::{CHUNK, counted, near_places};
use super::{Kernel, LANES, Line, PANEL, chains, portable};

/// Lengths and starts that are tried; fewer under Miri, which takes a second for what is done in a millisecond here.
const LENGTHS: std::ops::RangeInclusive<usize> = 0..=2 * LANES + 1;
const STARTS: std::ops::Range<usize> = if cfg!(miri) { 1..2 } else { 0..4 };

fn lengths() -> impl Iterator<Item = usize> {
    LENGTHS.step_by(if cfg!(miri) { 11 } else { 1 })
}

fn value(seed: usize) -> f32 {
    (seed * 37 % 101) as f32 / 101.0 - 0.5
}

/// As many values, behind `start` others, in an allocation that ends with them.
fn values(start: usize, len: usize, seed: usize) -> Box<[f32]> {
    (0..start + len).map(|i| value(i + seed)).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|it| it.to_bits()).collect()
}

/// What a block product leaves behind `start` places, `stride` from row to row, none after the last one.
fn product(kernel: Kernel, dim: usize, start: usize, stride: usize) -> Box<[f32]> {
    // All kernels have the first of 14 rows, whatever they lay out.
    let rows: Box<[f32]> = (0..start)
        .map(|_| f32::NAN)
        .chain((0..dim * kernel.rows).map(|i| value(i / kernel.rows * 14 + i % kernel.rows)))
        .collect();
    let line = |i: usize| Line(std::array::from_fn(|lane| value(i * LANES + lane + 5)));
    let columns: Box<[Line]> = (0..dim * (PANEL / LANES)).map(line).collect();
    let len = start + (kernel.rows - 1) * stride + PANEL;
    let mut out = vec![7.0; len].into_boxed_slice();
    (kernel.block)(&rows[start..], &columns, &mut out[start..], stride);
    out
}

#[test]
fn block_products_end_where_their_slices_do() {
    // No vector has no coordinates, and there is no block of such.
    let dims = lengths().filter(|&dim| dim > 0);
    for (dim, start) in dims.flat_map(|dim| STARTS.map(move |start| (dim, start))) {
        for (kernel, stride) in Kernel::available()
            .into_iter()
            .flat_map(|kernel| [(kernel, PANEL), (kernel, PANEL + 3)])
        {
            let out = product(kernel, dim, start, stride);
            assert!(out[..start].iter().all(|&it| it == 7.0), "{kernel:?}");
            let all = product(portable::kernel(), dim, start, stride);
            let rows = out[start..].chunks(stride);
            for (row, want) in rows.clone().zip(all[start..].chunks(stride)) {
                let place = format!("{kernel:?}, dim {dim}, start {start}, stride {stride}");
                assert_eq!(bits(&row[..PANEL]), bits(&want[..PANEL]), "{place}");
            }
            let between = rows.flat_map(|row| &row[PANEL..]);
            assert!(between.clone().all(|&it| it == 7.0), "{kernel:?}");
        }
    }
}

#[test]
fn chains_end_where_their_vectors_do() {
    for (dim, start) in lengths().flat_map(|dim| STARTS.map(move |start| (dim, start))) {
        let item = values(start, dim, 3);
        let others: [Box<[f32]>; LANES] = std::array::from_fn(|i| values(start, dim, 11 * i));
        let others = others.each_ref().map(|other| &other[start..]);
        let want = chains::portable(&item[start..], others, &[]);
        for kernel in Kernel::available() {
            // What is fetched ahead may be shorter than the vector: nothing of it is read.
            for next in [&others[..], &[&others[0][dim..]], &[]] {
                let scores = (kernel.chains)(&item[start..], others, next);
                assert_eq!(bits(&scores), bits(&want), "{kernel:?}, dim {dim}");
            }
        }
    }
}

#[test]
fn near_places_end_where_their_scores_do() {
    for (len, start) in (0..=2 * CHUNK + 1).flat_map(|len| STARTS.map(move |start| (len, start))) {
        let (scores, least) = (values(start, len, 3), values(start, len, 40));
        for cut in [-2.0, 0.1, 2.0] {
            let want = (0..len).filter(|i| scores[start + i] - least[start + i] >= cut);
            let want: Vec<u32> = want.map(|it| it as u32).collect();
            for find in [near_places, counted] {
                let mut near = vec![7; start + len + CHUNK].into_boxed_slice();
                let found = find(&scores[start..], &least[start..], cut, &mut near[start..]);
                assert_eq!(near[start..][..found], want, "{len} scores, cut {cut}");
            }
        }
    }
}

fn lines(count: usize, seed: i32) -> Box<[ByteLine]> {
    let place = |i: usize| (i as i32 + seed).wrapping_mul(0x0103_0509) & 0x3f3f_3f3f;
    let line = |i: usize| ByteLine(std::array::from_fn(|lane| place(i * LANES + lane)));
    (0..count).map(line).collect()
}

fn byte_kernels() -> impl Iterator<Item = ByteKernel> {
    let of_this_processor = bytes::Choice::of_this_processor().usable.clone();
    of_this_processor.into_iter().chain(bytes::references())
}

#[test]
fn products_of_bytes_end_where_their_lines_do() {
    let [plain, _] = bytes::references();
    for kernel in byte_kernels() {
        for steps in [0, LANES, 2 * LANES, 3 * LANES] {
            (kernel.run)(&mut |find| assert!(kernel.agrees_at(steps, find), "{}", kernel.name));
        }
        for count in (0..=2 * LANES).step_by(2) {
            let (a, b) = (lines(count, 1), lines(count, 77));
            let want = (plain.pair)(&a, &b);
            assert_eq!((kernel.pair)(&a, &b), want, "{}, {count}", kernel.name);
        }
    }
}
