//! All scores in f32, by this crate and by two general matrix products: alone, and with the largest of every row kept.

use crate::{Clock, Outcome, Times};
use nnn_core::{Delivery, DotScorer, Kernel, LargestScores, RowSink, Rows, Scorer};
use rayon::prelude::*;
use std::hint::black_box;

const DIM: usize = 512;
/// Columns at a time, as many as this crate takes: no library has to write or hold a matrix of 2 GB.
const COLUMNS: usize = 4096;

/// Times both, as fields of a JSON object. The lowest of all kept scores is there to be compared.
pub(crate) fn measure(who: &str, gallery: Rows<'_>, bank: Rows<'_>, k: usize) -> Outcome<String> {
    assert_eq!(
        (gallery.dim(), bank.dim()),
        (DIM, DIM),
        "vectors are of 512 numbers"
    );
    let run: fn(Rows<'_>, Rows<'_>, usize) -> f32 = match who {
        "ours" => ours,
        "gemm" => |gallery, bank, k| blocks(gallery, bank, k, gemm_product),
        "faer" => |gallery, bank, k| blocks(gallery, bank, k, faer_product),
        _ => return Err("expected: ours|gemm|faer".into()),
    };
    let clock = Clock::start()?;
    black_box(run(gallery, bank, 0));
    let Times { wall, cpu } = clock.read()?;
    let clock = Clock::start()?;
    let lowest = run(gallery, bank, k);
    let kept = clock.read()?;
    Ok(format!(
        "\"seconds\": {wall}, \"cpu_seconds\": {cpu:.2}, \"topk_seconds\": {}, \"topk_cpu_seconds\": {:.2}, \"lowest\": {lowest}, \
         \"kernel\": \"{:?}\"",
        kept.wall,
        kept.cpu,
        Kernel::detect()
    ))
}

/// The largest of one row.
struct Row(LargestScores);

impl RowSink for Row {
    fn piece(&mut self, _first: usize, scores: &mut [f32]) {
        self.0.push(black_box(scores));
    }
}

fn rows(count: usize, k: usize) -> Vec<Row> {
    (0..count).map(|_| Row(LargestScores::new(k))).collect()
}

fn lowest(rows: Vec<Row>) -> f32 {
    let last = |row: Row| row.0.into_descending().last().copied();
    let lasts: Vec<Option<f32>> = rows.into_par_iter().map(last).collect();
    lasts.into_iter().flatten().fold(f32::INFINITY, f32::min)
}

fn ours(gallery: Rows<'_>, bank: Rows<'_>, k: usize) -> f32 {
    let scorer = DotScorer::new(gallery, bank).expect("one dimension");
    let mut rows = rows(gallery.len(), k);
    let mut sinks: Vec<_> = rows.iter_mut().map(|r| r as &mut dyn RowSink).collect();
    scorer.stream(Delivery::Pieces, 0, &mut sinks);
    lowest(rows)
}

/// The same through a product of matrices, block by block.
fn blocks(
    gallery: Rows<'_>,
    bank: Rows<'_>,
    k: usize,
    product: fn(&[f32], &[f32], &mut [f32]),
) -> f32 {
    let mut rows = rows(gallery.len(), k);
    let mut out = vec![0.0f32; gallery.len() * COLUMNS];
    for first in (0..bank.len()).step_by(COLUMNS) {
        let block = bank.slice(first..bank.len().min(first + COLUMNS));
        let out = &mut out[..gallery.len() * block.len()];
        product(gallery.data(), block.data(), out);
        if k > 0 {
            rows.par_iter_mut()
                .zip(out.par_chunks_mut(block.len()))
                .for_each(|(row, scores)| row.piece(first, scores));
        }
    }
    lowest(rows)
}

/// `out` is `(left, right)`, row-major.
#[allow(unsafe_code)]
fn gemm_product(left: &[f32], right: &[f32], out: &mut [f32]) {
    let (m, n) = (left.len() / DIM, right.len() / DIM);
    assert_eq!(out.len(), m * n);
    // SAFETY: the pointers cover m x DIM, n x DIM and m x n floats in the strides given; `out` is borrowed for writing.
    unsafe {
        gemm::gemm(
            m,
            n,
            DIM,
            out.as_mut_ptr(),
            1,
            n as isize,
            false,
            left.as_ptr(),
            1,
            DIM as isize,
            right.as_ptr(),
            DIM as isize,
            1,
            0.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::Rayon(rayon::current_num_threads()),
        );
    }
}

fn faer_product(left: &[f32], right: &[f32], out: &mut [f32]) {
    use faer::{Accum, MatMut, MatRef, Par};
    let (m, n) = (left.len() / DIM, right.len() / DIM);
    let (left, right) = (
        MatRef::from_row_major_slice(left, m, DIM),
        MatRef::from_row_major_slice(right, n, DIM),
    );
    let out = MatMut::from_row_major_slice_mut(out, m, n);
    let par = Par::rayon(rayon::current_num_threads());
    faer::linalg::matmul::matmul(out, Accum::Replace, left, right.transpose(), 1.0f32, par);
}
