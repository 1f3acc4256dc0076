//! The bias of every item.

use crate::array::Matrix;
use crate::bank::Sides;
use crate::call::{Options, Task, Watch, run};
use crate::error::wrong;
use crate::fitting;
use crate::method::Chosen;
use nnn_core::{Fitted, Rows};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The bias of every gallery item: what is subtracted from its similarities.
///
/// ``score = similarity - bias[g]`` ranks a query's items. For ``"nnn"`` it is ``alpha`` times the mean of the ``k`` largest similarities
/// of the item to the query bank (Chowdhury et al., EMNLP 2024, arXiv 2410.24114); `methods` has the formulas of the others. The bits
/// are those of the command line and the same for any number of threads. A gallery may come in parts: an item's bias depends on the
/// item and the bank alone, except for Sinkhorn's (``"sn"``, ``"dbsn"``).
///
/// Parameters
/// ----------
/// gallery : array (n, dim)
///     The items. Rows are scaled to unit length.
/// bank : Bank or array (m, dim)
///     What the method learns from; an array is the query bank.
/// method : str
///     An additive method, by name or signature: ``"nnn"``, ``"nnn(k=128,alpha=0.75)"``.
/// threads : int, optional
///     Threads to compute on; all cores without.
/// progress : callable, optional
///     Makes a bar, such as ``tqdm``: called as ``progress(total=..., desc=..., unit="scores", unit_scale=True)``.
/// **params
///     The method's parameters; those left out have their default.
///
/// Returns
/// -------
/// float32 (n,)
///     In units of similarity, finite.
///
/// Raises
/// ------
/// ValueError
///     The method is not additive, the bank is missing or too small for `k`, or a row is zero or not finite.
/// TypeError
///     Something is no array of numbers, or the method has no such parameter.
///
/// Examples
/// --------
/// >>> b = nnn_bench.bias(gallery, reference, k=128, alpha=0.75)
/// >>> scores = queries @ gallery.T - b
#[pyfunction]
#[pyo3(signature = (gallery, bank, method="nnn", *, threads=None, progress=None, **params))]
pub(crate) fn bias<'py>(
    py: Python<'py>,
    gallery: &Bound<'py, PyAny>,
    bank: &Bound<'py, PyAny>,
    method: &str,
    threads: Option<i64>,
    progress: Option<Bound<'py, PyAny>>,
    params: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let chosen = Chosen::of(method, params)?;
    let items = Matrix::of(gallery, "gallery")?;
    let banks = Sides::of(bank)?;
    let options = Options { threads, progress };
    let biases = of_items(py, &chosen, &items, &banks, &options)?;
    Ok(PyArray1::from_vec(py, biases))
}

/// The biases of some items.
///
/// # Errors
/// As those of [`bias`].
pub(crate) fn of_items(
    py: Python<'_>,
    chosen: &Chosen,
    items: &Matrix<'_>,
    banks: &Sides<'_>,
    options: &Options<'_>,
) -> PyResult<Vec<f32>> {
    chosen.check_additive()?;
    let task = Task {
        name: "bias",
        scores: fitting::scores(chosen, items.len(), banks.sizes(None)),
    };
    let (items, banks) = (items.view(), banks.views());
    run(py, options, task, |watch: &Watch| {
        let items = items.vectors()?;
        values(
            &fitting::fit(chosen, items.rows(), banks, None, watch)?,
            items.rows(),
        )
    })
}

fn values(fitted: &Fitted, items: Rows<'_>) -> PyResult<Vec<f32>> {
    match fitted.additive() {
        Some(bias) if bias.values().len() == items.len() => Ok(bias.values().to_vec()),
        _ => Err(wrong("method", "it has no bias for each item")),
    }
}
