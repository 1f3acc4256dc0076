//! Methods by name or signature, with their parameters as keywords.

use crate::error::wrong;
use nnn_core::{
    MethodFamily, MethodKind, Normalizer, ParamError, ParamGrid, ParamInfo, StatPlan,
    parse_signature,
};
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// A method with all its parameters set.
pub(crate) struct Chosen {
    pub(crate) family: &'static dyn MethodFamily,
    pub(crate) point: Box<dyn Normalizer>,
    /// What it reads.
    pub(crate) plan: StatPlan,
}

impl Chosen {
    /// The method of this name or signature; `params` are parameters that the signature does not name.
    ///
    /// # Errors
    /// `ValueError`: there is no such method, or a value is out of range. `TypeError`: it has no such parameter, or a value is no number.
    pub(crate) fn of(method: &str, params: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let written: String = method.split_whitespace().collect();
        let (name, mut grid) = parse_signature(&written).map_err(|it| wrong("method", it))?;
        let family = nnn_trial::method(&name).map_err(|it| wrong("method", it))?;
        for (key, value) in params.into_iter().flatten() {
            add(&mut grid, key.extract()?, &value, method)?;
        }
        let mut points = family.expand(&grid).map_err(|it| refused(&it))?;
        let point = points.swap_remove(0);
        Ok(Self {
            family,
            plan: StatPlan::of([&*point]),
            point,
        })
    }

    /// The method with all its parameters, as it is named in files.
    pub(crate) fn signature(&self) -> String {
        self.point.signature()
    }

    /// Refuses what is no number for each item.
    ///
    /// # Errors
    /// `ValueError` with the reason.
    pub(crate) fn check_additive(&self) -> PyResult<()> {
        let reason = match self.family.kind() {
            MethodKind::Additive => return Ok(()),
            MethodKind::VectorMoving => {
                "changes the vectors of both sides; `export` writes the changed ones, and `rank` ranks by them"
            }
            kind => nnn_trial::unservable(kind).unwrap_or_default(),
        };
        Err(wrong("method", format!("`{}` {reason}", self.signature())))
    }
}

fn add(grid: &mut ParamGrid, name: String, value: &Bound<'_, PyAny>, method: &str) -> PyResult<()> {
    let number = value.extract::<f64>().map_err(|_| {
        let kind = value.get_type();
        PyTypeError::new_err(format!("{name}: expected a number, got {kind}"))
    })?;
    match grid.insert(name.clone(), vec![number]) {
        None => Ok(()),
        Some(_) => Err(wrong(
            &name,
            format!("is given twice: `{method}` has it, too"),
        )),
    }
}

/// A keyword that a method does not know is a `TypeError`, as everywhere in Python.
pub(crate) fn refused(error: &ParamError) -> PyErr {
    match error {
        ParamError::Unknown { .. } => PyTypeError::new_err(error.to_string()),
        _ => wrong("method", error),
    }
}

/// All methods.
///
/// Returns
/// -------
/// list of dict
///     One for each, with
///
///     - ``name``: what `method` is called by in other functions;
///     - ``kind``: ``"additive"`` (a bias for every item), ``"gated"``, ``"rescaling"`` or ``"vector-moving"``;
///     - ``transductive``: whether it reads all evaluated queries at once;
///     - ``whole_gallery``: whether what it does to an item depends on the other items, so that none can be added later;
///     - ``doc``: formula and paper in a line;
///     - ``params``: a list of dict with ``name``, ``doc``, ``default``, ``range`` in words, and the published ``grid``.
///
/// Examples
/// --------
/// >>> [method["name"] for method in nnn_bench.methods()][:2]
/// ['raw', 'nnn']
#[pyfunction]
pub(crate) fn methods(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let all = nnn_trial::METHODS.iter();
    let all: Vec<_> = all.map(|it| described(py, *it)).collect::<PyResult<_>>()?;
    PyList::new(py, all)
}

fn described<'py>(py: Python<'py>, family: &dyn MethodFamily) -> PyResult<Bound<'py, PyDict>> {
    let about = PyDict::new(py);
    about.set_item("name", family.name())?;
    about.set_item("kind", family.kind().name())?;
    about.set_item("transductive", family.transductive())?;
    about.set_item("whole_gallery", family.whole_gallery())?;
    about.set_item("doc", family.doc())?;
    let params = family.params().iter().map(|info| param(py, info));
    about.set_item("params", params.collect::<PyResult<Vec<_>>>()?)?;
    Ok(about)
}

fn param<'py>(py: Python<'py>, info: &ParamInfo) -> PyResult<Bound<'py, PyDict>> {
    let number = |value: f64| match info.whole {
        true => (value as i64).into_bound_py_any(py),
        false => value.into_bound_py_any(py),
    };
    let about = PyDict::new(py);
    about.set_item("name", info.name)?;
    about.set_item("doc", info.doc)?;
    about.set_item("default", number(info.default)?)?;
    about.set_item("range", info.range())?;
    let grid = info.grid.iter().map(|&value| number(value));
    about.set_item("grid", grid.collect::<PyResult<Vec<_>>>()?)?;
    Ok(about)
}
