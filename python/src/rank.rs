//! The best items of every query, and how unevenly they are shared out.

use crate::array::{Matrix, View, numbers, one_each};
use crate::bank::{BankViews, Sides};
use crate::call::{Options, Task, Watch, run};
use crate::error::{whole, wrong};
use crate::fitting;
use crate::method::Chosen;
use nnn_core::{Bank, Best, DotScorer, Fitted, GalleryBias, best};
use nnn_metrics::{HubnessMetric, HubnessStatistic};
use numpy::{PyArray1, PyArray2, PyArrayMethods};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::num::NonZeroUsize;

/// The largest gallery: ranks are counted in 31 bits.
const MOST_ITEMS: usize = i32::MAX as usize - 1;

/// What scores are corrected by.
enum Correction<'py> {
    /// A bias of the caller's.
    Given(Vec<f32>),
    Method(Chosen, Sides<'py>),
}

impl<'py> Correction<'py> {
    fn of(
        method: &str,
        params: Option<&Bound<'py, PyDict>>,
        bank: Option<&Bound<'py, PyAny>>,
        bias: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Self> {
        let chosen = Chosen::of(method, params)?;
        let Some(bias) = bias else {
            let reads = [Bank::Query, Bank::Gallery];
            let reads = reads.into_iter().any(|bank| chosen.plan.uses(bank));
            if bank.is_some() && !reads {
                let method = chosen.signature();
                return Err(wrong(
                    "bank",
                    format!(
                        "{method} reads no bank: leave it out, or name a method that reads one"
                    ),
                ));
            }
            let banks = bank.map(Sides::of).transpose()?.unwrap_or_default();
            return Ok(Self::Method(chosen, banks));
        };
        if bank.is_some() || chosen.family.name() != "raw" {
            let said =
                "is given, so that there is nothing for a method or a bank to do: leave them out";
            return Err(wrong("bias", said));
        }
        Ok(Self::Given(numbers(bias, "bias")?))
    }
}

/// What is to be ranked.
struct Request<'py> {
    queries: Matrix<'py>,
    gallery: Matrix<'py>,
    k: usize,
    correction: Correction<'py>,
}

impl<'py> Request<'py> {
    fn of(
        queries: &Bound<'py, PyAny>,
        gallery: &Bound<'py, PyAny>,
        k: i64,
        correction: Correction<'py>,
    ) -> PyResult<Self> {
        let request = Self {
            queries: Matrix::of(queries, "queries")?,
            gallery: Matrix::of(gallery, "gallery")?,
            k: whole("k", k, 1)?,
            correction,
        };
        request.check()?;
        Ok(request)
    }

    fn check(&self) -> PyResult<()> {
        let (k, items) = (self.k, self.gallery.len());
        let [one, other] = [self.queries.dim(), self.gallery.dim()];
        if one != other {
            return Err(wrong(
                "queries",
                format!("have dimension {one}, but the gallery has {other}; they must agree"),
            ));
        }
        if k > items {
            return Err(wrong(
                "k",
                format!("{k} is larger than the gallery, which has {items} items"),
            ));
        }
        if items > MOST_ITEMS {
            return Err(wrong(
                "gallery",
                format!("has {items} items, expected at most {MOST_ITEMS}"),
            ));
        }
        match &self.correction {
            Correction::Given(bias) => one_each("bias", bias.len(), items),
            Correction::Method(..) => Ok(()),
        }
    }

    /// How many scores are computed.
    fn scores(&self) -> u64 {
        let (queries, items) = (self.queries.len(), self.gallery.len());
        let fitting = match &self.correction {
            Correction::Given(_) => 0,
            Correction::Method(chosen, banks) => {
                fitting::scores(chosen, items, banks.sizes(Some(queries)))
            }
        };
        fitting + queries as u64 * items as u64
    }

    fn best(&self, py: Python<'_>, name: &'static str, options: &Options<'_>) -> PyResult<Best> {
        let task = Task {
            name,
            scores: self.scores(),
        };
        let by = match &self.correction {
            Correction::Given(bias) => By::Bias(bias),
            Correction::Method(chosen, banks) => By::Method(chosen, banks.views()),
        };
        let (queries, gallery, k) = (self.queries.view(), self.gallery.view(), self.k);
        run(py, options, task, |watch| {
            found(queries, gallery, &by, k, watch)
        })
    }
}

/// What scores are corrected by, for threads that do not hold the GIL.
enum By<'a> {
    Bias(&'a [f32]),
    Method(&'a Chosen, BankViews<'a>),
}

fn found(
    queries: View<'_>,
    gallery: View<'_>,
    by: &By<'_>,
    k: usize,
    watch: &Watch,
) -> PyResult<Best> {
    let (queries, gallery) = (queries.vectors()?, gallery.vectors()?);
    let (queries, gallery) = (queries.rows(), gallery.rows());
    let fitted = match by {
        By::Bias(bias) => {
            let values = bias.iter().map(|&value| f64::from(value));
            Fitted::Additive(GalleryBias::from_f64(values))
        }
        By::Method(chosen, banks) => fitting::fit(chosen, gallery, *banks, Some(queries), watch)?,
    };
    let tell = |scores| watch.advance(scores);
    let scorer = DotScorer::new(queries, gallery).map_err(|it| wrong("queries", it))?;
    Ok(best(&scorer.with_progress(&tell), &fitted, k))
}

/// The `k` best gallery items of every query, best first.
///
/// Of items with equal scores the one of the lower index comes first. The bits of scores, and so the order, are those of the command
/// line and the same for any number of threads.
///
/// Parameters
/// ----------
/// queries : array (q, dim)
/// gallery : array (n, dim)
///     Rows of both are scaled to unit length.
/// k : int
///     How many items of each query, from 1 to `n`. A method's own ``k`` is given in its signature:
///     ``rank(queries, gallery, 10, method="nnn(k=128)", bank=bank)``.
/// method : str
///     What corrects the similarities, by name or signature; ``"raw"`` corrects nothing. Any of `methods`; those that are transductive
///     read all `queries`.
/// bank : Bank or array (m, dim), optional
///     What the method learns from.
/// bias : array (n,), optional
///     A bias for every item, such as `bias` gives, in place of `method` and `bank`.
/// scores : bool
///     Whether corrected scores are returned, too: ``similarity - bias``; the product of the moved vectors; for rescaling methods what their
///     rule makes of the similarity, of which only the order has a meaning.
/// threads : int, optional
///     Threads to compute on; all cores without.
/// progress : callable, optional
///     Makes a bar, such as ``tqdm``.
/// **params
///     The method's parameters, but for its ``k``.
///
/// Returns
/// -------
/// int64 (q, k)
///     Indices of items, from 0.
/// float32 (q, k)
///     Only with `scores`: the corrected score of each, descending.
///
/// Raises
/// ------
/// ValueError
///     `k` is larger than the gallery, dimensions differ, the bank is missing or too small, or a row is zero or not finite.
/// TypeError
///     Something is no array of numbers, or the method has no such parameter.
#[pyfunction]
#[pyo3(signature = (
    queries, gallery, k=10, *, method="raw", bank=None, bias=None, scores=false, threads=None, progress=None, **params
))]
#[expect(clippy::too_many_arguments, reason = "keywords of Python")]
pub(crate) fn rank<'py>(
    py: Python<'py>,
    queries: &Bound<'py, PyAny>,
    gallery: &Bound<'py, PyAny>,
    k: i64,
    method: &str,
    bank: Option<&Bound<'py, PyAny>>,
    bias: Option<&Bound<'py, PyAny>>,
    scores: bool,
    threads: Option<i64>,
    progress: Option<Bound<'py, PyAny>>,
    params: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    let correction = Correction::of(method, params, bank, bias)?;
    let request = Request::of(queries, gallery, k, correction)?;
    let options = Options { threads, progress };
    let found = request.best(py, "rank", &options)?;
    let shape = [request.queries.len(), request.k];
    let items = indices(py, &found.items, shape)?;
    match scores {
        false => Ok(items.into_any()),
        true => {
            let scores = PyArray1::from_vec(py, found.scores).reshape(shape)?;
            (items, scores).into_bound_py_any(py)
        }
    }
}

/// Items as the integers that NumPy indexes with.
pub(crate) fn indices<'py>(
    py: Python<'py>,
    items: &[u32],
    shape: [usize; 2],
) -> PyResult<Bound<'py, PyArray2<i64>>> {
    PyArray1::from_iter(py, items.iter().map(|&item| i64::from(item))).reshape(shape)
}

/// How unevenly the gallery's items share the first `k` places of all queries.
///
/// Parameters
/// ----------
/// queries, gallery, k, method, bank, bias, threads, progress, **params
///     As those of `rank`.
///
/// Returns
/// -------
/// dict
///     ``k_occurrence``: int64 (n,), for how many queries each item is among the first `k`; and its statistics, all lower for less
///     hubness, named with their `k`: ``k_skewness@10``, ``k_kurtosis@10``, ``k_mae@10``, ``k_max@10``, ``gini@10``, ``robin_hood@10``,
///     ``antihub@10`` and ``hub_share@10`` (Radovanović, Nanopoulos and Ivanović, JMLR 2010).
///
/// Raises
/// ------
/// ValueError, TypeError
///     As `rank`; also where there is no query.
///
/// Examples
/// --------
/// >>> nnn_bench.hubness(queries, gallery, 1)["k_skewness@1"]
/// >>> nnn_bench.hubness(queries, gallery, 1, method="nnn", bank=bank)["k_skewness@1"]
#[pyfunction]
#[pyo3(signature = (
    queries, gallery, k=10, *, method="raw", bank=None, bias=None, threads=None, progress=None, **params
))]
#[expect(clippy::too_many_arguments, reason = "keywords of Python")]
pub(crate) fn hubness<'py>(
    py: Python<'py>,
    queries: &Bound<'py, PyAny>,
    gallery: &Bound<'py, PyAny>,
    k: i64,
    method: &str,
    bank: Option<&Bound<'py, PyAny>>,
    bias: Option<&Bound<'py, PyAny>>,
    threads: Option<i64>,
    progress: Option<Bound<'py, PyAny>>,
    params: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let correction = Correction::of(method, params, bank, bias)?;
    let request = Request::of(queries, gallery, k, correction)?;
    if request.queries.len() == 0 {
        return Err(wrong("queries", nnn_metrics::MetricError::NoQueries));
    }
    let options = Options { threads, progress };
    let found = request.best(py, "hubness", &options)?;
    let mut occurrences = vec![0u32; request.gallery.len()];
    for &item in &found.items {
        occurrences[item as usize] += 1;
    }
    let measured = PyDict::new(py);
    let counts = occurrences.iter().map(|&count| i64::from(count));
    measured.set_item("k_occurrence", PyArray1::from_iter(py, counts))?;
    let k = NonZeroUsize::new(request.k).unwrap_or(NonZeroUsize::MIN);
    for statistic in HubnessStatistic::ALL {
        let name = HubnessMetric { statistic, k }.to_string();
        measured.set_item(name, statistic.of(&occurrences))?;
    }
    Ok(measured)
}
