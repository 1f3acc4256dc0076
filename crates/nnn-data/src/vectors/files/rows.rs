//! Rows of equal length, of one part after the other, in one vector that is sized once.

use super::Matrix;
use crate::file_error::FileProblem;
use std::path::{Path, PathBuf};

/// What every row of a column of vectors must hold.
pub(super) const VECTORS: &str = "a list of numbers in every row";

/// Rows as they arrive.
#[derive(Default)]
pub(super) struct Rows {
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

impl Rows {
    /// Rows of the next part follow.
    pub(super) fn begin_part(&mut self, path: &Path) {
        path.clone_into(&mut self.part);
        self.before = self.rows;
        self.starts.push(self.rows);
    }

    /// Makes room for `count` more values, unless there is.
    pub(super) fn room(&mut self, count: usize) -> Result<(), FileProblem> {
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
        Ok(())
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
