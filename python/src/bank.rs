//! Reference items, prepared once and given to any number of calls.

use crate::array::{Matrix, Vectors, View};
use crate::call::{Options, Task, run};
use crate::error::wrong;
use nnn_core::{BankSizes, Embeddings};
use numpy::{PyArray1, PyArray2, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::prelude::*;

/// Vectors that are kept between calls.
pub(crate) enum Side {
    /// Where the caller has them.
    Lent(Py<PyArray2<f32>>),
    Owned(Embeddings),
}

impl Side {
    /// Checks and normalises vectors once.
    ///
    /// # Errors
    /// `ValueError`: a row is zero or not finite.
    pub(crate) fn of(py: Python<'_>, matrix: &Matrix<'_>) -> PyResult<Self> {
        let view = matrix.view();
        let owned = run(py, &Options::none(), Task::QUIET, |_| {
            Ok(match view.vectors()? {
                Vectors::Owned(vectors) => Some(vectors),
                Vectors::Lent(_) => None,
            })
        })?;
        match (owned, matrix.array()) {
            (Some(vectors), _) => Ok(Self::Owned(vectors)),
            (None, Some(array)) => Ok(Self::Lent(array)),
            (None, None) => Err(wrong("vectors", "expected an array of f32")),
        }
    }

    /// The vectors for a call.
    pub(crate) fn matrix<'py>(&self, py: Python<'py>, name: &'static str) -> PyResult<Matrix<'py>> {
        match self {
            Self::Lent(array) => Matrix::lent(array.bind(py), name),
            Self::Owned(vectors) => Ok(Matrix::unit(vectors.clone(), name)),
        }
    }

    /// Rows and columns.
    fn shape(&self, py: Python<'_>) -> PyResult<[usize; 2]> {
        let matrix = self.matrix(py, "bank")?;
        Ok([matrix.len(), matrix.dim()])
    }

    /// As an array of NumPy, with all bits.
    fn array<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyArray2<f32>>> {
        match self {
            Self::Lent(array) => Ok(array.bind(py).clone()),
            Self::Owned(vectors) => to_array(py, vectors),
        }
    }

    /// Vectors that [`Side::array`] wrote, without moving a bit of them.
    fn restored(py: Python<'_>, array: &Bound<'_, PyAny>) -> PyResult<Self> {
        let matrix = Matrix::of(array, "bank")?;
        match Self::of(py, &matrix)? {
            Self::Lent(array) => Ok(Self::Lent(array)),
            Self::Owned(_) => Ok(Self::Owned(from_array(array)?)),
        }
    }
}

/// Unit vectors as an array of NumPy, with all bits.
pub(crate) fn to_array<'py>(
    py: Python<'py>,
    vectors: &Embeddings,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let flat = PyArray1::from_slice(py, vectors.rows().data());
    flat.reshape([vectors.len(), vectors.dim()])
}

/// What [`to_array`] wrote, without moving a bit: to normalise a vector a second time may move some.
pub(crate) fn from_array(array: &Bound<'_, PyAny>) -> PyResult<Embeddings> {
    let array = array.cast::<PyArray2<f32>>()?;
    let array = array.try_readonly().map_err(|it| wrong("vectors", it))?;
    let (data, dim) = (array.as_array().iter().copied().collect(), array.shape()[1]);
    Embeddings::from_unit(data, dim).map_err(|it| wrong("vectors", it))
}

/// What pickle makes a bank of.
type Reduced<'py> = (Bound<'py, PyAny>, (Array<'py>, Array<'py>));
type Array<'py> = Option<Bound<'py, PyArray2<f32>>>;

/// Items that corrections learn from: a query bank and, for methods that read one, a gallery bank.
///
/// Vectors are checked and normalised once. An array of f32 in C order whose rows have unit length already is kept where it lies, and
/// must not change while the bank is used; others are copied.
///
/// Parameters
/// ----------
/// reference : array (m, dim), optional
///     The query bank: items of the queries' modality, none of which is evaluated.
/// gallery : array (n, dim), optional
///     The gallery bank: items of the gallery's modality, for methods such as ``"dualis"`` and ``"dbsn"``.
///
/// Raises
/// ------
/// ValueError
///     Neither is given, their dimensions differ, or a row is zero or not finite; it is named.
///
/// Examples
/// --------
/// >>> bank = nnn_bench.Bank(reference)
/// >>> b = nnn_bench.bias(gallery, bank, "nnn", k=128, alpha=0.75)
#[pyclass(frozen, module = "nnn_bench")]
pub(crate) struct Bank {
    query: Option<Side>,
    gallery: Option<Side>,
}

#[pymethods]
impl Bank {
    #[new]
    #[pyo3(signature = (reference=None, *, gallery=None))]
    fn new(
        py: Python<'_>,
        reference: Option<&Bound<'_, PyAny>>,
        gallery: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let side = |value: Option<&Bound<'_, PyAny>>, name| {
            let matrix = value.map(|value| Matrix::of(value, name)).transpose()?;
            matrix.map(|it| Side::of(py, &it)).transpose()
        };
        Self::with(py, side(reference, "reference")?, side(gallery, "gallery")?)
    }

    /// How many items the query bank has.
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.sizes(py)?.query.unwrap_or(0))
    }

    /// Dimension of the vectors.
    #[getter]
    fn dim(&self, py: Python<'_>) -> PyResult<usize> {
        let some = self.query.as_ref().or(self.gallery.as_ref());
        some.map_or(Ok(0), |side| Ok(side.shape(py)?[1]))
    }

    /// How many items the gallery bank has; 0 if there is none.
    #[getter]
    fn gallery_len(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.sizes(py)?.gallery.unwrap_or(0))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let sizes = self.sizes(py)?;
        let (query, dim) = (sizes.query.unwrap_or(0), self.dim(py)?);
        let gallery = sizes.gallery.map(|items| format!(", gallery={items}"));
        let gallery = gallery.unwrap_or_default();
        Ok(format!("Bank({query}{gallery}, dim={dim})"))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let (py, bank) = (slf.py(), slf.get());
        let array = |side: &Option<Side>| side.as_ref().map(|it| it.array(py)).transpose();
        let sides = (array(&bank.query)?, array(&bank.gallery)?);
        Ok((slf.get_type().getattr("_restored")?, sides))
    }

    /// What was pickled, with all bits.
    #[staticmethod]
    fn _restored(
        py: Python<'_>,
        query: Option<&Bound<'_, PyAny>>,
        gallery: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let side =
            |array: Option<&Bound<'_, PyAny>>| array.map(|it| Side::restored(py, it)).transpose();
        Self::with(py, side(query)?, side(gallery)?)
    }
}

impl Bank {
    fn with(py: Python<'_>, query: Option<Side>, gallery: Option<Side>) -> PyResult<Self> {
        match (&query, &gallery) {
            (None, None) => {
                return Err(wrong(
                    "reference",
                    "expected vectors, or those of a gallery",
                ));
            }
            (Some(one), Some(other)) => {
                let [one, other] = [one.shape(py)?[1], other.shape(py)?[1]];
                if one != other {
                    return Err(wrong(
                        "gallery",
                        format!("has dimension {other}, but reference has {one}; they must agree"),
                    ));
                }
            }
            _ => {}
        }
        Ok(Self { query, gallery })
    }

    fn sizes(&self, py: Python<'_>) -> PyResult<BankSizes> {
        let size = |side: &Option<Side>| {
            let shape = side.as_ref().map(|side| side.shape(py));
            Ok::<_, PyErr>(shape.transpose()?.map(|shape| shape[0]))
        };
        Ok(BankSizes {
            query: size(&self.query)?,
            gallery: size(&self.gallery)?,
            evaluated: None,
        })
    }
}

/// The banks of a call.
#[derive(Default)]
pub(crate) struct Sides<'py> {
    query: Option<Matrix<'py>>,
    gallery: Option<Matrix<'py>>,
}

impl<'py> Sides<'py> {
    /// Those of a [`Bank`], or an array as the query bank.
    pub(crate) fn of(value: &Bound<'py, PyAny>) -> PyResult<Self> {
        let Ok(bank) = value.cast::<Bank>() else {
            return Ok(Self {
                query: Some(Matrix::of(value, "bank")?),
                gallery: None,
            });
        };
        let (py, bank) = (value.py(), bank.get());
        let matrix = |side: &Option<Side>| {
            let side = side.as_ref();
            side.map(|side| side.matrix(py, "bank")).transpose()
        };
        Ok(Self {
            query: matrix(&bank.query)?,
            gallery: matrix(&bank.gallery)?,
        })
    }

    /// The query bank.
    pub(crate) fn query(&self) -> Option<&Matrix<'py>> {
        self.query.as_ref()
    }

    /// The gallery bank.
    pub(crate) fn gallery(&self) -> Option<&Matrix<'py>> {
        self.gallery.as_ref()
    }

    /// Numbers of rows.
    pub(crate) fn sizes(&self, evaluated: Option<usize>) -> BankSizes {
        BankSizes {
            query: self.query.as_ref().map(Matrix::len),
            gallery: self.gallery.as_ref().map(Matrix::len),
            evaluated,
        }
    }

    /// The same for threads that do not hold the GIL.
    pub(crate) fn views(&self) -> BankViews<'_> {
        BankViews {
            query: self.query.as_ref().map(Matrix::view),
            gallery: self.gallery.as_ref().map(Matrix::view),
        }
    }
}

/// The banks of a call, for threads that do not hold the GIL.
#[derive(Clone, Copy)]
pub(crate) struct BankViews<'a> {
    pub(crate) query: Option<View<'a>>,
    pub(crate) gallery: Option<View<'a>>,
}
