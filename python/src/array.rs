//! Arrays of any library as the core reads them.

use crate::error::wrong;
use half::f16;
use nnn_core::{EmbeddingError, Embeddings, Rows};
use numpy::ndarray::{ArrayView2, Ix2};
use numpy::{
    Element, PyArray2, PyArrayMethods, PyReadonlyArray, PyReadonlyArray1, PyReadonlyArray2,
    PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use rayon::prelude::*;

/// An array of floats of one of these numbers of dimensions; see `_arrays.py`.
pub(crate) fn floats<'py>(
    value: &Bound<'py, PyAny>,
    name: &str,
    dims: &[usize],
) -> PyResult<Bound<'py, PyAny>> {
    static AS_ARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = value.py();
    let as_array = AS_ARRAY.import(py, "nnn_bench._arrays", "as_array")?;
    match *dims {
        [dim] => as_array.call1((value, name, dim)),
        [one, other] => as_array.call1((value, name, one, other)),
        _ => as_array.call1((value, name)),
    }
}

/// Vectors of an argument, one per row, where they lie.
pub(crate) struct Matrix<'py> {
    name: &'static str,
    values: Values<'py>,
}

enum Values<'py> {
    F16(PyReadonlyArray2<'py, f16>),
    F32(PyReadonlyArray2<'py, f32>),
    F64(PyReadonlyArray2<'py, f64>),
    Unit(Embeddings),
}

impl<'py> Matrix<'py> {
    /// The rows of an array of any library.
    ///
    /// # Errors
    /// `TypeError`: it is no array of numbers. `ValueError`: it has not two dimensions.
    pub(crate) fn of(value: &Bound<'py, PyAny>, name: &'static str) -> PyResult<Self> {
        let array = floats(value, name, &[2])?;
        let values = if let Ok(array) = array.extract() {
            Values::F32(array)
        } else if let Ok(array) = array.extract() {
            Values::F64(array)
        } else {
            Values::F16(array.extract()?)
        };
        Ok(Self { name, values })
    }

    /// Unit vectors that are there.
    pub(crate) fn unit(vectors: Embeddings, name: &'static str) -> Self {
        let values = Values::Unit(vectors);
        Self { name, values }
    }

    /// Vectors that were checked before, where they lie.
    pub(crate) fn lent(array: &Bound<'py, PyArray2<f32>>, name: &'static str) -> PyResult<Self> {
        let array = array.try_readonly();
        let values = Values::F32(array.map_err(|error| wrong(name, error))?);
        Ok(Self { name, values })
    }

    /// The array of NumPy, if the values are read where they lie.
    pub(crate) fn array(&self) -> Option<Py<PyArray2<f32>>> {
        match &self.values {
            Values::F32(array) => Some((**array).clone().unbind()),
            _ => None,
        }
    }

    /// Rows and columns.
    fn shape(&self) -> [usize; 2] {
        fn of<T: Element>(array: &PyReadonlyArray<'_, T, Ix2>) -> [usize; 2] {
            let shape = array.shape();
            [shape[0], shape[1]]
        }
        match &self.values {
            Values::F16(array) => of(array),
            Values::F32(array) => of(array),
            Values::F64(array) => of(array),
            Values::Unit(vectors) => [vectors.len(), vectors.dim()],
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.shape()[0]
    }

    /// Length of each row.
    pub(crate) fn dim(&self) -> usize {
        self.shape()[1]
    }

    /// The same for threads that do not hold the GIL.
    pub(crate) fn view(&self) -> View<'_> {
        let values = match &self.values {
            Values::F16(array) => ViewOf::F16(array.as_array()),
            Values::F32(array) => ViewOf::F32(array.as_array()),
            Values::F64(array) => ViewOf::F64(array.as_array()),
            Values::Unit(vectors) => ViewOf::Unit(vectors),
        };
        let (name, dim) = (self.name, self.dim());
        View { name, dim, values }
    }
}

/// Vectors of an argument, for threads that do not hold the GIL.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    name: &'static str,
    dim: usize,
    values: ViewOf<'a>,
}

#[derive(Clone, Copy)]
enum ViewOf<'a> {
    F16(ArrayView2<'a, f16>),
    F32(ArrayView2<'a, f32>),
    F64(ArrayView2<'a, f64>),
    Unit(&'a Embeddings),
}

impl<'a> View<'a> {
    /// Unit vectors: where the values lie, if normalising moves no bit of them, or else a copy.
    ///
    /// # Errors
    /// `ValueError`: a row is zero or not finite, or there are no columns.
    pub(crate) fn vectors(self) -> PyResult<Vectors<'a>> {
        if self.dim == 0 {
            return Err(wrong(self.name, EmbeddingError::ZeroDimension));
        }
        let copied = match self.values {
            ViewOf::Unit(vectors) => return Ok(Vectors::Lent(vectors.rows())),
            ViewOf::F32(array) => match array.to_slice() {
                Some(data) => match Rows::normalized(data, self.dim) {
                    Ok(Some(rows)) => return Ok(Vectors::Lent(rows)),
                    Ok(None) => data.to_vec(),
                    Err(error) => return Err(wrong(self.name, error)),
                },
                None => gathered(array, |value| value),
            },
            ViewOf::F16(array) => gathered(array, f16::to_f32),
            ViewOf::F64(array) => {
                let data = gathered(array, |value| value as f32);
                self.check_range(array, &data)?;
                data
            }
        };
        let vectors = Embeddings::normalize(copied, self.dim);
        let vectors = vectors.map_err(|error| wrong(self.name, error))?;
        Ok(Vectors::Owned(vectors))
    }

    /// The same as a copy that is shared, or as what is shared already.
    ///
    /// # Errors
    /// As [`View::vectors`].
    pub(crate) fn embeddings(self) -> PyResult<Embeddings> {
        if let ViewOf::Unit(vectors) = self.values {
            return Ok(vectors.clone());
        }
        match self.vectors()? {
            Vectors::Owned(vectors) => Ok(vectors),
            // Normalising would move no bit of them.
            Vectors::Lent(rows) => Embeddings::normalize(rows.data().to_vec(), self.dim)
                .map_err(|error| wrong(self.name, error)),
        }
    }

    /// Refuses what is finite in f64 and beyond the range of f32.
    fn check_range(&self, array: ArrayView2<'_, f64>, data: &[f32]) -> PyResult<()> {
        let place = |at: usize| [at / self.dim, at % self.dim];
        let beyond = |at: &usize| data[*at].is_infinite() && array[place(*at)].is_finite();
        match (0..data.len()).find(beyond) {
            None => Ok(()),
            Some(at) => {
                let [row, column] = place(at);
                let (value, most) = (array[[row, column]], f32::MAX);
                Err(wrong(
                    self.name,
                    format!(
                        "row {row}, column {column} is {value:e}, beyond the range of f32 ({most:e})"
                    ),
                ))
            }
        }
    }
}

/// Values row by row.
fn gathered<T: Copy + Sync>(array: ArrayView2<'_, T>, of: impl Fn(T) -> f32 + Sync) -> Vec<f32> {
    let dim = array.ncols();
    let mut data = vec![0.0; array.len()];
    let rows = data.par_chunks_exact_mut(dim).enumerate();
    rows.with_min_len(256).for_each(|(row, values)| {
        let pairs = values.iter_mut().zip(array.row(row));
        pairs.for_each(|(out, value)| *out = of(*value));
    });
    data
}

/// Unit vectors of an argument.
pub(crate) enum Vectors<'a> {
    Lent(Rows<'a>),
    Owned(Embeddings),
}

impl Vectors<'_> {
    pub(crate) fn rows(&self) -> Rows<'_> {
        match self {
            Self::Lent(rows) => *rows,
            Self::Owned(vectors) => vectors.rows(),
        }
    }
}

/// A number for each of some items, as f32.
///
/// # Errors
/// `TypeError`: it is no array of numbers. `ValueError`: it has not one dimension, or holds what is not finite.
pub(crate) fn numbers(value: &Bound<'_, PyAny>, name: &str) -> PyResult<Vec<f32>> {
    let array = floats(value, name, &[1])?;
    let values: Vec<f32> = if let Ok(array) = array.extract::<PyReadonlyArray1<'_, f32>>() {
        array.as_array().to_vec()
    } else if let Ok(array) = array.extract::<PyReadonlyArray1<'_, f64>>() {
        array.as_array().iter().map(|&value| value as f32).collect()
    } else {
        let array = array.extract::<PyReadonlyArray1<'_, f16>>()?;
        array
            .as_array()
            .iter()
            .map(|value| value.to_f32())
            .collect()
    };
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(values),
        Some(item) => Err(wrong(
            name,
            format!(
                "item {item} has {}, expected a finite number of f32",
                values[item]
            ),
        )),
    }
}

/// Refuses numbers that are not one for each item.
///
/// # Errors
/// `ValueError`.
pub(crate) fn one_each(name: &str, found: usize, items: usize) -> PyResult<()> {
    match found == items {
        true => Ok(()),
        false => Err(wrong(
            name,
            format!("has {found} values, expected {items}, one for each item"),
        )),
    }
}
