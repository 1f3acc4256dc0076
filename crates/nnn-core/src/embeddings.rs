//! Unit-length vectors, checked once when they are made.

use rayon::prelude::*;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// How far a row's length may be from one in [`Embeddings::from_unit`]; f32 rounding of a normalised row of any
/// usual dimension stays below it by two orders of magnitude.
const UNIT_TOLERANCE: f64 = 1e-4;

/// A row whose length is nearer to one than 2^-26 stays as it is when it is normalised: every quotient is nearer to its value than
/// 2^-25 of it, which is half the smaller step of f32 beside it.
const NEAR_ONE: f64 = 1.0 / (1u64 << 26) as f64;

/// Rows that one task normalises or looks at.
const ROWS_A_TASK: usize = 256;

/// Why a matrix cannot serve as embeddings. Rows and columns count from zero.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum EmbeddingError {
    /// There is no dimension to take a product over.
    #[error("embeddings need a dimension of at least 1, got 0")]
    ZeroDimension,
    /// The number of values is no multiple of the dimension.
    #[error("{values} values do not form rows of dimension {dim}")]
    Ragged {
        /// How many values arrived.
        values: usize,
        /// The dimension they were to be cut by.
        dim: usize,
    },
    /// A value is NaN or infinite.
    #[error("row {row}, column {column} is {value}; embeddings must be finite")]
    NotFinite {
        /// The row, from zero.
        row: usize,
        /// The column, from zero.
        column: usize,
        /// The value found.
        value: f32,
    },
    /// A row has length zero, so that it has no direction.
    #[error("row {row} is a zero vector; it has no direction to compare")]
    ZeroVector {
        /// The row, from zero.
        row: usize,
    },
    /// A similarity lies outside the range of cosines.
    #[error("row {row}, column {column} is {value}, expected a cosine from -1 to 1")]
    NoCosine {
        /// The row, from zero.
        row: usize,
        /// The column, from zero.
        column: usize,
        /// The value found.
        value: f32,
    },
    /// A row that was said to be of unit length is not.
    #[error("row {row} has length {length}, expected 1")]
    NotUnit {
        /// The row, from zero.
        row: usize,
        /// Its Euclidean length.
        length: f64,
    },
}

/// Values that are held or mapped by someone, and shared.
pub type SharedValues = Arc<dyn AsRef<[f32]> + Send + Sync>;

/// A `(items, dim)` matrix, row-major; every row is finite and of unit length. Clones share the values.
///
/// Where only similarities are known, the items of the gallery are the directions of the standard basis
/// ([`Embeddings::basis`]) and every other item is its row of similarities to them ([`Embeddings::similarities`]): the inner
/// products are then these similarities, exactly. Such rows are not of unit length, and nothing but their products with the
/// gallery has a meaning.
#[derive(Clone)]
pub struct Embeddings {
    data: SharedValues,
    dim: usize,
    basis: bool,
}

impl fmt::Debug for Embeddings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Embeddings({} x {})", self.len(), self.dim)
    }
}

impl PartialEq for Embeddings {
    fn eq(&self, other: &Self) -> bool {
        self.dim == other.dim && self.rows().data == other.rows().data
    }
}

impl Embeddings {
    /// Items of which only similarities to a gallery of `gallery` items are known: one row each.
    ///
    /// # Errors
    /// [`EmbeddingError`]: the shape is wrong, or a value is not finite or no cosine (beyond 1 by more than 1e-4).
    pub fn similarities(values: SharedValues, gallery: usize) -> Result<Self, EmbeddingError> {
        let data = (*values).as_ref();
        check_shape(data.len(), gallery)?;
        let cosines = -1.0 - UNIT_TOLERANCE..=1.0 + UNIT_TOLERANCE;
        let wrong = |value: &f32| !cosines.contains(&f64::from(*value));
        if let Some(at) = data.iter().position(wrong) {
            let (row, column, value) = (at / gallery, at % gallery, data[at]);
            return Err(match value.is_finite() {
                true => EmbeddingError::NoCosine { row, column, value },
                false => EmbeddingError::NotFinite { row, column, value },
            });
        }
        Ok(Self {
            data: values,
            dim: gallery,
            basis: false,
        })
    }

    /// The directions of the standard basis: a gallery of `items` items of which only similarities are known. It takes
    /// `4 items^2` bytes.
    ///
    /// # Errors
    /// [`EmbeddingError::ZeroDimension`] for no items.
    pub fn basis(items: usize) -> Result<Self, EmbeddingError> {
        check_shape(items * items, items)?;
        let mut data = vec![0.0; items * items];
        data.iter_mut()
            .step_by(items + 1)
            .for_each(|one| *one = 1.0);
        Ok(Self {
            basis: true,
            ..Self::checked(data, items)
        })
    }

    /// Whether only similarities are known: whether this is [`Embeddings::basis`].
    #[must_use]
    pub fn is_basis(&self) -> bool {
        self.basis
    }

    /// Scales every row of a row-major `(items, dim)` matrix to unit length (norms and quotients in f64, rounded once).
    ///
    /// # Errors
    /// [`EmbeddingError`] names the first row that is not finite or is zero, or says that the shape is wrong.
    pub fn normalize(mut data: Vec<f32>, dim: usize) -> Result<Self, EmbeddingError> {
        check_shape(data.len(), dim)?;
        let tasks = data.par_chunks_mut(dim * ROWS_A_TASK).enumerate();
        let wrong = tasks.find_map_first(|(task, rows)| {
            let mut rows = (task * ROWS_A_TASK..).zip(rows.chunks_exact_mut(dim));
            rows.find_map(|(row, values)| normalize_row(row, values).err())
        });
        wrong.map_or_else(|| Ok(Self::checked(data, dim)), Err)
    }

    /// Takes rows that are of unit length already, without moving a bit of them.
    ///
    /// # Errors
    /// As [`Embeddings::normalize`], and [`EmbeddingError::NotUnit`] for a row whose length is not 1 within 1e-4.
    pub fn from_unit(data: Vec<f32>, dim: usize) -> Result<Self, EmbeddingError> {
        check_shape(data.len(), dim)?;
        for (row, values) in data.chunks_exact(dim).enumerate() {
            let length = checked_length(row, values)?;
            if (length - 1.0).abs() > UNIT_TOLERANCE {
                return Err(EmbeddingError::NotUnit { row, length });
            }
        }
        Ok(Self::checked(data, dim))
    }

    fn checked(data: Vec<f32>, dim: usize) -> Self {
        Self {
            data: Arc::new(data),
            dim,
            basis: false,
        }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows().len()
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows().is_empty()
    }

    /// Length of each row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// A view of all rows.
    #[must_use]
    pub fn rows(&self) -> Rows<'_> {
        Rows {
            data: (*self.data).as_ref(),
            dim: self.dim,
            basis: self.basis,
        }
    }

    /// The chosen rows, in the order given: a copy, except where they are all rows in order.
    ///
    /// # Panics
    /// An index is not below [`Embeddings::len`].
    #[must_use]
    pub fn select(&self, indices: &[u32]) -> Self {
        if indices.iter().copied().eq(0..self.len() as u32) {
            return self.clone();
        }
        let rows = self.rows();
        // As large as it gets at once: grown by and by, a large bank would be held twice.
        let mut chosen = Vec::with_capacity(indices.len() * self.dim);
        for &index in indices {
            chosen.extend_from_slice(rows.row(index as usize));
        }
        Self {
            basis: self.basis,
            ..Self::checked(chosen, self.dim)
        }
    }
}

/// A borrowed row-major `(items, dim)` matrix whose rows are finite and of unit length.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    data: &'a [f32],
    dim: usize,
    basis: bool,
}

impl<'a> Rows<'a> {
    /// A row-major `(items, dim)` matrix where it lies, if [`Embeddings::normalize`] would not move a bit of it; `None` if it would.
    ///
    /// # Errors
    /// As [`Embeddings::normalize`], for the first row that it would refuse, if none before it would be moved.
    pub fn normalized(data: &'a [f32], dim: usize) -> Result<Option<Self>, EmbeddingError> {
        check_shape(data.len(), dim)?;
        let tasks = data.par_chunks(dim * ROWS_A_TASK).enumerate();
        let first = tasks.find_map_first(|(task, rows)| {
            let mut rows = (task * ROWS_A_TASK..).zip(rows.chunks_exact(dim));
            rows.find_map(|(row, values)| match stays(row, values) {
                Ok(true) => None,
                Ok(false) => Some(Ok(None)),
                Err(error) => Some(Err(error)),
            })
        });
        first.unwrap_or(Ok(Some(Self::raw(data, dim))))
    }

    /// Vectors of other lengths, or in a form that only a kernel knows; `data` is a whole number of rows.
    pub(crate) fn raw(data: &'a [f32], dim: usize) -> Self {
        Self {
            data,
            dim,
            basis: false,
        }
    }

    /// Whether every row is a direction of the standard basis, so that products need not be computed.
    pub(crate) fn is_basis(&self) -> bool {
        self.basis
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len() / self.dim
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Length of each row.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// All values, row-major, `len * dim` of them.
    #[must_use]
    pub fn data(&self) -> &'a [f32] {
        self.data
    }

    /// One row.
    ///
    /// # Panics
    /// `index` is not below [`Rows::len`].
    #[must_use]
    pub fn row(&self, index: usize) -> &'a [f32] {
        &self.data[index * self.dim..(index + 1) * self.dim]
    }

    /// The rows of a range.
    ///
    /// # Panics
    /// The range reaches past [`Rows::len`].
    #[must_use]
    pub fn slice(&self, range: std::ops::Range<usize>) -> Self {
        Self {
            data: &self.data[range.start * self.dim..range.end * self.dim],
            ..*self
        }
    }
}

fn check_shape(values: usize, dim: usize) -> Result<(), EmbeddingError> {
    if dim == 0 {
        return Err(EmbeddingError::ZeroDimension);
    }
    if !values.is_multiple_of(dim) {
        return Err(EmbeddingError::Ragged { values, dim });
    }
    Ok(())
}

fn normalize_row(row: usize, values: &mut [f32]) -> Result<(), EmbeddingError> {
    let length = checked_length(row, values)?;
    for value in values {
        // The quotient of two f64 is rounded to f32 once; a reciprocal would round twice.
        *value = (f64::from(*value) / length) as f32;
    }
    Ok(())
}

/// Whether normalising a row would leave all of its bits.
fn stays(row: usize, values: &[f32]) -> Result<bool, EmbeddingError> {
    // Its sum is off from the one that normalises by no more than rounding in f64, far less than the other half of the bound.
    if (quick_length(values) - 1.0).abs() < NEAR_ONE / 2.0 {
        return Ok(true);
    }
    let length = checked_length(row, values)?;
    let kept = |&value: &f32| ((f64::from(value) / length) as f32).to_bits() == value.to_bits();
    Ok((length - 1.0).abs() < NEAR_ONE || values.iter().all(kept))
}

/// Euclidean length in f64 from eight sums side by side: several times as quick as one chain.
fn quick_length(values: &[f32]) -> f64 {
    let (eights, rest) = values.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for eight in eights {
        for (sum, &value) in sums.iter_mut().zip(eight) {
            *sum += f64::from(value) * f64::from(value);
        }
    }
    let rest = rest
        .iter()
        .map(|&value| f64::from(value) * f64::from(value));
    rest.chain(sums).sum::<f64>().sqrt()
}

/// Euclidean length in f64, where the square of no finite f32 overflows.
fn checked_length(row: usize, values: &[f32]) -> Result<f64, EmbeddingError> {
    let squares: f64 = values.iter().map(|&v| f64::from(v) * f64::from(v)).sum();
    if !squares.is_finite() {
        return Err(not_finite(row, values));
    }
    if squares == 0.0 {
        return Err(EmbeddingError::ZeroVector { row });
    }
    Ok(squares.sqrt())
}

fn not_finite(row: usize, values: &[f32]) -> EmbeddingError {
    let column = values.iter().position(|v| !v.is_finite()).unwrap_or(0);
    EmbeddingError::NotFinite {
        row,
        column,
        value: values[column],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_with_unit_length() {
        let e = Embeddings::normalize(vec![3.0, 4.0, 0.0, -2.0], 2).expect("valid rows");
        assert_eq!(e.rows().row(0), [0.6, 0.8]);
        assert_eq!(e.rows().row(1), [0.0, -1.0]);
    }

    #[test]
    fn extreme_lengths_are_kept_exact() {
        let e = Embeddings::normalize(vec![3e38, 0.0, 1e-45, 0.0], 2).expect("valid rows");
        assert_eq!(e.rows().data(), [1.0, 0.0, 1.0, 0.0]);
    }

    #[test]
    fn similarities_are_products_with_the_basis() {
        let values: SharedValues = Arc::new(vec![0.5, -0.25, 1.0, 0.0, 0.125, -1.0]);
        let queries = Embeddings::similarities(values, 3).expect("cosines");
        let gallery = Embeddings::basis(3).expect("items");
        assert!(gallery.is_basis() && !queries.is_basis());
        let item = gallery.rows().row(1);
        let product = |query: usize| -> f32 {
            let pairs = queries.rows().row(query).iter().zip(item);
            pairs.map(|(a, b)| a * b).sum()
        };
        assert_eq!([product(0), product(1)], [-0.25, 0.125]);
        let wrong = Embeddings::similarities(Arc::new(vec![0.5, 20.0]), 2);
        assert_eq!(
            wrong.expect_err("no cosine").to_string(),
            "row 0, column 1 is 20, expected a cosine from -1 to 1"
        );
        let nan = Embeddings::similarities(Arc::new(vec![0.5, f32::NAN]), 2);
        assert!(matches!(nan, Err(EmbeddingError::NotFinite { .. })));
    }

    /// Rows of several tasks, of lengths from far to next to one.
    fn rows(dim: usize, spread: f32) -> Vec<f32> {
        let value = |at: usize| ((at * 7919 + 13) % 1009) as f32 / 503.7 - 1.0;
        let unit = Embeddings::normalize((0..1000 * dim).map(value).collect(), dim);
        let unit = unit.expect("valid rows");
        let rows = unit.rows().data().chunks(dim).enumerate();
        let scale = |row: usize| 1.0 + spread * (row % 7) as f32;
        rows.flat_map(|(row, values)| values.iter().map(move |v| v * scale(row)))
            .collect()
    }

    #[test]
    fn rows_lie_where_they_are_if_and_only_if_normalising_moves_no_bit() {
        let (mut lent, mut moved) = (0, 0);
        for dim in [1, 2, 3, 16, 512] {
            for spread in [0.0, f32::EPSILON / 2.0, f32::EPSILON, 1e-6, 0.5] {
                for row in rows(dim, spread).chunks(dim) {
                    let normal = Embeddings::normalize(row.to_vec(), dim).expect("valid");
                    let same = normal.rows().data() == row;
                    let found = Rows::normalized(row, dim).expect("valid");
                    assert_eq!(found.is_some(), same, "{row:?}");
                    assert!(found.is_none_or(|found| found.data() == row));
                    if same { lent += 1 } else { moved += 1 }
                }
            }
        }
        assert!(lent > 1000 && moved > 1000, "{lent} and {moved}");
    }

    #[test]
    fn a_matrix_lies_where_it_is_if_all_of_its_rows_do() {
        let mut data = vec![0.0; 2 * 1000];
        data.iter_mut().step_by(2).for_each(|value| *value = -1.0);
        let found = Rows::normalized(&data, 2).expect("valid").expect("lent");
        assert_eq!((found.len(), found.data().as_ptr()), (1000, data.as_ptr()));
        data[2 * 999 + 1] = 1e-3;
        assert!(matches!(Rows::normalized(&data, 2), Ok(None)));
        assert!(matches!(Rows::normalized(&[], 2), Ok(Some(none)) if none.is_empty()));
    }

    #[test]
    fn what_normalising_refuses_is_refused_where_it_lies() {
        let refused = |at: usize, value: f32| {
            let mut data = [1.0, 0.0].repeat(600);
            data[at] = value;
            let error = Rows::normalized(&data, 2).expect_err("refused");
            assert_eq!(
                Embeddings::normalize(data, 2)
                    .expect_err("refused")
                    .to_string(),
                error.to_string()
            );
            error.to_string()
        };
        assert_eq!(
            refused(1000, 0.0),
            "row 500 is a zero vector; it has no direction to compare"
        );
        assert_eq!(
            refused(1199, f32::NAN),
            "row 599, column 1 is NaN; embeddings must be finite"
        );
        assert_eq!(
            Rows::normalized(&[1.0; 3], 2).err(),
            Some(EmbeddingError::Ragged { values: 3, dim: 2 })
        );
        assert_eq!(
            Rows::normalized(&[], 0).err(),
            Some(EmbeddingError::ZeroDimension)
        );
    }

    #[test]
    fn of_several_bad_rows_the_first_is_named() {
        let mut data = [1.0, 0.0].repeat(3000);
        for row in [2999, 700, 701] {
            data[2 * row] = 0.0;
        }
        let error = Embeddings::normalize(data, 2);
        assert_eq!(error, Err(EmbeddingError::ZeroVector { row: 700 }));
    }

    #[test]
    fn bad_rows_are_named() {
        let nan = Embeddings::normalize(vec![1.0, 0.0, 0.0, f32::NAN], 2);
        assert!(matches!(
            nan,
            Err(EmbeddingError::NotFinite {
                row: 1,
                column: 1,
                ..
            })
        ));
        let zero = Embeddings::normalize(vec![1.0, 0.0, 0.0, 0.0], 2);
        assert_eq!(zero, Err(EmbeddingError::ZeroVector { row: 1 }));
        let ragged = Embeddings::normalize(vec![1.0; 3], 2);
        assert_eq!(ragged, Err(EmbeddingError::Ragged { values: 3, dim: 2 }));
        let long = Embeddings::from_unit(vec![2.0, 0.0], 2);
        assert!(matches!(long, Err(EmbeddingError::NotUnit { row: 0, .. })));
    }
}
