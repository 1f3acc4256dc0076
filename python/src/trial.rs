//! What is evaluated: queries, a gallery, what answers what, and what corrections learn from.

use crate::array::Matrix;
use crate::bank::{Sides, from_array, to_array};
use crate::call::{Options, Task as Work, run};
use crate::error::wrong;
use crate::relevance::relevance;
use nnn_core::{Embeddings, Relevance};
use nnn_metrics::Clusters;
use nnn_trial::{BankVectors, Task};
use numpy::PyArray2;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use std::sync::Arc;

/// Queries, a gallery and what answers what, with what corrections learn from: what `sweep` measures methods on.
///
/// It copies its vectors, and pickles.
///
/// Parameters
/// ----------
/// queries : array (q, dim)
/// gallery : array (n, dim)
///     Rows of both are scaled to unit length.
/// relevance
///     The items that answer each query: integers (q,) or (q, r), a list of lists, a list of dicts from items to grades (relevant above 0), or
///     a sparse matrix of grades.
/// bank : Bank or array (m, dim), optional
///     What methods learn from; no evaluated query may be in it.
/// validation : tuple, optional
///     ``(queries, gallery, relevance)`` of held-out items, on which parameters are chosen. They are in no bank.
/// clusters : sequence (q,), optional
///     A label for each query: queries of one label are not independent, such as the captions of one image. Intervals and tests draw whole
///     clusters. Without, queries with the same answer are one, or each is by itself where a query has several answers, as on the command
///     line.
///
/// Raises
/// ------
/// ValueError
///     Sizes or dimensions do not agree, a row is zero or not finite, or a query has no relevant item; it is named.
#[pyclass(frozen, module = "nnn_bench", name = "Trial")]
pub(crate) struct PyTrial {
    pub(crate) test: Task,
    pub(crate) validation: Option<Task>,
    pub(crate) banks: BankVectors,
}

#[pymethods]
impl PyTrial {
    #[new]
    #[pyo3(signature = (queries, gallery, relevance, bank=None, *, validation=None, clusters=None))]
    pub(crate) fn new(
        queries: &Bound<'_, PyAny>,
        gallery: &Bound<'_, PyAny>,
        relevance: &Bound<'_, PyAny>,
        bank: Option<&Bound<'_, PyAny>>,
        validation: Option<HeldOut<'_>>,
        clusters: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let py = queries.py();
        let vectors = [
            vectors(py, &Matrix::of(queries, "queries")?)?,
            vectors(py, &Matrix::of(gallery, "gallery")?)?,
        ];
        let test = task(vectors, relevance, clusters)?;
        let held_out = validation.map(|held_out| {
            let (queries, other, relevance) = held_out;
            let queries = vectors_of(&queries, "validation")?;
            // The same gallery is held once.
            let other = match other.is(gallery) {
                true => Arc::clone(&test.gallery),
                false => vectors_of(&other, "validation")?,
            };
            task([queries, other], &relevance, None)
        });
        let trial = Self {
            validation: held_out.transpose()?,
            banks: banks(py, bank)?,
            test,
        };
        trial.check()?;
        Ok(trial)
    }

    fn __repr__(&self) -> String {
        let (queries, items) = (self.test.queries.len(), self.test.gallery.len());
        let dim = self.test.gallery.dim();
        let bank = self.banks.query.as_ref().map(|it| it.len());
        let bank = bank.map_or(String::new(), |rows| format!(", bank of {rows}"));
        format!("Trial({queries} queries, {items} items{bank}, dim={dim})")
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyDict>,))> {
        let (py, trial) = (slf.py(), slf.get());
        let parts = PyDict::new(py);
        parts.set_item("test", pickled(py, &trial.test, None)?)?;
        if let Some(validation) = &trial.validation {
            parts.set_item("validation", pickled(py, validation, Some(&trial.test))?)?;
        }
        let banks = [
            ("query", &trial.banks.query),
            ("gallery", &trial.banks.gallery),
        ];
        for (side, bank) in banks {
            if let Some(bank) = bank {
                parts.set_item(side, to_array(py, bank)?)?;
            }
        }
        Ok((slf.get_type().getattr("_restored")?, (parts,)))
    }

    /// What was pickled.
    #[staticmethod]
    fn _restored(parts: &Bound<'_, PyDict>) -> PyResult<Self> {
        let part = |name: &str| parts.get_item(name);
        let bank = |name: &str| {
            let array = part(name)?;
            let bank = array.map(|array| from_array(&array)).transpose()?;
            Ok::<_, PyErr>(bank.map(Arc::new))
        };
        let test = part("test")?.ok_or_else(|| wrong("parts", "no test"))?;
        let test = restored(&test.extract()?, None)?;
        let validation = part("validation")?;
        let validation = validation.map(|parts| restored(&parts.extract()?, Some(&test)));
        Ok(Self {
            validation: validation.transpose()?,
            banks: BankVectors {
                query: bank("query")?,
                gallery: bank("gallery")?,
            },
            test,
        })
    }
}

/// Queries, gallery and relevance of held-out items.
type HeldOut<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>);

/// Queries, gallery (none where it is the trial's), the lists of relevant items, their grades, clusters.
type Pickled<'py> = (
    Bound<'py, PyArray2<f32>>,
    Option<Bound<'py, PyArray2<f32>>>,
    Vec<Vec<u32>>,
    Option<Vec<Vec<f64>>>,
    Vec<u32>,
);

impl PyTrial {
    /// That all vectors are of one dimension.
    fn check(&self) -> PyResult<()> {
        let dim = self.test.gallery.dim();
        let held_out = self.validation.as_ref();
        let all = [
            ("queries", Some(&self.test.queries)),
            ("validation", held_out.map(|task| &task.queries)),
            ("validation", held_out.map(|task| &task.gallery)),
            ("bank", self.banks.query.as_ref()),
            ("bank", self.banks.gallery.as_ref()),
        ];
        let all = all
            .into_iter()
            .filter_map(|(name, it)| Some((name, it?.dim())));
        match all.into_iter().find(|(_, other)| *other != dim) {
            None => Ok(()),
            Some((name, other)) => Err(wrong(
                name,
                format!("has dimension {other}, but the gallery has {dim}; they must agree"),
            )),
        }
    }
}

fn vectors_of(value: &Bound<'_, PyAny>, name: &'static str) -> PyResult<Arc<Embeddings>> {
    vectors(value.py(), &Matrix::of(value, name)?)
}

/// Vectors that are held beyond a call.
fn vectors(py: Python<'_>, matrix: &Matrix<'_>) -> PyResult<Arc<Embeddings>> {
    let view = matrix.view();
    let vectors = run(py, &Options::none(), Work::QUIET, |_| view.embeddings())?;
    Ok(Arc::new(vectors))
}

fn banks(py: Python<'_>, bank: Option<&Bound<'_, PyAny>>) -> PyResult<BankVectors> {
    let sides = bank.map(Sides::of).transpose()?.unwrap_or_default();
    let of = |side: Option<&Matrix<'_>>| side.map(|it| vectors(py, it)).transpose();
    Ok(BankVectors {
        query: of(sides.query())?,
        gallery: of(sides.gallery())?,
    })
}

fn task(
    [queries, gallery]: [Arc<Embeddings>; 2],
    answers: &Bound<'_, PyAny>,
    clusters: Option<&Bound<'_, PyAny>>,
) -> PyResult<Task> {
    let each = |name: &str, found: usize| {
        let expected = queries.len();
        match found == expected {
            true => Ok(()),
            false => Err(wrong(
                name,
                format!("has {found} entries, expected {expected}, one for each query"),
            )),
        }
    };
    let relevance = relevance(answers, "relevance", gallery.len())?;
    each("relevance", relevance.queries())?;
    let clusters = match clusters {
        Some(labels) => clusters_of(labels)?,
        None => clusters_by_answer(&relevance),
    };
    each("clusters", clusters.queries())?;
    Ok(Task {
        queries,
        gallery,
        relevance,
        clusters,
        groups: None,
    })
}

/// Queries of one item, if each query has one; else every query by itself.
fn clusters_by_answer(relevance: &Relevance) -> Clusters {
    let queries = 0..relevance.queries();
    let one_each = queries.clone().all(|query| relevance.of(query).len() == 1);
    match one_each {
        true => Clusters::from_ids(&queries.map(|q| relevance.of(q)[0]).collect::<Vec<_>>()),
        false => Clusters::single(relevance.queries()),
    }
}

fn clusters_of(labels: &Bound<'_, PyAny>) -> PyResult<Clusters> {
    static AS_CLUSTERS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let as_clusters = AS_CLUSTERS.import(labels.py(), "nnn_bench._arrays", "as_clusters")?;
    let numbers: Vec<u32> = as_clusters.call1((labels, "clusters"))?.extract()?;
    Ok(Clusters::from_ids(&numbers))
}

fn pickled<'py>(py: Python<'py>, task: &Task, beside: Option<&Task>) -> PyResult<Pickled<'py>> {
    let relevance = &task.relevance;
    let queries = 0..relevance.queries();
    let grades = queries
        .clone()
        .map(|query| relevance.grades_of(query).map(<[f64]>::to_vec));
    let shared = beside.is_some_and(|other| Arc::ptr_eq(&other.gallery, &task.gallery));
    Ok((
        to_array(py, &task.queries)?,
        match shared {
            true => None,
            false => Some(to_array(py, &task.gallery)?),
        },
        queries.map(|query| relevance.of(query).to_vec()).collect(),
        grades.collect(),
        task.clusters.of().to_vec(),
    ))
}

fn restored(
    (queries, gallery, lists, grades, clusters): &Pickled<'_>,
    beside: Option<&Task>,
) -> PyResult<Task> {
    let gallery = match (gallery, beside) {
        (Some(gallery), _) => Arc::new(from_array(gallery)?),
        (None, Some(other)) => Arc::clone(&other.gallery),
        (None, None) => return Err(wrong("parts", "no gallery")),
    };
    let relevance = match grades {
        Some(grades) if !grades.is_empty() => {
            let judged = lists.iter().zip(grades);
            let judged = judged.map(|(items, grades)| {
                let pairs = items.iter().copied().zip(grades.iter().copied());
                pairs.collect()
            });
            Relevance::graded(&judged.collect::<Vec<Vec<_>>>(), gallery.len())
        }
        _ => Relevance::new(lists, gallery.len()),
    };
    Ok(Task {
        queries: Arc::new(from_array(queries)?),
        gallery,
        relevance: relevance.map_err(|error| wrong("relevance", error))?,
        clusters: Clusters::from_ids(clusters),
        groups: None,
    })
}
