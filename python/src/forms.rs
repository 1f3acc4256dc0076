//! What is appended to vectors, so that an engine ranks by the corrected scores.

use crate::array::{Matrix, numbers, one_each};
use crate::call::{Options, Task, run};
use crate::error::wrong;
use nnn_export::{Constants, Form, FormError, Spread};
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;

/// A form by its name.
pub(crate) fn named(argument: &str, name: &str) -> PyResult<Form> {
    let found: Result<Form, String> = name.parse();
    found.map_err(|expected| wrong(argument, format!("`{name}`, {expected}")))
}

fn spread(biases: &[f32]) -> Spread {
    let mut spread = Spread::default();
    spread.extend(biases.iter().copied());
    spread
}

/// The constants of a form by which an engine ranks as `similarity - bias` does: the same for all items and queries of an index.
///
/// ========== ======================================================== ==================
/// name        item                                                     query
/// ========== ======================================================== ==================
/// ``ip``      ``[x, c (b - m)]``                                       ``[q, -1/c]``
/// ``l2``      ``[x, sqrt(2 (b - m))]``                                 ``[q, 0]``
/// ``cosine``  ``[x, t, sqrt(r^2 - t^2)]`` with ``t = c (b - m)``       ``[q, -1/c, 0]``
/// ========== ======================================================== ==================
///
/// Any ``c`` and ``m`` are exact in rank. `Form.of` has those that cost an engine with fewer bits least.
///
/// Parameters
/// ----------
/// name : {"ip", "l2", "cosine"}
///     What the engine ranks by: the largest inner product, the smallest Euclidean distance or the largest cosine.
/// scale : float
///     ``c``, above 0; 1 for ``"l2"``.
/// offset : float
///     ``m``: what is subtracted from every bias; for ``"l2"`` no more than the least of them.
/// reach : float, optional
///     ``r`` of ``"cosine"``, which needs it: the largest ``abs(t)``.
///
/// Raises
/// ------
/// ValueError
///     A constant cannot be used.
#[pyclass(frozen, module = "nnn_bench", name = "Form", eq)]
#[derive(PartialEq)]
pub(crate) struct PyForm(pub(crate) Constants);

#[pymethods]
impl PyForm {
    #[new]
    #[pyo3(signature = (name, scale=1.0, offset=0.0, reach=None))]
    fn new(name: &str, scale: f64, offset: f64, reach: Option<f64>) -> PyResult<Self> {
        let form = named("name", name)?;
        let constants = Constants::new(form, &Spread::default(), scale);
        let constants = constants.map_err(|it| wrong("scale", it))?;
        if !offset.is_finite() {
            return Err(wrong(
                "offset",
                format!("{offset}, expected a finite number"),
            ));
        }
        let fits = |reach: f64| reach >= 0.0 && reach.is_finite();
        match (form, reach) {
            (Form::Cosine, Some(reach)) if fits(reach) => {}
            (Form::Cosine, Some(reach)) => {
                return Err(wrong("reach", format!("{reach}, expected a number >= 0")));
            }
            (Form::Cosine, None) => {
                let said = "the cosine form needs it: the largest abs(scale * (b - offset)); Form.of has it";
                return Err(wrong("reach", said));
            }
            (_, Some(_)) => return Err(wrong("reach", "only the cosine form has one")),
            (_, None) => {}
        }
        Ok(Self(Constants {
            offset,
            reach,
            ..constants
        }))
    }

    /// The constants for items with these biases.
    ///
    /// The offset is the middle between the ends of the biases, for ``"l2"`` the least; the scale is ``1 / sqrt(H)``, ``H`` half their
    /// range, where the item's and the query's coordinate reach equally far.
    ///
    /// Parameters
    /// ----------
    /// b : array (n,)
    ///     Biases, such as `bias` gives.
    /// name : {"ip", "l2", "cosine"}
    ///     What the engine ranks by.
    /// scale : float, optional
    ///     Another scale.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     A bias is not finite, or the scale cannot be used.
    #[staticmethod]
    #[pyo3(signature = (b, name="ip", *, scale=None))]
    fn of(b: &Bound<'_, PyAny>, name: &str, scale: Option<f64>) -> PyResult<Self> {
        let form = named("name", name)?;
        let constants = Constants::of(form, &spread(&numbers(b, "b")?), scale);
        Ok(Self(constants.map_err(|it| wrong("scale", it))?))
    }

    /// The form's name.
    #[getter]
    fn name(&self) -> &'static str {
        self.0.form.name()
    }

    /// ``c``, by which the item's coordinate is longer and the query's shorter.
    #[getter]
    fn scale(&self) -> f64 {
        self.0.scale
    }

    /// ``m``, what is subtracted from every bias.
    #[getter]
    fn offset(&self) -> f64 {
        self.0.offset
    }

    /// ``r``, the largest size of the first appended coordinate; of the cosine form only.
    #[getter]
    fn reach(&self) -> Option<f64> {
        self.0.reach
    }

    /// Length of every item; of the cosine form only.
    #[getter]
    fn length(&self) -> Option<f64> {
        self.0.length()
    }

    /// How many coordinates items and queries get: 2 in the cosine form, else 1.
    #[getter]
    fn extra(&self) -> usize {
        self.0.extra()
    }

    /// What every query of unit length gets appended: float32 (extra,).
    #[getter]
    fn query_suffix<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f32>> {
        PyArray1::from_vec(py, self.0.query_suffix())
    }

    fn __repr__(&self) -> String {
        let Constants {
            scale,
            offset,
            reach,
            ..
        } = self.0;
        let reach = reach.map(|reach| format!(", reach={reach:?}"));
        let (name, reach) = (self.name(), reach.unwrap_or_default());
        format!("Form('{name}', scale={scale:?}, offset={offset:?}{reach})")
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> (Bound<'py, PyAny>, (&'static str, f64, f64, Option<f64>)) {
        let form = slf.get();
        let constants = (form.name(), form.scale(), form.offset(), form.reach());
        (slf.get_type().into_any(), constants)
    }
}

/// A [`PyForm`], or a form's name.
enum Given {
    Constants(Constants),
    Named(Form),
}

fn given(form: &Bound<'_, PyAny>) -> PyResult<Given> {
    if let Ok(form) = form.cast::<PyForm>() {
        return Ok(Given::Constants(form.get().0));
    }
    match form.extract::<String>() {
        Ok(name) => Ok(Given::Named(named("form", &name)?)),
        Err(_) => Err(PyTypeError::new_err(format!(
            "form: expected a Form or its name, got {}",
            form.get_type()
        ))),
    }
}

/// The items' vectors with what makes an engine subtract their biases.
///
/// Parameters
/// ----------
/// x : array (n, dim)
///     The items. Rows are scaled to unit length.
/// b : array (n,)
///     Their biases.
/// form : Form or {"ip", "l2", "cosine"}
///     What is appended; see `Form`. A name stands for scale 1 with the offset of these biases.
///
/// Returns
/// -------
/// float32 (n, dim + 1), for the cosine form (n, dim + 2)
///
/// Raises
/// ------
/// ValueError
///     There is not one bias for each item, a row is zero or not finite, or a bias is beyond what the form was made for; it is named.
///
/// Examples
/// --------
/// >>> items = nnn_bench.augment(gallery, b)              # into any index for inner products
/// >>> asked = nnn_bench.augment_queries(queries)         # what it is asked with
#[pyfunction]
#[pyo3(signature = (x, b, form=None), text_signature = "(x, b, form='ip')")]
pub(crate) fn augment<'py>(
    py: Python<'py>,
    x: &Bound<'py, PyAny>,
    b: &Bound<'py, PyAny>,
    form: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let (items, biases) = (Matrix::of(x, "x")?, numbers(b, "b")?);
    one_each("b", biases.len(), items.len())?;
    let given = form.map_or(Ok(Given::Named(Form::Ip)), given)?;
    let constants = match given {
        Given::Constants(constants) => constants,
        Given::Named(form) => {
            let constants = Constants::new(form, &spread(&biases), 1.0);
            constants.map_err(|it| wrong("b", it))?
        }
    };
    appended(py, &items, constants.extra(), |row, out| {
        let problem = |it: FormError| wrong("b", format!("item {row}: {it}"));
        constants.append(biases[row], out).map_err(problem)
    })
}

/// Queries as an index of augmented items is asked: of unit length, with the form's suffix.
///
/// Parameters
/// ----------
/// q : array (n, dim)
///     The queries. Rows are scaled to unit length.
/// form : Form or {"ip", "l2", "cosine"}
///     That of the items. A name stands for scale 1.
///
/// Returns
/// -------
/// float32 (n, dim + 1), for the cosine form (n, dim + 2)
///
/// Raises
/// ------
/// ValueError
///     A row is zero or not finite; it is named.
#[pyfunction]
#[pyo3(signature = (q, form=None), text_signature = "(q, form='ip')")]
pub(crate) fn augment_queries<'py>(
    py: Python<'py>,
    q: &Bound<'py, PyAny>,
    form: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let queries = Matrix::of(q, "q")?;
    let suffix = match form.map_or(Ok(Given::Named(Form::Ip)), given)? {
        Given::Constants(constants) => constants.query_suffix(),
        Given::Named(form) => {
            let constants = Constants::new(form, &Spread::default(), 1.0);
            constants.map_err(|it| wrong("form", it))?.query_suffix()
        }
    };
    appended(py, &queries, suffix.len(), |_, out| {
        out.extend_from_slice(&suffix);
        Ok(())
    })
}

/// Unit vectors, each with what `append` adds to it.
fn appended<'py>(
    py: Python<'py>,
    matrix: &Matrix<'_>,
    extra: usize,
    append: impl Fn(usize, &mut Vec<f32>) -> PyResult<()> + Send + Sync,
) -> PyResult<Bound<'py, PyArray2<f32>>> {
    let (view, shape) = (matrix.view(), [matrix.len(), matrix.dim() + extra]);
    let data = run(py, &Options::none(), Task::QUIET, |_| {
        let vectors = view.vectors()?;
        let mut data = Vec::with_capacity(shape[0] * shape[1]);
        for row in 0..shape[0] {
            data.extend_from_slice(vectors.rows().row(row));
            append(row, &mut data)?;
        }
        Ok(data)
    })?;
    PyArray1::from_vec(py, data).reshape(shape)
}
