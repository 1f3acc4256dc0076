//! Vectors of a method's own making.

use crate::Rows;
use crate::score::{Delivery, DotScorer, Keep, RowSink, Scorer};

/// A correction that changes the vectors of both sides: `score = map(q) . gallery[g]`.
#[derive(Debug, Clone)]
pub struct MovedVectors {
    /// One vector per gallery item.
    pub gallery: Vectors,
    /// What is done to every query; its vectors have the dimension of `gallery`.
    pub query: VectorMap,
}

/// A row-major `(items, dim)` matrix of finite values, of any length each.
#[derive(Debug, Clone, PartialEq)]
pub struct Vectors {
    data: Vec<f32>,
    dim: usize,
}

impl Vectors {
    /// Wraps whole rows.
    ///
    /// # Panics
    /// `data` is no whole number of rows or holds what is not finite.
    #[must_use]
    pub fn new(data: Vec<f32>, dim: usize) -> Self {
        assert!(dim > 0 && data.len().is_multiple_of(dim));
        assert!(data.iter().all(|v| v.is_finite()));
        Self { data, dim }
    }

    /// All values, row-major.
    #[must_use]
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Length of each row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// For products.
    pub(crate) fn rows(&self) -> Rows<'_> {
        Rows::raw(&self.data, self.dim)
    }
}

/// `x -> (x - shift) matrix`, then to unit length if wanted.
#[derive(Debug, Clone, Default)]
pub struct VectorMap {
    /// Subtracted first; empty for none.
    pub shift: Vec<f32>,
    /// Row-major `(out, dim)`: output coordinate `o` is the product with row `o`. `None` leaves the vector.
    pub matrix: Option<Vectors>,
    /// Whether the result gets unit length. What has length zero keeps it.
    pub normalize: bool,
}

impl VectorMap {
    /// The mapped rows.
    ///
    /// # Panics
    /// Shift or matrix are of another dimension.
    #[must_use]
    pub fn apply(&self, rows: Rows<'_>) -> Vectors {
        let mut moved = self.shifted(rows);
        if let Some(matrix) = &self.matrix {
            moved = products(&moved, matrix);
        }
        if self.normalize {
            moved.data.chunks_exact_mut(moved.dim).for_each(to_unit);
        }
        moved
    }

    fn shifted(&self, rows: Rows<'_>) -> Vectors {
        let (mut data, dim) = (rows.data().to_vec(), rows.dim());
        if !self.shift.is_empty() {
            assert_eq!(
                self.shift.len(),
                dim,
                "a shift has the dimension of the vectors"
            );
            for row in data.chunks_exact_mut(dim) {
                row.iter_mut().zip(&self.shift).for_each(|(v, s)| *v -= s);
            }
        }
        Vectors { data, dim }
    }
}

fn to_unit(row: &mut [f32]) {
    let length = row
        .iter()
        .map(|&v| f64::from(v) * f64::from(v))
        .sum::<f64>()
        .sqrt();
    if length > 0.0 {
        row.iter_mut()
            .for_each(|v| *v = (f64::from(*v) / length) as f32);
    }
}

/// `rows matrix^T`.
fn products(rows: &Vectors, matrix: &Vectors) -> Vectors {
    let scorer = DotScorer::new(rows.rows(), matrix.rows());
    let scorer = scorer.expect("a matrix has the dimension of the vectors");
    let mut kept: Vec<Keep> = (0..scorer.rows()).map(|_| Keep::default()).collect();
    let mut sinks: Vec<_> = kept.iter_mut().map(|k| k as &mut dyn RowSink).collect();
    scorer.stream(Delivery::WholeRows, 0, &mut sinks);
    Vectors {
        data: kept.into_iter().flat_map(|row| row.0).collect(),
        dim: scorer.columns(),
    }
}
