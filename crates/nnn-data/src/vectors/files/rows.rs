//! Rows of equal length, of one part after the other: kept in one vector that is sized once, or handed on in blocks.

use super::Matrix;
use crate::file_error::FileProblem;
use std::path::{Path, PathBuf};

/// What every row of a column of vectors must hold.
pub(super) const VECTORS: &str = "a list of numbers in every row";

/// Takes some rows of a dimension that it is told.
pub(super) type TakeRows<'a> = &'a mut dyn FnMut(Vec<f32>, usize) -> Result<(), FileProblem>;

/// Where rows go that are not kept.
struct Drain<'a> {
    /// Rows of a block.
    rows: usize,
    take: TakeRows<'a>,
}

/// Rows as they arrive.
#[derive(Default)]
pub(super) struct Rows<'a> {
    drain: Option<Drain<'a>>,
    data: Vec<f32>,
    rows: usize,
    dim: Option<usize>,
    /// The part that said the dimension.
    first: PathBuf,
    /// The present part, and how many rows are before it.
    part: PathBuf,
    before: usize,
    /// The first row of every part.
    starts: Vec<usize>,
    /// Where the present row begins.
    begin: usize,
}

impl<'a> Rows<'a> {
    /// Hands on every `rows` rows, at least 1, and forgets them.
    pub(super) fn drained(rows: usize, take: TakeRows<'a>) -> Self {
        Self {
            drain: Some(Drain {
                rows: rows.max(1),
                take,
            }),
            ..Self::default()
        }
    }

    /// Rows of the next part follow.
    pub(super) fn begin_part(&mut self, path: &Path) {
        path.clone_into(&mut self.part);
        self.before = self.rows;
        self.starts.push(self.rows);
    }

    /// Makes room for `count` more values, unless there is, or they are not kept.
    pub(super) fn room(&mut self, count: usize) -> Result<(), FileProblem> {
        if self.drain.is_some() {
            return Ok(());
        }
        let values = count as u64;
        let done = self.data.try_reserve_exact(count);
        done.map_err(|_| FileProblem::TooLarge { values })
    }

    /// The first row of every part.
    pub(super) fn starts(&self) -> &[usize] {
        &self.starts
    }

    /// All values, for `rows` more rows of length `dim` that are then appended at once.
    pub(super) fn block(&mut self, rows: usize, dim: usize) -> Result<&mut Vec<f32>, FileProblem> {
        self.check(dim)?;
        self.rows += rows;
        Ok(&mut self.data)
    }

    /// How many of `rows` rows may be appended before [`Rows::settle`].
    pub(super) fn at_once(&self, rows: usize) -> usize {
        self.drain.as_ref().map_or(rows.max(1), |drain| drain.rows)
    }

    /// Hands on the blocks that are whole.
    pub(super) fn settle(&mut self) -> Result<(), FileProblem> {
        let (Some(drain), Some(dim)) = (&mut self.drain, self.dim) else {
            return Ok(());
        };
        let block = drain.rows.saturating_mul(dim);
        if block == 0 || self.data.len() < block {
            return Ok(());
        }
        let blocks = self.data.chunks_exact(block);
        let rest = blocks.remainder().to_vec();
        blocks
            .map(<[f32]>::to_vec)
            .try_for_each(|it| (drain.take)(it, dim))?;
        self.begin = rest.len();
        self.data = rest;
        Ok(())
    }

    /// Hands on what is left of the last block.
    pub(super) fn drain_rest(mut self) -> Result<(), FileProblem> {
        match (self.drain, self.dim) {
            (Some(drain), Some(dim)) if !self.data.is_empty() => {
                (drain.take)(std::mem::take(&mut self.data), dim)
            }
            _ => Ok(()),
        }
    }

    /// Begins a row.
    pub(super) fn start(&mut self) {
        self.begin = self.data.len();
    }

    pub(super) fn extend(&mut self, values: impl IntoIterator<Item = f32>) {
        self.data.extend(values);
    }

    /// Appends values of which one may lie beyond f32.
    pub(super) fn extend_wide(
        &mut self,
        values: impl IntoIterator<Item = f64>,
    ) -> Result<(), FileProblem> {
        for value in values {
            let value = narrow(value, || self.place())?;
            self.data.push(value);
        }
        Ok(())
    }

    /// Ends the row.
    pub(super) fn end(&mut self) -> Result<(), FileProblem> {
        self.check(self.data.len() - self.begin)?;
        self.rows += 1;
        self.settle()
    }

    /// The present row in its part, and the column of the next value.
    pub(super) fn place(&self) -> (usize, usize) {
        (self.rows - self.before, self.data.len() - self.begin)
    }

    /// The error of a row that is absent or empty.
    pub(super) fn null(&self) -> FileProblem {
        FileProblem::Null {
            row: self.place().0,
            expected: VECTORS,
        }
    }

    fn check(&mut self, found: usize) -> Result<(), FileProblem> {
        if self.dim.is_none() {
            self.first.clone_from(&self.part);
        }
        let expected = *self.dim.get_or_insert(found);
        let row = self.rows - self.before;
        match found == expected {
            true => Ok(()),
            false if row == 0 && self.first != self.part => Err(FileProblem::Dimension {
                found,
                expected,
                first: self.first.clone(),
            }),
            false => Err(FileProblem::Ragged {
                row,
                found,
                expected,
            }),
        }
    }

    pub(super) fn finish(self) -> Matrix {
        Matrix {
            data: self.data,
            rows: self.rows,
            dim: self.dim.unwrap_or(0),
        }
    }
}

/// One f64 as f32; `place` says where it stood if it is finite but beyond f32.
pub(super) fn narrow(
    value: f64,
    place: impl FnOnce() -> (usize, usize),
) -> Result<f32, FileProblem> {
    let narrowed = value as f32;
    if narrowed.is_infinite() && value.is_finite() {
        let (row, column) = place();
        return Err(FileProblem::Overflow { row, column, value });
    }
    Ok(narrowed)
}
