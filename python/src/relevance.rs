//! What answers what, in any of the forms of `_arrays.as_relevance`.

use crate::error::wrong;
use nnn_core::{Relevance, RelevanceError};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

type Lists<'py> = (
    PyReadonlyArray1<'py, i64>,
    PyReadonlyArray1<'py, i64>,
    Option<PyReadonlyArray1<'py, f64>>,
);

/// The relevance of a gallery.
///
/// # Errors
/// `TypeError`: it is in no form that is known. `ValueError`: a query has no item, or one that the gallery has not, or grades contradict
/// each other.
pub(crate) fn relevance(
    value: &Bound<'_, PyAny>,
    name: &str,
    gallery: usize,
) -> PyResult<Relevance> {
    static AS_RELEVANCE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let as_relevance = AS_RELEVANCE.import(value.py(), "nnn_bench._arrays", "as_relevance")?;
    let (starts, items, grades): Lists<'_> = as_relevance.call1((value, name))?.extract()?;
    let starts: Vec<usize> = starts.as_array().iter().map(|&at| at as usize).collect();
    let items = items.as_array();
    let mut checked = Vec::with_capacity(items.len());
    let queries = starts.windows(2).enumerate();
    for (query, ends) in queries {
        for &item in items.iter().skip(ends[0]).take(ends[1] - ends[0]) {
            checked.push(within(query, item, gallery).map_err(|it| wrong(name, it))?);
        }
    }
    let lists = starts.windows(2).map(|ends| ends[0]..ends[1]);
    let made = match grades {
        None => {
            let lists: Vec<&[u32]> = lists.map(|range| &checked[range]).collect();
            Relevance::new(&lists, gallery)
        }
        Some(grades) => {
            let grades = grades.as_array();
            let judged: Vec<(u32, f64)> = checked.into_iter().zip(grades.iter().copied()).collect();
            let lists: Vec<&[(u32, f64)]> = lists.map(|range| &judged[range]).collect();
            Relevance::graded(&lists, gallery)
        }
    };
    made.map_err(|error| wrong(name, error))
}

/// An item of the gallery.
fn within(query: usize, item: i64, gallery: usize) -> Result<u32, String> {
    let found = u32::try_from(item).ok();
    found
        .filter(|&item| (item as usize) < gallery)
        .ok_or_else(|| match u64::try_from(item) {
            Ok(item) => {
                let error = RelevanceError::OutOfRange {
                    query,
                    item,
                    gallery,
                };
                error.to_string()
            }
            Err(_) => format!("query {query} names gallery item {item}, expected an index from 0"),
        })
}
