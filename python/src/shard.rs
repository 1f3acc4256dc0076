//! Rankings of a gallery in parts.

use crate::array::{Matrix, View, numbers};
use crate::bank::Side;
use crate::call::{Options, Task, Watch, run};
use crate::error::{whole, wrong};
use crate::rank::indices;
use crate::relevance::relevance;
use nnn_core::{
    Counts, DotScorer, Fitted, GalleryBias, RankOptions, Rankings, Relevance, Shard, ShardError,
    Thresholds, TieRule,
};
use nnn_metrics::Metric;
use numpy::{PyArray1, PyArray2};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

/// A part of a gallery for evaluation in two rounds, on one machine or on many.
///
/// 1. Every part tells its `thresholds`; they merge, in any order.
/// 2. Every part does its `count` against the thresholds of all; what it counts merges, in any order, and gives metrics, ranks and top
///    lists, which have the bits of those over the whole gallery.
///
/// Parameters
/// ----------
/// queries : array (q, dim)
///     All queries, the same for every part.
/// items : array (n, dim)
///     The items of this part.
/// first : int
///     The place of the first of them in the whole gallery.
/// relevance
///     The items of the whole gallery that answer each query: integers (q,) or (q, n), a list of lists, a list of dicts from items to
///     grades, or a sparse matrix of grades.
/// gallery_len : int
///     Items of the whole gallery.
/// biases : list of array (n,)
///     A bias for every item of the part and for each ranking. Zeros rank by the similarities as they are.
/// k : int
///     Length of the top lists; 0 for none.
/// all_relevant : bool
///     Whether the ranks of all relevant items are counted, which nDCG, mAP and P read, or those of the best placed only.
/// ties : {"index", "optimistic", "average", "trec_eval"}
///     The rank of an item among those of its score.
///
/// Raises
/// ------
/// ValueError
///     Sizes do not agree, or a row or a bias is not finite.
#[pyclass(frozen, module = "nnn_bench", name = "Shard")]
pub(crate) struct PyShard {
    queries: Side,
    items: Side,
    first: usize,
    relevance: Relevance,
    biases: Vec<Fitted>,
    options: RankOptions,
}

#[pymethods]
impl PyShard {
    #[new]
    #[pyo3(signature = (
        queries, items, first, relevance, gallery_len, biases, *, k=10, all_relevant=true, ties="index"
    ))]
    #[expect(clippy::too_many_arguments, reason = "keywords of Python")]
    fn new(
        py: Python<'_>,
        queries: &Bound<'_, PyAny>,
        items: &Bound<'_, PyAny>,
        first: i64,
        relevance: &Bound<'_, PyAny>,
        gallery_len: i64,
        biases: &Bound<'_, PyAny>,
        k: i64,
        all_relevant: bool,
        ties: &str,
    ) -> PyResult<Self> {
        let (queries, items) = (Matrix::of(queries, "queries")?, Matrix::of(items, "items")?);
        let gallery = whole("gallery_len", gallery_len, 1)?;
        let shard = Self {
            queries: Side::of(py, &queries)?,
            items: Side::of(py, &items)?,
            first: whole("first", first, 0)?,
            relevance: self::relevance(relevance, "relevance", gallery)?,
            biases: rankings_of(biases)?,
            options: RankOptions {
                ties: rule(ties)?,
                top: top("k", k, gallery)?,
                all_relevant,
                depth: None,
            },
        };
        // What does not fit together is refused here, not in the first round.
        shard.with(py, &Options::none(), 0, |_| Ok(()))?;
        Ok(shard)
    }

    /// What the relevant items of this part score.
    ///
    /// Parameters
    /// ----------
    /// threads : int, optional
    ///     Threads to compute on; all cores without.
    ///
    /// Returns
    /// -------
    /// Thresholds
    #[pyo3(signature = (*, threads=None))]
    fn thresholds(&self, py: Python<'_>, threads: Option<i64>) -> PyResult<PyThresholds> {
        let options = Options {
            threads,
            ..Options::none()
        };
        self.with(py, &options, 0, |shard| {
            Ok(PyThresholds(shard.thresholds()))
        })
    }

    /// Counts the items of this part against the thresholds of all parts.
    ///
    /// Parameters
    /// ----------
    /// thresholds : Thresholds
    ///     Those of all parts, merged.
    /// threads : int, optional
    ///     Threads to compute on; all cores without.
    /// progress : callable, optional
    ///     Makes a bar, such as ``tqdm``.
    ///
    /// Returns
    /// -------
    /// Counts
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     Thresholds of a part are missing, or they are of another ranking.
    #[pyo3(signature = (thresholds, *, threads=None, progress=None))]
    fn count(
        &self,
        py: Python<'_>,
        thresholds: PyRef<'_, PyThresholds>,
        threads: Option<i64>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<PyCounts> {
        let options = Options { threads, progress };
        let matrix = self.items.matrix(py, "items")?;
        let scores = matrix.len() as u64 * self.relevance.queries() as u64;
        let (thresholds, gallery) = (&thresholds.0, self.relevance.gallery());
        self.with(py, &options, scores, |shard| {
            let counts = shard.count(thresholds);
            let counts = counts.map_err(|it| wrong("thresholds", it))?;
            Ok(PyCounts { counts, gallery })
        })
    }
}

impl PyShard {
    /// Calls something with the core's shard, under watch.
    fn with<T: Send>(
        &self,
        py: Python<'_>,
        options: &Options<'_>,
        scores: u64,
        work: impl FnOnce(Shard<'_>) -> PyResult<T> + Send,
    ) -> PyResult<T> {
        let queries = self.queries.matrix(py, "queries")?;
        let items = self.items.matrix(py, "items")?;
        let task = Task {
            name: "shard",
            scores,
        };
        let (queries, items) = (queries.view(), items.view());
        run(py, options, task, |watch| {
            self.opened(queries, items, watch, work)
        })
    }

    fn opened<T>(
        &self,
        queries: View<'_>,
        items: View<'_>,
        watch: &Watch,
        work: impl FnOnce(Shard<'_>) -> PyResult<T>,
    ) -> PyResult<T> {
        let (queries, items) = (queries.vectors()?, items.vectors()?);
        let tell = |scores| watch.advance(scores);
        let scorer = DotScorer::new(queries.rows(), items.rows());
        let scorer = scorer.map_err(|error| wrong("items", error))?;
        let methods: Vec<&Fitted> = self.biases.iter().collect();
        let scorer = scorer.with_progress(&tell);
        let shard = Shard::new(scorer, self.first, &self.relevance, &methods, self.options);
        work(shard.map_err(|error| refused(&error))?)
    }
}

fn refused(error: &ShardError) -> PyErr {
    match error {
        ShardError::Queries { .. } => wrong("relevance", error),
        ShardError::OutOfGallery { .. } => wrong("first", error),
        _ => wrong("biases", error),
    }
}

fn rankings_of(biases: &Bound<'_, PyAny>) -> PyResult<Vec<Fitted>> {
    let mut all = Vec::new();
    for (place, bias) in biases.try_iter()?.enumerate() {
        let values = numbers(&bias?, &format!("biases[{place}]"))?;
        let values = values.into_iter().map(f64::from);
        all.push(Fitted::Additive(GalleryBias::from_f64(values)));
    }
    match all.is_empty() {
        true => Err(wrong(
            "biases",
            "is empty, expected a bias for each ranking",
        )),
        false => Ok(all),
    }
}

/// A rule for ties by its name.
pub(crate) fn rule(name: &str) -> PyResult<TieRule> {
    let rule: Result<TieRule, String> = name.parse();
    rule.map_err(|error| wrong("ties", error))
}

fn top(argument: &str, k: i64, gallery: usize) -> PyResult<usize> {
    let k = whole(argument, k, 0)?;
    match k > gallery {
        true => Err(wrong(
            argument,
            format!("{k} is larger than the gallery, which has {gallery} items"),
        )),
        false => Ok(k),
    }
}

/// The corrected scores that relevant items of some part of a gallery have: those of all parts merge into what the items of each are
/// counted against. It pickles.
#[pyclass(module = "nnn_bench", name = "Thresholds", eq)]
#[derive(Clone, PartialEq)]
pub(crate) struct PyThresholds(Thresholds);

#[pymethods]
impl PyThresholds {
    /// Takes in those of another part.
    ///
    /// Parameters
    /// ----------
    /// other : Thresholds
    ///     It stays as it is.
    ///
    /// Returns
    /// -------
    /// Thresholds
    ///     This one, which now is of both parts.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     They are not of the same queries, rankings and options.
    fn merge<'py>(slf: Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let Ok(more) = other.cast::<Self>() else {
            return Err(no("Thresholds", other));
        };
        let more = more.borrow().0.clone();
        let merged = slf.borrow().0.clone().merge(&more);
        slf.borrow_mut().0 = merged.map_err(|error| wrong("other", error))?;
        Ok(slf)
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let bytes = PyBytes::new(slf.py(), &slf.borrow().0.to_bytes());
        Ok((slf.get_type().getattr("_restored")?, (bytes,)))
    }

    /// What was pickled.
    #[staticmethod]
    fn _restored(bytes: &[u8]) -> PyResult<Self> {
        let read = Thresholds::from_bytes(bytes);
        Ok(Self(read.map_err(|error| wrong("bytes", error))?))
    }
}

fn no(expected: &str, found: &Bound<'_, PyAny>) -> PyErr {
    let kind = found.get_type();
    PyTypeError::new_err(format!("other: expected {expected}, got {kind}"))
}

/// What pickle makes counts of.
type Reduced<'py> = (Bound<'py, PyAny>, (Bound<'py, PyBytes>, usize));

/// How many items of some part of a gallery are above and beside the thresholds, and its best items: those of all parts merge into the
/// rankings. It pickles.
#[pyclass(module = "nnn_bench", name = "Counts", eq)]
#[derive(Clone, PartialEq)]
pub(crate) struct PyCounts {
    counts: Counts,
    /// Items of the whole gallery.
    gallery: usize,
}

#[pymethods]
impl PyCounts {
    /// Takes in those of another part.
    ///
    /// Parameters
    /// ----------
    /// other : Counts
    ///     It stays as it is.
    ///
    /// Returns
    /// -------
    /// Counts
    ///     This one, which now is of both parts.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     They are not of the same queries, rankings and options.
    fn merge<'py>(slf: Bound<'py, Self>, other: &Bound<'py, PyAny>) -> PyResult<Bound<'py, Self>> {
        let Ok(more) = other.cast::<Self>() else {
            return Err(no("Counts", other));
        };
        let (more, own) = (more.borrow().clone(), slf.borrow().clone());
        if more.gallery != own.gallery {
            return Err(wrong("other", ShardError::Differ));
        }
        let merged = own.counts.merge(&more.counts);
        slf.borrow_mut().counts = merged.map_err(|error| wrong("other", error))?;
        Ok(slf)
    }

    /// Metrics of the whole gallery.
    ///
    /// Parameters
    /// ----------
    /// relevance
    ///     That of the shards.
    /// metrics : sequence of str
    ///     Names, such as ``"R@1"``, ``"nDCG@10"`` or ``"k_skewness@10"``, which needs top lists of 10.
    ///
    /// Returns
    /// -------
    /// list of dict
    ///     For each ranking the value of each metric; shares are fractions.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     Parts are missing or `relevance` is another one, a metric is unknown or reads what was not counted.
    #[pyo3(
        signature = (relevance, metrics=vec!["R@1".to_owned(), "R@5".to_owned(), "R@10".to_owned()]),
        text_signature = "($self, relevance, metrics=('R@1', 'R@5', 'R@10'))"
    )]
    fn metrics<'py>(
        &self,
        py: Python<'py>,
        relevance: &Bound<'py, PyAny>,
        metrics: Vec<String>,
    ) -> PyResult<Vec<Bound<'py, PyDict>>> {
        let parse = |name: &String| name.parse::<Metric>().map_err(|it| wrong("metrics", it));
        let metrics: Vec<Metric> = metrics.iter().map(parse).collect::<PyResult<_>>()?;
        let relevance = self.relevance(relevance)?;
        let rankings = self.finish(&relevance)?;
        let mut all = Vec::new();
        for rankings in &rankings {
            let values = PyDict::new(py);
            for metric in &metrics {
                values.set_item(metric.to_string(), value(*metric, rankings, &relevance)?)?;
            }
            all.push(values);
        }
        Ok(all)
    }

    /// Ranks of the best placed relevant item of every query, from 1.
    ///
    /// Parameters
    /// ----------
    /// relevance
    ///     That of the shards.
    ///
    /// Returns
    /// -------
    /// list of float64 (q,)
    ///     One for each ranking; under ``ties="average"`` a rank may end in one half.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     Parts are missing, or `relevance` is another one.
    fn ranks<'py>(
        &self,
        py: Python<'py>,
        relevance: &Bound<'py, PyAny>,
    ) -> PyResult<Vec<Bound<'py, PyArray1<f64>>>> {
        let rankings = self.finish(&self.relevance(relevance)?)?;
        let first = |it: &Rankings| {
            let ranks = (0..it.queries()).map(|query| it.first_rank(query));
            PyArray1::from_iter(py, ranks)
        };
        Ok(rankings.iter().map(first).collect())
    }

    /// The best items of every query, best first.
    ///
    /// Parameters
    /// ----------
    /// relevance
    ///     That of the shards.
    ///
    /// Returns
    /// -------
    /// list of int64 (q, k)
    ///     One for each ranking: indices into the whole gallery.
    ///
    /// Raises
    /// ------
    /// ValueError
    ///     Parts are missing, or `relevance` is another one.
    fn top<'py>(
        &self,
        py: Python<'py>,
        relevance: &Bound<'py, PyAny>,
    ) -> PyResult<Vec<Bound<'py, PyArray2<i64>>>> {
        let rankings = self.finish(&self.relevance(relevance)?)?;
        let top = |it: &Rankings| {
            let lists = (0..it.queries()).flat_map(|query| it.top(query));
            let items: Vec<u32> = lists.copied().collect();
            indices(py, &items, [it.queries(), it.top_width()])
        };
        rankings.iter().map(top).collect()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Reduced<'py>> {
        let (bytes, counts) = (slf.borrow().counts.to_bytes(), slf.borrow());
        let bytes = PyBytes::new(slf.py(), &bytes);
        Ok((
            slf.get_type().getattr("_restored")?,
            (bytes, counts.gallery),
        ))
    }

    /// What was pickled.
    #[staticmethod]
    fn _restored(bytes: &[u8], gallery: usize) -> PyResult<Self> {
        let counts = Counts::from_bytes(bytes);
        let counts = counts.map_err(|error| wrong("bytes", error))?;
        Ok(Self { counts, gallery })
    }
}

impl PyCounts {
    fn relevance(&self, value: &Bound<'_, PyAny>) -> PyResult<Relevance> {
        relevance(value, "relevance", self.gallery)
    }

    fn finish(&self, relevance: &Relevance) -> PyResult<Vec<Rankings>> {
        let finished = self.counts.finish(relevance);
        finished.map_err(|error| match error {
            ShardError::Incomplete { .. } => wrong("Counts", error),
            _ => wrong("relevance", error),
        })
    }
}

fn value(metric: Metric, rankings: &Rankings, relevance: &Relevance) -> PyResult<f64> {
    let counted = |query: usize| rankings.relevant_ranks(query).len() == relevance.of(query).len();
    if metric.needs().all_relevant && !(0..rankings.queries()).all(counted) {
        return Err(wrong(
            "metrics",
            format!(
                "`{metric}` reads the ranks of all relevant items; make the shards with all_relevant=True"
            ),
        ));
    }
    let measured = metric.value(rankings);
    measured.map_err(|error| wrong("metrics", error))
}
